#include "smime/smime.h"

#include <openssl/err.h>
#include <string.h>

#include "smime/inner.h"
#include "util/mem.h"

#define CERTIFICATES 100 /* in one text */

int ds_smime_broken (ds_error *e, const char *what) {
  const char *why = ERR_reason_error_string(ERR_peek_last_error());
  return ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
                      "OpenSSL will not %s: %s", what,
                      why != NULL ? why : "it does not say why");
}

int ds_smime_write (BIO *b, ds_span s) {
  while (s.n > 0) {
    int n = BIO_write(b, s.p, s.n < 65536 ? (int)s.n : 65536);
    if (n <= 0)
      return 0;
    s = ds_span_of(s.p + n, s.n - (size_t)n);
  }
  return 1;
}

ds_smime *ds_smime_new (int64_t now) {
  ds_smime *s = (ds_smime *)ds_calloc(1, sizeof *s);
  if (s == NULL)
    return NULL;
  s->now = now;
  s->chain = sk_X509_new_null();
  s->recipients = sk_X509_new_null();
  if (s->chain != NULL && s->recipients != NULL)
    return s;
  ds_smime_free(s);
  return NULL;
}

void ds_smime_free (ds_smime *s) {
  if (s == NULL)
    return;
  ds_smime_sign_clear(s);
  ds_smime_encrypt_clear(s);
  X509_free(s->cert);
  EVP_PKEY_free(s->key);
  ds_certificates_free(s->chain);
  ds_certificates_free(s->recipients);
  ds_free(s);
}

/* all of `from`, which is freed, into `to` */
static int move (ds_certificates *from, ds_certificates *to, ds_error *e) {
  int rc = DS_OK;
  while (rc == DS_OK && sk_X509_num(from) > 0)
    if (sk_X509_push(to, sk_X509_value(from, 0)))
      sk_X509_shift(from);
    else
      rc = ds_error_nomem(e);
  ds_certificates_free(from);
  return rc;
}

int ds_smime_certificate (ds_smime *s, ds_span pem, ds_error *e) {
  ds_certificates *all = ds_pem_certificates(pem, CERTIFICATES, e);
  int rc;
  if (all == NULL)
    return e->code;
  rc = ds_smime_fit(sk_X509_value(all, 0), DS_SMIME_SIGNS, s->now, e);
  if (rc == DS_OK) {
    X509_free(s->cert);
    s->cert = sk_X509_shift(all);
    return move(all, s->chain, e);
  }
  ds_certificates_free(all);
  return rc;
}

int ds_smime_key (ds_smime *s, ds_span pem, ds_error *e) {
  EVP_PKEY *key = ds_pem_key(pem, e);
  int fits;
  if (key == NULL)
    return e->code;
  ERR_set_mark();
  fits = s->cert != NULL && X509_check_private_key(s->cert, key) == 1;
  ERR_pop_to_mark();
  if (!fits) {
    EVP_PKEY_free(key);
    return ds_error_usage(e, "the key is not that of the certificate");
  }
  EVP_PKEY_free(s->key);
  s->key = key;
  return DS_OK;
}

int ds_smime_chain (ds_smime *s, ds_span pem, ds_error *e) {
  ds_certificates *all = ds_pem_certificates(pem, CERTIFICATES, e);
  return all != NULL ? move(all, s->chain, e) : (int)e->code;
}

int ds_smime_recipient (ds_smime *s, ds_span pem, ds_error *e) {
  ds_certificates *one = ds_pem_certificates(pem, 1, e);
  int rc;
  if (one == NULL)
    return e->code;
  rc = ds_smime_fit(sk_X509_value(one, 0), DS_SMIME_ENCRYPTS, s->now, e);
  if (rc == DS_OK)
    return move(one, s->recipients, e);
  ds_certificates_free(one);
  return rc;
}
