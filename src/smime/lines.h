/*
** lines: octets as base64 in lines of 76 characters, each ended by CRLF.
*/
#ifndef ds_smime_lines_h
#define ds_smime_lines_h

#include "util/buf.h"

#define DS_LINES_IN 57 /* octets that make one line */

typedef struct ds_lines {
  unsigned char carry[DS_LINES_IN]; /* of the unfinished line */
  size_t n;
} ds_lines;

void ds_lines_init (ds_lines *l);

/* append what n more octets complete; the last, shorter line.  0 or
   DS_ERR_NOMEM */
int ds_lines_put (ds_lines *l, const void *p, size_t n, ds_buf *out);
int ds_lines_end (ds_lines *l, ds_buf *out);

#endif
