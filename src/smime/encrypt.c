#include <openssl/ec.h>

#include "smime/inner.h"

#define FLAGS (CMS_STREAM | CMS_BINARY)
#define PIECE 16384

/* agreed keys are derived with SHA-256, as RFC 5753 §7.1.4 wants of everybody;
   OpenSSL would take SHA-1 */
static int set_agreement (CMS_ContentInfo *envelope) {
  STACK_OF(CMS_RecipientInfo) *all = CMS_get0_RecipientInfos(envelope);
  int i;
  for (i = 0; i < sk_CMS_RecipientInfo_num(all); i++) {
    CMS_RecipientInfo *r = sk_CMS_RecipientInfo_value(all, i);
    if (CMS_RecipientInfo_type(r) == CMS_RECIPINFO_AGREE &&
        EVP_PKEY_CTX_set_ecdh_kdf_md(CMS_RecipientInfo_get0_pkey_ctx(r),
                                     EVP_sha256()) != 1)
      return 0;
  }
  return 1;
}

int ds_smime_encrypt_begin (ds_smime *s, ds_error *e) {
  ds_lines_init(&s->lines);
  s->envelope = CMS_encrypt(s->recipients, NULL, EVP_aes_256_cbc(), FLAGS);
  if (s->envelope == NULL || !set_agreement(s->envelope) ||
      (s->sealed = BIO_new(BIO_s_mem())) == NULL ||
      (s->cipher = BIO_new_CMS(s->sealed, s->envelope)) == NULL)
    return ds_smime_broken(e, "encrypt");
  return DS_OK;
}

static int drain (ds_smime *s, ds_buf *out) {
  char octets[PIECE];
  int n, rc = DS_OK;
  while (rc == DS_OK && (n = BIO_read(s->sealed, octets, sizeof octets)) > 0)
    rc = ds_lines_put(&s->lines, octets, (size_t)n, out);
  return rc;
}

int ds_smime_encrypt_feed (ds_smime *s, ds_span octets, ds_buf *out,
                           ds_error *e) {
  int rc = DS_OK;
  while (octets.n > 0 && rc == DS_OK) {
    size_t n = octets.n < PIECE ? octets.n : PIECE;
    if (!ds_smime_write(s->cipher, ds_span_of(octets.p, n)))
      return ds_smime_broken(e, "encrypt");
    rc = drain(s, out);
    octets = ds_span_of(octets.p + n, octets.n - n);
  }
  return rc;
}

int ds_smime_encrypt_end (ds_smime *s, ds_buf *out, ds_error *e) {
  int rc;
  if (BIO_flush(s->cipher) != 1)
    return ds_smime_broken(e, "encrypt");
  rc = drain(s, out);
  if (rc == DS_OK)
    rc = ds_lines_end(&s->lines, out);
  ds_smime_encrypt_clear(s);
  return rc;
}

/* the cipher's chain ends in `sealed` and frees it */
void ds_smime_encrypt_clear (ds_smime *s) {
  if (s->cipher != NULL)
    BIO_free_all(s->cipher);
  else
    BIO_free(s->sealed);
  CMS_ContentInfo_free(s->envelope);
  s->cipher = s->sealed = NULL;
  s->envelope = NULL;
}
