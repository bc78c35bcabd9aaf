/*
** body: a message on its way: behind DATA dots are stuffed (RFC 5321 §4.5.2),
** whatever the chunking; CRLF is the only line end that passes (§2.3.8).
*/
#ifndef ds_smtp_body_h
#define ds_smtp_body_h

#include "util/buf.h"
#include "util/span.h"

/* what the octets so far end with */
typedef enum ds_body { DS_BODY_LINE_START, DS_BODY_INSIDE, DS_BODY_CR } ds_body;

/*
** ds_body_look: what n octets more lead to; DS_ERR_USAGE when they would leave
** a CR or an LF alone, and *b stays.
*/
int ds_body_look (ds_body *b, const char *p, size_t n);

/*
** ds_body_add: append n octets, stuffed.  DS_ERR_USAGE when they would leave
** a CR or an LF alone: nothing of them is appended then, and *b stays.
*/
int ds_body_add (ds_body *b, ds_buf *out, const char *p, size_t n);

/*
** ds_body_end: append CRLF if the last line lacks it, the dot and its CRLF;
** DS_ERR_USAGE when the octets so far end with a CR alone.
*/
int ds_body_end (const ds_body *b, ds_buf *out);

#endif
