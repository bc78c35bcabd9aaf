/*
** sign: a signer keeps its identities and their keys, and makes of one pass
** over a message a DKIM-Signature field for each (RFC 6376 §5).
*/
#ifndef ds_dkim_sign_h
#define ds_dkim_sign_h

#include "dkim/key.h"
#include "dkim/pass.h"

#define DS_DKIM_IDENTITIES 8 /* signatures at once */

typedef struct ds_dkim_identity {
  ds_span domain, selector;
  ds_dkim_key *key;
  ds_canon header, body;
  int64_t life; /* seconds from t= to x=; 0: no x= */
} ds_dkim_identity;

typedef struct ds_dkim_signer ds_dkim_signer;

/*
** ds_dkim_name_ok: LDH labels of 1-63 octets between dots, 253 octets in all
** with the selector and "._domainkey." in front.  What is wrong goes to *e
** with the field "domain" or "selector".  0 or DS_ERR_USAGE.
*/
int ds_dkim_name_ok (ds_span domain, ds_span selector, ds_error *e);

/*
** ds_dkim_signer_new: copies the texts; the keys must stay as long as it
** does.  NULL and *e: as ds_dkim_name_ok has it, or DS_ERR_NOMEM, or
** DS_ERR_LIMIT: more than DS_DKIM_IDENTITIES, or none.
*/
ds_dkim_signer *ds_dkim_signer_new (const ds_dkim_identity *list, size_t n,
                                    ds_error *e);
void ds_dkim_signer_free (ds_dkim_signer *s);

/* a pass that hashes what this signer needs; errors as ds_dkim_pass_init */
int ds_dkim_signer_pass (const ds_dkim_signer *s, ds_dkim_pass *p);

/*
** ds_dkim_sign: the fields for the message that went through p, one for each
** identity, appended to *out, each ending in CRLF.  They are to stand in
** front of the message.  time: Unix seconds for t=, or -1 for neither t= nor
** x=.  Signed are the fields of sign.c's table, each of its sealed ones once
** more than it occurs, so that none can be added; and all List-*.  0, or *e:
** DS_ERR_USAGE (no From field, or no CRLF), DS_ERR_LIMIT (the header), DS_ERR_NOMEM,
** DS_ERR_LOCAL (OpenSSL).
*/
int ds_dkim_sign (ds_dkim_signer *s, ds_dkim_pass *p, int64_t time, ds_buf *out,
                  ds_error *e);

#endif
