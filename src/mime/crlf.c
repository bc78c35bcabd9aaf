#include "mime/crlf.h"

#include <stdint.h>
#include <string.h>

void ds_crlf_init (ds_crlf *c) {
  c->cr = 0;
  c->open = 0;
}

/* how many octets of a word stand before its first mark, an octet's top bit;
   in the other byte order marks before that one may be false: 0, look at all */
static size_t first (uint64_t marks) {
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
             ? (size_t)__builtin_ctzll(marks) / 8
             : 0;
}

size_t ds_crlf_run (const char *p, size_t n) {
  const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
  size_t i = 0;
  for (; n - i >= 8; i += 8) {
    uint64_t v, cr, lf, marks;
    memcpy(&v, p + i, 8);
    cr = v ^ ones * '\r'; /* an octet that is zero now borrows from its top */
    lf = v ^ ones * '\n';
    marks = (((cr - ones) & ~cr) | ((lf - ones) & ~lf)) & tops;
    if (marks != 0) {
      i += first(marks);
      break;
    }
  }
  while (i < n && p[i] != '\r' && p[i] != '\n')
    i++;
  return i;
}

size_t ds_crlf_update (ds_crlf *c, const void *p, size_t n, char *out) {
  const char *in = (const char *)p, *end = in + n;
  char *to = out;
  while (in < end) {
    size_t k = ds_crlf_run(in, (size_t)(end - in));
    if (k > 0) {
      memcpy(to, in, k);
      to += k;
      in += k;
      c->cr = 0;
      c->open = 1;
    }
    if (in == end)
      break;
    if (*in == '\r' || !c->cr) {
      memcpy(to, "\r\n", 2);
      to += 2;
    }
    c->cr = *in++ == '\r';
    c->open = 0;
    if (c->cr && in < end && *in == '\n') {
      c->cr = 0;
      in++;
    }
  }
  return (size_t)(to - out);
}

size_t ds_crlf_final (ds_crlf *c, char *out) {
  if (!c->open)
    return 0;
  memcpy(out, "\r\n", 2);
  c->open = 0;
  return 2;
}
