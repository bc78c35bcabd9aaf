/*
** canon: the two canonicalisations of DKIM (RFC 6376 §3.4), of a header field
** and of a body that comes in chunks of any size.  Lines end in CRLF; a lone
** CR or LF is an octet like others.
*/
#ifndef ds_dkim_canon_h
#define ds_dkim_canon_h

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/span.h"

typedef enum ds_canon { DS_CANON_SIMPLE, DS_CANON_RELAXED } ds_canon;

/*
** ds_canon_field: append the field's canonical form, without the CRLF at its
** end, if there is one.  0 or DS_ERR_NOMEM.
*/
int ds_canon_field (ds_canon how, ds_span field, ds_buf *out);

typedef struct ds_canon_body {
  ds_canon how;
  void (*out)(void *ud, const void *p, size_t n); /* takes what is canonical */
  void *ud;
  uint64_t ends; /* line ends that wait for something to stand behind them */
  int cr, space; /* and then these */
  int any;       /* something was given out */
} ds_canon_body;

void ds_canon_body_init (ds_canon_body *c, ds_canon how,
                         void (*out)(void *ud, const void *p, size_t n),
                         void *ud);
void ds_canon_body_update (ds_canon_body *c, const void *p, size_t n);
void ds_canon_body_final (ds_canon_body *c);

#endif
