#include "mime/word.h"

#include <string.h>

#include "mime/base64.h"
#include "mime/utf8.h"

#define FRAME 12 /* "=?utf-8?Q?" and "?=" */

int ds_word_alike (ds_span text) {
  size_t i;
  for (i = 1; i < text.n; i++)
    if (text.p[i - 1] == '=' && text.p[i] == '?')
      return 1;
  return 0;
}

/* what may stand for itself in a Q word, wherever the word stands */
static int plain (int c) {
  return ds_is_alpha(c) || ds_is_digit(c) ||
         (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t q_width (ds_span s) {
  size_t i, n = 0;
  for (i = 0; i < s.n; i++)
    n += plain((unsigned char)s.p[i]) || s.p[i] == ' ' ? 1 : 3;
  return n;
}

static size_t b_width (size_t n) {
  return (n + 2) / 3 * 4;
}

int ds_word_how (ds_span text) {
  return q_width(text) <= b_width(text.n) ? 'Q' : 'B';
}

/*
** how many octets of text, in whole code points, fit in room.  Readers are
** known that decode the base64 of neighbours as one: a B word that another
** follows has no padding, which may leave nothing (0).
*/
static size_t fit (ds_span text, int how, size_t room) {
  size_t taken = 0, even = 0, width = 0;
  while (taken < text.n) {
    ds_span rest = ds_span_of(text.p + taken, text.n - taken);
    size_t n = ds_utf8_next(rest);
    rest.n = n;
    width = how == 'Q' ? width + q_width(rest) : b_width(taken + n);
    if (n == 0 || width > room)
      break;
    taken += n;
    if (how == 'Q' || taken % 3 == 0 || taken == text.n)
      even = taken;
  }
  return even;
}

static size_t q_encode (ds_span s, char *out) {
  static const char digits[] = "0123456789ABCDEF";
  char *to = out;
  size_t i;
  for (i = 0; i < s.n; i++) {
    unsigned c = (unsigned char)s.p[i];
    if (plain((int)c))
      *to++ = (char)c;
    else if (c == ' ')
      *to++ = '_';
    else {
      *to++ = '=';
      *to++ = digits[c >> 4];
      *to++ = digits[c & 15];
    }
  }
  return (size_t)(to - out);
}

size_t ds_word_next (ds_span *text, int how, size_t room, char *out) {
  size_t n = fit(*text, how, room - FRAME), width = FRAME - 2;
  ds_span piece;
  if (n == 0) {
    how = 'Q';
    n = ds_utf8_next(*text);
  }
  piece = ds_span_of(text->p, n);
  memcpy(out, how == 'Q' ? "=?utf-8?Q?" : "=?utf-8?B?", width);
  width += how == 'Q' ? q_encode(piece, out + width)
                      : ds_base64_word(piece.p, n, out + width);
  memcpy(out + width, "?=", 2);
  text->p += n;
  text->n -= n;
  return width + 2;
}
