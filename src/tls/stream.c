#include "tls/inner.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* what an idle stream may keep of the last read */
#define IDLE_BYTES 1024

/*
** OpenSSL over our own buffers instead of a BIO pair: nothing is copied
** twice, a flight or a body gathers in `out` however long it grows, an idle
** stream holds no ring, and the allocation hook sees it all.  It is never told
** of a FIN, which it would take for an attack that spoils the session: what a
** FIN means is told here.
*/
static int wire_read (BIO *b, char *p, int n) {
  ds_tls *t = (ds_tls *)BIO_get_data(b);
  size_t take = t->in.len;
  BIO_clear_retry_flags(b);
  if (take == 0) {
    BIO_set_retry_read(b);
    return -1;
  }
  if (take > (size_t)n)
    take = (size_t)n;
  memcpy(p, ds_buf_data(&t->in), take);
  ds_buf_consume(&t->in, take);
  return (int)take;
}

static int wire_write (BIO *b, const char *p, int n) {
  ds_tls *t = (ds_tls *)BIO_get_data(b);
  BIO_clear_retry_flags(b);
  return ds_buf_append(&t->out, p, (size_t)n) == DS_OK ? n : -1;
}

static long wire_ctrl (BIO *b, int what, long n, void *p) {
  (void)b;
  (void)n;
  (void)p;
  return what == BIO_CTRL_FLUSH;
}

BIO_METHOD *ds_tls_wire (void) {
  BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "directsend wire");
  if (m == NULL)
    return NULL;
  BIO_meth_set_read(m, wire_read);
  BIO_meth_set_write(m, wire_write);
  BIO_meth_set_ctrl(m, wire_ctrl);
  return m;
}

static int attach (ds_tls *t) {
  BIO *b = BIO_new(t->ctx->wire);
  if (b == NULL)
    return 0;
  BIO_set_data(b, t);
  BIO_set_init(b, 1);
  SSL_set_bio(t->ssl, b, b);
  SSL_set_app_data(t->ssl, t);
  SSL_set_connect_state(t->ssl);
  return 1;
}

/* a stream that holds its context, or NULL */
static ds_tls *stream_new (ds_tls_ctx *c, const ds_tls_peer *p) {
  ds_tls *t = (ds_tls *)ds_calloc(1, sizeof *t);
  const char *host = p->host != NULL ? p->host : "";
  if (t == NULL)
    return NULL;
  t->ctx = c;
  c->refs++;
  t->check = p->verify;
  t->time = p->time;
  t->host = ds_strndup(host, strlen(host));
  t->ssl = SSL_new(c->ssl);
  if (t->host != NULL && t->ssl != NULL && attach(t))
    return t;
  ds_tls_close(t);
  return NULL;
}

ds_tls *ds_tls_open (ds_tls_ctx *c, const ds_tls_peer *p, ds_error *e) {
  ds_tls *t;
  ERR_clear_error();
  t = stream_new(c, p);
  if (t == NULL)
    ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
  else if (ds_tls_expect(t, p, e))
    ds_tls_resume(t, p);
  else {
    ds_tls_close(t);
    t = NULL;
  }
  ERR_clear_error();
  return t;
}

void ds_tls_close (ds_tls *t) {
  if (t == NULL)
    return;
  ds_tls_leave(t);
  /* nor is the session spoilt by a close without close_notify */
  if (t->up)
    SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(t->ssl);
  ds_tls_ctx_release(t->ctx);
  ds_buf_clear(&t->in);
  ds_buf_clear(&t->out);
  ds_free(t->doubt);
  ds_free(t->host);
  ds_free(t);
}

int ds_tls_feed (ds_tls *t, const void *p, size_t n) {
  if (t->error.code != DS_OK)
    return t->error.code;
  if (n == 0)
    t->eof = 1;
  if (ds_buf_append(&t->in, p, n) != DS_OK)
    return ds_error_set(&t->error, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL,
                        "out of memory");
  return DS_OK;
}

ds_buf *ds_tls_out (ds_tls *t) {
  return &t->out;
}

static int told (const ds_tls *t, ds_error *e) {
  if (e != NULL && e->code == DS_OK)
    *e = t->error;
  return t->error.code;
}

static int premature (ds_tls *t, ds_error *e) {
  ds_error_set(&t->error, DS_ERR_STATE, DS_KIND_TLS, NULL,
               "the TLS handshake is not done");
  return told(t, e);
}

/* the wire is needed, and may be for long.  A ticket (TLS 1.3) makes OpenSSL
   provide for an answer that never comes */
static void rest (ds_tls *t) {
  if (t->up)
    SSL_free_buffers(t->ssl);
  if (t->in.len == 0 && t->in.size > IDLE_BYTES)
    ds_buf_shrink(&t->in);
}

/* after a call that did not get through: 0 where the wire is needed */
static int held_up (ds_tls *t, int result, ds_error *e) {
  int why = SSL_get_error(t->ssl, result);
  if (why == SSL_ERROR_WANT_READ && !t->eof)
    why = DS_OK;
  else if (why == SSL_ERROR_ZERO_RETURN && t->up)
    why = DS_ERR_CLOSED;
  else {
    if (why == SSL_ERROR_WANT_READ)
      ds_tls_cut(t);
    else
      ds_tls_fail(t);
    why = told(t, e);
  }
  rest(t);
  ERR_clear_error();
  return why;
}

int ds_tls_handshake (ds_tls *t, ds_error *e) {
  int r;
  if (t->error.code != DS_OK)
    return told(t, e);
  if (t->up)
    return 1;
  ERR_clear_error();
  r = SSL_do_handshake(t->ssl);
  t->up = r == 1;
  r = t->up ? 1 : held_up(t, r, e);
  if (r != 0)
    ds_tls_shaken(t);
  ERR_clear_error();
  return r;
}

int ds_tls_write (ds_tls *t, const void *p, size_t n, ds_error *e) {
  size_t done;
  int r;
  if (t->error.code != DS_OK)
    return told(t, e);
  if (!t->up)
    return premature(t, e);
  if (n == 0)
    return DS_OK;
  ERR_clear_error();
  r = SSL_write_ex(t->ssl, p, n, &done);
  if (r != 1) {
    ds_tls_fail(t);
    r = told(t, e);
  } else
    r = DS_OK;
  ERR_clear_error();
  return r;
}

long ds_tls_read (ds_tls *t, void *p, size_t n, ds_error *e) {
  int r;
  if (t->error.code != DS_OK)
    return told(t, e);
  if (!t->up)
    return premature(t, e);
  ERR_clear_error();
  r = SSL_read(t->ssl, p, n < INT_MAX ? (int)n : INT_MAX);
  if (r <= 0)
    return held_up(t, r, e);
  ERR_clear_error();
  return r;
}

void ds_tls_shutdown (ds_tls *t) {
  if (!t->up || t->error.code != DS_OK)
    return;
  ERR_clear_error();
  SSL_shutdown(t->ssl);
  ERR_clear_error();
}

void ds_tls_info_get (ds_tls *t, ds_tls_info *i) {
  memset(i, 0, sizeof *i);
  i->failure = t->failure;
  if (!t->up) {
    if (t->error.code == DS_ERR_TLS && t->failure == NULL)
      i->failure = "validation-failure";
    return;
  }
  snprintf(i->version, sizeof i->version, "%s", SSL_get_version(t->ssl));
  snprintf(i->cipher, sizeof i->cipher, "%s", SSL_get_cipher_name(t->ssl));
  snprintf(i->unverified, sizeof i->unverified, "%s",
           t->doubt != NULL ? t->doubt : "");
  i->verified = t->held;
  i->dane = t->held && t->dane;
  i->resumed = SSL_session_reused(t->ssl);
}
