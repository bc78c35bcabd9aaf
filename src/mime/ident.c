#include "mime/ident.h"

int ds_boundary (char out[DS_BOUNDARY], char mark, ds_random_fn random,
                 void *ud, ds_error *e) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[DS_IDENT_HEX / 2];
  size_t i;
  if (random(ud, bytes, sizeof bytes) != DS_OK)
    return ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
                        "the random source failed");
  *out++ = '=';
  *out++ = '_';
  *out++ = mark;
  for (i = 0; i < sizeof bytes; i++) {
    *out++ = digits[bytes[i] >> 4];
    *out++ = digits[bytes[i] & 15];
  }
  *out = '\0';
  return DS_OK;
}

int ds_ident_ok (ds_span s, int cid) {
  size_t i, at = 0;
  for (i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c <= ' ' || c >= 0x7f || c == '<' || c == '>')
      return 0;
    if (c == '@' && i > 0 && i + 1 < s.n)
      at++;
  }
  return s.n > 0 && s.n <= DS_IDENT_MAX && (cid || at > 0);
}
