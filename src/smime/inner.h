/*
** inner: what the files of smime know of each other.
*/
#ifndef ds_smime_inner_h
#define ds_smime_inner_h

#include <openssl/cms.h>

#include "crypto/pem.h"
#include "smime/lines.h"
#include "smime/smime.h"

typedef enum ds_smime_stage {
  DS_SMIME_NEW,
  DS_SMIME_OPEN, /* begun */
  DS_SMIME_OVER  /* finished, or failed */
} ds_smime_stage;

struct ds_smime {
  int64_t now;
  X509 *cert; /* the signer's; NULL: nobody signs */
  EVP_PKEY *key;
  ds_certificates *chain;
  ds_certificates *recipients; /* empty: it is not encrypted */

  ds_smime_stage stage;
  char boundary[DS_SMIME_BOUNDARY + 1];
  CMS_ContentInfo *signature;
  BIO *hash; /* what is signed is written into it */
  CMS_ContentInfo *envelope;
  BIO *cipher; /* what is encrypted is written into it, … */
  BIO *sealed; /* … and read from here */
  ds_lines lines;
};

/* what a certificate is wanted for */
typedef enum ds_smime_use { DS_SMIME_SIGNS, DS_SMIME_ENCRYPTS } ds_smime_use;

/* 0, or DS_ERR_USAGE and *e: not valid now, or not for this use */
int ds_smime_fit (X509 *cert, ds_smime_use use, int64_t now, ds_error *e);

/*
** The two halves of a seal.  0; DS_ERR_NOMEM; or DS_ERR_LOCAL and *e.
** sign_end appends the signature, in base64; encrypt_end the last octets of
** what is encrypted.
*/
int ds_smime_sign_begin (ds_smime *s, ds_error *e);
int ds_smime_sign_feed (ds_smime *s, ds_span octets, ds_error *e);
int ds_smime_sign_end (ds_smime *s, ds_buf *out, ds_error *e);
int ds_smime_encrypt_begin (ds_smime *s, ds_error *e);
int ds_smime_encrypt_feed (ds_smime *s, ds_span octets, ds_buf *out,
                           ds_error *e);
int ds_smime_encrypt_end (ds_smime *s, ds_buf *out, ds_error *e);

/* free what a seal in progress holds; also twice */
void ds_smime_sign_clear (ds_smime *s);
void ds_smime_encrypt_clear (ds_smime *s);

/* what OpenSSL would not do, with its own word for why: DS_ERR_LOCAL */
int ds_smime_broken (ds_error *e, const char *what);

/* all of s into b: 1, or 0 when OpenSSL would not */
int ds_smime_write (BIO *b, ds_span s);

#endif
