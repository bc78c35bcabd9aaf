#include <openssl/err.h>
#include <openssl/pem.h>

#include "smime/inner.h"

#define PEM_MOST 1048576 /* octets of a text */

static int refuse (ds_error *e, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL, "%s", why);
}

static int no_memory (ds_error *e) {
  return ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL,
                      "not enough memory");
}

static int contains (ds_span s, const char *what) {
  size_t n = strlen(what), i;
  for (i = 0; i + n <= s.n; i++)
    if (memcmp(s.p + i, what, n) == 0)
      return 1;
  return 0;
}

static BIO *reader (ds_span pem, ds_error *e) {
  BIO *in;
  if (pem.n > PEM_MOST) {
    refuse(e, "this is too long for keys and certificates");
    return NULL;
  }
  if ((in = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
    no_memory(e);
  return in;
}

/* nobody is asked for a password */
static int no_password (char *p, int size, int writing, void *ud) {
  (void)p;
  (void)size;
  (void)writing;
  (void)ud;
  return -1;
}

/* -- certificates -- */

/* why OpenSSL found no certificate in it */
static void explain_certificate (ds_span pem, ds_error *e) {
  if (contains(pem, "-----BEGIN CERTIFICATE-----"))
    refuse(e, "the certificate is damaged");
  else if (contains(pem, "PRIVATE KEY-----"))
    refuse(e, "this is a private key, not a certificate");
  else if (contains(pem, "CERTIFICATE REQUEST-----"))
    refuse(e, "this asks for a certificate and is none yet");
  else if (contains(pem, "-----BEGIN PKCS7-----"))
    refuse(e, "the certificates are wrapped in PKCS#7; openssl pkcs7 "
              "-print_certs -in FILE takes them out");
  else if (contains(pem, "-----BEGIN "))
    refuse(e, "there is no certificate in it");
  else
    refuse(e, "this is no certificate in PEM; openssl x509 -in FILE writes "
              "one in DER so");
}

/* 1: the text is over; 0: what stands next in it cannot be read */
static int is_end (void) {
  unsigned long why = ERR_peek_last_error();
  return ERR_GET_LIB(why) == ERR_LIB_PEM &&
         ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
}

static int read_all (BIO *in, ds_certificates *all, int most, ds_span pem,
                     ds_error *e) {
  X509 *x;
  while (sk_X509_num(all) < most &&
         (x = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL)
    if (!sk_X509_push(all, x)) {
      X509_free(x);
      return no_memory(e);
    }
  if (sk_X509_num(all) == most || (sk_X509_num(all) > 0 && is_end()))
    return DS_OK;
  explain_certificate(pem, e);
  return e->code;
}

ds_certificates *ds_smime_read_certificates (ds_span pem, int most,
                                             ds_error *e) {
  ds_certificates *all = NULL;
  BIO *in;
  ERR_set_mark();
  if ((in = reader(pem, e)) != NULL && (all = sk_X509_new_null()) == NULL)
    no_memory(e);
  if (all != NULL && read_all(in, all, most, pem, e) != DS_OK) {
    sk_X509_pop_free(all, X509_free);
    all = NULL;
  }
  BIO_free(in);
  ERR_pop_to_mark();
  return all;
}

/* -- keys -- */

/* why OpenSSL found no private key in it */
static void explain_key (ds_span pem, ds_error *e) {
  if (contains(pem, "ENCRYPTED"))
    refuse(e, "the key is encrypted; openssl pkey -in FILE writes it without "
              "its password");
  else if (contains(pem, "PRIVATE KEY-----"))
    refuse(e, "the private key is damaged, or of an unknown kind");
  else if (contains(pem, "PUBLIC KEY-----"))
    refuse(e, "this is a public key; to sign takes the private one");
  else if (contains(pem, "-----BEGIN CERTIFICATE-----"))
    refuse(e, "this is a certificate, not a private key");
  else if (contains(pem, "-----BEGIN "))
    refuse(e, "there is no private key in it");
  else
    refuse(e, "this is no private key in PEM; openssl pkey -in FILE writes "
              "one in DER so, openssl pkcs12 -nodes one in PKCS#12");
}

EVP_PKEY *ds_smime_read_key (ds_span pem, ds_error *e) {
  EVP_PKEY *key = NULL;
  BIO *in;
  ERR_set_mark();
  if ((in = reader(pem, e)) != NULL &&
      (key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL)) == NULL)
    explain_key(pem, e);
  BIO_free(in);
  ERR_pop_to_mark();
  return key;
}
