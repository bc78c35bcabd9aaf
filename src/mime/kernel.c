#include "mime/kernel.h"

/* 0-3: the octets; 4-7 and 8-11: their high and low digits; 12: an '=' */
/* clang-format off */
const unsigned char ds_qp_order[16][16] = {
  {0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
  {0, 12, 5, 9, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 12, 5, 9, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0},
  {0, 1, 12, 6, 10, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 1, 12, 6, 10, 3, 0, 0, 0, 0, 0, 0, 0, 0},
  {0, 12, 5, 9, 12, 6, 10, 3, 0, 0, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 12, 5, 9, 12, 6, 10, 3, 0, 0, 0, 0, 0, 0},
  {0, 1, 2, 12, 7, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 1, 2, 12, 7, 11, 0, 0, 0, 0, 0, 0, 0, 0},
  {0, 12, 5, 9, 2, 12, 7, 11, 0, 0, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 12, 5, 9, 2, 12, 7, 11, 0, 0, 0, 0, 0, 0},
  {0, 1, 12, 6, 10, 12, 7, 11, 0, 0, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 1, 12, 6, 10, 12, 7, 11, 0, 0, 0, 0, 0, 0},
  {0, 12, 5, 9, 12, 6, 10, 12, 7, 11, 0, 0, 0, 0, 0, 0},
  {12, 4, 8, 12, 5, 9, 12, 6, 10, 12, 7, 11, 0, 0, 0, 0},
};
/* clang-format on */
const unsigned char ds_qp_width[16] = {4, 6, 6, 8,  6, 8,  8,  10,
                                       6, 8, 8, 10, 8, 10, 10, 12};

static const ds_kernel plain = {"plain", ds_base64_lines, ds_qp_expand};

#if defined(__x86_64__) || defined(__i386__)

static const ds_kernel ssse3 = {"ssse3", ds_base64_lines_ssse3,
                                ds_qp_expand_ssse3};
static const ds_kernel avx2 = {"avx2", ds_base64_lines_avx2, ds_qp_expand_avx2};

/* asks what the compiler's start-up code found out before any of ours ran */
const ds_kernel *ds_kernel_at (size_t i) {
  int counts = __builtin_cpu_supports("popcnt");
  if (counts && __builtin_cpu_supports("avx2") && i-- == 0)
    return &avx2;
  if (counts && __builtin_cpu_supports("ssse3") && i-- == 0)
    return &ssse3;
  return i == 0 ? &plain : NULL;
}

#elif defined(__ARM_NEON)

#if !defined(__aarch64__) /* its tables are too small for groups */
#define ds_qp_expand_neon ds_qp_expand
#endif
static const ds_kernel neon = {"neon", ds_base64_lines_neon, ds_qp_expand_neon};

const ds_kernel *ds_kernel_at (size_t i) {
  return i == 0 ? &neon : i == 1 ? &plain : NULL;
}

#else

const ds_kernel *ds_kernel_at (size_t i) {
  return i == 0 ? &plain : NULL;
}

#endif
