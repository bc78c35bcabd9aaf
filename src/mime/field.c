#include "mime/field.h"

#include "mime/utf8.h"
#include "mime/word.h"

int ds_field_name_ok (ds_span name) {
  size_t i;
  for (i = 0; i < name.n; i++) {
    unsigned char c = (unsigned char)name.p[i];
    if (c <= ' ' || c >= 0x7f || c == ':')
      return 0;
  }
  return name.n > 0 && name.n <= DS_FIELD_NAME;
}

void ds_field_begin (ds_field *f, ds_buf *out, ds_span name) {
  f->out = out;
  f->column = 0;
  ds_field_glue(f, name);
  ds_field_glue(f, ds_span_str(":"));
}

void ds_field_glue (ds_field *f, ds_span s) {
  ds_buf_putspan(f->out, s);
  f->column += s.n;
}

void ds_field_fold (ds_field *f) {
  ds_buf_puts(f->out, "\r\n");
  f->column = 0;
}

void ds_field_first (ds_field *f, ds_span s) {
  ds_field_glue(f, ds_span_str(" "));
  ds_field_glue(f, s);
}

void ds_field_token (ds_field *f, ds_span s) {
  if (f->column + 1 + s.n > DS_FIELD_FOLD)
    ds_field_fold(f);
  ds_buf_putc(f->out, ' ');
  f->column++;
  ds_field_glue(f, s);
}

void ds_field_end (ds_field *f) {
  ds_field_fold(f);
}

/* the first word fills the line the name began; each other has its own */
void ds_field_words (ds_field *f, ds_span text) {
  char word[DS_WORD_MAX];
  int how = ds_word_how(text);
  while (text.n > 0) {
    size_t room = DS_WORD_MAX;
    if (f->column + 1 + DS_WORD_LEAST <= DS_FIELD_FOLD &&
        room > DS_FIELD_FOLD - f->column - 1)
      room = DS_FIELD_FOLD - f->column - 1;
    ds_field_token(f, ds_span_of(word, ds_word_next(&text, how, room, word)));
  }
}

static ds_span behind (ds_span s, size_t n) {
  return ds_span_of(s.p + n, s.n - n);
}

/* the spaces and the word at the front of s: what is never folded inside */
static size_t piece (ds_span s) {
  size_t i = 0;
  while (i < s.n && s.p[i] == ' ')
    i++;
  while (i < s.n && s.p[i] != ' ')
    i++;
  return i;
}

/*
** Can text stand as it is, folded at its own spaces, and be read back just
** so?  Not when it could pass for an encoded word, when outer spaces would be
** trimmed, or when a piece of it makes a line too wide.
*/
static int stands (ds_span text, size_t column, size_t widest) {
  if (!ds_utf8_ascii(text) || ds_word_alike(text) || text.p[0] == ' ' ||
      text.p[text.n - 1] == ' ')
    return 0;
  for (column++; text.n > 0; column = 0) {
    size_t n = piece(text);
    if (column + n > widest)
      return 0;
    text = behind(text, n);
  }
  return 1;
}

static void plain (ds_field *f, ds_span text) {
  size_t n = piece(text);
  ds_field_first(f, ds_span_of(text.p, n));
  for (text = behind(text, n); text.n > 0; text = behind(text, n)) {
    n = piece(text);
    if (f->column + n > DS_FIELD_FOLD)
      ds_field_fold(f);
    ds_field_glue(f, ds_span_of(text.p, n));
  }
}

int ds_field_text (ds_buf *out, ds_span name, ds_span value, size_t widest,
                   ds_error *e) {
  ds_field f;
  if (!ds_field_name_ok(name))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "'%.*s' cannot be the name of a header field",
                        (int)(name.n < 80 ? name.n : 80), name.p);
  if (!ds_utf8_line(value))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "line breaks, control characters and invalid UTF-8 "
                        "cannot stand in a header field");
  ds_field_begin(&f, out, name);
  if (value.n > 0 && stands(value, f.column, widest))
    plain(&f, value);
  else
    ds_field_words(&f, value);
  ds_field_end(&f);
  return ds_buf_failed(out) ? DS_ERR_NOMEM : DS_OK;
}
