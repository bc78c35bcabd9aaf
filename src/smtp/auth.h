/*
** auth: who we are, told to a server (RFC 4954): SASL mechanisms as text in,
** text out.
*/
#ifndef ds_smtp_auth_h
#define ds_smtp_auth_h

#include <stdint.h>

#include "util/buf.h"
#include "util/crypto.h"
#include "util/span.h"

#define DS_AUTH_PLAIN         1u  /* RFC 4616 */
#define DS_AUTH_LOGIN         2u  /* as everybody does it */
#define DS_AUTH_XOAUTH2       4u  /* as Google and Microsoft do it */
#define DS_AUTH_OAUTHBEARER   8u  /* RFC 7628 */
#define DS_AUTH_SCRAM_SHA_256 16u /* RFC 7677 */

/*
** Zeroed but for what is used.  A user and a password, or a user and a token,
** decide between the families; strongest first: SCRAM-SHA-256, PLAIN, LOGIN;
** OAUTHBEARER, XOAUTH2.  None may hold NUL, CR, LF or other controls, a user
** and a password are well-formed UTF-8, none is longer than 8 KiB.
*/
typedef struct ds_auth {
  unsigned mechanisms; /* that may be used, 0: any */
  ds_span user;
  ds_span password;
  ds_span token;           /* OAuth 2.0 bearer token; empty: a password */
  const char *host;        /* OAUTHBEARER: the server's name; or NULL */
  uint16_t port;           /* the same; or 0 */
  const ds_crypto *crypto; /* SCRAM; NULL: it is not used */
  ds_span nonce; /* SCRAM: fresh and random, 18 … 64 printable characters, no
                    comma */
  int clear;     /* also without TLS */
} ds_auth;

/* 0 where one of these rules is broken */
int ds_auth_ok (const ds_auth *a);

/* which of those offered is to be used, 0: none */
unsigned ds_auth_choose (const ds_auth *a, unsigned offered);

const char *ds_auth_name (unsigned mechanism); /* "PLAIN" … */

/* one exchange */
typedef struct ds_sasl ds_sasl;

/* *a is copied; NULL: no memory */
ds_sasl *ds_sasl_new (const ds_auth *a, unsigned mechanism);

/* wipes what it knows */
void ds_sasl_free (ds_sasl *s);

/* the client begins: its first answer may stand in the command that begins */
int ds_sasl_first (const ds_sasl *s);

/*
** ds_sasl_answer: append the answer to a challenge, both as base64; to none
** (empty) where the client begins.  DS_ERR_NOMEM; DS_ERR_PROTOCOL and
** ds_sasl_text says why: it is not understood, or the server does not know
** the password; DS_ERR_LOCAL: the crypto functions failed.
*/
int ds_sasl_answer (ds_sasl *s, ds_span challenge, ds_buf *out);

/* success may be believed: the server has proved what it has to */
int ds_sasl_proved (const ds_sasl *s);

/* what went wrong, in our words or (OAuth) the server's; "" */
const char *ds_sasl_text (const ds_sasl *s);

#endif
