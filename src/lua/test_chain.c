/*
** Certificates put before a stream as libssl puts those of a server before it,
** without one: for chains whose keys nobody has.
*/
#include <lauxlib.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "lua/test_tls.h"
#include "tls/inner.h"

static STACK_OF(X509) * read_chain(const char *pem) {
  BIO *in = BIO_new_mem_buf(pem, -1);
  STACK_OF(X509) *all = sk_X509_new_null();
  X509 *x;
  while ((x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
    sk_X509_push(all, x);
  BIO_free(in);
  return all;
}

/* what ssl_verify_cert_chain does */
static int judge (ds_tls *t, STACK_OF(X509) * all) {
  X509_STORE_CTX *s = X509_STORE_CTX_new();
  SSL_DANE *dane = SSL_get0_dane(t->ssl);
  int r = X509_STORE_CTX_init(s, SSL_CTX_get_cert_store(t->ctx->ssl),
                              sk_X509_value(all, 0), all);
  X509_STORE_CTX_set_ex_data(s, SSL_get_ex_data_X509_STORE_CTX_idx(), t->ssl);
  if (t->dane)
    X509_STORE_CTX_set0_dane(s, dane);
  X509_STORE_CTX_set_default(s, "ssl_server");
  X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(s), SSL_get0_param(t->ssl));
  r = r == 1 && ds_tls_verify(s, NULL);
  SSL_set_verify_result(t->ssl, X509_STORE_CTX_get_error(s));
  X509_STORE_CTX_free(s);
  return r;
}

int ds_test_judge (lua_State *L, ds_tls *t, const char *pem) {
  STACK_OF(X509) *all = read_chain(pem);
  int done;
  ERR_clear_error();
  done = judge(t, all);
  ERR_clear_error();
  lua_pushboolean(L, done);
  lua_pushstring(L, done ? "" : t->error.text);
  lua_pushinteger(L, SSL_get0_dane_authority(t->ssl, NULL, NULL));
  lua_pushinteger(L, SSL_get_verify_result(t->ssl));
  sk_X509_pop_free(all, X509_free);
  return 4;
}
