/*
** raw: a finished message, taken as it comes but for its line ends: its header
** kept, its body counted.
*/
#ifndef ds_mime_raw_h
#define ds_mime_raw_h

#include "mime/crlf.h"
#include "mime/scan.h"
#include "util/buf.h"
#include "util/err.h"

typedef struct ds_raw {
  ds_buf head;   /* the header, and what came with its last piece */
  size_t head_n; /* of the header; 0 while it is not complete */
  size_t line;   /* where its last line begins, … */
  size_t seen;   /* … and what was looked at for an end of it */
  ds_crlf lines;
  ds_scan body;
} ds_raw;

void ds_raw_init (ds_raw *r);
void ds_raw_clear (ds_raw *r);

/*
** All of it in pieces, then final.  0, DS_ERR_NOMEM, or DS_ERR_USAGE and *e: a
** header of more than DS_HEADER_BLOCK octets.
*/
int ds_raw_update (ds_raw *r, const void *p, size_t n, ds_error *e);
int ds_raw_final (ds_raw *r);

#endif
