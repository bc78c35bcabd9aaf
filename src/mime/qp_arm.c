#include "mime/kernel.h"

#if defined(__ARM_NEON) && defined(__aarch64__)

#include <arm_neon.h>

/* four bits for each group of four octets, in four octets */
static inline uint32_t bits (uint8x16_t marks) {
  static const unsigned char bit[16] = {1, 2, 4, 8, 1, 2, 4, 8,
                                        1, 2, 4, 8, 1, 2, 4, 8};
  uint8x16_t v = vandq_u8(marks, vld1q_u8(bit));
  v = vpaddq_u8(v, v);
  v = vpaddq_u8(v, v);
  return vgetq_lane_u32(vreinterpretq_u32_u8(v), 0);
}

/* these together: a bit for each octet */
static inline unsigned together (uint32_t b) {
  return (b & 15) | (b >> 4 & 0xf0) | (b >> 8 & 0xf00) | (b >> 12 & 0xf000);
}

static inline char *put (char *to, uint64x2_t group, uint32_t threes) {
  uint8x16_t order = vld1q_u8(ds_qp_order[threes & 15]);
  vst1q_u8((unsigned char *)to, vqtbl1q_u8(vreinterpretq_u8_u64(group), order));
  return to + ds_qp_width[threes & 15];
}

static inline uint64x2_t pairs (uint32x4_t v) {
  return vreinterpretq_u64_u32(v);
}

/* sixteen octets without a branch: each group beside its digits and an '=' */
static inline char *spell (char *to, uint8x16_t octets, uint32_t threes) {
  static const unsigned char digits[] = "0123456789ABCDEF";
  uint8x16_t digit = vld1q_u8(digits);
  uint32x4_t v = vreinterpretq_u32_u8(octets);
  uint32x4_t high =
      vreinterpretq_u32_u8(vqtbl1q_u8(digit, vshrq_n_u8(octets, 4)));
  uint32x4_t low =
      vreinterpretq_u32_u8(vqtbl1q_u8(digit, vandq_u8(octets, vdupq_n_u8(15))));
  uint32x4_t equals = vreinterpretq_u32_u8(vdupq_n_u8('='));
  uint64x2_t a = pairs(vzip1q_u32(v, high));
  uint64x2_t b = pairs(vzip1q_u32(low, equals));
  to = put(to, vzip1q_u64(a, b), threes);
  to = put(to, vzip2q_u64(a, b), threes >> 8);
  a = pairs(vzip2q_u32(v, high));
  b = pairs(vzip2q_u32(low, equals));
  to = put(to, vzip1q_u64(a, b), threes >> 16);
  return put(to, vzip2q_u64(a, b), threes >> 24);
}

static void mark (ds_qp_text *t, size_t at, unsigned ends, unsigned threes) {
  for (; ends != 0; ends &= ends - 1) {
    int k = __builtin_ctz(ends);
    int before = __builtin_popcount(threes & ((1u << k) - 1));
    t->ends[t->count++] = (uint16_t)(at + (size_t)(k + 2 * before));
  }
}

void ds_qp_expand_neon (const unsigned char *p, size_t n, ds_qp_text *t) {
  const unsigned char *end = p + n;
  char *to = t->text + t->n;
  for (; end - p >= 16; p += 16) {
    uint8x16_t v = vld1q_u8(p);
    uint8x16_t ends =
        vorrq_u8(vceqq_u8(v, vdupq_n_u8('\r')), vceqq_u8(v, vdupq_n_u8('\n')));
    uint8x16_t own = vorrq_u8(ends, vceqq_u8(v, vdupq_n_u8('\t')));
    uint8x16_t low = vbicq_u8(vcltq_u8(v, vdupq_n_u8(' ')), own);
    uint8x16_t other =
        vorrq_u8(vceqq_u8(v, vdupq_n_u8('=')), vcgeq_u8(v, vdupq_n_u8(127)));
    uint32_t threes = bits(vorrq_u8(low, other));
    if (vmaxvq_u8(ends) != 0)
      mark(t, (size_t)(to - t->text), together(bits(ends)), together(threes));
    to = spell(to, v, threes);
  }
  t->n = (size_t)(to - t->text);
  ds_qp_expand(p, (size_t)(end - p), t);
}

#endif
