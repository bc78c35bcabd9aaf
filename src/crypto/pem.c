#include "crypto/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define MOST 1048576 /* octets of a text */

int ds_pem_alike (ds_span s) {
  return ds_span_holds(s, "-----BEGIN ") || ds_span_holds(s, "\n");
}

static BIO *reader (ds_span pem, ds_error *e) {
  BIO *in;
  if (pem.n > MOST) {
    ds_error_usage(e, "this is too long for keys and certificates");
    return NULL;
  }
  if ((in = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
    ds_error_nomem(e);
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

/* what a text is that OpenSSL found nothing in: by the first mark it holds; no
   mark fits all */
typedef struct kind {
  const char *mark, *why;
} kind;

static void explain (const kind *kinds, ds_span pem, ds_error *e) {
  while (kinds->mark != NULL && !ds_span_holds(pem, kinds->mark))
    kinds++;
  ds_error_usage(e, kinds->why);
}

static const kind no_key[] = {
    {"ENCRYPTED", "the key is encrypted; openssl pkey -in FILE writes it "
                  "without its password"},
    {"BEGIN OPENSSH PRIVATE KEY", "this is a key for SSH, not for mail"},
    {"PRIVATE KEY-----", "the private key is damaged, or of an unknown kind"},
    {"PUBLIC KEY-----", "this is a public key; the private one is wanted"},
    {"BEGIN CERTIFICATE-----",
     "there is a certificate and no private key in it"},
    {"-----BEGIN ", "there is no private key in it"},
    {NULL, "there is no private key in PEM in it; openssl pkey -in FILE writes "
           "one in DER so, openssl pkcs12 -in FILE -nodes one in PKCS#12"},
};

EVP_PKEY *ds_pem_key (ds_span pem, ds_error *e) {
  EVP_PKEY *key = NULL;
  BIO *in;
  ERR_set_mark();
  if ((in = reader(pem, e)) != NULL &&
      (key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL)) == NULL)
    explain(no_key, pem, e);
  BIO_free(in);
  ERR_pop_to_mark();
  return key;
}

/* -- certificates -- */

static const kind no_certificate[] = {
    {"-----BEGIN CERTIFICATE-----", "a certificate in it is damaged"},
    {"PRIVATE KEY-----", "it holds a private key and no certificate"},
    {"CERTIFICATE REQUEST-----", "it asks for a certificate and is none yet"},
    {"-----BEGIN PKCS7-----", "the certificates are wrapped in PKCS#7; openssl "
                              "pkcs7 -print_certs -in FILE takes them out"},
    {"-----BEGIN ", "there is no certificate in it"},
    {NULL, "there is no certificate in PEM in it; openssl x509 -in FILE writes "
           "one in DER so, openssl pkcs12 -in FILE -nodes one in PKCS#12"},
};

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
      return ds_error_nomem(e);
    }
  if (sk_X509_num(all) == most || (sk_X509_num(all) > 0 && is_end()))
    return DS_OK;
  explain(no_certificate, pem, e);
  return DS_ERR_USAGE;
}

ds_certificates *ds_pem_certificates (ds_span pem, int most, ds_error *e) {
  ds_certificates *all = NULL;
  BIO *in;
  ERR_set_mark();
  if ((in = reader(pem, e)) != NULL && (all = sk_X509_new_null()) == NULL)
    ds_error_nomem(e);
  if (all != NULL && read_all(in, all, most, pem, e) != DS_OK) {
    ds_certificates_free(all);
    all = NULL;
  }
  BIO_free(in);
  ERR_pop_to_mark();
  return all;
}

void ds_certificates_free (ds_certificates *all) {
  sk_X509_pop_free(all, X509_free);
}
