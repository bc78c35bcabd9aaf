/*
** The certificate a connector route is known by.
*/
#include <limits.h>
#include <openssl/err.h>

#include "crypto/pem.h"
#include "tls/inner.h"

#define CERT "client_cert"
#define KEY  "client_key"

static int refuse (ds_error *e, const char *field, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, field, "%s: %s", field,
                      why);
}

/* what another said, as said of this field */
static int pass_on (ds_error *e, const char *field, const ds_error *inner) {
  return inner->code == DS_ERR_NOMEM ? ds_error_nomem(e)
                                     : refuse(e, field, inner->text);
}

static int read_certs (ds_span pem, ds_certificates **all, ds_error *e) {
  ds_error inner = {DS_OK, DS_KIND_NONE, "", ""};
  *all = ds_pem_certificates(pem, INT_MAX, &inner);
  return *all != NULL ? DS_OK : pass_on(e, CERT, &inner);
}

static int read_key (ds_span pem, EVP_PKEY **key, ds_error *e) {
  ds_error inner = {DS_OK, DS_KIND_NONE, "", ""};
  *key = ds_pem_key(pem, &inner);
  return *key != NULL ? DS_OK : pass_on(e, KEY, &inner);
}

static int find_key (const ds_tls_config *config, EVP_PKEY **key, ds_error *e) {
  if (config->client_key.n > 0)
    return read_key(config->client_key, key, e);
  if (!ds_span_holds(config->client_cert, "PRIVATE KEY-----"))
    return refuse(e, KEY, "is missing, and " CERT " holds none");
  return read_key(config->client_cert, key, e);
}

static int fits (const ds_certificates *all, EVP_PKEY *key, ds_error *e) {
  int i;
  for (i = 0; i < sk_X509_num(all); i++)
    if (X509_check_private_key(sk_X509_value(all, i), key) == 1)
      return i == 0 ? DS_OK
                    : refuse(e, CERT,
                             "the certificate that the key belongs "
                             "to must stand first, its issuers "
                             "behind");
  return refuse(e, KEY, "this is not the key of the certificate in " CERT);
}

/* what is not allowed below the context's security level is refused here */
static int take (SSL_CTX *ssl, ds_certificates *all, EVP_PKEY *key,
                 ds_error *e) {
  X509 *own = sk_X509_shift(all);
  const char *why;
  int done;
  ERR_clear_error();
  done = SSL_CTX_use_cert_and_key(ssl, own, key, all, 1) == 1;
  X509_free(own);
  if (done)
    return DS_OK;
  why = ERR_reason_error_string(ERR_peek_error());
  return refuse(e, CERT, why != NULL ? why : "OpenSSL will not take it");
}

int ds_tls_client (ds_tls_ctx *c, const ds_tls_config *config, ds_error *e) {
  ds_certificates *all = NULL;
  EVP_PKEY *key = NULL;
  int r;
  if (config->client_cert.n == 0 && config->client_key.n == 0)
    return DS_OK;
  if (config->client_cert.n == 0)
    return refuse(e, CERT, "is missing beside " KEY);
  r = read_certs(config->client_cert, &all, e);
  if (r == DS_OK)
    r = find_key(config, &key, e);
  if (r == DS_OK)
    r = fits(all, key, e);
  if (r == DS_OK)
    r = take(c->ssl, all, key, e);
  EVP_PKEY_free(key);
  ds_certificates_free(all);
  return r;
}
