/*
** scram: SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding.  Names
** and passwords go as they are: what SASLprep would change in them (compatible
** forms, other blanks) is not changed.
*/
#ifndef ds_smtp_scram_h
#define ds_smtp_scram_h

#include "util/buf.h"
#include "util/crypto.h"
#include "util/span.h"

#define DS_SCRAM_LEAST 4096    /* iterations (RFC 7677 §4) */
#define DS_SCRAM_MOST  1000000 /* half a second */

typedef struct ds_scram {
  const ds_crypto *crypto;
  ds_span user, password, nonce;
  ds_buf messages;                    /* AuthMessage, as far as it is known */
  unsigned char signature[DS_SHA256]; /* the server's, as it must be */
  int proved;
  const char *text; /* what was wrong */
} ds_scram;

/* spans and crypto are the caller's and stay */
void ds_scram_init (ds_scram *s, const ds_crypto *crypto, ds_span user,
                    ds_span password, ds_span nonce);
void ds_scram_clear (ds_scram *s); /* wipes */

/*
** The three answers of the client, the last one empty.  DS_ERR_PROTOCOL and
** text: what the server says is not SCRAM, its nonce is not ours continued,
** its iterations are few or too many, its signature is wrong.  DS_ERR_NOMEM;
** DS_ERR_LOCAL: crypto failed.
*/
int ds_scram_first (ds_scram *s, ds_span nothing, ds_buf *out);
int ds_scram_final (ds_scram *s, ds_span server_first, ds_buf *out);
int ds_scram_verify (ds_scram *s, ds_span server_final, ds_buf *out);

int ds_scram_proved (const ds_scram *s);

/* a name with = and , as =3D and =2C (RFC 5802 §5.1) */
int ds_scram_name (ds_buf *out, ds_span name);

#endif
