/*
** tls: a TLS client over bytes: ciphertext in and out, plaintext in and out.
** TLS 1.2 or later, no renegotiation, no compression; sessions are resumed
** where a key for them is given.  Reached through a table of functions, so
** that the core runs without libssl until the first STARTTLS.
**
** What the room allocates itself goes through util/mem; what OpenSSL
** allocates does not: its hook is one a process, and may be nginx's.  A
** context and its streams belong to one thread.  No call leaves anything in
** OpenSSL's error queue, or minds what others left there; nothing that all
** users of OpenSSL in a process share is changed.
*/
#ifndef ds_tls_h
#define ds_tls_h

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/mem.h"

typedef struct ds_tls_ctx ds_tls_ctx; /* shared by all sessions of a mailer */
typedef struct ds_tls ds_tls;         /* one connection */

/*
** What all sessions share; zeroed: the defaults.
** Trust: ca_file or ca_path: exactly that, and it must load.  Both NULL: the
** system's store, its hashed directory (SSL_CERT_DIR or OpenSSL's own) first,
** the bundle file only where that has no hashed names; a file named by
** SSL_CERT_FILE besides, and it must load.
** Client certificate: PEM text, the certificate first and the issuers that
** belong with it behind; its private key, PEM, not encrypted.  Both or none.
*/
typedef struct ds_tls_config {
  const char *ca_file;
  const char *ca_path;
  ds_span client_cert;
  ds_span client_key; /* n == 0: it stands in client_cert too */
  size_t sessions;    /* most sessions kept for resumption (0: 256) */
} ds_tls_config;

/* a TLSA record (RFC 6698) as the DNS has it, looked up securely */
typedef struct ds_tlsa {
  uint8_t usage;
  uint8_t selector;
  uint8_t matching;
  ds_span data;
} ds_tlsa;

/*
** ds_tls_tlsa_usable: how many of the records can authenticate a mail host:
** usages 2 and 3 (RFC 7672 §3.1.3), selectors 0 and 1, matching 0, 1 and 2,
** data of the right length.  0 of n > 0: encryption is mandatory, and nobody
** can be authenticated (RFC 7672 §2.2).
*/
size_t ds_tls_tlsa_usable (const ds_tlsa *records, size_t n);

typedef enum ds_tls_check {
  DS_TLS_ENCRYPT, /* whoever answers will do: encryption only */
  DS_TLS_VERIFY,  /* chain and name must hold */
  DS_TLS_JUDGE    /* they are looked at; the handshake goes on either way, and
                     info.unverified says why they did not hold */
} ds_tls_check;

/* whom a stream is for; zeroed: anybody */
typedef struct ds_tls_peer {
  const char *host;    /* for SNI (a name, not an address) and the certificate;
                          NULL only with ENCRYPT.  With DANE the TLSA base
                          domain (RFC 7672 §8.1) */
  ds_tls_check verify; /* without meaning where a TLSA record is usable */
  int64_t time;        /* Unix time certificates are judged at */

  /* other names a certificate may be for: with DANE-TA the next-hop domain,
     and what its aliases lead to (RFC 7672 §3.2.2) */
  const char *const *names;
  size_t name_count;

  /* DANE: one of the usable records must match; what is not usable is passed
     over; where none is usable `verify` counts.  No trust store is needed */
  const ds_tlsa *tlsa;
  size_t tlsa_count;

  /* NULL: no resumption.  Else sessions are kept under this, and offered to
     peers with the same key only: host, port, level, policy, whatever must
     not mix.  host, verify, names and tlsa are part of it in any case, as the
     context is.  A TLS 1.3 ticket serves one connection, and another behind it
     only where the host gave no new one */
  const char *session_key;
} ds_tls_peer;

/*
** ds_tls_peer_copy: *p and all it points to in one block, for ds_free; NULL
** when memory is out.
*/
ds_tls_peer *ds_tls_peer_copy (const ds_tls_peer *p);

typedef struct ds_tls_info {
  char version[16];     /* "TLSv1.3" */
  char cipher[64];      /* "TLS_AES_256_GCM_SHA384" */
  int verified;         /* chain and name held, or a TLSA record matched */
  int dane;             /* it was a TLSA record */
  int resumed;          /* an earlier session goes on; what is said above was
                           found then */
  char unverified[256]; /* JUDGE: why chain and name did not hold, or "" */
  const char *failure;  /* that, or why the handshake failed, as TLS reports
                           call it (RFC 8460 §4.3): "certificate-expired" …;
                           NULL: nothing did */
} ds_tls_info;

#define DS_TLS_BACKEND 2 /* of this table's shape */

typedef struct ds_tls_backend {
  int abi;                      /* DS_TLS_BACKEND */
  const char *(*library)(void); /* "OpenSSL 3.0.19 …", the one that runs */

  /* share the core's allocation hook (before anything else) */
  void (*set_mem)(ds_mem_fn fn, void *ud);

  /*
  ** ctx_new: cheap; loads no trust until it is needed.  NULL and *e: memory,
  ** or client_cert and client_key will not do (kind usage, field named).
  ** ctx_free may come while streams live: they hold a reference.
  */
  ds_tls_ctx *(*ctx_new)(const ds_tls_config *c, ds_error *e);
  void (*ctx_free)(ds_tls_ctx *c);

  /* trust_loads: load the trust store now.  0, or *e (kind tls): nothing could
     be verified, and why; the next call tries again */
  int (*trust_loads)(ds_tls_ctx *c, ds_error *e);

  /* open: NULL and *e (kind tls) when the trust store will not load (with
     VERIFY; the next open tries again) or host is no name; when memory is
     out.  p is copied as far as it is needed */
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
  void (*info)(ds_tls *t, ds_tls_info *i); /* of the handshake, when it is
                                              done; when it failed, only why */

  const ds_crypto *crypto; /* what SCRAM needs */
} ds_tls_backend;

/*
** ds_tls_openssl: the table over the OpenSSL this was built with.  NULL and
** *e (kind local) when the library that runs has another major version.
*/
const ds_tls_backend *ds_tls_openssl (ds_error *e);

#endif
