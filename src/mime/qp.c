#include "mime/qp.h"

#include <string.h>

#include "mime/kernel.h"

#define WIDTH 75   /* and one for the '=' of a soft break */
#define SLICE 1024 /* octets made ready at a time */
#define FRONT 2    /* octets before them that are no '=' */

/* what each octet is written as, and its width; 0: it ends a line */
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
  HEX('0', '8'), {'\t'}, {0}, HEX('0', 'B'),
  HEX('0', 'C'), {0}, HEX('0', 'E'), HEX('0', 'F'),
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

size_t ds_qp_expand (const unsigned char *p, size_t n, char *out,
                     size_t *made) {
  char *to = out;
  size_t i;
  for (i = 0; i < n && width[p[i]] > 0; i++) {
    memcpy(to, written[p[i]], 4);
    to += width[p[i]];
  }
  *made = (size_t)(to - out);
  return i;
}

void ds_qp_init (ds_qp *q) {
  memset(q, 0, sizeof *q);
  q->kernel = ds_kernel_at(0);
}

/* a line of 75 costs three more for its soft break, one octet makes three;
   and a line is always copied in full */
size_t ds_qp_bound (size_t n) {
  return 3 * n + (n / 24 + 2) * 3 + 6 + WIDTH + DS_KERNEL_SLACK;
}

/*
** n octets of s behind what the line holds, with soft breaks where it gets too
** long.  An '=' begins three octets that stay together: it cannot be the line's
** last but one, nor the last.  No branch depends on where it is.
*/
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

static int is_end (int c) {
  return c == '\r' || c == '\n';
}

/* the line end at p: how many octets it has */
static size_t end_line (ds_qp *q, const unsigned char *p, size_t n, char **to) {
  int both = n > 1 && p[0] == '\r' && p[1] == '\n';
  if (p[0] == '\r' || !q->cr) {
    memcpy(*to, "\r\n", 2);
    *to += 2;
  }
  q->cr = p[0] == '\r' && !both;
  q->column = 0;
  return both ? 2 : 1;
}

/* the blank that n octets of line end with is the last of its line */
static size_t show_blank (char *line, size_t n) {
  memcpy(line + n - 1, line[n - 1] == ' ' ? "=20" : "=09", 3);
  return n + 2;
}

size_t ds_qp_update (ds_qp *q, const void *p, size_t n, char *out) {
  const unsigned char *in = (const unsigned char *)p, *end = in + n;
  char room[FRONT + 1 + 3 * SLICE + 2 + WIDTH + DS_KERNEL_SLACK];
  char *line = room + FRONT, *to = out;
  memset(room, 0, FRONT + 1);
  while (in < end) {
    size_t most = (size_t)(end - in), held = q->space != 0, k, made;
    int blank, ends;
    line[0] = (char)q->space;
    k = q->kernel->expand(in, most < SLICE ? most : SLICE, line + held, &made);
    made += held;
    in += k;
    q->cr = q->cr && k == 0;
    ends = in < end && is_end(*in);
    blank = made > 0 && is_blank(line[made - 1]);
    q->space = blank && !ends ? line[--made] : 0;
    if (blank && ends)
      made = show_blank(line, made);
    to = fold(q, line, made, to);
    if (ends)
      in += end_line(q, in, (size_t)(end - in), &to);
  }
  return (size_t)(to - out);
}

size_t ds_qp_final (ds_qp *q, char *out) {
  char room[FRONT + 1 + 2 + WIDTH] = "";
  char *line = room + FRONT;
  size_t n = q->space != 0;
  line[0] = (char)q->space;
  q->space = 0;
  return (size_t)(fold(q, line, n > 0 ? show_blank(line, n) : 0, out) - out);
}
