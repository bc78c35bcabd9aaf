/*
** pem: keys out of PEM text.
*/
#ifndef ds_crypto_pem_h
#define ds_crypto_pem_h

#include <openssl/evp.h>

#include "util/err.h"
#include "util/span.h"

/* is it PEM text, or is it the name of a file? */
int ds_pem_alike (ds_span s);

/*
** ds_pem_key: the first private key of the text, whose owner the caller is.
** NULL and *e: DS_ERR_USAGE with what is wrong with it (no PEM, encrypted, a
** public key, a certificate, damaged), or DS_ERR_NOMEM.
*/
EVP_PKEY *ds_pem_key (ds_span pem, ds_error *e);

/* a pem_password_cb: nobody is asked */
int ds_pem_no_password (char *p, int size, int writing, void *ud);

#endif
