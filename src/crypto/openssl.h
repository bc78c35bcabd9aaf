/*
** openssl: what each room that uses OpenSSL begins with.
*/
#ifndef ds_crypto_openssl_h
#define ds_crypto_openssl_h

#include "util/err.h"

/*
** ds_openssl_start: make it ready for the module of that name; once is enough.
** 0, or DS_ERR_LOCAL and *e: another one is loaded than this was built for.
*/
int ds_openssl_start (const char *module, ds_error *e);

#endif
