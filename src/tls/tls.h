/*
** tls: a TLS client over bytes: ciphertext in and out, plaintext in and out.
** TLS 1.2 or later, no renegotiation, no compression, no session reuse.
** Reached through a table of functions, so that the core runs without libssl
** until the first STARTTLS.
**
** What the room allocates itself goes through util/mem; what OpenSSL
** allocates does not: its hook is one a process, and may be nginx's.  A
** context and its streams belong to one thread.  No call leaves anything in
** OpenSSL's error queue, or minds what others left there.
*/
#ifndef ds_tls_h
#define ds_tls_h

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/mem.h"

typedef struct ds_tls_ctx ds_tls_ctx; /* shared by all sessions of a mailer */
typedef struct ds_tls ds_tls;         /* one connection */

/*
** Where trust comes from.  ca_file or ca_path: exactly that, and it must
** load.  Both NULL: the system's store, its hashed directory (SSL_CERT_DIR or
** OpenSSL's own) first, the bundle file only where that has no hashed names;
** a file named by SSL_CERT_FILE besides, and it must load.
*/
typedef struct ds_tls_config {
  const char *ca_file;
  const char *ca_path;
} ds_tls_config;

typedef struct ds_tls_peer {
  const char *host; /* for SNI (a name, not an address) and, when verify is
                       set, the certificate; copied; may be NULL without */
  int verify;       /* chain and name must hold; else encryption only */
  int64_t time;     /* Unix time certificates are judged at */
} ds_tls_peer;

typedef struct ds_tls_info {
  char version[16]; /* "TLSv1.3" */
  char cipher[64];  /* "TLS_AES_256_GCM_SHA384" */
  int verified;     /* chain and name were checked and held */
} ds_tls_info;

#define DS_TLS_BACKEND 1 /* of this table's shape */

typedef struct ds_tls_backend {
  int abi;                      /* DS_TLS_BACKEND */
  const char *(*library)(void); /* "OpenSSL 3.0.19 …", the one that runs */

  /* share the core's allocation hook (before anything else) */
  void (*set_mem)(ds_mem_fn fn, void *ud);

  /*
  ** ctx_new: cheap; loads no trust until the first open with verify set.
  ** ctx_free may come while streams live: they hold a reference.
  */
  ds_tls_ctx *(*ctx_new)(const ds_tls_config *c, ds_error *e);
  void (*ctx_free)(ds_tls_ctx *c);

  /* open: NULL and *e (kind tls) when the trust store will not load (with
     verify set; the next open tries again), when memory is out */
  ds_tls *(*open)(ds_tls_ctx *c, const ds_tls_peer *p, ds_error *e);
  void (*close)(ds_tls *t);

  /* ciphertext from the wire, of any size; 0 or DS_ERR_NOMEM.  n == 0: the
     peer closed */
  int (*feed)(ds_tls *t, const void *p, size_t n);

  /* ciphertext for the wire, gathered; take it with ds_buf_consume or
     ds_buf_swap */
  ds_buf *(*out)(ds_tls *t);

  /* 1 done, 0 needs the wire, < 0 failed: *e says why in plain words.  A
     failure is final: this and every other call then returns it */
  int (*handshake)(ds_tls *t, ds_error *e);

  /* plaintext for the peer, all of it or < 0 */
  int (*write)(ds_tls *t, const void *p, size_t n, ds_error *e);

  /* plaintext from the peer: how much, 0 needs the wire, DS_ERR_CLOSED after
     close_notify, DS_ERR_TLS when the stream was cut or broken */
  long (*read)(ds_tls *t, void *p, size_t n, ds_error *e);

  void (*shutdown)(ds_tls *t); /* close_notify into out, best effort */
  void (*info)(ds_tls *t, ds_tls_info *i); /* after the handshake */
} ds_tls_backend;

/*
** ds_tls_openssl: the table over the OpenSSL this was built with.  NULL and
** *e (kind local) when the library that runs has another major version.
*/
const ds_tls_backend *ds_tls_openssl (ds_error *e);

#endif
