#include "mime/utf8.h"

static int follows (int c) {
  return (c & 0xc0) == 0x80;
}

/* the lead octets whose second octet has narrower bounds (RFC 3629 §4) */
static int second_fits (int lead, int c) {
  switch (lead) {
  case 0xe0:
    return c >= 0xa0;
  case 0xed:
    return c <= 0x9f;
  case 0xf0:
    return c >= 0x90;
  case 0xf4:
    return c <= 0x8f;
  default:
    return 1;
  }
}

size_t ds_utf8_next (ds_span s) {
  const unsigned char *p = (const unsigned char *)s.p;
  size_t i, n;
  if (s.n == 0)
    return 0;
  if (p[0] < 0x80)
    return 1;
  if (p[0] < 0xc2 || p[0] > 0xf4)
    return 0;
  n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
  if (s.n < n || !second_fits(p[0], p[1]))
    return 0;
  for (i = 1; i < n; i++)
    if (!follows(p[i]))
      return 0;
  return n;
}

int ds_utf8_ok (ds_span s) {
  while (s.n > 0) {
    size_t n = ds_utf8_next(s);
    if (n == 0)
      return 0;
    s.p += n;
    s.n -= n;
  }
  return 1;
}

int ds_utf8_line (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
      return 0;
  return ds_utf8_ok(s);
}

int ds_utf8_ascii (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] >= 0x80)
      return 0;
  return 1;
}
