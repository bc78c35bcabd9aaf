/*
** hash: SHA-256, again and again with one context.
*/
#ifndef ds_dkim_hash_h
#define ds_dkim_hash_h

#include <stddef.h>

#define DS_HASH 32 /* octets of a digest */

typedef struct ds_hash ds_hash;

ds_hash *ds_hash_new (void); /* NULL: memory, or OpenSSL has no SHA-256 */
void ds_hash_free (ds_hash *h);

/* begin, update…, final.  A failure shows in final: 0 or DS_ERR_LOCAL. */
void ds_hash_begin (ds_hash *h);
void ds_hash_update (void *h, const void *p, size_t n);
int ds_hash_final (ds_hash *h, unsigned char out[DS_HASH]);

#endif
