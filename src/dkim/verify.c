#include "dkim/verify.h"

#include <stdio.h>

#include "dkim/tags.h"

static int fail (ds_error *e, const char *why) {
  return ds_error_set(e, DS_ERR_PROTOCOL, DS_KIND_POLICY, NULL, "%s", why);
}

int ds_dkim_verify_begin (ds_dkim_pass *p, ds_error *e) {
  int rc = ds_dkim_pass_final(p, e);
  return rc == DS_ERR_NOMEM ? ds_error_nomem(e) : rc;
}

ds_span ds_dkim_verify_field (const ds_dkim_pass *p, size_t n) {
  const ds_dkim_header *h = &p->header;
  size_t i;
  for (i = 0; i < h->count; i++)
    if (ds_span_eqi(h->fields[i].name, ds_span_str("DKIM-Signature")) &&
        n-- == 0)
      return h->fields[i].text;
  return ds_span_of(NULL, 0);
}

/* -- reading one -- */

static int is_word (ds_span s, const char *word) {
  return ds_span_eqi(s, ds_span_str(word));
}

static int read_algorithm (const ds_tags *t, ds_dkim_signature *s,
                           ds_error *e) {
  ds_span a = ds_span_of("", 0);
  ds_tags_find(t, "a", &a);
  if (is_word(a, "rsa-sha256"))
    s->algorithm = DS_DKIM_RSA;
  else if (is_word(a, "ed25519-sha256"))
    s->algorithm = DS_DKIM_ED25519;
  else if (is_word(a, "rsa-sha1"))
    return ds_error_usage(e, "rsa-sha1 is worth nothing any more (RFC 8301)");
  else
    return ds_error_usage(e, "a= names no algorithm that is known");
  return DS_OK;
}

static int canon_of (ds_span word, ds_canon *c) {
  *c = is_word(word, "relaxed") ? DS_CANON_RELAXED : DS_CANON_SIMPLE;
  return *c == DS_CANON_RELAXED || is_word(word, "simple");
}

/* c=: simple where it says nothing, each by itself */
static int read_canon (const ds_tags *t, ds_dkim_signature *s, ds_error *e) {
  ds_span c;
  const char *slash;
  s->header = s->body = DS_CANON_SIMPLE;
  if (!ds_tags_find(t, "c", &c) || c.n == 0)
    return DS_OK;
  if ((slash = (const char *)memchr(c.p, '/', c.n)) != NULL) {
    ds_span body = ds_span_of(slash + 1, c.n - (size_t)(slash + 1 - c.p));
    if (!canon_of(body, &s->body))
      return ds_error_usage(e, "c= names no canonicalisation that is known");
    c.n = (size_t)(slash - c.p);
  }
  return canon_of(c, &s->header)
             ? DS_OK
             : ds_error_usage(e, "c= names no canonicalisation that is known");
}

/* a tag of up to 12 figures; absent: -1 */
static int read_time (const ds_tags *t, const char *name, int64_t *out) {
  ds_span s;
  size_t i;
  *out = -1;
  if (!ds_tags_find(t, name, &s))
    return 1;
  for (*out = 0, i = 0; i < s.n; i++)
    if (!ds_is_digit(s.p[i]))
      return 0;
    else
      *out = *out * 10 + (s.p[i] - '0');
  return s.n >= 1 && s.n <= 12;
}

/* is `inner` this domain, or one in it? */
static int within (ds_span inner, ds_span domain) {
  size_t lead = inner.n - domain.n;
  if (inner.n < domain.n ||
      !ds_span_eqi(ds_span_of(inner.p + lead, domain.n), domain))
    return 0;
  return lead == 0 || inner.p[lead - 1] == '.';
}

/* what stands behind the last '@' */
static ds_span domain_of (ds_span identity) {
  size_t i = identity.n;
  while (i > 0 && identity.p[i - 1] != '@')
    i--;
  return ds_span_of(identity.p + i, identity.n - i);
}

static int read_names (const ds_tags *t, ds_dkim_signature *s, ds_error *e) {
  if (!ds_tags_find(t, "d", &s->domain) ||
      !ds_tags_find(t, "s", &s->selector) || s->domain.n == 0 ||
      s->domain.n > 253 || s->selector.n == 0 || s->selector.n > 253)
    return ds_error_usage(e, "d= and s= do not name a key");
  s->identity = ds_span_of("", 0);
  if (ds_tags_find(t, "i", &s->identity) &&
      !within(domain_of(s->identity), s->domain))
    return ds_error_usage(e, "i= is not in the domain d=");
  return DS_OK;
}

static int read_rest (const ds_tags *t, ds_dkim_signature *s, ds_error *e) {
  ds_span v, other;
  int64_t made;
  if (!ds_tags_find(t, "v", &v) || !is_word(v, "1"))
    return ds_error_usage(e, "v= is not 1");
  if (!ds_tags_find(t, "h", &s->names) || !ds_tags_find(t, "bh", &s->hash) ||
      !ds_tags_find(t, "b", &s->value) || s->value.n == 0)
    return ds_error_usage(e, "h=, bh= or b= is missing");
  if (!ds_tags_lists(s->names, "From"))
    return ds_error_usage(e, "From is not signed");
  if (ds_tags_find(t, "l", &other))
    return ds_error_usage(e, "only a part of the body is signed (l=)");
  if (ds_tags_find(t, "q", &other) && !ds_tags_lists(other, "dns/txt"))
    return ds_error_usage(e, "the key is not in the DNS (q=)");
  if (!read_time(t, "t", &made) || !read_time(t, "x", &s->expires) ||
      (s->expires >= 0 && s->expires < made))
    return ds_error_usage(e, "t= and x= are no times, or the wrong way round");
  return DS_OK;
}

int ds_dkim_signature_parse (ds_span field, ds_dkim_signature *s, ds_error *e) {
  const char *colon = (const char *)memchr(field.p, ':', field.n);
  size_t name = (size_t)(colon - field.p) + 1;
  ds_tags t;
  int rc;
  s->field = field;
  if (ds_tags_parse(ds_span_of(colon + 1, field.n - name), &t) != DS_OK)
    return ds_error_usage(e, "the field is no list of tags");
  if ((rc = read_rest(&t, s, e)) != DS_OK ||
      (rc = read_algorithm(&t, s, e)) != DS_OK ||
      (rc = read_canon(&t, s, e)) != DS_OK)
    return rc;
  return read_names(&t, s, e);
}

size_t ds_dkim_signature_name (const ds_dkim_signature *s,
                               char out[DS_DKIM_NAME]) {
  int n =
      snprintf(out, DS_DKIM_NAME, "%.*s._domainkey.%.*s", (int)s->selector.n,
               s->selector.p, (int)s->domain.n, s->domain.p);
  return n < DS_DKIM_NAME ? (size_t)n : DS_DKIM_NAME - 1;
}

/* -- its key -- */

/* does the record say that this signature may be made with its key? */
static int check_record (const ds_tags *t, const ds_dkim_signature *s,
                         ds_error *e) {
  ds_span v;
  if (ds_tags_find(t, "v", &v) &&
      !(ds_span_eq(v, ds_span_str("DKIM1")) &&
        ds_span_eq(t->list[0].name, ds_span_str("v"))))
    return ds_error_usage(e, "the record is not one of DKIM1");
  if (!ds_tags_find(t, "k", &v))
    v = ds_span_str("rsa");
  if (!is_word(v, s->algorithm == DS_DKIM_RSA ? "rsa" : "ed25519"))
    return ds_error_usage(e, "the record's key is of another kind");
  if (ds_tags_find(t, "h", &v) && !ds_tags_lists(v, "sha256"))
    return ds_error_usage(e, "the record does not allow SHA-256");
  if (ds_tags_find(t, "s", &v) && !ds_tags_lists(v, "*") &&
      !ds_tags_lists(v, "email"))
    return ds_error_usage(e, "the record's key is not for mail");
  if (ds_tags_find(t, "t", &v) && ds_tags_lists(v, "s") && s->identity.n > 0 &&
      !ds_span_eqi(domain_of(s->identity), s->domain))
    return ds_error_usage(e, "the record allows no subdomain in i=");
  return DS_OK;
}

static ds_dkim_key *read_key (ds_span record, const ds_dkim_signature *s,
                              ds_error *e) {
  ds_dkim_key *k = NULL;
  ds_span p;
  ds_tags t;
  ds_buf octets;
  int rc;
  if (ds_tags_parse(record, &t) != DS_OK || !ds_tags_find(&t, "p", &p)) {
    ds_error_usage(e, "this is no record of a key");
    return NULL;
  }
  if (check_record(&t, s, e) != DS_OK)
    return NULL;
  if (p.n == 0) {
    ds_error_usage(e, "the key was revoked");
    return NULL;
  }
  ds_buf_init(&octets);
  if ((rc = ds_tags_base64(p, &octets)) == DS_OK)
    k = ds_dkim_key_public(s->algorithm, ds_buf_span(&octets), e);
  else if (rc == DS_ERR_NOMEM)
    ds_error_nomem(e);
  else
    ds_error_usage(e, "the record's key is no base64");
  ds_buf_clear(&octets);
  return k;
}

/* -- checking -- */

/* the field without what b= says; its line end is ds_canon_field's matter */
static int without_value (const ds_dkim_signature *s, ds_buf *out) {
  const char *end = s->field.p + s->field.n;
  const char *value = s->value.p, *behind = s->value.p + s->value.n;
  while (value[-1] != '=') /* white space around it goes, too */
    value--;
  while (behind < end && *behind != ';')
    behind++;
  ds_buf_append(out, s->field.p, (size_t)(value - s->field.p));
  return ds_buf_append(out, behind, (size_t)(end - behind));
}

static int digest_header (const ds_dkim_signature *s, ds_dkim_pass *p,
                          unsigned char digest[DS_HASH]) {
  ds_buf field, text;
  int rc;
  ds_buf_init(&field);
  ds_buf_init(&text);
  rc = without_value(s, &field);
  if (rc == DS_OK)
    rc = ds_dkim_header_canon(&p->header, s->names, s->header,
                              ds_buf_span(&field), &text);
  if (rc == DS_OK)
    rc = ds_dkim_pass_digest(p, ds_buf_span(&text), digest);
  ds_buf_clear(&field);
  ds_buf_clear(&text);
  return rc;
}

static int check_body (const ds_dkim_signature *s, const ds_dkim_pass *p,
                       ds_error *e) {
  ds_buf hash;
  int rc, same;
  ds_buf_init(&hash);
  rc = ds_tags_base64(s->hash, &hash);
  same = rc == DS_OK && hash.len == DS_HASH &&
         memcmp(ds_buf_data(&hash), p->digest[s->body], DS_HASH) == 0;
  ds_buf_clear(&hash);
  if (rc == DS_ERR_NOMEM)
    return ds_error_nomem(e);
  return same ? DS_OK : fail(e, "the body is not the one that was signed");
}

static int check_header (const ds_dkim_signature *s, ds_dkim_pass *p,
                         ds_dkim_key *k, ds_error *e) {
  unsigned char digest[DS_HASH];
  ds_buf octets;
  int rc;
  ds_buf_init(&octets);
  rc = ds_tags_base64(s->value, &octets);
  if (rc == DS_OK)
    rc = digest_header(s, p, digest);
  if (rc == DS_OK)
    rc = ds_dkim_key_verify(k, digest, (unsigned char *)ds_buf_data(&octets),
                            octets.len);
  ds_buf_clear(&octets);
  if (rc == DS_ERR_NOMEM)
    return ds_error_nomem(e);
  return rc == DS_OK ? DS_OK
                     : fail(e, "the header is not the one that was signed, or "
                               "not with this key");
}

int ds_dkim_signature_check (const ds_dkim_signature *s, ds_dkim_pass *p,
                             ds_span record, int64_t now, ds_error *e) {
  ds_dkim_key *k;
  int rc;
  if (s->expires >= 0 && s->expires < now)
    return fail(e, "the signature has expired");
  if ((k = read_key(record, s, e)) == NULL)
    return e->code;
  if ((rc = check_body(s, p, e)) == DS_OK)
    rc = check_header(s, p, k, e);
  ds_dkim_key_free(k);
  return rc;
}
