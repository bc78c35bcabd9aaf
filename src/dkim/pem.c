#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/pem.h"
#include "dkim/inner.h"

#define MOST 65536 /* octets of a public key */

ds_dkim_key *ds_dkim_key_private (ds_span pem, ds_error *e) {
  ds_dkim_key *k = NULL;
  EVP_PKEY *pkey;
  ERR_set_mark();
  if ((pkey = ds_pem_key(pem, e)) != NULL)
    k = ds_dkim_key_adopt(pkey, 1, e);
  ERR_pop_to_mark();
  return k;
}

/* the octets of an RSA key come in two forms (RFC 6376 §3.6.1 and its errata) */
static EVP_PKEY *read_public (ds_dkim_algorithm a, ds_span octets) {
  const unsigned char *p = (const unsigned char *)octets.p;
  EVP_PKEY *pkey;
  if (a == DS_DKIM_ED25519)
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, octets.n);
  if ((pkey = d2i_PUBKEY(NULL, &p, (long)octets.n)) != NULL)
    return pkey;
  p = (const unsigned char *)octets.p;
  return d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)octets.n);
}

ds_dkim_key *ds_dkim_key_public (ds_dkim_algorithm a, ds_span octets,
                                 ds_error *e) {
  ds_dkim_key *k = NULL;
  EVP_PKEY *pkey = NULL;
  ERR_set_mark();
  if (octets.n <= MOST)
    pkey = read_public(a, octets);
  if (pkey == NULL)
    ds_error_usage(e, "the public key cannot be read");
  else
    k = ds_dkim_key_adopt(pkey, 0, e);
  ERR_pop_to_mark();
  if (k != NULL && k->algorithm != a) {
    ds_dkim_key_free(k);
    ds_error_usage(e, "the public key is not of the kind it is said to be");
    return NULL;
  }
  return k;
}

/* -- new keys -- */

static EVP_PKEY *generate (ds_dkim_algorithm a, unsigned bits) {
  EVP_PKEY *pkey = NULL;
  EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(
      a == DS_DKIM_RSA ? EVP_PKEY_RSA : EVP_PKEY_ED25519, NULL);
  if (c != NULL && EVP_PKEY_keygen_init(c) == 1 &&
      (a != DS_DKIM_RSA || EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)bits) == 1))
    EVP_PKEY_keygen(c, &pkey);
  EVP_PKEY_CTX_free(c);
  return pkey;
}

static int write_pem (const EVP_PKEY *pkey, ds_buf *pem) {
  BIO *out = BIO_new(BIO_s_mem());
  char *text;
  long n = 0;
  if (out != NULL &&
      PEM_write_bio_PKCS8PrivateKey(out, (EVP_PKEY *)pkey, NULL, NULL, 0, NULL,
                                    NULL) == 1 &&
      (n = BIO_get_mem_data(out, &text)) > 0)
    ds_buf_append(pem, text, (size_t)n);
  BIO_free(out);
  return n > 0 && !ds_buf_failed(pem) ? DS_OK : DS_ERR_NOMEM;
}

int ds_dkim_key_generate (ds_dkim_algorithm a, unsigned bits, ds_buf *pem,
                          ds_error *e) {
  EVP_PKEY *pkey;
  int rc;
  if (a == DS_DKIM_RSA && (bits < DS_RSA_GOOD || bits > DS_RSA_MOST))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "bits",
                        "an RSA key has %d to %d bits", DS_RSA_GOOD,
                        DS_RSA_MOST);
  ERR_set_mark();
  pkey = generate(a, bits);
  rc = pkey != NULL ? write_pem(pkey, pem)
                    : ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
                                   "OpenSSL could not make a key");
  EVP_PKEY_free(pkey);
  ERR_pop_to_mark();
  return rc == DS_ERR_NOMEM ? ds_error_nomem(e) : rc;
}

/* -- what is published -- */

/* base64 without line ends */
static int encode (const unsigned char *p, size_t n, ds_buf *out) {
  char *to = ds_buf_space(out, n / 3 * 4 + 5);
  if (to == NULL)
    return DS_ERR_NOMEM;
  ds_buf_added(out, (size_t)EVP_EncodeBlock((unsigned char *)to, p, (int)n));
  return DS_OK;
}

static int put_key (const ds_dkim_key *k, ds_buf *out) {
  unsigned char raw[32], *der = NULL;
  size_t size = sizeof raw;
  int n, rc;
  if (k->algorithm == DS_DKIM_ED25519)
    return EVP_PKEY_get_raw_public_key(k->pkey, raw, &size) == 1
               ? encode(raw, size, out)
               : DS_ERR_LOCAL;
  if ((n = i2d_PUBKEY(k->pkey, &der)) <= 0)
    return DS_ERR_LOCAL;
  rc = encode(der, (size_t)n, out);
  OPENSSL_free(der);
  return rc;
}

int ds_dkim_key_record (const ds_dkim_key *k, ds_buf *out, ds_error *e) {
  int rc;
  ds_buf_puts(out, k->algorithm == DS_DKIM_RSA ? "v=DKIM1; k=rsa; p="
                                               : "v=DKIM1; k=ed25519; p=");
  ERR_set_mark();
  rc = put_key(k, out);
  ERR_pop_to_mark();
  if (rc == DS_ERR_NOMEM || ds_buf_failed(out))
    return ds_error_nomem(e);
  if (rc != DS_OK)
    return ds_error_set(e, (ds_err)rc, DS_KIND_LOCAL, NULL,
                        "OpenSSL could not write the public key");
  return DS_OK;
}
