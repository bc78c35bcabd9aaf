#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tls/inner.h"

/* NULL and 0 octets are a message or a salt, but no key: OpenSSL would take
   the last one */
static const unsigned char *bytes (ds_span s) {
  return (const unsigned char *)(s.n > 0 ? s.p : "");
}

static int result (int ok) {
  ERR_clear_error();
  return ok ? DS_OK : DS_ERR_LOCAL;
}

static int sha256 (ds_span octets, unsigned char out[DS_SHA256]) {
  unsigned n = DS_SHA256;
  ERR_clear_error();
  return result(
      EVP_Digest(bytes(octets), octets.n, out, &n, EVP_sha256(), NULL) == 1);
}

static int hmac_sha256 (ds_span key, ds_span octets,
                        unsigned char out[DS_SHA256]) {
  unsigned n = DS_SHA256;
  ERR_clear_error();
  return result(key.n <= INT_MAX &&
                HMAC(EVP_sha256(), bytes(key), (int)key.n, bytes(octets),
                     octets.n, out, &n) != NULL);
}

static int pbkdf2_sha256 (ds_span password, ds_span salt, uint32_t iterations,
                          unsigned char out[DS_SHA256]) {
  ERR_clear_error();
  return result(password.n <= INT_MAX && salt.n <= INT_MAX && iterations > 0 &&
                iterations <= INT_MAX &&
                PKCS5_PBKDF2_HMAC((const char *)bytes(password),
                                  (int)password.n, bytes(salt), (int)salt.n,
                                  (int)iterations, EVP_sha256(), DS_SHA256,
                                  out) == 1);
}

const ds_crypto ds_tls_crypto = {sha256, hmac_sha256, pbkdf2_sha256};
