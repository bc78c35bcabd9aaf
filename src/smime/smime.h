/*
** smime: an entity (the Content-* fields of a message and its body) signed,
** encrypted, or signed and then encrypted (RFC 8551).  It comes in pieces and
** goes out in pieces: only certificates and a few kilobytes are held.
*/
#ifndef ds_smime_smime_h
#define ds_smime_smime_h

#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/span.h"

#define DS_SMIME_BOUNDARY 70 /* longest (RFC 2046 §5.1.1) */

typedef struct ds_smime ds_smime;

/* now, in Unix seconds, is when certificates must be valid, and when it is
   signed.  NULL: out of memory */
ds_smime *ds_smime_new (int64_t now);
void ds_smime_free (ds_smime *s);

/*
** With what it is signed, in this order, all in PEM.  0; DS_ERR_NOMEM; or
** DS_ERR_USAGE and *e: it is none, expired, not for mail, of another kind than
** RSA or EC.  The text is not needed afterwards.
** ds_smime_certificate: the signer's, and any further ones that go along.
** ds_smime_key: the certificate's; who has one signs.
** ds_smime_chain: one or more certificates that go along.
*/
int ds_smime_certificate (ds_smime *s, ds_span pem, ds_error *e);
int ds_smime_key (ds_smime *s, ds_span pem, ds_error *e);
int ds_smime_chain (ds_smime *s, ds_span pem, ds_error *e);

/*
** ds_smime_recipient: for whom it is encrypted: the first certificate of the
** text; each call adds one.  Errors as above.
*/
int ds_smime_recipient (ds_smime *s, ds_span pem, ds_error *e);

/*
** begin, feed any number of times, finish: each appends octets of the sealed
** entity to out, with CRLF line ends and 7-bit clean as the entity itself has
** to be.  Signed alone it is multipart/signed with SHA-256, with a boundary
** that must not occur in it; encrypted it is application/pkcs7-mime with
** AES-256-CBC, which every reader knows.  0; DS_ERR_NOMEM; DS_ERR_STATE: not
** in this order, or nothing to sign or encrypt with; or DS_ERR_LOCAL and *e:
** OpenSSL would not.  The same entity is encrypted otherwise each time.
*/
int ds_smime_begin (ds_smime *s, const char *boundary, ds_buf *out,
                    ds_error *e);
int ds_smime_feed (ds_smime *s, const void *p, size_t n, ds_buf *out,
                   ds_error *e);
int ds_smime_finish (ds_smime *s, ds_buf *out, ds_error *e);

#endif
