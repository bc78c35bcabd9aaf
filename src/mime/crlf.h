/*
** crlf: CR, LF and CRLF become CRLF, whatever the chunks.
*/
#ifndef ds_mime_crlf_h
#define ds_mime_crlf_h

#include <stddef.h>

typedef struct ds_crlf {
  int cr;   /* the last octet was a CR: an LF now belongs to it */
  int open; /* the last line has no end yet */
} ds_crlf;

void ds_crlf_init (ds_crlf *c);

/* n octets into out, which has room for 2n; how many were written */
size_t ds_crlf_update (ds_crlf *c, const void *p, size_t n, char *out);

/* end the last line if it is open: 0 or 2 octets */
size_t ds_crlf_final (ds_crlf *c, char *out);

/* ds_crlf_run: octets of p up to its first CR or LF, or all n */
size_t ds_crlf_run (const char *p, size_t n);

#endif
