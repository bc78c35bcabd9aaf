/*
** encode: a body on its way to the wire: line ends, then transfer encoding.
*/
#ifndef ds_mime_encode_h
#define ds_mime_encode_h

#include "mime/base64.h"
#include "mime/crlf.h"
#include "mime/qp.h"
#include "mime/scan.h"
#include "util/buf.h"

typedef struct ds_encoder {
  ds_encoding how;
  int text; /* CR, LF and CRLF become CRLF first, and the last line has one */
  ds_crlf lines;
  ds_qp qp;
  ds_base64 base64;
} ds_encoder;

void ds_encoder_init (ds_encoder *c, ds_encoding how, int text);

/* n octets in, what they make behind *out; 0 or DS_ERR_NOMEM.  Quoted-printable
   is for text only. */
int ds_encoder_update (ds_encoder *c, const void *p, size_t n, ds_buf *out);
int ds_encoder_final (ds_encoder *c, ds_buf *out);

#endif
