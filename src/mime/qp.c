#include "mime/qp.h"

#include <string.h>

#include "mime/kernel.h"

#define WIDTH DS_QP_WIDTH

/* what each octet is written as, and its width; 0: it ends a line, and is
   written as it is here */
/* clang-format off */
#define HEX(h, l) {'=', h, l, 0}
#define ROW(h)                                                                 \
  HEX(h, '0'), HEX(h, '1'), HEX(h, '2'), HEX(h, '3'),                          \
  HEX(h, '4'), HEX(h, '5'), HEX(h, '6'), HEX(h, '7'),                          \
  HEX(h, '8'), HEX(h, '9'), HEX(h, 'A'), HEX(h, 'B'),                          \
  HEX(h, 'C'), HEX(h, 'D'), HEX(h, 'E'), HEX(h, 'F')
#define OWN(c)  {c}, {c + 1}, {c + 2}, {c + 3}
#define OWNS(c) OWN(c), OWN(c + 4), OWN(c + 8), OWN(c + 12)
static const char written[256][4] = {
  HEX('0', '0'), HEX('0', '1'), HEX('0', '2'), HEX('0', '3'),
  HEX('0', '4'), HEX('0', '5'), HEX('0', '6'), HEX('0', '7'),
  HEX('0', '8'), {'\t'}, {'\n'}, HEX('0', 'B'),
  HEX('0', 'C'), {'\r'}, HEX('0', 'E'), HEX('0', 'F'),
  ROW('1'), OWNS(32),
  OWN(48), OWN(52), OWN(56), {'<'}, HEX('3', 'D'), {'>'}, {'?'},
  OWNS(64), OWNS(80), OWNS(96),
  OWN(112), OWN(116), OWN(120), {'|'}, {'}'}, {'~'}, HEX('7', 'F'),
  ROW('8'), ROW('9'), ROW('A'), ROW('B'),
  ROW('C'), ROW('D'), ROW('E'), ROW('F'),
};
#define T4  3, 3, 3, 3
#define T16 T4, T4, T4, T4
#define O4  1, 1, 1, 1
#define O16 O4, O4, O4, O4
static const unsigned char width[256] = {
  T4, T4, 3, 1, 0, 3, 3, 0, 3, 3, T16, O16,
  O4, O4, O4, 1, 3, 1, 1, O16, O16, O16, O4, O4, O4, 1, 1, 1, 3,
  T16, T16, T16, T16, T16, T16, T16, T16,
};
/* clang-format on */

void ds_qp_expand (const unsigned char *p, size_t n, ds_qp_text *t) {
  char *to = t->text + t->n;
  size_t i;
  for (i = 0; i < n; i++) {
    memcpy(to, written[p[i]], 4);
    if (width[p[i]] == 0)
      t->ends[t->count++] = (uint16_t)(to++ - t->text);
    to += width[p[i]];
  }
  t->n = (size_t)(to - t->text);
}

void ds_qp_init (ds_qp *q) {
  memset(q, 0, sizeof *q);
  q->kernel = ds_kernel_at(0);
}

/* a line of 75 costs three more for its soft break, one octet makes three;
   and a line is always copied in full */
size_t ds_qp_bound (size_t n) {
  return 3 * n + (n / 24 + 2) * 3 + 6 + WIDTH;
}

/*
** n octets of s behind what the line holds, with soft breaks where it gets too
** long.  An '=' begins three octets that stay together: it cannot be the line's
** last but one, nor the last.  No branch depends on where it is.
*/
static char *fold (ds_qp *q, const char *s, size_t n, char *to) {
  size_t left = WIDTH - q->column;
  while (n > left) {
    size_t k = left - (s[(ptrdiff_t)left - 1] == '=') -
               2 * (size_t)(s[(ptrdiff_t)left - 2] == '=');
    memcpy(to, s, WIDTH);
    memcpy(to + k, "=\r\n", 3);
    to += k + 3;
    s += k;
    n -= k;
    left = WIDTH;
  }
  memcpy(to, s, WIDTH);
  q->column = WIDTH - left + n;
  return to + n;
}

static int is_blank (int c) {
  return c == ' ' || c == '\t';
}

static char *put_blank (ds_qp *q, int c, char *to) {
  if (q->column + 3 > WIDTH) {
    memcpy(to, "=\r\n", 3);
    to += 3;
    q->column = 0;
  }
  memcpy(to, c == ' ' ? "=20" : "=09", 3);
  q->column += 3;
  return to + 3;
}

/* a line and its end; an LF behind a CR has been written with that */
static char *put_line (ds_qp *q, const char *s, size_t n, char *to) {
  int blank = n > 0 && is_blank(s[n - 1]), behind_cr = q->cr && n == 0;
  q->cr = s[n] == '\r';
  if (behind_cr && !q->cr)
    return to;
  to = fold(q, s, n - (size_t)blank, to);
  if (blank)
    to = put_blank(q, s[n - 1], to);
  memcpy(to, "\r\n", 2);
  q->column = 0;
  return to + 2;
}

static char *put_slice (ds_qp *q, ds_qp_text *t, char *to) {
  const char *s = t->text, *end = s + t->n;
  size_t i;
  for (i = 0; i < t->count; i++) {
    const char *e = t->text + t->ends[i];
    to = put_line(q, s, (size_t)(e - s), to);
    s = e + 1;
  }
  q->space = s < end && is_blank(end[-1]) ? *--end : 0;
  if (s == end)
    return to;
  q->cr = 0;
  return fold(q, s, (size_t)(end - s), to);
}

static const char from[] = "From ";
#define FROM ((int)sizeof from - 1)

/* octets in front of the blank of the first "From ", or all n */
static size_t until_from (ds_qp *q, const char *p, size_t n) {
  size_t i = 0;
  for (;;) {
    const char *f;
    for (; i < n && q->from < FROM && p[i] == from[q->from]; i++)
      q->from++;
    if (q->from == FROM || i == n)
      break;
    q->from = 0;
    if ((f = (const char *)memchr(p + i, from[0], n - i)) == NULL)
      return n;
    i = (size_t)(f - p);
  }
  if (q->from < FROM)
    return n;
  q->from = 0;
  return i - 1;
}

/* behind what is ready already */
static void put_from_blank (ds_qp_text *t) {
  memcpy(t->text + t->n, "=20", 3);
  t->n += 3;
}

size_t ds_qp_update (ds_qp *q, const void *p, size_t n, char *out) {
  const unsigned char *in = (const unsigned char *)p;
  ds_qp_text t;
  char *to = out;
  memset(t.front, 0, sizeof t.front);
  while (n > 0) {
    size_t most = n < DS_QP_SLICE ? n : DS_QP_SLICE;
    size_t k = until_from(q, (const char *)in, most);
    t.text[0] = (char)q->space;
    t.n = q->space != 0;
    t.count = 0;
    q->kernel->expand(in, k, &t);
    if (k < most) {
      put_from_blank(&t);
      k++;
    }
    to = put_slice(q, &t, to);
    in += k;
    n -= k;
  }
  return (size_t)(to - out);
}

size_t ds_qp_final (ds_qp *q, char *out) {
  char *to = q->space != 0 ? put_blank(q, q->space, out) : out;
  q->space = 0;
  return (size_t)(to - out);
}
