#include "mime/base64.h"
#include "mime/kernel.h"

#if defined(__ARM_NEON)

#include <arm_neon.h>
#include <string.h>

/* a sextet becomes a character by adding what its range (A-Z, a-z, digits,
   '+', '/') lies off */
static inline uint8x16_t character (uint8x16_t v) {
  uint8x16_t off = vdupq_n_u8('A');
  off = vbslq_u8(vcgtq_u8(v, vdupq_n_u8(25)), vdupq_n_u8('a' - 26), off);
  off = vbslq_u8(vcgtq_u8(v, vdupq_n_u8(51)), vdupq_n_u8(256 + '0' - 52), off);
  off = vbslq_u8(vceqq_u8(v, vdupq_n_u8(62)), vdupq_n_u8(256 + '+' - 62), off);
  off = vbslq_u8(vceqq_u8(v, vdupq_n_u8(63)), vdupq_n_u8(256 + '/' - 63), off);
  return vaddq_u8(v, off);
}

/* 48 octets become 64 characters */
static inline void sixty_four (const unsigned char *p, char *out) {
  const uint8x16_t sextet = vdupq_n_u8(63);
  uint8x16x3_t in = vld3q_u8(p);
  uint8x16x4_t c;
  c.val[0] = vshrq_n_u8(in.val[0], 2);
  c.val[1] = vorrq_u8(vshlq_n_u8(in.val[0], 4), vshrq_n_u8(in.val[1], 4));
  c.val[2] = vorrq_u8(vshlq_n_u8(in.val[1], 2), vshrq_n_u8(in.val[2], 6));
  c.val[3] = in.val[2];
  c.val[0] = character(c.val[0]);
  c.val[1] = character(vandq_u8(c.val[1], sextet));
  c.val[2] = character(vandq_u8(c.val[2], sextet));
  c.val[3] = character(vandq_u8(c.val[3], sextet));
  vst4q_u8((unsigned char *)out, c);
}

size_t ds_base64_lines_neon (const unsigned char *p, size_t n, char *out) {
  size_t i, lines = n / DS_BASE64_IN;
  for (i = 0; i < lines; i++) {
    sixty_four(p, out);
    ds_base64_word(p + 48, DS_BASE64_IN - 48, out + 64);
    memcpy(out + 76, "\r\n", 2);
    p += DS_BASE64_IN;
    out += DS_BASE64_LINE;
  }
  return lines;
}

#endif
