#include "mime/kernel.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#define POPCNT  __attribute__((target("popcnt")))
#define SSSE3   __attribute__((target("ssse3,popcnt")))
#define AVX2    __attribute__((target("avx2,popcnt")))
#define EACH(c) _mm_set1_epi8(c)
#define ALL(c)  _mm256_set1_epi8(c)

/* a bit for each octet that ends a line; for each that becomes three */
typedef struct marks {
  unsigned ends, threes;
} marks;

/* octets from 128 on are negative, so below the space too */
SSSE3 static inline marks look (__m128i v) {
  __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(v, EACH('\r')),
                              _mm_cmpeq_epi8(v, EACH('\n')));
  __m128i own = _mm_or_si128(ends, _mm_cmpeq_epi8(v, EACH('\t')));
  __m128i low = _mm_andnot_si128(own, _mm_cmpgt_epi8(EACH(' '), v));
  __m128i other =
      _mm_or_si128(_mm_cmpeq_epi8(v, EACH('=')), _mm_cmpeq_epi8(v, EACH(127)));
  marks m;
  m.ends = (unsigned)_mm_movemask_epi8(ends);
  m.threes = (unsigned)_mm_movemask_epi8(_mm_or_si128(low, other));
  return m;
}

AVX2 static inline marks look_wide (__m256i v) {
  __m256i ends = _mm256_or_si256(_mm256_cmpeq_epi8(v, ALL('\r')),
                                 _mm256_cmpeq_epi8(v, ALL('\n')));
  __m256i own = _mm256_or_si256(ends, _mm256_cmpeq_epi8(v, ALL('\t')));
  __m256i low = _mm256_andnot_si256(own, _mm256_cmpgt_epi8(ALL(' '), v));
  __m256i other = _mm256_or_si256(_mm256_cmpeq_epi8(v, ALL('=')),
                                  _mm256_cmpeq_epi8(v, ALL(127)));
  marks m;
  m.ends = (unsigned)_mm256_movemask_epi8(ends);
  m.threes = (unsigned)_mm256_movemask_epi8(_mm256_or_si256(low, other));
  return m;
}

/* a group: four octets, their digits, and an '=' */
SSSE3 static inline char *put (char *to, __m128i group, unsigned threes) {
  const void *order = ds_qp_order[threes & 15];
  group = _mm_shuffle_epi8(group, _mm_loadu_si128((const __m128i *)order));
  _mm_storeu_si128((__m128i *)(void *)to, group);
  return to + ds_qp_width[threes & 15];
}

/* sixteen octets without a branch: how often there is an octet to be encoded
   is nothing that could be foretold */
SSSE3 static inline char *spell (char *to, __m128i v, unsigned threes) {
  const __m128i digits = _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7',
                                       '8', '9', 'A', 'B', 'C', 'D', 'E', 'F');
  __m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), EACH(15));
  __m128i low = _mm_and_si128(v, EACH(15));
  __m128i a, b;
  high = _mm_shuffle_epi8(digits, high);
  low = _mm_shuffle_epi8(digits, low);
  a = _mm_unpacklo_epi32(v, high);
  b = _mm_unpacklo_epi32(low, EACH('='));
  to = put(to, _mm_unpacklo_epi64(a, b), threes);
  to = put(to, _mm_unpackhi_epi64(a, b), threes >> 4);
  a = _mm_unpackhi_epi32(v, high);
  b = _mm_unpackhi_epi32(low, EACH('='));
  to = put(to, _mm_unpacklo_epi64(a, b), threes >> 8);
  return put(to, _mm_unpackhi_epi64(a, b), threes >> 12);
}

/*
** Where the line ends of a block stand whose octets begin at `at`: behind
** what `ends` holds.  Two are written whether there are any or not, as to ask
** costs more than to do it.
*/
POPCNT static inline uint16_t *mark (uint16_t *ends, size_t at, marks m) {
  uint64_t left = m.ends;
  int i, n = __builtin_popcount(m.ends);
  for (i = 0; i < 2 || left != 0; i++, left &= left - 1) {
    int k = __builtin_ctzll(left | (uint64_t)1 << 32);
    uint64_t before = ((uint64_t)1 << k) - 1;
    int threes = __builtin_popcount((unsigned)(m.threes & before));
    ends[i] = (uint16_t)(at + (size_t)(k + 2 * threes));
  }
  return ends + n;
}

SSSE3 void ds_qp_expand_ssse3 (const unsigned char *p, size_t n,
                               ds_qp_text *t) {
  const unsigned char *end = p + n;
  uint16_t *ends = t->ends + t->count;
  char *to = t->text + t->n;
  for (; end - p >= 16; p += 16) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    marks m = look(v);
    ends = mark(ends, (size_t)(to - t->text), m);
    to = spell(to, v, m.threes);
  }
  t->count = (size_t)(ends - t->ends);
  t->n = (size_t)(to - t->text);
  ds_qp_expand(p, (size_t)(end - p), t);
}

AVX2 static inline char *spell_wide (char *to, __m256i v, unsigned threes) {
  if (threes == 0) {
    _mm256_storeu_si256((__m256i *)(void *)to, v);
    return to + 32;
  }
  to = spell(to, _mm256_castsi256_si128(v), threes & 0xffff);
  return spell(to, _mm256_extracti128_si256(v, 1), threes >> 16);
}

AVX2 void ds_qp_expand_avx2 (const unsigned char *p, size_t n, ds_qp_text *t) {
  const unsigned char *end = p + n;
  uint16_t *ends = t->ends + t->count;
  char *to = t->text + t->n;
  for (; end - p >= 32; p += 32) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    marks m = look_wide(v);
    ends = mark(ends, (size_t)(to - t->text), m);
    to = spell_wide(to, v, m.threes);
  }
  t->count = (size_t)(ends - t->ends);
  t->n = (size_t)(to - t->text);
  ds_qp_expand(p, (size_t)(end - p), t);
}

#endif
