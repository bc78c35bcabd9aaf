#include "mime/base64.h"
#include "mime/kernel.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#define SSSE3 __attribute__((target("ssse3")))
#define AVX2  __attribute__((target("avx2")))

#define LOADED 64 /* octets read to make one line */

/*
** Twelve octets become sixteen sextets, each shifted into a byte by the two
** multiplications; a sextet then becomes a character by adding what its range
** (A-Z, a-z, each digit, '+', '/') lies off.
*/
#define SPREAD  1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10
#define OFFSETS 65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0

SSSE3 static inline __m128i load (const unsigned char *p) {
  return _mm_loadu_si128((const __m128i *)(const void *)p);
}

SSSE3 static inline __m128i sixteen (__m128i v) {
  const __m128i spread = _mm_setr_epi8(SPREAD);
  const __m128i offsets = _mm_setr_epi8(OFFSETS);
  __m128i even, odd, range;
  v = _mm_shuffle_epi8(v, spread);
  even = _mm_mulhi_epu16(_mm_and_si128(v, _mm_set1_epi32(0x0fc0fc00)),
                         _mm_set1_epi32(0x04000040));
  odd = _mm_mullo_epi16(_mm_and_si128(v, _mm_set1_epi32(0x003f03f0)),
                        _mm_set1_epi32(0x01000010));
  v = _mm_or_si128(even, odd);
  range = _mm_sub_epi8(_mm_subs_epu8(v, _mm_set1_epi8(51)),
                       _mm_cmpgt_epi8(v, _mm_set1_epi8(25)));
  return _mm_add_epi8(v, _mm_shuffle_epi8(offsets, range));
}

/* the last twelve characters and CRLF, in the last sixteen octets of a line;
   what stands in the first two of these must be written again */
SSSE3 static inline void end (const unsigned char *p, char *line) {
  __m128i v = _mm_slli_si128(sixteen(load(p + 48)), 2);
  v = _mm_insert_epi16(v, '\n' << 8 | '\r', 7);
  _mm_storeu_si128((__m128i *)(void *)(line + DS_BASE64_LINE - 16), v);
}

SSSE3 size_t ds_base64_lines_ssse3 (const unsigned char *p, size_t n,
                                    char *out) {
  size_t i, lines = 0;
  for (; n >= LOADED; n -= DS_BASE64_IN, p += DS_BASE64_IN, lines++) {
    end(p, out);
    for (i = 0; i < 4; i++)
      _mm_storeu_si128((__m128i *)(void *)(out + 16 * i),
                       sixteen(load(p + 12 * i)));
    out += DS_BASE64_LINE;
  }
  return lines;
}

AVX2 static inline __m256i thirty_two (const unsigned char *p) {
  const __m256i spread = _mm256_setr_epi8(SPREAD, SPREAD);
  const __m256i offsets = _mm256_setr_epi8(OFFSETS, OFFSETS);
  __m256i even, odd, range, v;
  v = _mm256_inserti128_si256(_mm256_castsi128_si256(load(p)), load(p + 12), 1);
  v = _mm256_shuffle_epi8(v, spread);
  even = _mm256_mulhi_epu16(_mm256_and_si256(v, _mm256_set1_epi32(0x0fc0fc00)),
                            _mm256_set1_epi32(0x04000040));
  odd = _mm256_mullo_epi16(_mm256_and_si256(v, _mm256_set1_epi32(0x003f03f0)),
                           _mm256_set1_epi32(0x01000010));
  v = _mm256_or_si256(even, odd);
  range = _mm256_sub_epi8(_mm256_subs_epu8(v, _mm256_set1_epi8(51)),
                          _mm256_cmpgt_epi8(v, _mm256_set1_epi8(25)));
  return _mm256_add_epi8(v, _mm256_shuffle_epi8(offsets, range));
}

AVX2 size_t ds_base64_lines_avx2 (const unsigned char *p, size_t n, char *out) {
  size_t lines = 0;
  for (; n >= LOADED; n -= DS_BASE64_IN, p += DS_BASE64_IN, lines++) {
    end(p, out);
    _mm256_storeu_si256((__m256i *)(void *)out, thirty_two(p));
    _mm256_storeu_si256((__m256i *)(void *)(out + 32), thirty_two(p + 24));
    out += DS_BASE64_LINE;
  }
  return lines;
}

#endif
