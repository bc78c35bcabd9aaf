#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/pem.h"
#include "smime/inner.h"

#define PEM_MOST 1048576 /* octets of a text */

static BIO *reader (ds_span pem, ds_error *e) {
  BIO *in;
  if (pem.n > PEM_MOST) {
    ds_error_usage(e, "this is too long for keys and certificates");
    return NULL;
  }
  if ((in = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL)
    ds_error_nomem(e);
  return in;
}

/* why OpenSSL found no certificate in it */
static void explain_certificate (ds_span pem, ds_error *e) {
  if (ds_span_holds(pem, "-----BEGIN CERTIFICATE-----"))
    ds_error_usage(e, "the certificate is damaged");
  else if (ds_span_holds(pem, "PRIVATE KEY-----"))
    ds_error_usage(e, "this is a private key, not a certificate");
  else if (ds_span_holds(pem, "CERTIFICATE REQUEST-----"))
    ds_error_usage(e, "this asks for a certificate and is none yet");
  else if (ds_span_holds(pem, "-----BEGIN PKCS7-----"))
    ds_error_usage(e, "the certificates are wrapped in PKCS#7; openssl pkcs7 "
                      "-print_certs -in FILE takes them out");
  else if (ds_span_holds(pem, "-----BEGIN "))
    ds_error_usage(e, "there is no certificate in it");
  else
    ds_error_usage(
        e, "this is no certificate in PEM; openssl x509 -in FILE writes "
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
         (x = PEM_read_bio_X509(in, NULL, ds_pem_no_password, NULL)) != NULL)
    if (!sk_X509_push(all, x)) {
      X509_free(x);
      return ds_error_nomem(e);
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
    ds_error_nomem(e);
  if (all != NULL && read_all(in, all, most, pem, e) != DS_OK) {
    sk_X509_pop_free(all, X509_free);
    all = NULL;
  }
  BIO_free(in);
  ERR_pop_to_mark();
  return all;
}
