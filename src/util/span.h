/*
** span: a view of bytes that somebody else owns.  Text inside the core is a
** span; a NUL ends nothing.
*/
#ifndef ds_span_h
#define ds_span_h

#include <stddef.h>
#include <string.h>

typedef struct ds_span {
  const char *p;
  size_t n;
} ds_span;

static inline ds_span ds_span_of (const char *p, size_t n) {
  ds_span s;
  s.p = p;
  s.n = n;
  return s;
}

static inline ds_span ds_span_str (const char *z) {
  return ds_span_of(z, z == NULL ? 0 : strlen(z));
}

static inline int ds_span_eq (ds_span a, ds_span b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only, whatever the locale says */
static inline int ds_lower (int c) {
  return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static inline int ds_is_digit (int c) {
  return c >= '0' && c <= '9';
}

static inline int ds_is_alpha (int c) {
  int l = ds_lower(c);
  return l >= 'a' && l <= 'z';
}

/* equal but for the case of ASCII letters */
static inline int ds_span_eqi (ds_span a, ds_span b) {
  size_t i;
  if (a.n != b.n)
    return 0;
  for (i = 0; i < a.n; i++)
    if (ds_lower((unsigned char)a.p[i]) != ds_lower((unsigned char)b.p[i]))
      return 0;
  return 1;
}

/* does it hold these characters, together? */
static inline int ds_span_holds (ds_span s, const char *z) {
  size_t n = strlen(z), i;
  for (i = 0; i + n <= s.n; i++)
    if (memcmp(s.p + i, z, n) == 0)
      return 1;
  return 0;
}

#endif
