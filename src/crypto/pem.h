/*
** pem: keys and certificates out of PEM text.
*/
#ifndef ds_crypto_pem_h
#define ds_crypto_pem_h

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "util/err.h"
#include "util/span.h"

/* is it PEM text, or is it the name of a file? */
int ds_pem_alike (ds_span s);

/*
** ds_pem_key: the first private key of the text, whose owner the caller is.
** NULL and *e: DS_ERR_USAGE with what is wrong with it (no PEM, encrypted, a
** public key, a certificate, damaged), or DS_ERR_NOMEM.
** ds_pem_certificates: likewise its certificates, one at least, `most` at
** most; what stands behind those is not looked at.
*/
EVP_PKEY *ds_pem_key (ds_span pem, ds_error *e);

typedef STACK_OF(X509) ds_certificates;
ds_certificates *ds_pem_certificates (ds_span pem, int most, ds_error *e);
void ds_certificates_free (ds_certificates *all); /* NULL is fine */

#endif
