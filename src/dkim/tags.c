#include "dkim/tags.h"

#include <openssl/evp.h>

#include "util/err.h"

static int is_space (int c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static ds_span trim (ds_span s) {
  while (s.n > 0 && is_space(*s.p))
    s = ds_span_of(s.p + 1, s.n - 1);
  while (s.n > 0 && is_space(s.p[s.n - 1]))
    s.n--;
  return s;
}

/* what stands before the next `mark`, which is taken away, too */
static ds_span shift (ds_span *s, int mark) {
  const char *at = s->n > 0 ? (const char *)memchr(s->p, mark, s->n) : NULL;
  size_t n = at != NULL ? (size_t)(at - s->p) : s->n;
  ds_span first = ds_span_of(s->p, n);
  if (at != NULL)
    n++;
  *s = ds_span_of(s->p + n, s->n - n);
  return first;
}

static int name_ok (ds_span name) {
  size_t i;
  for (i = 0; i < name.n; i++)
    if (!ds_is_alpha(name.p[i]) && name.p[i] != '_' &&
        (i == 0 || !ds_is_digit(name.p[i])))
      return 0;
  return name.n > 0;
}

int ds_tags_find (const ds_tags *t, const char *name, ds_span *value) {
  size_t i;
  for (i = 0; i < t->count; i++)
    if (ds_span_eq(t->list[i].name, ds_span_str(name))) {
      *value = t->list[i].value;
      return 1;
    }
  return 0;
}

static int is_new (const ds_tags *t, ds_span name) {
  size_t i;
  for (i = 0; i < t->count; i++)
    if (ds_span_eq(t->list[i].name, name))
      return 0;
  return 1;
}

int ds_tags_parse (ds_span text, ds_tags *t) {
  t->count = 0;
  while (trim(text).n > 0) { /* the last one may end in ';', too */
    ds_span rest = shift(&text, ';'), name = shift(&rest, '=');
    ds_tag tag;
    int assigned = rest.p != name.p + name.n;
    tag.name = trim(name);
    tag.value = trim(rest);
    if (!assigned || !name_ok(tag.name) || !is_new(t, tag.name) ||
        t->count == DS_TAGS)
      return DS_ERR_PROTOCOL;
    t->list[t->count++] = tag;
  }
  return DS_OK;
}

int ds_tags_lists (ds_span list, const char *word) {
  while (list.n > 0)
    if (ds_span_eqi(trim(shift(&list, ':')), ds_span_str(word)))
      return 1;
  return 0;
}

static int is_base64 (int c) {
  return ds_is_alpha(c) || ds_is_digit(c) || c == '+' || c == '/';
}

/* the characters without white space, appended; how many '=' end them, or -1 */
static int gather (ds_span text, ds_buf *out) {
  size_t i;
  int padding = 0;
  for (i = 0; i < text.n; i++) {
    int c = (unsigned char)text.p[i];
    if (is_space(c))
      continue;
    if (c == '=' ? ++padding > 2 : !is_base64(c) || padding > 0)
      return -1;
    ds_buf_putc(out, c);
  }
  return padding;
}

static int decode (ds_span text, int padding, ds_buf *out) {
  char *to = ds_buf_space(out, text.n / 4 * 3 + 1);
  int n;
  if (to == NULL)
    return DS_ERR_NOMEM;
  n = EVP_DecodeBlock((unsigned char *)to, (const unsigned char *)text.p,
                      (int)text.n);
  if (n < padding)
    return DS_ERR_PROTOCOL;
  ds_buf_added(out, (size_t)(n - padding));
  return DS_OK;
}

int ds_tags_base64 (ds_span text, ds_buf *out) {
  ds_buf plain;
  int padding, rc;
  ds_buf_init(&plain);
  padding = gather(text, &plain);
  if (ds_buf_failed(&plain))
    rc = DS_ERR_NOMEM;
  else if (padding < 0 || plain.len == 0 || plain.len % 4 != 0 ||
           plain.len > 65536)
    rc = DS_ERR_PROTOCOL;
  else
    rc = decode(ds_buf_span(&plain), padding, out);
  ds_buf_clear(&plain);
  return rc;
}
