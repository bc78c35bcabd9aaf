#include <openssl/err.h>

#include "smime/inner.h"

#define FLAGS (CMS_PARTIAL | CMS_DETACHED | CMS_BINARY)

/* the time that is told, not the clock's */
static int set_time (CMS_SignerInfo *signer, int64_t now) {
  ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)now);
  int ok =
      t != NULL && CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime,
                                               ASN1_STRING_type(t), t, -1) == 1;
  ASN1_TIME_free(t);
  return ok;
}

/* a chain may begin with the signer's own certificate */
static int is_there (const ds_smime *s, int i) {
  X509 *cert = sk_X509_value(s->chain, i);
  int known = X509_cmp(cert, s->cert) == 0;
  while (!known && i-- > 0)
    known = X509_cmp(cert, sk_X509_value(s->chain, i)) == 0;
  return known;
}

static int add_chain (const ds_smime *s) {
  int i;
  for (i = 0; i < sk_X509_num(s->chain); i++)
    if (!is_there(s, i) &&
        CMS_add1_cert(s->signature, sk_X509_value(s->chain, i)) != 1)
      return 0;
  return 1;
}

int ds_smime_sign_begin (ds_smime *s, ds_error *e) {
  CMS_SignerInfo *signer;
  s->signature = CMS_sign(NULL, NULL, NULL, NULL, FLAGS);
  if (s->signature == NULL ||
      (signer = CMS_add1_signer(s->signature, s->cert, s->key, EVP_sha256(),
                                FLAGS)) == NULL ||
      !set_time(signer, s->now) || !add_chain(s) ||
      (s->hash = CMS_dataInit(s->signature, NULL)) == NULL)
    return ds_smime_broken(e, "sign");
  return DS_OK;
}

int ds_smime_sign_feed (ds_smime *s, ds_span octets, ds_error *e) {
  return ds_smime_write(s->hash, octets) ? DS_OK : ds_smime_broken(e, "sign");
}

int ds_smime_sign_end (ds_smime *s, ds_buf *out, ds_error *e) {
  unsigned char *der = NULL;
  ds_lines lines;
  int n, rc;
  if (BIO_flush(s->hash) != 1 || CMS_dataFinal(s->signature, s->hash) != 1 ||
      (n = i2d_CMS_ContentInfo(s->signature, &der)) <= 0)
    return ds_smime_broken(e, "sign");
  ds_lines_init(&lines);
  rc = ds_lines_put(&lines, der, (size_t)n, out);
  if (rc == DS_OK)
    rc = ds_lines_end(&lines, out);
  OPENSSL_free(der);
  ds_smime_sign_clear(s);
  return rc;
}

void ds_smime_sign_clear (ds_smime *s) {
  BIO_free_all(s->hash);
  CMS_ContentInfo_free(s->signature);
  s->hash = NULL;
  s->signature = NULL;
}
