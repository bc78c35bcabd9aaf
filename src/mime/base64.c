#include "mime/base64.h"

#include <string.h>

/* two characters for each twelve bits: half the look-ups of the plain table */
/* clang-format off */
#define ROW(a)                                                                 \
  a"A" a"B" a"C" a"D" a"E" a"F" a"G" a"H" a"I" a"J" a"K" a"L" a"M" a"N" a"O"   \
  a"P" a"Q" a"R" a"S" a"T" a"U" a"V" a"W" a"X" a"Y" a"Z" a"a" a"b" a"c" a"d"   \
  a"e" a"f" a"g" a"h" a"i" a"j" a"k" a"l" a"m" a"n" a"o" a"p" a"q" a"r" a"s"   \
  a"t" a"u" a"v" a"w" a"x" a"y" a"z" a"0" a"1" a"2" a"3" a"4" a"5" a"6" a"7"   \
  a"8" a"9" a"+" a"/"
static const char rows[64][129] = {
  ROW("A"), ROW("B"), ROW("C"), ROW("D"), ROW("E"), ROW("F"), ROW("G"),
  ROW("H"), ROW("I"), ROW("J"), ROW("K"), ROW("L"), ROW("M"), ROW("N"),
  ROW("O"), ROW("P"), ROW("Q"), ROW("R"), ROW("S"), ROW("T"), ROW("U"),
  ROW("V"), ROW("W"), ROW("X"), ROW("Y"), ROW("Z"), ROW("a"), ROW("b"),
  ROW("c"), ROW("d"), ROW("e"), ROW("f"), ROW("g"), ROW("h"), ROW("i"),
  ROW("j"), ROW("k"), ROW("l"), ROW("m"), ROW("n"), ROW("o"), ROW("p"),
  ROW("q"), ROW("r"), ROW("s"), ROW("t"), ROW("u"), ROW("v"), ROW("w"),
  ROW("x"), ROW("y"), ROW("z"), ROW("0"), ROW("1"), ROW("2"), ROW("3"),
  ROW("4"), ROW("5"), ROW("6"), ROW("7"), ROW("8"), ROW("9"), ROW("+"),
  ROW("/"),
};
/* clang-format on */

static void three (const unsigned char *p, char *out) {
  unsigned high = (unsigned)p[0] << 4 | p[1] >> 4;
  unsigned low = (p[1] & 15u) << 8 | p[2];
  memcpy(out, rows[high >> 6] + 2 * (high & 63), 2);
  memcpy(out + 2, rows[low >> 6] + 2 * (low & 63), 2);
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

void ds_base64_init (ds_base64 *b) {
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
  for (; n >= DS_BASE64_IN; n -= DS_BASE64_IN, in += DS_BASE64_IN)
    to += line(in, DS_BASE64_IN, to);
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
