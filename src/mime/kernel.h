/*
** kernel: the inner loops of the encoders, once for each kind of processor.
** All make the same octets.
*/
#ifndef ds_mime_kernel_h
#define ds_mime_kernel_h

#include <stddef.h>

#define DS_KERNEL_SLACK 64 /* octets a kernel may write behind its result */

typedef struct ds_kernel {
  const char *name;

  /* whole lines of base64 with CRLF from the front of p, all or all but the
     last one of those that n octets make: how many; `out` has room for all
     of them, and they may be written in any order */
  size_t (*lines)(const unsigned char *p, size_t n, char *out);

  /* p up to its first CR or LF, or all n octets, in quoted-printable on one
     line of any width, blanks as they are: how many octets were read, and in
     *made how many were written; `out` has room for 3 * n and the slack */
  size_t (*expand)(const unsigned char *p, size_t n, char *out, size_t *made);
} ds_kernel;

/* ds_kernel_at: those that this processor can run, the best at 0, the one in
   plain C last; NULL behind it */
const ds_kernel *ds_kernel_at (size_t i);

/* the loops themselves */
size_t ds_base64_lines (const unsigned char *p, size_t n, char *out);
size_t ds_base64_lines_ssse3 (const unsigned char *p, size_t n, char *out);
size_t ds_base64_lines_avx2 (const unsigned char *p, size_t n, char *out);
size_t ds_base64_lines_neon (const unsigned char *p, size_t n, char *out);
size_t ds_qp_expand (const unsigned char *p, size_t n, char *out, size_t *made);
size_t ds_qp_expand_ssse3 (const unsigned char *p, size_t n, char *out,
                           size_t *made);
size_t ds_qp_expand_avx2 (const unsigned char *p, size_t n, char *out,
                          size_t *made);
size_t ds_qp_expand_neon (const unsigned char *p, size_t n, char *out,
                          size_t *made);

/* a group is four octets, their high digits, their low digits, and an '='; by
   the mask of those octets that become three: the order in which the group's
   octets are written, and how many they are */
extern const unsigned char ds_qp_order[16][16];
extern const unsigned char ds_qp_width[16];

#endif
