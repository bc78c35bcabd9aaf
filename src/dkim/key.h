/*
** key: a key that signs, out of PEM text; or one that checks, out of a DNS
** record.  RSA with SHA-256 (RFC 8301) and Ed25519 (RFC 8463).
*/
#ifndef ds_dkim_key_h
#define ds_dkim_key_h

#include "dkim/hash.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/span.h"

#define DS_RSA_LEAST   1024
#define DS_RSA_GOOD    2048 /* anything less is weak */
#define DS_RSA_MOST    8192
#define DS_DKIM_OCTETS (DS_RSA_MOST / 8) /* of the longest signature */

typedef enum ds_dkim_algorithm {
  DS_DKIM_RSA,
  DS_DKIM_ED25519
} ds_dkim_algorithm;

const char *ds_dkim_algorithm_name (ds_dkim_algorithm a); /* "rsa-sha256" … */

typedef struct ds_dkim_key ds_dkim_key;

/*
** ds_dkim_key_private: PKCS#8, or PKCS#1 for RSA.  NULL and *e: DS_ERR_USAGE
** with what is wrong with it (no PEM, encrypted, a public key, a certificate,
** damaged, of another kind, too short), or DS_ERR_NOMEM.
*/
ds_dkim_key *ds_dkim_key_private (ds_span pem, ds_error *e);

/*
** ds_dkim_key_public: the octets of a record's p= tag: SubjectPublicKeyInfo or
** RSAPublicKey; the 32 octets of an Ed25519 key.  Errors as above.
*/
ds_dkim_key *ds_dkim_key_public (ds_dkim_algorithm a, ds_span octets,
                                 ds_error *e);
void ds_dkim_key_free (ds_dkim_key *k);

ds_dkim_algorithm ds_dkim_key_algorithm (const ds_dkim_key *k);
unsigned ds_dkim_key_bits (const ds_dkim_key *k);
int ds_dkim_key_weak (const ds_dkim_key *k); /* RSA, under DS_RSA_GOOD */

/*
** ds_dkim_key_sign: *n octets into out.  The same digest makes the same ones.
** ds_dkim_key_verify: 0, or DS_ERR_PROTOCOL: they are not its signature.
** DS_ERR_LOCAL when OpenSSL fails to sign.
*/
int ds_dkim_key_sign (ds_dkim_key *k, const unsigned char digest[DS_HASH],
                      unsigned char out[DS_DKIM_OCTETS], size_t *n);
int ds_dkim_key_verify (ds_dkim_key *k, const unsigned char digest[DS_HASH],
                        const unsigned char *signature, size_t n);

/* a new key as PKCS#8 PEM, appended; bits are RSA's.  0 or *e */
int ds_dkim_key_generate (ds_dkim_algorithm a, unsigned bits, ds_buf *pem,
                          ds_error *e);

/* the text of the DNS record to publish, appended: "v=DKIM1; k=rsa; p=…" */
int ds_dkim_key_record (const ds_dkim_key *k, ds_buf *out, ds_error *e);

#endif
