#include "mime/qp.h"

#include <string.h>

#define WIDTH 75 /* and one for the '=' of a soft break */

/* what an octet is written as: itself, itself unless a line ends behind it,
   a line end, or three characters */
enum { SELF, SPACE, END, HEX };

/* clang-format off */
#define HEX8  HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX
#define HEX32 HEX8, HEX8, HEX8, HEX8
#define S8    SELF, SELF, SELF, SELF, SELF, SELF, SELF, SELF
static const unsigned char class[256] = {
  HEX8, HEX, SPACE, END, HEX, HEX, END, HEX, HEX, HEX8, HEX8,
  SPACE, SELF, SELF, SELF, SELF, SELF, SELF, SELF, S8,
  S8, SELF, SELF, SELF, SELF, SELF, HEX, SELF, SELF,
  S8, S8, S8, S8,
  S8, S8, S8, SELF, SELF, SELF, SELF, SELF, SELF, SELF, HEX,
  HEX32, HEX32, HEX32, HEX32,
};
/* clang-format on */

void ds_qp_init (ds_qp *q) {
  q->column = 0;
  q->space = 0;
}

/* a line of 75 costs three more for its soft break; one octet makes three */
size_t ds_qp_bound (size_t n) {
  return 3 * n + (n / 24 + 2) * 3 + 6;
}

static char *room (ds_qp *q, unsigned width, char *to) {
  if (q->column + width > WIDTH) {
    memcpy(to, "=\r\n", 3);
    to += 3;
    q->column = 0;
  }
  q->column += width;
  return to;
}

static char *hex (ds_qp *q, unsigned c, char *to) {
  static const char digits[] = "0123456789ABCDEF";
  to = room(q, 3, to);
  to[0] = '=';
  to[1] = digits[c >> 4];
  to[2] = digits[c & 15];
  return to + 3;
}

static char *held (ds_qp *q, char *to) {
  if (q->space != 0) {
    to = room(q, 1, to);
    *to++ = (char)q->space;
    q->space = 0;
  }
  return to;
}

/* the plain octets from p on, as many as the line takes */
static size_t plain (ds_qp *q, const unsigned char *p, size_t n, char *to) {
  size_t i = 0, most = WIDTH - q->column;
  if (n > most)
    n = most;
  while (i < n && class[p[i]] == SELF) {
    to[i] = (char)p[i];
    i++;
  }
  q->column += (unsigned)i;
  return i;
}

size_t ds_qp_final (ds_qp *q, char *out) {
  char *to = out;
  if (q->space != 0)
    to = hex(q, (unsigned)q->space, to);
  q->space = 0;
  return (size_t)(to - out);
}

static char *end_line (ds_qp *q, int c, char *to) {
  to += ds_qp_final(q, to);
  *to++ = (char)c;
  q->column = 0;
  return to;
}

size_t ds_qp_update (ds_qp *q, const void *p, size_t n, char *out) {
  const unsigned char *in = (const unsigned char *)p, *end = in + n;
  char *to = out;
  while (in < end) {
    size_t k;
    if (class[*in] == END) {
      to = end_line(q, *in++, to);
      continue;
    }
    to = held(q, to);
    k = plain(q, in, (size_t)(end - in), to);
    in += k;
    to += k;
    if (in == end || class[*in] == END)
      continue;
    if (class[*in] == SPACE)
      q->space = *in++;
    else if (class[*in] == HEX)
      to = hex(q, *in++, to);
    else {
      to = room(q, 1, to);
      *to++ = (char)*in++;
    }
  }
  return (size_t)(to - out);
}
