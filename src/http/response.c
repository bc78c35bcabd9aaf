#include "http/response.h"

#include <string.h>

#include "util/span.h"

void ds_http_init (ds_http *h) {
  memset(h, 0, sizeof *h);
  ds_buf_init(&h->body);
  ds_buf_init(&h->line);
}

void ds_http_clear (ds_http *h) {
  ds_buf_clear(&h->body);
  ds_buf_clear(&h->line);
}

static int broken (ds_error *e, const char *what) {
  return ds_error_set(e, DS_ERR_PROTOCOL, DS_KIND_PROTOCOL, NULL,
                      "the HTTP response %s", what);
}

static int too_much (ds_error *e, const char *what) {
  return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_PROTOCOL, NULL,
                      "the HTTP response has %s", what);
}

static int no_memory (ds_error *e) {
  return ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
}

/* ------------------------------------------------------------------ text */

static int blank (int c) {
  return c == ' ' || c == '\t';
}

static ds_span trim (ds_span s) {
  while (s.n > 0 && blank((unsigned char)s.p[0]))
    s = ds_span_of(s.p + 1, s.n - 1);
  while (s.n > 0 && blank((unsigned char)s.p[s.n - 1]))
    s.n--;
  return s;
}

static int is (ds_span s, const char *word) {
  return ds_span_eqi(s, ds_span_str(word));
}

/* RFC 9110 §5.6.2 */
static int is_token (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++) {
    int c = (unsigned char)s.p[i];
    if (!ds_is_alpha(c) && !ds_is_digit(c) &&
        (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
      return 0;
  }
  return s.n > 0;
}

static int hex_value (int c) {
  int l = ds_lower(c);
  if (ds_is_digit(c))
    return c - '0';
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* digits of that base and nothing else, 15 at most; < 0: they are not */
static int64_t number (ds_span s, int base) {
  int64_t v = 0;
  size_t i;
  if (s.n == 0 || s.n > 15)
    return -1;
  for (i = 0; i < s.n; i++) {
    int d = hex_value((unsigned char)s.p[i]);
    if (d < 0 || d >= base)
      return -1;
    v = v * base + d;
  }
  return v;
}

/* ---------------------------------------------------------------- fields */

static void take_type (ds_http *h, ds_span v) {
  const char *end = (const char *)memchr(v.p, ';', v.n);
  size_t i;
  if (end != NULL)
    v = trim(ds_span_of(v.p, (size_t)(end - v.p)));
  if (v.n >= sizeof h->type)
    v.n = 0;
  for (i = 0; i < v.n; i++)
    h->type[i] = (char)ds_lower((unsigned char)v.p[i]);
  h->type[v.n] = '\0';
}

/* twice the same says it once (RFC 9112 §6.3) */
static int take_length (ds_http *h, ds_span v, ds_error *e) {
  int64_t n = number(v, 10);
  if (n < 0 || (h->sized && h->left != (uint64_t)n))
    return broken(e, "has no single Content-Length");
  h->sized = 1;
  h->left = (uint64_t)n;
  return DS_OK;
}

static int take_field (ds_http *h, ds_span name, ds_span v, ds_error *e) {
  if (is(name, "content-type"))
    take_type(h, v);
  else if (is(name, "content-encoding"))
    h->encoded = h->encoded || !is(v, "identity");
  else if (is(name, "content-length"))
    return take_length(h, v, e);
  else if (is(name, "transfer-encoding")) {
    if (h->chunked || !is(v, "chunked"))
      return broken(e, "has a transfer encoding other than chunked");
    h->chunked = 1;
  }
  return DS_OK;
}

static int field_line (ds_http *h, ds_span s, ds_error *e) {
  const char *colon = (const char *)memchr(s.p, ':', s.n);
  ds_span name = ds_span_of(s.p, colon != NULL ? (size_t)(colon - s.p) : 0);
  if (!is_token(name))
    return broken(e, "has a line that is no field");
  if (h->state == DS_HTTP_TRAILERS)
    return DS_OK;
  return take_field(h, name, trim(ds_span_of(colon + 1, s.n - name.n - 1)), e);
}

static int status_line (ds_http *h, ds_span s, ds_error *e) {
  static const char version[] = "HTTP/1.";
  size_t n = sizeof version - 1;
  if (s.n < n + 5 || memcmp(s.p, version, n) != 0 ||
      !ds_is_digit((unsigned char)s.p[n]) || s.p[n + 1] != ' ' ||
      (s.n > n + 5 && s.p[n + 5] != ' '))
    return broken(e, "does not begin as one");
  h->status = (int)number(ds_span_of(s.p + n + 2, 3), 10);
  if (h->status < 100)
    return broken(e, "does not begin as one");
  h->state = DS_HTTP_FIELDS;
  return DS_OK;
}

/* the head is over: how is the body told? */
static int head_end (ds_http *h, ds_error *e) {
  if (h->status < 200 && h->status != 101) {
    h->status = 0;
    h->sized = h->chunked = h->encoded = 0;
    h->state = DS_HTTP_STATUS_LINE;
    return DS_OK;
  }
  h->state = DS_HTTP_WHOLE;
  if (h->status != 200)
    return DS_OK;
  if (h->encoded)
    return broken(e, "has a content encoding nobody asked for");
  if (h->chunked && h->sized)
    return broken(e, "has both a length and chunks");
  if (h->sized && h->left > DS_HTTP_BODY)
    return too_much(e, "a body of more than 64 KiB");
  if (h->chunked)
    h->state = DS_HTTP_CHUNK_LINE;
  else if (!h->sized)
    h->state = DS_HTTP_OPEN;
  else if (h->left > 0)
    h->state = DS_HTTP_SIZED;
  return DS_OK;
}

static int chunk_line (ds_http *h, ds_span s, ds_error *e) {
  const char *end = (const char *)memchr(s.p, ';', s.n);
  int64_t n;
  if (end != NULL)
    s.n = (size_t)(end - s.p);
  n = number(trim(s), 16);
  if (n < 0)
    return broken(e, "has a chunk without a length");
  h->left = (uint64_t)n;
  h->state = n > 0 ? DS_HTTP_CHUNK : DS_HTTP_TRAILERS;
  return DS_OK;
}

/* ----------------------------------------------------------------- lines */

static int take_line (ds_http *h, ds_span s, ds_error *e) {
  if (memchr(s.p, '\0', s.n) != NULL || memchr(s.p, '\r', s.n) != NULL)
    return broken(e, "has controls in its head");
  switch (h->state) {
  case DS_HTTP_STATUS_LINE:
    return status_line(h, s, e);
  case DS_HTTP_CHUNK_LINE:
    return chunk_line(h, s, e);
  case DS_HTTP_CHUNK_END:
    h->state = DS_HTTP_CHUNK_LINE;
    return s.n == 0 ? DS_OK : broken(e, "has a chunk longer than it said");
  default:
    if (s.n > 0)
      return field_line(h, s, e);
    if (h->state == DS_HTTP_FIELDS)
      return head_end(h, e);
    h->state = DS_HTTP_WHOLE;
    return DS_OK;
  }
}

static ds_span without_end (ds_span s) {
  s.n--;
  if (s.n > 0 && s.p[s.n - 1] == '\r')
    s.n--;
  return s;
}

/* bytes of a line; how many were taken, or an error */
static long feed_line (ds_http *h, const char *p, size_t n, ds_error *e) {
  const char *end = (const char *)memchr(p, '\n', n);
  size_t take = end != NULL ? (size_t)(end - p) + 1 : n;
  int r;
  h->head += take;
  if (h->head > DS_HTTP_HEAD)
    return too_much(e, "too long a head");
  if (ds_buf_append(&h->line, p, take) != DS_OK)
    return no_memory(e);
  if (end != NULL) {
    r = take_line(h, without_end(ds_buf_span(&h->line)), e);
    ds_buf_empty(&h->line);
    if (r != DS_OK)
      return r;
  }
  return (long)take;
}

/* bytes of a body; how many were taken, or an error */
static long feed_body (ds_http *h, const char *p, size_t n, ds_error *e) {
  if (h->state != DS_HTTP_OPEN && n > h->left)
    n = (size_t)h->left;
  if (n > DS_HTTP_BODY - h->body.len)
    return too_much(e, "a body of more than 64 KiB");
  if (ds_buf_append(&h->body, p, n) != DS_OK)
    return no_memory(e);
  if (h->state == DS_HTTP_OPEN)
    return (long)n;
  h->left -= n;
  if (h->left == 0)
    h->state = h->state == DS_HTTP_CHUNK ? DS_HTTP_CHUNK_END : DS_HTTP_WHOLE;
  return (long)n;
}

static int in_body (const ds_http *h) {
  return h->state == DS_HTTP_SIZED || h->state == DS_HTTP_CHUNK ||
         h->state == DS_HTTP_OPEN;
}

int ds_http_feed (ds_http *h, const void *p, size_t n, ds_error *e) {
  const char *at = (const char *)p;
  while (n > 0 && h->state != DS_HTTP_WHOLE) {
    long took = in_body(h) ? feed_body(h, at, n, e) : feed_line(h, at, n, e);
    if (took < 0)
      return (int)took;
    at += took;
    n -= (size_t)took;
  }
  return h->state == DS_HTTP_WHOLE;
}

int ds_http_end (ds_http *h, int orderly, ds_error *e) {
  if (h->state == DS_HTTP_OPEN && orderly)
    h->state = DS_HTTP_WHOLE;
  return h->state == DS_HTTP_WHOLE ? 1 : broken(e, "was cut");
}
