/*
** qp: quoted-printable for text (RFC 2045 §6.7): lines of at most 76, soft
** breaks where they get longer, no white space before a line end; CR, LF and
** CRLF all become CRLF.  The blank in "From " is encoded: a line that begins
** so is changed by some gateways (RFC 2049 §3).
*/
#ifndef ds_mime_qp_h
#define ds_mime_qp_h

#include <stddef.h>

struct ds_kernel;

typedef struct ds_qp {
  const struct ds_kernel *kernel; /* the processor's best, after init */
  size_t column;                  /* of the line being written; 0: it is new */
  int space; /* a space or tab held back: is it the line's last? or 0 */
  int cr;    /* the last octet was a CR: an LF now belongs to it */
  int from;  /* octets of "From " that came last */
} ds_qp;

void ds_qp_init (ds_qp *q);

/* octets of room that n octets in want at most, whatever is carried */
size_t ds_qp_bound (size_t n);

/*
** ds_qp_update: n octets of text into out, which has room for ds_qp_bound(n);
** all of that room may be written to.  ds_qp_final writes what was held back,
** in room for ds_qp_bound(0); it does not end the line.  Both return how many
** octets they made.
*/
size_t ds_qp_update (ds_qp *q, const void *p, size_t n, char *out);
size_t ds_qp_final (ds_qp *q, char *out);

#endif
