#include "mime/raw.h"

#include "mime/crlf.h"
#include "mime/field.h"
#include "mime/message.h"
#include "util/mem.h"

#define CHUNK 8192

/* the octets of s up to and with its first line end; 0: it has none */
static size_t line (ds_span s) {
  const char *lf = s.n > 0 ? (const char *)memchr(s.p, '\n', s.n) : NULL;
  return lf == NULL ? 0 : (size_t)(lf - s.p) + 1;
}

static ds_span behind (ds_span s, size_t n) {
  return ds_span_of(s.p + n, s.n - n);
}

/* the field at the front of s, with all its lines; 0: the header is over */
static size_t field (ds_span s) {
  size_t n = line(s);
  if (n <= 2)
    return 0;
  for (;;) {
    ds_span rest = behind(s, n);
    if (rest.n == 0 || (*rest.p != ' ' && *rest.p != '\t'))
      return n;
    n += line(rest);
  }
}

static size_t colon (ds_span s) {
  size_t i = 0;
  while (i < s.n && s.p[i] != ':')
    i++;
  return i;
}

/* the header with its blank line; 0: that has not come yet.  What was looked
   at before is not again, however small the pieces. */
static size_t header (ds_raw *r) {
  const char *p = ds_buf_data(&r->head), *lf;
  while (r->seen < r->head.len &&
         (lf = (const char *)memchr(p + r->seen, '\n',
                                    r->head.len - r->seen)) != NULL) {
    size_t from = r->line;
    r->line = r->seen = (size_t)(lf - p) + 1;
    if (r->line - from == 2)
      return r->line;
  }
  r->seen = r->head.len;
  return 0;
}

void ds_raw_init (ds_raw *r) {
  memset(r, 0, sizeof *r);
  ds_scan_init(&r->body);
}

void ds_raw_clear (ds_raw *r) {
  ds_buf_clear(&r->head);
}

static int take (ds_raw *r, const char *p, size_t n, ds_error *e) {
  char text[2 * CHUNK];
  size_t k = ds_crlf_update(&r->lines, p, n, text);
  if (r->head_n > 0) {
    ds_scan_update(&r->body, text, k);
    return DS_OK;
  }
  if (ds_buf_append(&r->head, text, k) != DS_OK)
    return DS_ERR_NOMEM;
  r->head_n = header(r);
  if ((r->head_n > 0 ? r->head_n : r->head.len) > DS_HEADER_BLOCK)
    return ds_error_usage(e, "a header of more than 262144 octets");
  if (r->head_n > 0)
    ds_scan_update(&r->body, ds_buf_data(&r->head) + r->head_n,
                   r->head.len - r->head_n);
  return DS_OK;
}

int ds_raw_update (ds_raw *r, const void *p, size_t n, ds_error *e) {
  const char *in = (const char *)p;
  int rc = DS_OK;
  while (n > 0 && rc == DS_OK) {
    size_t k = n < CHUNK ? n : CHUNK;
    rc = take(r, in, k, e);
    in += k;
    n -= k;
  }
  return rc;
}

int ds_raw_final (ds_raw *r) {
  if (r->head_n > 0)
    r->head.len = r->head_n;
  else if (r->lines.open && ds_buf_puts(&r->head, "\r\n") != DS_OK)
    return DS_ERR_NOMEM;
  ds_scan_final(&r->body);
  return DS_OK;
}

static int is_bcc (ds_span name) {
  return ds_span_eqi(name, ds_span_str("Bcc")) ||
         ds_span_eqi(name, ds_span_str("Resent-Bcc"));
}

/* has a header a field of that name? */
static int has (ds_span head, ds_span name) {
  size_t n;
  for (; (n = field(head)) > 0; head = behind(head, n))
    if (ds_span_eqi(ds_span_of(head.p, colon(ds_span_of(head.p, n))), name))
      return 1;
  return 0;
}

/* every field of the header but Bcc, and those that `own` has too, into *out;
   the blank line too */
static int copy_header (ds_span head, ds_span own, ds_buf *out, size_t *fields,
                        ds_error *e) {
  size_t n;
  while ((n = field(head)) > 0) {
    ds_span name = ds_span_of(head.p, colon(ds_span_of(head.p, n)));
    if (name.n == n || !ds_field_name_ok(name))
      return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                          "field %lu of the header is none: '%.*s'",
                          (unsigned long)*fields + 1,
                          (int)(n - 2 < 60 ? n - 2 : 60), head.p);
    if (++*fields > DS_HEADERS)
      return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                          "more than %d header fields", DS_HEADERS);
    if (!is_bcc(name) && !has(own, name))
      ds_buf_append(out, head.p, n);
    head = behind(head, n);
  }
  if (out->len == 0 && !ds_buf_failed(out))
    return ds_error_usage(e, "it has no header");
  ds_buf_putspan(out, head);
  return ds_buf_failed(out) ? DS_ERR_NOMEM : DS_OK;
}

static int check_plain (const ds_scan *s, ds_error *e) {
  if (s->nul)
    return ds_error_usage(e, "a NUL octet cannot stand in a message");
  if (s->longest > DS_FIELD_LINE)
    return ds_error_usage(e, "a line is longer than 998 octets");
  return DS_OK;
}

static int adopt (ds_message *m, ds_raw *r, const ds_content *c, ds_error *e) {
  ds_scan head;
  int rc;
  ds_scan_init(&head);
  ds_scan_update(&head, ds_buf_data(&r->head), r->head.len);
  if ((rc = check_plain(&head, e)) != DS_OK ||
      (rc = check_plain(&r->body, e)) != DS_OK ||
      (rc = copy_header(ds_buf_span(&r->head), ds_span_of(NULL, 0),
                        &m->layout.text, &m->fields, e)) != DS_OK)
    return rc;
  if ((m->plain = (ds_part *)ds_calloc(1, sizeof *m->plain)) == NULL)
    return DS_ERR_NOMEM;
  m->plain->content = *c;
  m->plain->text = 1;
  m->plain->how = DS_ENC_8BIT;
  m->plain->skip = r->head.len;
  m->plain->size = r->body.size;
  m->flags = (head.eight ? DS_MESSAGE_UTF8 | DS_MESSAGE_8BIT : 0) |
             (r->body.eight ? DS_MESSAGE_8BIT : 0) |
             (head.fragile || r->body.fragile ? DS_MESSAGE_FRAGILE : 0);
  ds_buf_swap(&m->head, &r->head);
  return ds_layout_body(&m->layout, m->plain);
}

static int read_all (ds_raw *r, const ds_content *c, ds_error *e) {
  char chunk[CHUNK];
  uint64_t at = 0;
  long n;
  int rc = DS_OK;
  while (rc == DS_OK && (n = c->read(c->ud, at, chunk, CHUNK, e)) != 0) {
    rc = n < 0 ? (int)n : take(r, chunk, (size_t)n, e);
    at += n > 0 ? (uint64_t)n : 0;
  }
  return rc == DS_OK ? ds_raw_final(r) : rc;
}

int ds_message_raw (ds_message *m, const ds_content *c, ds_raw *seen,
                    ds_error *e) {
  ds_raw own;
  int rc = DS_OK;
  ds_raw_init(&own);
  if (seen == NULL) {
    seen = &own;
    rc = read_all(&own, c, e);
  }
  if (rc == DS_OK)
    rc = adopt(m, seen, c, e);
  ds_raw_clear(&own);
  if (rc == DS_ERR_NOMEM)
    ds_error_nomem(e);
  return rc;
}

/* a header with its blank line */
static ds_span header_of (ds_span text) {
  ds_span rest = text;
  size_t n;
  while ((n = field(rest)) > 0)
    rest = behind(rest, n);
  return ds_span_of(text.p, text.n - rest.n + line(rest));
}

/* the other message's header, but for what was given here; its octets */
static size_t replace (ds_message *m, const ds_message *inner, int *rc,
                       ds_error *e) {
  ds_span head = header_of(ds_buf_span(&inner->layout.text));
  ds_buf_swap(&m->layout.text, &m->head);
  ds_buf_putspan(&m->head, ds_buf_span(&m->layout.text));
  *rc =
      copy_header(head, ds_buf_span(&m->head), &m->layout.text, &m->fields, e);
  ds_buf_empty(&m->head);
  ds_buf_putspan(&m->head, ds_buf_span(&m->layout.text));
  return head.n;
}

int ds_message_wrap (ds_message *m, const ds_message *inner,
                     const ds_content *c, ds_error *e) {
  size_t skip = 0;
  int rc = DS_OK;
  if (m->head.len > 0)
    skip = replace(m, inner, &rc, e);
  m->plain = (ds_part *)ds_calloc(1, sizeof *m->plain);
  if (rc == DS_OK && (m->plain == NULL || ds_buf_failed(&m->head)))
    rc = DS_ERR_NOMEM;
  if (rc == DS_OK) {
    m->plain->content = *c;
    m->plain->how = DS_ENC_8BIT;
    m->plain->skip = skip;
    m->plain->size = c->size - skip;
    m->flags |= inner->flags;
    rc = ds_layout_body(&m->layout, m->plain);
  }
  return rc == DS_ERR_NOMEM ? ds_error_nomem(e) : rc;
}
