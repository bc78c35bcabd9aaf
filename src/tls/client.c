/*
** The certificate a connector route is known by.
*/
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "tls/inner.h"

#define CERT "client_cert"
#define KEY  "client_key"

static int refuse (ds_error *e, const char *field, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, field, "%s: %s", field,
                      why);
}

static int no_memory (ds_error *e) {
  return ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
}

static int contains (ds_span s, const char *what) {
  size_t n = strlen(what), i;
  for (i = 0; i + n <= s.n; i++)
    if (memcmp(s.p + i, what, n) == 0)
      return 1;
  return 0;
}

/* nobody is asked for a password */
static int no_password (char *p, int size, int writing, void *ud) {
  (void)p;
  (void)size;
  (void)writing;
  (void)ud;
  return -1;
}

static BIO *reader (ds_span pem) {
  return pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
}

/* -- certificates -- */

static int explain_cert (ds_span pem, ds_error *e) {
  if (contains(pem, "-----BEGIN CERTIFICATE-----"))
    return refuse(e, CERT, "a certificate in it is damaged");
  if (contains(pem, "CERTIFICATE REQUEST-----"))
    return refuse(e, CERT, "it asks for a certificate and is none yet");
  if (contains(pem, "PRIVATE KEY-----"))
    return refuse(e, CERT, "it holds a private key and no certificate");
  return refuse(e, CERT,
                "there is no certificate in PEM in it; openssl x509 -in FILE "
                "writes one in DER so, openssl pkcs12 -in FILE -nodes one in "
                "PKCS#12");
}

/* 1: the text is over; 0: what stands next in it cannot be read */
static int at_end (void) {
  unsigned long why = ERR_peek_last_error();
  return ERR_GET_LIB(why) == ERR_LIB_PEM &&
         ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
}

static int read_certs (ds_span pem, STACK_OF(X509) * all, ds_error *e) {
  BIO *in = reader(pem);
  X509 *x = NULL;
  int r = DS_OK;
  if (in == NULL)
    return no_memory(e);
  while (r == DS_OK &&
         (x = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL)
    if (!sk_X509_push(all, x)) {
      X509_free(x);
      r = no_memory(e);
    }
  if (r == DS_OK && (sk_X509_num(all) == 0 || !at_end()))
    r = explain_cert(pem, e);
  BIO_free(in);
  return r;
}

/* -- the key -- */

static int explain_key (ds_span pem, ds_error *e) {
  if (contains(pem, "ENCRYPTED"))
    return refuse(e, KEY,
                  "the key is encrypted; openssl pkey -in FILE writes "
                  "it without its password");
  if (contains(pem, "PRIVATE KEY-----"))
    return refuse(e, KEY, "the private key is damaged, or of an unknown kind");
  if (contains(pem, "PUBLIC KEY-----"))
    return refuse(e, KEY, "this is a public key; the private one is wanted");
  if (contains(pem, "-----BEGIN CERTIFICATE-----"))
    return refuse(e, KEY, "there is a certificate and no private key in it");
  return refuse(e, KEY,
                "there is no private key in PEM in it; openssl pkey "
                "-in FILE writes one in DER so");
}

static int read_key (ds_span pem, EVP_PKEY **key, ds_error *e) {
  BIO *in = reader(pem);
  if (in == NULL)
    return no_memory(e);
  *key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
  BIO_free(in);
  return *key != NULL ? DS_OK : explain_key(pem, e);
}

/* -- both -- */

static int fits (const STACK_OF(X509) * all, EVP_PKEY *key, ds_error *e) {
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
static int take (SSL_CTX *ssl, STACK_OF(X509) * all, EVP_PKEY *key,
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
  ds_span cert = config->client_cert, pem = config->client_key;
  STACK_OF(X509) * all;
  EVP_PKEY *key = NULL;
  int r;
  if (cert.n == 0)
    return pem.n == 0 ? DS_OK : refuse(e, CERT, "is missing beside " KEY);
  all = sk_X509_new_null();
  r = all != NULL ? read_certs(cert, all, e) : no_memory(e);
  if (r == DS_OK)
    r = read_key(pem.n > 0 ? pem : cert, &key, e);
  if (r == DS_OK)
    r = fits(all, key, e);
  if (r == DS_OK)
    r = take(c->ssl, all, key, e);
  EVP_PKEY_free(key);
  sk_X509_pop_free(all, X509_free);
  return r;
}
