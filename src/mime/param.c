#include "mime/param.h"

#include <stdio.h>

#include "mime/utf8.h"
#include "mime/word.h"

#define LINE (DS_FIELD_FOLD - 2) /* without the space before, ';' behind */

static int among (int c, const char *set) {
  return c != '\0' && strchr(set, c) != NULL;
}

int ds_param_token_ok (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c <= ' ' || c >= 0x7f || among(c, "()<>@,;:\\\"/[]?="))
      return 0;
  }
  return s.n > 0;
}

/* attribute-char of RFC 2231 */
static int plain (int c) {
  return ds_is_alpha(c) || ds_is_digit(c) || among(c, "!#$&+-.^_`{|}~");
}

/* may it stand without quotes?  Readers are known that take ' and % for a mark
   of RFC 2231, where one of its characters would be none. */
static int bare (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if (!plain((unsigned char)s.p[i]))
      return 0;
  return s.n > 0;
}

/* width of the code point at the front of s when percent-encoded */
static size_t width (ds_span s, size_t *octets) {
  *octets = ds_utf8_next(s);
  return *octets == 1 && plain((unsigned char)*s.p) ? 1 : 3 * *octets;
}

static size_t percent (ds_span s, char *out) {
  static const char digits[] = "0123456789ABCDEF";
  char *to = out;
  size_t i;
  for (i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (plain(c))
      *to++ = (char)c;
    else {
      *to++ = '%';
      *to++ = digits[c >> 4];
      *to++ = digits[c & 15];
    }
  }
  return (size_t)(to - out);
}

/* take from *rest what one line holds behind the n octets in line already */
static size_t take (ds_span *rest, char *line, size_t n) {
  size_t octets, taken = 0, used = n;
  while (taken < rest->n) {
    ds_span s = ds_span_of(rest->p + taken, rest->n - taken);
    size_t w = width(s, &octets);
    if (octets == 0 || used + w > LINE)
      break;
    used += w;
    taken += octets;
  }
  n += percent(ds_span_of(rest->p, taken), line + n);
  rest->p += taken;
  rest->n -= taken;
  return n;
}

/* a token that leaves room for the ';' of a parameter behind it */
static void token (ds_field *f, const char *line, size_t n) {
  if (f->column + 1 + n + 1 > DS_FIELD_FOLD)
    ds_field_fold(f);
  ds_field_token(f, ds_span_of(line, n));
}

/* one line "name*=utf-8''…", or several "name*0*=utf-8''…" "name*1*=…" */
static void extended (ds_field *f, const char *name, ds_span value) {
  char line[LINE + 1];
  ds_span rest = value;
  unsigned i;
  size_t n = (size_t)snprintf(line, sizeof line, "%s*=utf-8''", name);
  n = take(&rest, line, n);
  if (rest.n == 0) {
    token(f, line, n);
    return;
  }
  for (i = 0, rest = value; rest.n > 0; i++) {
    if (i > 0)
      ds_field_glue(f, ds_span_str(";"));
    n = (size_t)snprintf(line, sizeof line, "%s*%u*=%s", name, i,
                         i == 0 ? "utf-8''" : "");
    n = take(&rest, line, n);
    token(f, line, n);
  }
}

/* "name=value", quoted if need be; 0: it has no such form that fits */
static size_t simple (const char *name, ds_span value, char *line) {
  size_t i, n = (size_t)snprintf(line, LINE, "%s=", name);
  int quote = !bare(value);
  if (!ds_utf8_ascii(value) || ds_word_alike(value))
    return 0;
  if (quote)
    line[n++] = '"';
  for (i = 0; i < value.n && n + 3 <= LINE; i++) {
    if (value.p[i] == '"' || value.p[i] == '\\')
      line[n++] = '\\';
    line[n++] = value.p[i];
  }
  if (quote)
    line[n++] = '"';
  return i == value.n ? n : 0;
}

void ds_param (ds_field *f, const char *name, ds_span value) {
  char line[LINE + 1];
  size_t n = simple(name, value, line);
  ds_field_glue(f, ds_span_str(";"));
  if (n > 0)
    token(f, line, n);
  else
    extended(f, name, value);
}

void ds_param_words (ds_field *f, const char *name, ds_span value) {
  char line[LINE + 1];
  size_t n = simple(name, value, line), room = LINE - strlen(name) - 3;
  int how = ds_word_how(value);
  ds_field_glue(f, ds_span_str(";"));
  if (n > 0) {
    token(f, line, n);
    return;
  }
  n = (size_t)snprintf(line, LINE, "%s=\"", name);
  for (; value.n > 0; n = 0) {
    n += ds_word_next(&value, how, room, line + n);
    token(f, line, n);
  }
  ds_field_glue(f, ds_span_str("\""));
}
