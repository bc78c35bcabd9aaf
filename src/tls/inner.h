/*
** inner: what the files of the tls room share; nobody else includes it.
*/
#ifndef ds_tls_inner_h
#define ds_tls_inner_h

#include <openssl/ssl.h>

#include "tls/tls.h"
#include "util/mem.h"

typedef struct ds_tls_kept { /* a session to go on with */
  SSL_SESSION *session;
  int64_t born, until; /* Unix time: of the full handshake; of its last use */
  unsigned char key[DS_SHA256];
} ds_tls_kept;

typedef struct ds_tls_sessions {
  ds_tls_kept *kept; /* oldest first */
  size_t count, room, most;
} ds_tls_sessions;

struct ds_tls_ctx {
  SSL_CTX *ssl;
  BIO_METHOD *wire;
  char *ca_file;
  char *ca_path;
  int trusted;   /* the store is loaded */
  int dane;      /* OpenSSL is told that there may be TLSA records */
  unsigned refs; /* the owner's and one for each stream */
  ds_tls_sessions sessions;
};

struct ds_tls {
  ds_tls_ctx *ctx;
  SSL *ssl;
  ds_buf in;  /* ciphertext OpenSSL has not read yet */
  ds_buf out; /* ciphertext the wire has not taken yet */
  int eof;    /* nothing comes behind `in` */
  int up;     /* the handshake is done */
  ds_tls_check check;
  int dane;    /* TLSA records decide instead */
  int held;    /* they, or chain and name, did */
  char *doubt; /* JUDGE: why they did not, if memory was there to say it */
  const char *failure; /* of them, as TLS reports call it */
  int64_t time;
  char *host;
  int keeps; /* its sessions are kept, under: */
  unsigned char key[DS_SHA256];
  const SSL_SESSION *offered; /* to go on with; only to be compared */
  SSL_SESSION *spare;  /* the same once more, where it is used up by that */
  int64_t born, until; /* of both */
  ds_error error;      /* the first failure; all later calls return it */
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

/* client.c: the certificate that is shown when a server asks for one */
int ds_tls_client (ds_tls_ctx *c, const ds_tls_config *config, ds_error *e);

/*
** sessions.c: resume offers t the newest session kept for p, and has those
** kept that come of t; without p->session_key it does neither.  shaken is told
** how t's handshake ended, leave that t ends; forget drops what leave would
** have kept.
*/
void ds_tls_resume (ds_tls *t, const ds_tls_peer *p);
void ds_tls_shaken (ds_tls *t);
void ds_tls_leave (ds_tls *t);
void ds_tls_forget (ds_tls *t);
int ds_tls_session_new (SSL *ssl, SSL_SESSION *s); /* OpenSSL has one */
void ds_tls_sessions_clear (ds_tls_sessions *all);

/* dane.c: have p's usable records decide, and nothing else */
int ds_tls_dane (ds_tls *t, const ds_tls_peer *p, ds_error *e);

/* verify.c: ask for what p wants of chain and name */
int ds_tls_expect (ds_tls *t, const ds_tls_peer *p, ds_error *e);
int ds_tls_expect_names (ds_tls *t, const ds_tls_peer *p);
int ds_tls_verify (X509_STORE_CTX *s, void *ud);

/* crypto.c */
extern const ds_crypto ds_tls_crypto;

/* words.c: t->error from what OpenSSL left in its queue; for a FIN */
int ds_tls_fail (ds_tls *t);
int ds_tls_cut (ds_tls *t);

#endif
