/*
** A TLS server in memory: bytes in, bytes out, with the certificate and the
** versions a spec asks for, at OpenSSL's lowest security level.
*/
#include "lua/test_peer.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#define SERVER "directsend.test.tls.server"

typedef struct server {
  SSL_CTX *ctx;
  SSL *ssl;
  BIO *in, *out;
} server;

static const char *option (lua_State *L, int i, const char *key) {
  const char *z;
  lua_getfield(L, i, key);
  z = lua_tostring(L, -1);
  lua_pop(L, 1);
  return z;
}

/* the field's number, or `otherwise` */
static long option_number (lua_State *L, const char *key, long otherwise) {
  long n;
  lua_getfield(L, 1, key);
  n = lua_isnil(L, -1) ? otherwise : (long)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return n;
}

static int option_version (lua_State *L, const char *key, int otherwise) {
  const char *z = option(L, 1, key);
  if (z == NULL)
    return otherwise;
  return strcmp(z, "1.0") == 0   ? TLS1_VERSION
         : strcmp(z, "1.1") == 0 ? TLS1_1_VERSION
         : strcmp(z, "1.2") == 0 ? TLS1_2_VERSION
                                 : TLS1_3_VERSION;
}

/* an answer a server does not need, so that the name is kept for `name` */
static int any_name (SSL *ssl, int *alert, void *ud) {
  (void)ssl;
  (void)alert;
  (void)ud;
  return SSL_TLSEXT_ERR_OK;
}

/* any certificate will do, none too */
static int any_client (int ok, X509_STORE_CTX *s) {
  (void)ok;
  (void)s;
  return 1;
}

/* a ticket that was good stays good, and no new one is given for it */
static int ticket_made (SSL *ssl, void *ud) {
  (void)ssl;
  (void)ud;
  return 1;
}

static SSL_TICKET_RETURN ticket_seen (SSL *ssl, SSL_SESSION *s,
                                      const unsigned char *name, size_t n,
                                      SSL_TICKET_STATUS status, void *ud) {
  (void)ssl;
  (void)s;
  (void)name;
  (void)n;
  (void)ud;
  return status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW
             ? SSL_TICKET_RETURN_USE
             : SSL_TICKET_RETURN_IGNORE_RENEW;
}

/* how sessions are resumed: tickets = how many a handshake brings (TLS 1.3),
   lifetime = their seconds; stateful: TLS 1.2 has none, but session ids;
   thrifty: none for a ticket that was used */
static void resumption (lua_State *L, SSL_CTX *ctx) {
  long tickets = option_number(L, "tickets", 2);
  SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"spec", 4);
  SSL_CTX_set_timeout(ctx, option_number(L, "lifetime", 7200));
  SSL_CTX_set_num_tickets(ctx, (size_t)tickets);
  if (option_number(L, "thrifty", 0) > 0)
    SSL_CTX_set_session_ticket_cb(ctx, ticket_made, ticket_seen, NULL);
  if (tickets == 0 || option_number(L, "stateful", 0) > 0)
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  if (tickets == 0)
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

static int context_setup (lua_State *L, server *s) {
  const char *cert = option(L, 1, "cert"), *key = option(L, 1, "key");
  const char *ciphers = option(L, 1, "ciphers");
  s->ctx = SSL_CTX_new(TLS_server_method());
  if (s->ctx == NULL)
    return 0;
  resumption(L, s->ctx);
  if (option_number(L, "asks", 0) > 0)
    SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, any_client);
  SSL_CTX_set_security_level(s->ctx, 0);
  SSL_CTX_set_min_proto_version(s->ctx, option_version(L, "min", 0));
  SSL_CTX_set_max_proto_version(s->ctx, option_version(L, "max", 0));
  SSL_CTX_set_cipher_list(s->ctx, ciphers != NULL ? ciphers : "ALL");
  SSL_CTX_set_tlsext_servername_callback(s->ctx, any_name);
  if (cert != NULL &&
      (SSL_CTX_use_certificate_chain_file(s->ctx, cert) != 1 ||
       SSL_CTX_use_PrivateKey_file(s->ctx, key, SSL_FILETYPE_PEM) != 1))
    return 0;
  return 1;
}

/* like = another server, whose tickets this one knows */
static int server_setup (lua_State *L, server *s) {
  lua_getfield(L, 1, "like");
  if (lua_isnil(L, -1)) {
    if (!context_setup(L, s))
      return 0;
  } else {
    s->ctx = ((server *)luaL_checkudata(L, -1, SERVER))->ctx;
    SSL_CTX_up_ref(s->ctx);
  }
  lua_pop(L, 1);
  s->ssl = SSL_new(s->ctx);
  s->in = BIO_new(BIO_s_mem());
  s->out = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(s->in, -1);
  SSL_set_bio(s->ssl, s->in, s->out);
  SSL_set_accept_state(s->ssl);
  return 1;
}

static server *check_server (lua_State *L) {
  ERR_clear_error();
  return (server *)luaL_checkudata(L, 1, SERVER);
}

static int server_answer (lua_State *L, server *s, int r) {
  int why = SSL_get_error(s->ssl, r);
  const char *text = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  if (why == SSL_ERROR_WANT_READ) {
    lua_pushinteger(L, 0);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, why == SSL_ERROR_ZERO_RETURN ? "closed"
                    : text != NULL               ? text
                                                 : "cut");
  return 2;
}

static int server_handshake (lua_State *L) {
  server *s = check_server(L);
  int r = SSL_do_handshake(s->ssl);
  if (r != 1)
    return server_answer(L, s, r);
  lua_pushinteger(L, 1);
  return 1;
}

static int server_feed (lua_State *L) {
  server *s = check_server(L);
  size_t n;
  const char *p = luaL_checklstring(L, 2, &n);
  if (n > 0)
    BIO_write(s->in, p, (int)n);
  return 0;
}

static int server_out (lua_State *L) {
  server *s = check_server(L);
  char *p;
  long n = BIO_get_mem_data(s->out, &p);
  lua_pushlstring(L, n > 0 ? p : "", n > 0 ? (size_t)n : 0);
  (void)BIO_reset(s->out);
  return 1;
}

static int server_write (lua_State *L) {
  server *s = check_server(L);
  size_t n;
  const char *p = luaL_checklstring(L, 2, &n);
  int r = SSL_write(s->ssl, p, (int)n);
  if (r <= 0)
    return server_answer(L, s, r);
  lua_pushboolean(L, 1);
  return 1;
}

static int server_read (lua_State *L) {
  server *s = check_server(L);
  char p[16384];
  int r = SSL_read(s->ssl, p, (int)sizeof p);
  if (r <= 0 && server_answer(L, s, r) == 2)
    return 2;
  r = r > 0 ? r : 0;
  lua_pushlstring(L, p, (size_t)r);
  return 1;
}

static int server_shutdown (lua_State *L) {
  SSL_shutdown(check_server(L)->ssl);
  ERR_clear_error();
  return 0;
}

/* HelloRequest in TLS 1.2 */
static int server_renegotiate (lua_State *L) {
  server *s = check_server(L);
  SSL_renegotiate(s->ssl);
  SSL_do_handshake(s->ssl);
  ERR_clear_error();
  return 0;
}

/* TLS 1.3: new keys, and the client's wanted too */
static int server_key_update (lua_State *L) {
  server *s = check_server(L);
  SSL_key_update(s->ssl, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(s->ssl);
  ERR_clear_error();
  return 0;
}

/* the name the client asked for */
static int server_name (lua_State *L) {
  server *s = check_server(L);
  lua_pushstring(L, SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name));
  return 1;
}

/* whether the handshake resumed a session */
static int server_resumed (lua_State *L) {
  lua_pushboolean(L, SSL_session_reused(check_server(L)->ssl));
  return 1;
}

/* the certificates the client has shown, each its common name */
static int server_client (lua_State *L) {
  server *s = check_server(L);
  X509 *own = SSL_get_peer_certificate(s->ssl);
  STACK_OF(X509) *rest = SSL_get_peer_cert_chain(s->ssl);
  int i, n = 0;
  lua_newtable(L);
  for (i = -1; own != NULL && (i < 0 || i < sk_X509_num(rest)); i++) {
    X509 *x = i < 0 ? own : sk_X509_value(rest, i);
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name,
                              (int)sizeof name);
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++n);
  }
  X509_free(own);
  return 1;
}

static int server_close (lua_State *L) {
  server *s = check_server(L);
  SSL_free(s->ssl);
  SSL_CTX_free(s->ctx);
  memset(s, 0, sizeof *s);
  ERR_clear_error();
  return 0;
}

static const luaL_Reg server_methods[] = {{"handshake", server_handshake},
                                          {"feed", server_feed},
                                          {"out", server_out},
                                          {"write", server_write},
                                          {"read", server_read},
                                          {"shutdown", server_shutdown},
                                          {"renegotiate", server_renegotiate},
                                          {"key_update", server_key_update},
                                          {"name", server_name},
                                          {"resumed", server_resumed},
                                          {"client", server_client},
                                          {"close", server_close},
                                          {NULL, NULL}};

void ds_test_type (lua_State *L, const char *name, const luaL_Reg *l) {
  luaL_newmetatable(L, name);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  for (; l->name != NULL; l++) {
    lua_pushcfunction(L, l->func);
    lua_setfield(L, -2, l->name);
  }
  lua_getfield(L, -1, "close");
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}

int ds_test_server (lua_State *L) {
  server *s;
  ds_test_type(L, SERVER, server_methods);
  luaL_checktype(L, 1, LUA_TTABLE);
  s = (server *)lua_newuserdata(L, sizeof *s);
  memset(s, 0, sizeof *s);
  luaL_getmetatable(L, SERVER);
  lua_setmetatable(L, -2);
  if (!server_setup(L, s)) {
    const char *why = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return luaL_error(L, "test server: %s", why);
  }
  ERR_clear_error();
  return 1;
}
