/*
** qp: quoted-printable for text (RFC 2045 §6.7): lines of at most 76, soft
** breaks where they get longer, no white space before a line end.
*/
#ifndef ds_mime_qp_h
#define ds_mime_qp_h

#include <stddef.h>

typedef struct ds_qp {
  unsigned column; /* of the line being written */
  int space;       /* a space or tab held back: is it the line's last? or 0 */
} ds_qp;

void ds_qp_init (ds_qp *q);

/* octets out that n octets in make at most, whatever is carried */
size_t ds_qp_bound (size_t n);

/*
** ds_qp_update: text whose line ends are all CRLF into out, which has room for
** ds_qp_bound(n).  ds_qp_final writes what was held back: at most
** ds_qp_bound(0).  Both return how many octets.
*/
size_t ds_qp_update (ds_qp *q, const void *p, size_t n, char *out);
size_t ds_qp_final (ds_qp *q, char *out);

#endif
