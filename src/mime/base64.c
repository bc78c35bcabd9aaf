#include "mime/base64.h"

#include <string.h>

#include "mime/kernel.h"

/* two characters for each twelve bits: half the look-ups of the plain table */
/* clang-format off */
#define ROW(a)                                                                 \
  {a, 'A'}, {a, 'B'}, {a, 'C'}, {a, 'D'}, {a, 'E'}, {a, 'F'}, {a, 'G'},        \
  {a, 'H'}, {a, 'I'}, {a, 'J'}, {a, 'K'}, {a, 'L'}, {a, 'M'}, {a, 'N'},        \
  {a, 'O'}, {a, 'P'}, {a, 'Q'}, {a, 'R'}, {a, 'S'}, {a, 'T'}, {a, 'U'},        \
  {a, 'V'}, {a, 'W'}, {a, 'X'}, {a, 'Y'}, {a, 'Z'}, {a, 'a'}, {a, 'b'},        \
  {a, 'c'}, {a, 'd'}, {a, 'e'}, {a, 'f'}, {a, 'g'}, {a, 'h'}, {a, 'i'},        \
  {a, 'j'}, {a, 'k'}, {a, 'l'}, {a, 'm'}, {a, 'n'}, {a, 'o'}, {a, 'p'},        \
  {a, 'q'}, {a, 'r'}, {a, 's'}, {a, 't'}, {a, 'u'}, {a, 'v'}, {a, 'w'},        \
  {a, 'x'}, {a, 'y'}, {a, 'z'}, {a, '0'}, {a, '1'}, {a, '2'}, {a, '3'},        \
  {a, '4'}, {a, '5'}, {a, '6'}, {a, '7'}, {a, '8'}, {a, '9'}, {a, '+'},        \
  {a, '/'}
static const char pairs[4096][2] = {
  ROW('A'), ROW('B'), ROW('C'), ROW('D'), ROW('E'), ROW('F'), ROW('G'),
  ROW('H'), ROW('I'), ROW('J'), ROW('K'), ROW('L'), ROW('M'), ROW('N'),
  ROW('O'), ROW('P'), ROW('Q'), ROW('R'), ROW('S'), ROW('T'), ROW('U'),
  ROW('V'), ROW('W'), ROW('X'), ROW('Y'), ROW('Z'), ROW('a'), ROW('b'),
  ROW('c'), ROW('d'), ROW('e'), ROW('f'), ROW('g'), ROW('h'), ROW('i'),
  ROW('j'), ROW('k'), ROW('l'), ROW('m'), ROW('n'), ROW('o'), ROW('p'),
  ROW('q'), ROW('r'), ROW('s'), ROW('t'), ROW('u'), ROW('v'), ROW('w'),
  ROW('x'), ROW('y'), ROW('z'), ROW('0'), ROW('1'), ROW('2'), ROW('3'),
  ROW('4'), ROW('5'), ROW('6'), ROW('7'), ROW('8'), ROW('9'), ROW('+'),
  ROW('/'),
};
/* clang-format on */

static inline void three (const unsigned char *p, char *out) {
  uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
  memcpy(out, pairs[v >> 12], 2);
  memcpy(out + 2, pairs[v & 4095], 2);
}

size_t ds_base64_word (const void *p, size_t n, char *out) {
  const unsigned char *in = (const unsigned char *)p;
  unsigned char last[3] = {0, 0, 0};
  char *to = out;
  for (; n >= 3; n -= 3, in += 3, to += 4)
    three(in, to);
  if (n > 0) {
    memcpy(last, in, n);
    three(last, to);
    memset(to + n + 1, '=', 3 - n);
    to += 4;
  }
  return (size_t)(to - out);
}

static size_t line (const unsigned char *p, size_t n, char *out) {
  size_t width = ds_base64_word(p, n, out);
  memcpy(out + width, "\r\n", 2);
  return width + 2;
}

/* the first six of eight octets: one load, four look-ups */
static inline void six (const unsigned char *p, char *out) {
  uint64_t v = (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 |
               (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
               (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
               (uint64_t)p[6] << 8 | p[7];
  memcpy(out, pairs[v >> 52], 2);
  memcpy(out + 2, pairs[v >> 40 & 4095], 2);
  memcpy(out + 4, pairs[v >> 28 & 4095], 2);
  memcpy(out + 6, pairs[v >> 16 & 4095], 2);
}

size_t ds_base64_lines (const unsigned char *p, size_t n, char *out) {
  size_t i, k, lines = n / DS_BASE64_IN;
  for (i = 0; i < lines; i++) {
    for (k = 0; k < DS_BASE64_IN - 3; k += 6, p += 6, out += 8)
      six(p, out);
    three(p, out);
    memcpy(out + 4, "\r\n", 2);
    p += 3;
    out += 6;
  }
  return lines;
}

void ds_base64_init (ds_base64 *b) {
  b->kernel = ds_kernel_at(0);
  b->n = 0;
}

size_t ds_base64_bound (size_t n) {
  return (n / DS_BASE64_IN + 1) * DS_BASE64_LINE;
}

uint64_t ds_base64_size (uint64_t n) {
  uint64_t rest = n % DS_BASE64_IN;
  return n / DS_BASE64_IN * DS_BASE64_LINE +
         (rest > 0 ? (rest + 2) / 3 * 4 + 2 : 0);
}

size_t ds_base64_update (ds_base64 *b, const void *p, size_t n, char *out) {
  const unsigned char *in = (const unsigned char *)p;
  char *to = out;
  size_t lines;
  if (b->n > 0) {
    size_t take = DS_BASE64_IN - b->n < n ? DS_BASE64_IN - b->n : n;
    memcpy(b->line + b->n, in, take);
    b->n += take;
    in += take;
    n -= take;
    if (b->n < DS_BASE64_IN)
      return 0;
    to += line(b->line, DS_BASE64_IN, to);
  }
  lines = b->kernel->lines(in, n, to);
  to += lines * DS_BASE64_LINE;
  in += lines * DS_BASE64_IN;
  n -= lines * DS_BASE64_IN;
  if (n >= DS_BASE64_IN) { /* one that a kernel may leave */
    to += line(in, DS_BASE64_IN, to);
    in += DS_BASE64_IN;
    n -= DS_BASE64_IN;
  }
  if (n > 0)
    memcpy(b->line, in, n);
  b->n = n;
  return (size_t)(to - out);
}

size_t ds_base64_final (ds_base64 *b, char *out) {
  size_t n = b->n > 0 ? line(b->line, b->n, out) : 0;
  b->n = 0;
  return n;
}
