#include "mime/scan.h"

#include <string.h>

#include "mime/base64.h"

#define SLICE 512
#define LINE  998 /* RFC 5322 §2.1.1 */

static const char *const names[] = {"7bit", "8bit", "quoted-printable",
                                    "base64"};

const char *ds_encoding_name (ds_encoding how) {
  return names[how];
}

void ds_scan_init (ds_scan *s) {
  memset(s, 0, sizeof *s);
  ds_crlf_init(&s->lines);
  ds_qp_init(&s->qp);
}

/* p has CRLF line ends; their sizes come from the encoder that will be used,
   so that what is announced is what is sent */
static void count (ds_scan *s, const char *p, size_t n) {
  char qp[3 * 2 * SLICE + SLICE];
  size_t i;
  for (i = 0; i < n; i++) {
    unsigned char c = (unsigned char)p[i];
    s->eight |= c >= 0x80;
    s->nul |= c == 0;
    if (c == '\n')
      s->line = 0;
    else if (c != '\r' && ++s->line > s->longest)
      s->longest = s->line;
  }
  s->size += n;
  s->qp_size += ds_qp_update(&s->qp, p, n, qp);
}

void ds_scan_update (ds_scan *s, const void *p, size_t n) {
  const char *in = (const char *)p;
  char text[2 * SLICE];
  while (n > 0) {
    size_t k = n < SLICE ? n : SLICE;
    count(s, text, ds_crlf_update(&s->lines, in, k, text));
    in += k;
    n -= k;
  }
}

void ds_scan_final (ds_scan *s) {
  char text[2] = "";
  count(s, text, ds_crlf_final(&s->lines, text));
}

int ds_scan_plain (const ds_scan *s) {
  return !s->nul && s->longest <= LINE;
}

uint64_t ds_scan_encoded (const ds_scan *s, ds_encoding how) {
  return how == DS_ENC_BASE64 ? ds_base64_size(s->size)
         : how == DS_ENC_QP   ? s->qp_size
                              : s->size;
}

ds_encoding ds_scan_best (const ds_scan *s, int allow_8bit) {
  if (ds_scan_plain(s) && !s->eight)
    return DS_ENC_7BIT;
  if (ds_scan_plain(s) && allow_8bit)
    return DS_ENC_8BIT;
  return s->qp_size <= ds_base64_size(s->size) ? DS_ENC_QP : DS_ENC_BASE64;
}
