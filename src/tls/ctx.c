#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "crypto/openssl.h"
#include "tls/inner.h"

#ifndef OPENSSL_INIT_NO_ATEXIT
#define OPENSSL_INIT_NO_ATEXIT 0
#endif

/* no anonymous, unencrypted or export suites, at no security level; and none
   nobody has, so that the ClientHello stays in one segment */
#define SUITES                                                                 \
  "DEFAULT:!aNULL:!eNULL:!LOW:!EXPORT:!MD5:!RC4:!PSK:!SRP:!DSS:!ARIA:!"        \
  "CAMELLIA"

/* kept for resumption */
#define SESSIONS 256

static void ctx_unref (ds_tls_ctx *c) {
  if (--c->refs > 0)
    return;
  ds_tls_sessions_clear(&c->sessions);
  SSL_CTX_free(c->ssl);
  BIO_meth_free(c->wire);
  ds_free(c->ca_file);
  ds_free(c->ca_path);
  ds_free(c);
}

void ds_tls_ctx_release (ds_tls_ctx *c) {
  if (c == NULL)
    return;
  ctx_unref(c);
  ERR_clear_error();
}

/* OpenSSL 3.5 and later offer a post-quantum share by default: a ClientHello
   of two segments, which some middleboxes before mail hosts do not survive */
static int set_groups (SSL_CTX *s) {
  return SSL_CTX_set1_groups_list(s, "X25519:P-256:P-384:P-521") == 1 ||
         SSL_CTX_set1_groups_list(s, "P-256:P-384:P-521") == 1;
}

static int set_policy (SSL_CTX *s) {
  SSL_CTX_set_options(s, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_CLIENT |
                                        SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(s, ds_tls_session_new);
  /* an idle session must not hold two buffers of 16 KiB and more */
  SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cert_verify_callback(s, ds_tls_verify, NULL);
  return SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(s, SUITES) == 1 && set_groups(s);
}

/* 1 when both are NULL or the copy was made */
static int copied (char **to, const char *from) {
  *to = from != NULL ? ds_strndup(from, strlen(from)) : NULL;
  return *to != NULL || from == NULL;
}

static ds_tls_ctx *ctx_new (const ds_tls_config *config, ds_error *e) {
  ds_tls_ctx *c = (ds_tls_ctx *)ds_calloc(1, sizeof *c);
  if (c == NULL) {
    ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
    return NULL;
  }
  c->refs = 1;
  c->sessions.most = config->sessions > 0 ? config->sessions : SESSIONS;
  ERR_clear_error();
  c->ssl = SSL_CTX_new(TLS_client_method());
  c->wire = ds_tls_wire();
  if (c->ssl == NULL || c->wire == NULL ||
      !copied(&c->ca_file, config->ca_file) ||
      !copied(&c->ca_path, config->ca_path))
    ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
  else if (!set_policy(c->ssl))
    ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
                 "this OpenSSL lacks what TLS 1.2 needs");
  else if (ds_tls_client(c, config, e) == DS_OK) {
    ERR_clear_error();
    return c;
  }
  ds_tls_ctx_release(c);
  return NULL;
}

static void set_mem (ds_mem_fn fn, void *ud) {
  ds_mem_set(fn, ud);
}

static const char *library (void) {
  return OpenSSL_version(OPENSSL_VERSION);
}

static int trust_loads (ds_tls_ctx *c, ds_error *e) {
  int r;
  ERR_clear_error();
  r = ds_tls_trust(c, e);
  ERR_clear_error();
  return r;
}

static const ds_tls_backend backend = {
    DS_TLS_BACKEND,     library,         set_mem,          ctx_new,
    ds_tls_ctx_release, trust_loads,     ds_tls_open,      ds_tls_close,
    ds_tls_feed,        ds_tls_out,      ds_tls_handshake, ds_tls_write,
    ds_tls_read,        ds_tls_shutdown, ds_tls_info_get,  &ds_tls_crypto,
};

/* what is initialised, and what not: ds_openssl_start says why */
const ds_tls_backend *ds_tls_openssl (ds_error *e) {
  if (ds_openssl_start("directsend.tls", e) != DS_OK)
    return NULL;
  OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG |
                       OPENSSL_INIT_LOAD_SSL_STRINGS,
                   NULL);
  ERR_clear_error();
  return &backend;
}
