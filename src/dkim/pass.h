/*
** pass: one pass over a message in chunks of any size: its header is kept,
** its body hashed in one canonicalisation or in both.
*/
#ifndef ds_dkim_pass_h
#define ds_dkim_pass_h

#include "dkim/canon.h"
#include "dkim/hash.h"
#include "dkim/header.h"

typedef struct ds_dkim_pass {
  ds_dkim_header header;
  ds_canon_body body[2]; /* by canonicalisation */
  ds_hash *hash[2];      /* NULL: not wanted */
  ds_hash *fields;       /* for what the header comes to */
  unsigned char digest[2][DS_HASH];
} ds_dkim_pass;

/* 0, DS_ERR_NOMEM or DS_ERR_LOCAL: after a failure, too, clear it */
int ds_dkim_pass_init (ds_dkim_pass *p, int simple, int relaxed);
void ds_dkim_pass_clear (ds_dkim_pass *p);
void ds_dkim_pass_begin (ds_dkim_pass *p); /* a new message */

void ds_dkim_pass_feed (ds_dkim_pass *p, const void *octets, size_t n);

/* the message is over: 0, or *e as ds_dkim_header_final has it */
int ds_dkim_pass_final (ds_dkim_pass *p, ds_error *e);

/* the digest of text already canonical: 0 or DS_ERR_LOCAL */
int ds_dkim_pass_digest (ds_dkim_pass *p, ds_span text,
                         unsigned char out[DS_HASH]);

#endif
