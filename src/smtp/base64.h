/*
** base64: short texts on one line, as SASL has them (RFC 4648 §4).
*/
#ifndef ds_smtp_base64_h
#define ds_smtp_base64_h

#include "util/buf.h"
#include "util/span.h"

/* 0, or DS_ERR_NOMEM */
int ds_base64_put (ds_buf *out, ds_span octets);

/* DS_ERR_PROTOCOL: not strictly so: a foreign character, no whole quantum,
   octets behind the padding, bits besides */
int ds_base64_take (ds_buf *out, ds_span text);

#endif
