#include <openssl/err.h>
#include <openssl/rsa.h>

#include "dkim/inner.h"
#include "util/mem.h"

const char *ds_dkim_algorithm_name (ds_dkim_algorithm a) {
  return a == DS_DKIM_RSA ? "rsa-sha256" : "ed25519-sha256";
}

/* 1: of a kind and a length that DKIM knows */
static int is_fit (const EVP_PKEY *pkey, ds_error *e) {
  int bits = EVP_PKEY_bits(pkey);
  switch (EVP_PKEY_base_id(pkey)) {
  case EVP_PKEY_ED25519:
    return 1;
  case EVP_PKEY_RSA:
    break;
  case EVP_PKEY_RSA_PSS:
    ds_error_usage(e, "an RSA-PSS key cannot sign mail; a plain RSA key can");
    return 0;
  default:
    ds_error_usage(e, "this kind of key cannot sign mail: RSA and Ed25519 can");
    return 0;
  }
  if (bits >= DS_RSA_LEAST && bits <= DS_RSA_MOST)
    return 1;
  ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
               "an RSA key of %d bits is too %s: %d at least, %d is good", bits,
               bits < DS_RSA_LEAST ? "short" : "long", DS_RSA_LEAST,
               DS_RSA_GOOD);
  return 0;
}

static int ready (ds_dkim_key *k, int signs) {
  if (k->algorithm == DS_DKIM_ED25519)
    return (k->ed = EVP_MD_CTX_new()) != NULL;
  return (k->rsa = EVP_PKEY_CTX_new(k->pkey, NULL)) != NULL &&
         (signs ? EVP_PKEY_sign_init(k->rsa) : EVP_PKEY_verify_init(k->rsa)) ==
             1 &&
         EVP_PKEY_CTX_set_rsa_padding(k->rsa, RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(k->rsa, EVP_sha256()) == 1;
}

ds_dkim_key *ds_dkim_key_adopt (EVP_PKEY *pkey, int signs, ds_error *e) {
  ds_dkim_key *k = NULL;
  if (is_fit(pkey, e)) {
    if ((k = (ds_dkim_key *)ds_calloc(1, sizeof *k)) == NULL)
      ds_error_nomem(e);
  }
  if (k == NULL) {
    EVP_PKEY_free(pkey);
    return NULL;
  }
  k->pkey = pkey;
  k->algorithm =
      EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA ? DS_DKIM_RSA : DS_DKIM_ED25519;
  if (ready(k, signs))
    return k;
  ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
               "this OpenSSL will not use such a key");
  ds_dkim_key_free(k);
  return NULL;
}

void ds_dkim_key_free (ds_dkim_key *k) {
  if (k == NULL)
    return;
  EVP_PKEY_CTX_free(k->rsa);
  EVP_MD_CTX_free(k->ed);
  EVP_PKEY_free(k->pkey);
  ds_free(k);
}

ds_dkim_algorithm ds_dkim_key_algorithm (const ds_dkim_key *k) {
  return k->algorithm;
}

unsigned ds_dkim_key_bits (const ds_dkim_key *k) {
  return (unsigned)EVP_PKEY_bits(k->pkey);
}

int ds_dkim_key_weak (const ds_dkim_key *k) {
  return k->algorithm == DS_DKIM_RSA && ds_dkim_key_bits(k) < DS_RSA_GOOD;
}

int ds_dkim_key_sign (ds_dkim_key *k, const unsigned char digest[DS_HASH],
                      unsigned char out[DS_DKIM_OCTETS], size_t *n) {
  int ok;
  *n = DS_DKIM_OCTETS;
  ERR_set_mark();
  if (k->algorithm == DS_DKIM_RSA)
    ok = EVP_PKEY_sign(k->rsa, out, n, digest, DS_HASH) == 1;
  else /* a context signs once; to say which key each time is the price */
    ok = EVP_DigestSignInit(k->ed, NULL, NULL, NULL, k->pkey) == 1 &&
         EVP_DigestSign(k->ed, out, n, digest, DS_HASH) == 1;
  ERR_pop_to_mark();
  return ok ? DS_OK : DS_ERR_LOCAL;
}

int ds_dkim_key_verify (ds_dkim_key *k, const unsigned char digest[DS_HASH],
                        const unsigned char *signature, size_t n) {
  int ok;
  ERR_set_mark();
  if (k->algorithm == DS_DKIM_RSA)
    ok = EVP_PKEY_verify(k->rsa, signature, n, digest, DS_HASH) == 1;
  else
    ok = EVP_DigestVerifyInit(k->ed, NULL, NULL, NULL, k->pkey) == 1 &&
         EVP_DigestVerify(k->ed, signature, n, digest, DS_HASH) == 1;
  ERR_pop_to_mark();
  return ok ? DS_OK : DS_ERR_PROTOCOL;
}
