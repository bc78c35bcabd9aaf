/* fuzz: util mime -- base64 and quoted-printable, told sizes, any chunks */
#include "fuzz.h"

#include <string.h>

#include "mime/encode.h"
#include "util/err.h"

static void encode (ds_encoding how, int lines, const uint8_t *p, size_t n,
                    size_t step, ds_buf *out) {
  ds_encoder c;
  ds_encoder_init(&c, how, lines);
  while (n > 0) {
    size_t k = n < step ? n : step;
    must(ds_encoder_update(&c, p, k, out) == DS_OK);
    p += k;
    n -= k;
  }
  must(ds_encoder_final(&c, out) == DS_OK);
}

/* lines of at most 76 printable characters */
static void check_lines (const ds_buf *out) {
  const char *p = ds_buf_data(out);
  size_t i, column = 0;
  for (i = 0; i < out->len; i++) {
    if (p[i] == '\r') {
      must(i + 1 < out->len && p[i + 1] == '\n' && column <= 76);
      must(column == 0 || (p[i - 1] != ' ' && p[i - 1] != '\t'));
      column = 0;
      i++;
    } else {
      must((p[i] >= ' ' && p[i] < 0x7f) || p[i] == '\t');
      column++;
    }
  }
  must(column == 0);
}

static void check (ds_encoding how, int lines, const uint8_t *p, size_t n,
                   size_t step, uint64_t told) {
  ds_buf one, other;
  ds_buf_init(&one);
  ds_buf_init(&other);
  encode(how, lines, p, n, n + 1, &one);
  encode(how, lines, p, n, step, &other);
  must(one.len == told);
  must(ds_span_eq(ds_buf_span(&one), ds_buf_span(&other)));
  if (how == DS_ENC_QP || how == DS_ENC_BASE64)
    check_lines(&one);
  ds_buf_clear(&one);
  ds_buf_clear(&other);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const ds_encoding hows[] = {DS_ENC_8BIT, DS_ENC_QP, DS_ENC_BASE64};
  size_t i, step;
  ds_scan s;
  if (size < 2)
    return 0;
  step = 1 + data[0] + 256u * (data[1] & 15);
  data += 2;
  size -= 2;
  ds_scan_init(&s);
  ds_scan_update(&s, data, size);
  ds_scan_final(&s);
  for (i = 0; i < sizeof hows / sizeof hows[0]; i++)
    check(hows[i], 1, data, size, step, ds_scan_encoded(&s, hows[i]));
  check(DS_ENC_BASE64, 0, data, size, step, ds_base64_size(size));
  return 0;
}
