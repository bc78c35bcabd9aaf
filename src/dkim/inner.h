/*
** inner: what the files of this room know of each other alone.
*/
#ifndef ds_dkim_inner_h
#define ds_dkim_inner_h

#include <openssl/evp.h>

#include "dkim/key.h"
#include "dkim/sign.h"

struct ds_dkim_key {
  EVP_PKEY *pkey;
  ds_dkim_algorithm algorithm;
  EVP_PKEY_CTX *rsa; /* ready to sign, or to verify */
  EVP_MD_CTX *ed;
};

/*
** ds_dkim_key_adopt: a key of pkey, which is its own from now on, come what
** may; it will only sign, or only verify.  NULL and *e: not fit for DKIM.
*/
ds_dkim_key *ds_dkim_key_adopt (EVP_PKEY *pkey, int signs, ds_error *e);

struct ds_dkim_signer {
  ds_dkim_identity *list;
  size_t count;
  ds_buf names, field, canon; /* of the signature being made */
};

#endif
