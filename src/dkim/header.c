#include "dkim/header.h"

#include "util/mem.h"

void ds_dkim_header_init (ds_dkim_header *h) {
  memset(h, 0, sizeof *h);
}

void ds_dkim_header_clear (ds_dkim_header *h) {
  ds_buf_clear(&h->text);
  ds_free(h->fields);
  ds_dkim_header_init(h);
}

void ds_dkim_header_empty (ds_dkim_header *h) {
  if (h->failed != DS_OK) /* a buffer does not forget that it failed */
    ds_buf_clear(&h->text);
  ds_buf_empty(&h->text);
  h->line = h->count = 0;
  h->complete = 0;
  h->failed = DS_OK;
}

static void append (ds_dkim_header *h, const char *p, size_t n) {
  if (n > DS_DKIM_HEADER - h->text.len)
    h->failed = DS_ERR_LIMIT;
  else if (ds_buf_append(&h->text, p, n) != DS_OK)
    h->failed = DS_ERR_NOMEM;
}

/* a line of CRLF and nothing else is the last, and not kept */
static void end_line (ds_dkim_header *h) {
  const char *end = ds_buf_data(&h->text) + h->text.len;
  if (h->line < 2 || end[-2] != '\r')
    h->failed = DS_ERR_USAGE;
  else if (h->line == 2) {
    h->complete = 1;
    h->text.len -= 2;
  }
  h->line = 0;
}

size_t ds_dkim_header_feed (ds_dkim_header *h, const char *p, size_t n) {
  size_t at = 0;
  if (h->failed != DS_OK)
    return n;
  while (at < n && !h->complete) {
    const char *lf = (const char *)memchr(p + at, '\n', n - at);
    size_t k = lf != NULL ? (size_t)(lf - p) + 1 - at : n - at;
    append(h, p + at, k);
    h->line += k;
    if (lf != NULL && h->failed == DS_OK)
      end_line(h);
    if (h->failed != DS_OK)
      return n;
    at += k;
  }
  return at;
}

/* the line at the front of s, with its end */
static size_t line (ds_span s) {
  const char *lf = (const char *)memchr(s.p, '\n', s.n);
  return lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;
}

static int continues (ds_span s) {
  return s.n > 0 && (*s.p == ' ' || *s.p == '\t');
}

/* the field at the front of s, with all its lines */
static ds_dkim_field field (ds_span s) {
  ds_dkim_field f;
  size_t n = line(s), name = 0;
  while (continues(ds_span_of(s.p + n, s.n - n)))
    n += line(ds_span_of(s.p + n, s.n - n));
  while (name < n && s.p[name] != ':')
    name++;
  f.text = ds_span_of(s.p, n);
  if (name == n)
    name = 0;
  while (name > 0 && continues(ds_span_of(s.p + name - 1, 1)))
    name--;
  f.name = ds_span_of(s.p, name);
  return f;
}

static size_t count_fields (ds_span s) {
  size_t n = 0;
  while (s.n > 0) {
    ds_dkim_field f = field(s);
    s = ds_span_of(s.p + f.text.n, s.n - f.text.n);
    n++;
  }
  return n;
}

static int find_fields (ds_dkim_header *h, size_t n) {
  ds_span s = ds_buf_span(&h->text);
  size_t i;
  ds_dkim_field *fields =
      (ds_dkim_field *)ds_realloc(h->fields, (n + 1) * sizeof *fields);
  if (fields == NULL)
    return DS_ERR_NOMEM;
  for (i = 0; i < n; i++) {
    fields[i] = field(s);
    s = ds_span_of(s.p + fields[i].text.n, s.n - fields[i].text.n);
  }
  h->fields = fields;
  h->count = n;
  return DS_OK;
}

static int too_much (ds_error *e, unsigned long most, const char *what) {
  return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                      "a header of more than %lu %s", most, what);
}

int ds_dkim_header_final (ds_dkim_header *h, ds_error *e) {
  size_t n;
  if (h->line > 0 && h->failed == DS_OK) /* a last line without an end */
    append(h, "\r\n", 2);
  if (h->failed == DS_ERR_USAGE)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "the lines of the message do not end in CRLF");
  if (h->failed == DS_ERR_LIMIT)
    return too_much(e, DS_DKIM_HEADER, "octets");
  if (h->failed != DS_OK)
    return h->failed;
  n = count_fields(ds_buf_span(&h->text));
  if (n > DS_DKIM_FIELDS)
    return too_much(e, DS_DKIM_FIELDS, "fields");
  return find_fields(h, n);
}

size_t ds_dkim_header_count (const ds_dkim_header *h, ds_span name) {
  size_t i, n = 0;
  for (i = 0; i < h->count; i++)
    n += (size_t)ds_span_eqi(h->fields[i].name, name);
  return n;
}

/* the last field of that name that is not picked yet; h->count: there is none,
   which stands for one without octets (RFC 6376 §5.4.2) */
static size_t pick (const ds_dkim_header *h, ds_span name,
                    const unsigned char *picked) {
  size_t i = h->count;
  while (i-- > 0)
    if (!picked[i] && ds_span_eqi(h->fields[i].name, name))
      return i;
  return h->count;
}

/* the name at the front of a list, and the list behind it */
static ds_span shift (ds_span *names) {
  const char *colon = (const char *)memchr(names->p, ':', names->n);
  size_t n = colon != NULL ? (size_t)(colon - names->p) : names->n;
  size_t used = colon != NULL ? n + 1 : n;
  ds_span s = ds_span_of(names->p, n);
  *names = ds_span_of(names->p + used, names->n - used);
  while (s.n > 0 && (unsigned char)*s.p <= ' ')
    s = ds_span_of(s.p + 1, s.n - 1);
  while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
    s.n--;
  return s;
}

int ds_dkim_header_canon (const ds_dkim_header *h, ds_span names, ds_canon how,
                          ds_span signature, ds_buf *out) {
  unsigned char picked[DS_DKIM_FIELDS] = {0};
  while (names.n > 0) {
    ds_span name = shift(&names);
    size_t i = name.n > 0 ? pick(h, name, picked) : h->count;
    if (i < h->count) {
      picked[i] = 1;
      ds_canon_field(how, h->fields[i].text, out);
      ds_buf_puts(out, "\r\n");
    }
  }
  return ds_canon_field(how, signature, out);
}
