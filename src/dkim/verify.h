/*
** verify: what a message's DKIM-Signature fields are worth (RFC 6376 §6).
** Whoever asks the DNS does so for the names told here.
*/
#ifndef ds_dkim_verify_h
#define ds_dkim_verify_h

#include "dkim/key.h"
#include "dkim/pass.h"

#define DS_DKIM_SIGNATURES 20 /* of a message that are looked at */
#define DS_DKIM_NAME       512

/* a signature; its spans are of the pass that the message went through */
typedef struct ds_dkim_signature {
  ds_span field;
  ds_span domain, selector;
  ds_dkim_algorithm algorithm;
  ds_canon header, body;
  ds_span names;       /* h= */
  ds_span hash, value; /* bh= and b=, in base64 */
  ds_span identity;    /* i=, with its '@'; empty: none */
  int64_t expires;     /* x=, Unix seconds; -1: never */
} ds_dkim_signature;

/* the message is over: 0, or *e as ds_dkim_pass_final has it */
int ds_dkim_verify_begin (ds_dkim_pass *p, ds_error *e);

/* the n-th signature field from the top, from 0; empty: there is none */
ds_span ds_dkim_verify_field (const ds_dkim_pass *p, size_t n);

/*
** ds_dkim_signature_parse: 0, or DS_ERR_USAGE and *e: it does not hold what a
** signature must, or what nobody should count on (SHA-1, l=: more could be
** appended to the body).
*/
int ds_dkim_signature_parse (ds_span field, ds_dkim_signature *s, ds_error *e);

/* the name of its key's record; its length */
size_t ds_dkim_signature_name (const ds_dkim_signature *s,
                               char out[DS_DKIM_NAME]);

/*
** ds_dkim_signature_check: 0: this record's key made it, and the message is as
** it was.  Else *e and DS_ERR_PROTOCOL: it is not; DS_ERR_USAGE: the record
** will not do (no key, revoked, of another kind, not for mail); DS_ERR_NOMEM.
** now: Unix seconds, for x=.
*/
int ds_dkim_signature_check (const ds_dkim_signature *s, ds_dkim_pass *p,
                             ds_span record, int64_t now, ds_error *e);

#endif
