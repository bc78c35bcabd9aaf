/*
** inner: what the files of the tls room share; nobody else includes it.
*/
#ifndef ds_tls_inner_h
#define ds_tls_inner_h

#include <openssl/ssl.h>

#include "tls/tls.h"
#include "util/mem.h"

struct ds_tls_ctx {
  SSL_CTX *ssl;
  BIO_METHOD *wire;
  char *ca_file;
  char *ca_path;
  int trusted;   /* the store is loaded */
  unsigned refs; /* the owner's and one for each stream */
};

struct ds_tls {
  ds_tls_ctx *ctx;
  SSL *ssl;
  ds_buf in;  /* ciphertext OpenSSL has not read yet */
  ds_buf out; /* ciphertext the wire has not taken yet */
  int eof;    /* nothing comes behind `in` */
  int up;     /* the handshake is done */
  int verify;
  int64_t time;
  char *host;
  ds_error error; /* the first failure; all later calls return it */
};

/* ctx.c */
void ds_tls_ctx_release (ds_tls_ctx *c);

/* trust.c: load what c names into its store; 0, or *e says what is missing */
int ds_tls_trust (ds_tls_ctx *c, ds_error *e);

/* stream.c */
BIO_METHOD *ds_tls_wire (void);
ds_tls *ds_tls_open (ds_tls_ctx *c, const ds_tls_peer *p, ds_error *e);
void ds_tls_close (ds_tls *t);
int ds_tls_feed (ds_tls *t, const void *p, size_t n);
ds_buf *ds_tls_out (ds_tls *t);
int ds_tls_handshake (ds_tls *t, ds_error *e);
int ds_tls_write (ds_tls *t, const void *p, size_t n, ds_error *e);
long ds_tls_read (ds_tls *t, void *p, size_t n, ds_error *e);
void ds_tls_shutdown (ds_tls *t);
void ds_tls_info_get (ds_tls *t, ds_tls_info *i);

/* verify.c: ask for chain and name, or for neither; 0: the host will not do */
int ds_tls_expect (ds_tls *t);
int ds_tls_verify (X509_STORE_CTX *s, void *ud);

/* crypto.c */
extern const ds_crypto ds_tls_crypto;

/* words.c: t->error from what OpenSSL left in its queue */
int ds_tls_fail (ds_tls *t);

#endif
