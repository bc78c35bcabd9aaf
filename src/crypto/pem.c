#include "crypto/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define KEY_MOST 65536 /* octets of a key's text */

int ds_pem_alike (ds_span s) {
  return ds_span_holds(s, "-----BEGIN ") || ds_span_holds(s, "\n");
}

int ds_pem_no_password (char *p, int size, int writing, void *ud) {
  (void)p;
  (void)size;
  (void)writing;
  (void)ud;
  return -1;
}

/* why OpenSSL found no private key in it: the first that fits */
static void explain (ds_span pem, ds_error *e) {
  static const struct {
    const char *mark, *why;
  } kinds[] = {
      {"ENCRYPTED", "the key is encrypted; openssl pkey -in FILE writes it "
                    "without its password"},
      {"BEGIN OPENSSH PRIVATE KEY", "this is a key for SSH, not for mail"},
      {"PRIVATE KEY-----", "the private key is damaged, or of an unknown kind"},
      {"PUBLIC KEY-----",
       "this is a public key; to sign takes the private one"},
      {"BEGIN CERTIFICATE-----", "this is a certificate, not a private key"},
      {"-----BEGIN ", "there is no private key in it"},
  };
  const char *why = "this is no private key in PEM; openssl pkey -in FILE "
                    "writes one in DER so, openssl pkcs12 -nodes one in "
                    "PKCS#12";
  size_t i = sizeof kinds / sizeof *kinds;
  while (i-- > 0)
    if (ds_span_holds(pem, kinds[i].mark))
      why = kinds[i].why;
  ds_error_usage(e, why);
}

EVP_PKEY *ds_pem_key (ds_span pem, ds_error *e) {
  EVP_PKEY *key = NULL;
  BIO *in;
  if (pem.n > KEY_MOST) {
    ds_error_usage(e, "this is too long for a key");
    return NULL;
  }
  ERR_set_mark();
  if ((in = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
    ds_error_nomem(e);
  else if ((key = PEM_read_bio_PrivateKey(in, NULL, ds_pem_no_password,
                                          NULL)) == NULL)
    explain(pem, e);
  BIO_free(in);
  ERR_pop_to_mark();
  return key;
}
