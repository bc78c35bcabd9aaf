/*
** kernel: the inner loops of the encoders, once for each kind of processor.
** All make the same octets.
*/
#ifndef ds_mime_kernel_h
#define ds_mime_kernel_h

#include <stddef.h>
#include <stdint.h>

#define DS_QP_WIDTH 75   /* and one for the '=' of a soft break */
#define DS_QP_SLICE 1024 /* octets made ready at a time */

/* a piece of text with all encoded that must be, line ends and blanks as they
   are, not yet in lines of their width; whole vectors may be written behind
   its end, and lines of full width read */
typedef struct ds_qp_text {
  char front[2]; /* no '=' */
  char text[1 + 3 * DS_QP_SLICE + DS_QP_WIDTH];
  size_t n;
  uint16_t ends[DS_QP_SLICE + 2]; /* where the line ends stand */
  size_t count;
} ds_qp_text;

typedef struct ds_kernel {
  const char *name;

  /* whole lines of base64 with CRLF from the front of p, all or all but the
     last one of those that n octets make: how many; `out` has room for all
     of them, and they may be written in any order */
  size_t (*lines)(const unsigned char *p, size_t n, char *out);

  /* n octets, at most DS_QP_SLICE, behind *t */
  void (*expand)(const unsigned char *p, size_t n, ds_qp_text *t);
} ds_kernel;

/* ds_kernel_at: those that this processor can run, the best at 0, the one in
   plain C last; NULL behind it */
const ds_kernel *ds_kernel_at (size_t i);

/* the loops themselves */
size_t ds_base64_lines (const unsigned char *p, size_t n, char *out);
size_t ds_base64_lines_ssse3 (const unsigned char *p, size_t n, char *out);
size_t ds_base64_lines_avx2 (const unsigned char *p, size_t n, char *out);
size_t ds_base64_lines_neon (const unsigned char *p, size_t n, char *out);
void ds_qp_expand (const unsigned char *p, size_t n, ds_qp_text *t);
void ds_qp_expand_ssse3 (const unsigned char *p, size_t n, ds_qp_text *t);
void ds_qp_expand_avx2 (const unsigned char *p, size_t n, ds_qp_text *t);
void ds_qp_expand_neon (const unsigned char *p, size_t n, ds_qp_text *t);

/* a group is four octets, their high digits, their low digits, and an '='; by
   the mask of those octets that become three: the order in which the group's
   octets are written, and how many they are */
extern const unsigned char ds_qp_order[16][16];
extern const unsigned char ds_qp_width[16];

#endif
