#include "crypto/openssl.h"

#include <openssl/crypto.h>

#ifndef OPENSSL_INIT_NO_ATEXIT
#define OPENSSL_INIT_NO_ATEXIT 0
#endif

/* what must agree between headers and library: 3, or 1.1 */
static unsigned long abi (unsigned long version) {
  return version >> 28 >= 3 ? version >> 28 : version >> 20;
}

/* no handler may outlive this object, which lua_close unloads, and no
   configuration file decides about mail; who has initialised OpenSSL before is
   not disturbed */
int ds_openssl_start (const char *module, ds_error *e) {
  if (abi(OpenSSL_version_num()) != abi(OPENSSL_VERSION_NUMBER))
    return ds_error_set(
        e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
        "%s was built for %s, but %s (0x%lx) is loaded: build it for that one "
        "(make OPENSSL_DIR=...)",
        module, OPENSSL_VERSION_TEXT, OpenSSL_version(OPENSSL_VERSION),
        OpenSSL_version_num());
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG,
                      NULL);
  return DS_OK;
}
