#include "dkim/sign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>

#include "dkim/inner.h"

#define FOLD 78 /* RFC 5322 §2.1.1 */

/* RFC 6376 §5.4.1; sealed: may not be added to, seen or unseen */
static const struct {
  const char *name;
  int sealed;
} signed_fields[] = {
    {"From", 1},         {"To", 1},
    {"Cc", 1},           {"Subject", 1},
    {"Date", 1},         {"Message-ID", 1},
    {"Reply-To", 1},     {"MIME-Version", 1},
    {"Content-Type", 1}, {"Content-Transfer-Encoding", 0},
    {"Sender", 0},       {"In-Reply-To", 0},
    {"References", 0},   {"Auto-Submitted", 0},
};
#define FIELDS (sizeof signed_fields / sizeof *signed_fields)

/* -- what is signed -- */

static void add (ds_buf *names, ds_span name, size_t times) {
  while (times-- > 0) {
    if (names->len > 0)
      ds_buf_putc(names, ':');
    ds_buf_putspan(names, name);
  }
}

/* List-…, of octets that may stand in h=: RFC 5322 allows more */
static int is_list (ds_span name) {
  size_t i;
  if (name.n < 6 || !ds_span_eqi(ds_span_of(name.p, 5), ds_span_str("List-")))
    return 0;
  for (i = 5; i < name.n; i++)
    if (!ds_is_alpha(name.p[i]) && !ds_is_digit(name.p[i]) && name.p[i] != '-')
      return 0;
  return 1;
}

/* the value of h= */
static void choose (const ds_dkim_header *h, ds_buf *names) {
  size_t i;
  ds_buf_empty(names);
  for (i = 0; i < FIELDS; i++) {
    ds_span name = ds_span_str(signed_fields[i].name);
    add(names, name,
        ds_dkim_header_count(h, name) + (size_t)signed_fields[i].sealed);
  }
  for (i = 0; i < h->count; i++)
    if (is_list(h->fields[i].name))
      add(names, h->fields[i].name, 1);
}

/* -- the field -- */

typedef struct writer {
  ds_buf *out;
  size_t column;
} writer;

static void put (writer *w, ds_span s) {
  ds_buf_putspan(w->out, s);
  w->column += s.n;
}

static void fold (writer *w) {
  ds_buf_puts(w->out, "\r\n ");
  w->column = 1;
}

/* behind a space, or on a line of its own */
static void token (writer *w, const char *format, ...) {
  char text[320]; /* holds the longest: d= and a domain */
  va_list args;
  int n;
  va_start(args, format);
  n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (w->column + 1 + (size_t)n > FOLD)
    fold(w);
  else
    put(w, ds_span_of(" ", 1));
  put(w, ds_span_of(text, (size_t)n));
}

/* the names, a line ending behind a colon where it must */
static void put_names (writer *w, ds_span names) {
  while (names.n > 0) {
    const char *colon = (const char *)memchr(names.p, ':', names.n);
    size_t n = colon != NULL ? (size_t)(colon - names.p) + 1 : names.n;
    if (w->column + n + 1 > FOLD)
      fold(w);
    put(w, ds_span_of(names.p, n));
    names = ds_span_of(names.p + n, names.n - n);
  }
  put(w, ds_span_str(";"));
}

static void put_base64 (writer *w, const unsigned char *p, size_t n) {
  unsigned char text[(DS_DKIM_OCTETS + 2) / 3 * 4 + 1];
  size_t left = (size_t)EVP_EncodeBlock(text, p, (int)n), at = 0;
  while (left > 0) {
    size_t room = w->column < FOLD ? FOLD - w->column : 0;
    size_t k = left < room ? left : room;
    put(w, ds_span_of((const char *)text + at, k));
    at += k;
    left -= k;
    if (left > 0)
      fold(w);
  }
}

static const char *canon_name (ds_canon c) {
  return c == DS_CANON_SIMPLE ? "simple" : "relaxed";
}

static void put_times (writer *w, const ds_dkim_identity *d, int64_t time) {
  if (time < 0)
    return;
  token(w, "t=%" PRId64 ";", time);
  if (d->life > 0)
    token(w, "x=%" PRId64 ";", time + d->life);
}

/* the field up to the value of its last tag, b= */
static void put_tags (writer *w, const ds_dkim_identity *d, ds_span names,
                      int64_t time, const unsigned char body[DS_HASH]) {
  unsigned char hash[(DS_HASH + 2) / 3 * 4 + 1];
  put(w, ds_span_str("DKIM-Signature:"));
  token(w, "v=1;");
  token(w, "a=%s;", ds_dkim_algorithm_name(ds_dkim_key_algorithm(d->key)));
  token(w, "c=%s/%s;", canon_name(d->header), canon_name(d->body));
  token(w, "d=%.*s;", (int)d->domain.n, d->domain.p);
  token(w, "s=%.*s;", (int)d->selector.n, d->selector.p);
  put_times(w, d, time);
  token(w, "h=");
  put_names(w, names);
  EVP_EncodeBlock(hash, body, DS_HASH);
  token(w, "bh=%s;", (const char *)hash);
  token(w, "b=");
}

static int sign_one (ds_dkim_signer *s, const ds_dkim_identity *d,
                     ds_dkim_pass *p, int64_t time, ds_error *e) {
  unsigned char digest[DS_HASH], signature[DS_DKIM_OCTETS];
  writer w;
  size_t n;
  w.out = &s->field;
  w.column = 0;
  ds_buf_empty(&s->field);
  ds_buf_empty(&s->canon);
  put_tags(&w, d, ds_buf_span(&s->names), time, p->digest[d->body]);
  if (ds_buf_failed(&s->field) ||
      ds_dkim_header_canon(&p->header, ds_buf_span(&s->names), d->header,
                           ds_buf_span(&s->field), &s->canon) != DS_OK)
    return ds_error_nomem(e);
  if (ds_dkim_pass_digest(p, ds_buf_span(&s->canon), digest) != DS_OK ||
      ds_dkim_key_sign(d->key, digest, signature, &n) != DS_OK)
    return ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
                        "OpenSSL could not sign the message");
  put_base64(&w, signature, n);
  ds_buf_puts(&s->field, "\r\n");
  return ds_buf_failed(&s->field) ? ds_error_nomem(e) : DS_OK;
}

static int check_from (const ds_dkim_header *h, ds_error *e) {
  if (ds_dkim_header_count(h, ds_span_str("From")) > 0)
    return DS_OK;
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "from",
                      "the message has no From field");
}

static int sign_all (ds_dkim_signer *s, ds_dkim_pass *p, int64_t time,
                     ds_buf *out, ds_error *e) {
  int rc = DS_OK;
  size_t i;
  choose(&p->header, &s->names);
  if (ds_buf_failed(&s->names))
    return ds_error_nomem(e);
  for (i = 0; i < s->count && rc == DS_OK; i++) {
    rc = sign_one(s, &s->list[i], p, time, e);
    if (rc == DS_OK && ds_buf_putspan(out, ds_buf_span(&s->field)) != DS_OK)
      rc = ds_error_nomem(e);
  }
  return rc;
}

int ds_dkim_sign (ds_dkim_signer *s, ds_dkim_pass *p, int64_t time, ds_buf *out,
                  ds_error *e) {
  int rc = ds_dkim_pass_final(p, e);
  if (rc == DS_OK)
    rc = check_from(&p->header, e);
  if (rc == DS_OK)
    rc = sign_all(s, p, time, out, e);
  if (rc != DS_ERR_NOMEM)
    return rc;
  ds_buf_clear(&s->names); /* a buffer that failed is of no use any more */
  ds_buf_clear(&s->field);
  ds_buf_clear(&s->canon);
  return ds_error_nomem(e);
}
