/*
** crypto: hashing as whoever links a crypto library hands it down.  The core
** links none: who needs a hash is given this table.
*/
#ifndef ds_crypto_h
#define ds_crypto_h

#include <stdint.h>

#include "util/span.h"

#define DS_SHA256 32 /* octets */

/* each: 0, or a negative ds_err; out is then not to be used */
typedef struct ds_crypto {
  int (*sha256)(ds_span octets, unsigned char out[DS_SHA256]);
  int (*hmac_sha256)(ds_span key, ds_span octets, unsigned char out[DS_SHA256]);

  /* Hi() of RFC 5802; the caller bounds the iterations: a million take about
     half a second */
  int (*pbkdf2_sha256)(ds_span password, ds_span salt, uint32_t iterations,
                       unsigned char out[DS_SHA256]);
} ds_crypto;

#endif
