/*
** header: the fields of a message as they came, and what DKIM hashes of them
** (RFC 6376 §3.7, §5.4).
*/
#ifndef ds_dkim_header_h
#define ds_dkim_header_h

#include "dkim/canon.h"
#include "util/err.h"

#define DS_DKIM_FIELDS 1000   /* of one header */
#define DS_DKIM_HEADER 524288 /* octets of it */

typedef struct ds_dkim_field {
  ds_span name; /* empty: no field */
  ds_span text; /* all of it, its CRLF too */
} ds_dkim_field;

typedef struct ds_dkim_header {
  ds_buf text;
  size_t line;  /* octets of the line that has no end yet */
  int complete; /* the blank line has come; it is not in text */
  ds_err failed;
  ds_dkim_field *fields;
  size_t count;
} ds_dkim_header;

void ds_dkim_header_init (ds_dkim_header *h);
void ds_dkim_header_clear (ds_dkim_header *h);
void ds_dkim_header_empty (ds_dkim_header *h); /* keeps its memory */

/*
** ds_dkim_header_feed: take the octets that belong to the header out of n:
** how many, fewer than n when the header is complete.  ds_dkim_header_final:
** find the fields.  0, DS_ERR_NOMEM, or *e: DS_ERR_LIMIT, DS_ERR_USAGE (a
** line ends in an LF without its CR).
*/
size_t ds_dkim_header_feed (ds_dkim_header *h, const char *p, size_t n);
int ds_dkim_header_final (ds_dkim_header *h, ds_error *e);

/* how many fields of that name there are */
size_t ds_dkim_header_count (const ds_dkim_header *h, ds_span name);

/*
** ds_dkim_header_canon: append what is hashed: the fields that `names` (the
** h= tag: names between colons) picks, each time the last one not yet picked,
** then the signature field without the value of its b= tag, which must have
** been cut out already.  0 or DS_ERR_NOMEM.
*/
int ds_dkim_header_canon (const ds_dkim_header *h, ds_span names, ds_canon how,
                          ds_span signature, ds_buf *out);

#endif
