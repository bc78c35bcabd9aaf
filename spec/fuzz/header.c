/* fuzz: util mime -- fields, parameters, encoded words, names of files */
#include "fuzz.h"

#include "mime/field.h"
#include "mime/media.h"
#include "mime/param.h"
#include "mime/utf8.h"
#include "mime/word.h"

/* whole folded lines of ASCII within bounds, and nothing that ends the field */
static void check (const ds_buf *out, size_t widest) {
  const char *p = ds_buf_data(out);
  size_t i, column = 0;
  must(out->len >= 2 && memcmp(p + out->len - 2, "\r\n", 2) == 0);
  for (i = 0; i < out->len; i++) {
    if (p[i] == '\r') {
      must(i + 1 < out->len && p[i + 1] == '\n');
      must(i + 2 == out->len || p[i + 2] == ' ' || p[i + 2] == '\t');
      must(column <= widest);
      column = 0;
      i++;
    } else {
      must(p[i] >= ' ' && p[i] < 0x7f);
      column++;
    }
  }
}

static void text (ds_span value, size_t widest) {
  static const ds_span name = {"Subject", 7};
  ds_error e = {0};
  ds_buf out;
  ds_buf_init(&out);
  if (ds_field_text(&out, name, value, widest, &e) == DS_OK)
    check(&out, DS_FIELD_LINE);
  else
    must(e.text[0] != '\0' && !ds_utf8_line(value));
  ds_buf_clear(&out);
}

static void params (ds_span value) {
  ds_field f;
  ds_buf out;
  if (value.n == 0 || !ds_utf8_line(value))
    return;
  ds_buf_init(&out);
  ds_field_begin(&f, &out, ds_span_str("Content-Type"));
  ds_field_first(&f, ds_span_str("text/plain"));
  ds_param(&f, "name", value);
  ds_param_words(&f, "name", value);
  ds_field_end(&f);
  check(&out, DS_FIELD_LINE);
  ds_buf_clear(&out);
}

static void words (ds_span value, size_t room) {
  char word[DS_WORD_MAX];
  int how;
  if (!ds_utf8_line(value))
    return;
  how = ds_word_how(value);
  while (value.n > 0) {
    size_t before = value.n, n = ds_word_next(&value, how, room, word);
    must(n <= room && value.n < before);
  }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  ds_span value, name;
  ds_error e = {0};
  if (size == 0)
    return 0;
  value = ds_span_of((const char *)data + 1, size - 1);
  text(value, data[0] & 1 ? DS_FIELD_FOLD : DS_FIELD_LINE);
  params(value);
  words(value, DS_WORD_LEAST + data[0] % (DS_WORD_MAX - DS_WORD_LEAST + 1));
  ds_media_ok(value);
  if (ds_media_name(value, &name, &e) == DS_OK) {
    must(name.n > 0 && memchr(name.p, '/', name.n) == NULL);
    ds_media_of(name);
  }
  return 0;
}
