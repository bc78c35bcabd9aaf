#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "smime/inner.h"

/* what mail readers have in common */
static int is_common (const EVP_PKEY *key) {
  int kind = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_base_id(key);
  return kind == EVP_PKEY_RSA || kind == EVP_PKEY_EC;
}

static int say_time (ds_error *e, const char *what, const ASN1_TIME *limit) {
  char day[16];
  struct tm tm;
  if (ASN1_TIME_to_tm(limit, &tm) != 1 ||
      strftime(day, sizeof day, "%Y-%m-%d", &tm) == 0)
    return ds_error_usage(e, "the dates of the certificate cannot be read");
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                      "the certificate %s %s", what, day);
}

static int check_time (X509 *cert, int64_t now, ds_error *e) {
  time_t t = (time_t)now;
  const ASN1_TIME *from = X509_get0_notBefore(cert);
  const ASN1_TIME *until = X509_get0_notAfter(cert);
  if (X509_cmp_time(from, &t) >= 0)
    return say_time(e, "is not valid before", from);
  if (X509_cmp_time(until, &t) <= 0)
    return say_time(e, "expired on", until);
  return DS_OK;
}

/* what a certificate does not say it leaves open (RFC 8550 §4.4) */
static int check_use (X509 *cert, ds_smime_use use, ds_error *e) {
  uint32_t wanted = use == DS_SMIME_SIGNS
                        ? KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION
                        : KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT;
  if ((X509_get_extended_key_usage(cert) & (XKU_SMIME | XKU_ANYEKU)) == 0)
    return ds_error_usage(
        e, "the certificate is not for mail: emailProtection is not "
           "among its extended key usages");
  if ((X509_get_key_usage(cert) & wanted) == 0)
    return ds_error_usage(
        e, use == DS_SMIME_SIGNS
               ? "the certificate is not for signing: its key usage "
                 "has no digitalSignature"
               : "the certificate is not for encrypting: its key "
                 "usage has no keyEncipherment or keyAgreement");
  return DS_OK;
}

int ds_smime_fit (X509 *cert, ds_smime_use use, int64_t now, ds_error *e) {
  int rc;
  if (!is_common(X509_get0_pubkey(cert)))
    return ds_error_usage(
        e, "the certificate is for a kind of key that mail readers "
           "do not know: RSA and EC they do");
  ERR_set_mark();
  rc = check_time(cert, now, e);
  if (rc == DS_OK)
    rc = check_use(cert, use, e);
  ERR_pop_to_mark();
  return rc;
}
