#include "dkim/hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "util/err.h"
#include "util/mem.h"

struct ds_hash {
  EVP_MD_CTX *ctx;
  const EVP_MD *md;
  int ok;
};

/* OpenSSL 3 looks an algorithm up each time it is named: name it once */
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
static const EVP_MD *fetch (void) {
  return EVP_MD_fetch(NULL, "SHA256", NULL);
}
static void release (const EVP_MD *md) {
  EVP_MD_free((EVP_MD *)md);
}
#else
static const EVP_MD *fetch (void) {
  return EVP_sha256();
}
static void release (const EVP_MD *md) {
  (void)md;
}
#endif

ds_hash *ds_hash_new (void) {
  ds_hash *h = (ds_hash *)ds_calloc(1, sizeof *h);
  if (h == NULL)
    return NULL;
  ERR_set_mark();
  h->md = fetch();
  h->ctx = EVP_MD_CTX_new();
  ERR_pop_to_mark();
  if (h->md != NULL && h->ctx != NULL)
    return h;
  ds_hash_free(h);
  return NULL;
}

void ds_hash_free (ds_hash *h) {
  if (h == NULL)
    return;
  EVP_MD_CTX_free(h->ctx);
  release(h->md);
  ds_free(h);
}

void ds_hash_begin (ds_hash *h) {
  ERR_set_mark();
  h->ok = EVP_DigestInit_ex(h->ctx, h->md, NULL) == 1;
  ERR_pop_to_mark();
}

void ds_hash_update (void *ud, const void *p, size_t n) {
  ds_hash *h = (ds_hash *)ud;
  h->ok = h->ok && EVP_DigestUpdate(h->ctx, p, n) == 1;
}

int ds_hash_final (ds_hash *h, unsigned char out[DS_HASH]) {
  h->ok = h->ok && EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
  return h->ok ? DS_OK : DS_ERR_LOCAL;
}
