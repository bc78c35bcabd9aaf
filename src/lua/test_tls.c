/*
** The tls room's door; test_peer.c has a server to try it on.  Every call
** on a client begins with an error left in OpenSSL's queue, as another user
** of the library might leave one, and must leave nothing of its own there.
*/
#include "lua/test.h"

#include <lauxlib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "lua/test_peer.h"
#include "tls/tls.h"
#include "util/mem.h"

#define CLIENT "directsend.test.tls.client"

typedef struct client {
  const ds_tls_backend *b;
  ds_tls *t;
  long held; /* heap taken and not given back, where that can be told */
} client;

/* what malloc has given out; 0 where the C library does not tell */
#ifndef __GLIBC_PREREQ
#define __GLIBC_PREREQ(major, minor) 0
#endif
static long heap (void) {
#if __GLIBC_PREREQ(2, 33)
  return (long)mallinfo2().uordblks;
#else
  return 0;
#endif
}

static struct { long at, live, bytes; } failing;

static void *failing_realloc (void *ud, void *p, size_t n) {
  void *to;
  (void)ud;
  if (n == 0) {
    failing.live--;
    failing.bytes -= (long)malloc_usable_size(p);
    free(p);
    return NULL;
  }
  if (failing.at > 0 && --failing.at == 0)
    return NULL;
  if (p == NULL)
    failing.live++;
  else
    failing.bytes -= (long)malloc_usable_size(p);
  to = realloc(p, n);
  failing.bytes += (long)malloc_usable_size(to);
  return to;
}

/* failing(n): the n-th allocation from now fails */
static int l_failing (lua_State *L) {
  failing.at = (long)luaL_checkinteger(L, 1);
  failing.live = 0;
  failing.bytes = 0;
  ds_mem_set(failing_realloc, NULL);
  return 0;
}

/* succeeding(): whether one failed, how many blocks are not freed, and how many
   octets they hold */
static int l_succeeding (lua_State *L) {
  ds_mem_set(NULL, NULL);
  lua_pushboolean(L, failing.at == 0);
  lua_pushinteger(L, (lua_Integer)failing.live);
  lua_pushinteger(L, (lua_Integer)failing.bytes);
  return 3;
}

static void poison (void) {
  ERR_clear_error();
  ERR_put_error(ERR_LIB_SSL, 0, SSL_R_WRONG_VERSION_NUMBER, "elsewhere.c", 1);
}

static void check_clean (lua_State *L) {
  unsigned long e = ERR_get_error();
  if (ERR_GET_REASON(e) == SSL_R_WRONG_VERSION_NUMBER)
    e = ERR_get_error();
  ERR_clear_error();
  if (e != 0)
    luaL_error(L, "left in OpenSSL's error queue: %s",
               ERR_reason_error_string(e));
}

static int failure (lua_State *L, int code, const ds_error *e) {
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  lua_pushstring(L, ds_kind_name(e->kind));
  lua_pushinteger(L, code);
  lua_pushstring(L, e->field);
  return 5;
}

static const char *option (lua_State *L, int i, const char *key) {
  const char *z;
  lua_getfield(L, i, key);
  z = lua_tostring(L, -1);
  lua_pop(L, 1);
  return z;
}

static void read_config (lua_State *L, int i, ds_tls_config *c,
                         ds_tls_peer *p) {
  luaL_checktype(L, i, LUA_TTABLE);
  memset(c, 0, sizeof *c);
  memset(p, 0, sizeof *p);
  c->ca_file = option(L, i, "ca_file");
  c->ca_path = option(L, i, "ca_path");
  p->host = option(L, i, "host");
  lua_getfield(L, i, "verify");
  p->verify = lua_toboolean(L, -1) ? DS_TLS_VERIFY : DS_TLS_ENCRYPT;
  lua_getfield(L, i, "time");
  p->time = (int64_t)lua_tonumber(L, -1);
  lua_pop(L, 2);
}

static client *check_client (lua_State *L) {
  client *c = (client *)luaL_checkudata(L, 1, CLIENT);
  if (c->t == NULL)
    luaL_error(L, "the client is closed");
  poison();
  return c;
}

/* the context is freed at once: the stream must hold it */
static int l_client (lua_State *L) {
  ds_tls_config config;
  ds_tls_peer peer;
  ds_tls_ctx *ctx;
  ds_error e;
  client *c;
  read_config(L, 1, &config, &peer);
  ds_error_clear(&e);
  c = (client *)lua_newuserdata(L, sizeof *c);
  c->t = NULL;
  luaL_getmetatable(L, CLIENT);
  lua_setmetatable(L, -2);
  poison();
  c->b = ds_tls_openssl(&e);
  check_clean(L);
  poison();
  ctx = c->b->ctx_new(&config, &e);
  check_clean(L);
  if (ctx == NULL)
    return failure(L, e.code, &e);
  poison();
  c->held = -heap();
  c->t = c->b->open(ctx, &peer, &e);
  c->held += heap();
  check_clean(L);
  poison();
  c->b->ctx_free(ctx);
  check_clean(L);
  return c->t != NULL ? 1 : failure(L, e.code, &e);
}

static int client_handshake (lua_State *L) {
  client *c = check_client(L);
  ds_error e;
  int r;
  ds_error_clear(&e);
  c->held -= heap();
  r = c->b->handshake(c->t, &e);
  c->held += heap();
  check_clean(L);
  if (r < 0)
    return failure(L, r, &e);
  lua_pushinteger(L, r);
  return 1;
}

static int client_feed (lua_State *L) {
  client *c = check_client(L);
  size_t n;
  const char *p = luaL_checklstring(L, 2, &n);
  int r;
  c->held -= heap();
  r = c->b->feed(c->t, p, n);
  c->held += heap();
  lua_pushinteger(L, r);
  check_clean(L);
  return 1;
}

static int client_out (lua_State *L) {
  client *c = check_client(L);
  ds_buf *out = c->b->out(c->t);
  size_t n = (size_t)luaL_optinteger(L, 2, (lua_Integer)out->len);
  if (n > out->len)
    n = out->len;
  lua_pushlstring(L, n > 0 ? ds_buf_data(out) : "", n);
  ds_buf_consume(out, n);
  c->held -= heap();
  ds_buf_shrink(out);
  c->held += heap();
  return 1;
}

static int client_held (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_client(L)->held);
  return 1;
}

static int client_write (lua_State *L) {
  client *c = check_client(L);
  size_t n;
  const char *p = luaL_checklstring(L, 2, &n);
  ds_error e;
  int r;
  ds_error_clear(&e);
  c->held -= heap();
  r = c->b->write(c->t, p, n, &e);
  c->held += heap();
  check_clean(L);
  if (r < 0)
    return failure(L, r, &e);
  lua_pushboolean(L, 1);
  return 1;
}

/* what there is, "" when the wire is needed */
static int client_read (lua_State *L) {
  client *c = check_client(L);
  char p[16384];
  size_t n = (size_t)luaL_optinteger(L, 2, (lua_Integer)sizeof p);
  ds_error e;
  long r;
  ds_error_clear(&e);
  c->held -= heap();
  r = c->b->read(c->t, p, n < sizeof p ? n : sizeof p, &e);
  c->held += heap();
  check_clean(L);
  if (r < 0)
    return failure(L, (int)r, &e);
  lua_pushlstring(L, p, (size_t)r);
  return 1;
}

static int client_shutdown (lua_State *L) {
  client *c = check_client(L);
  c->b->shutdown(c->t);
  check_clean(L);
  return 0;
}

static int client_info (lua_State *L) {
  client *c = check_client(L);
  ds_tls_info i;
  c->b->info(c->t, &i);
  check_clean(L);
  lua_pushstring(L, i.version);
  lua_pushstring(L, i.cipher);
  lua_pushboolean(L, i.verified);
  return 3;
}

static int client_close (lua_State *L) {
  client *c = (client *)luaL_checkudata(L, 1, CLIENT);
  poison();
  if (c->t != NULL)
    c->b->close(c->t);
  c->t = NULL;
  check_clean(L);
  return 0;
}

static const luaL_Reg client_methods[] = {{"handshake", client_handshake},
                                          {"feed", client_feed},
                                          {"out", client_out},
                                          {"write", client_write},
                                          {"read", client_read},
                                          {"shutdown", client_shutdown},
                                          {"info", client_info},
                                          {"held", client_held},
                                          {"close", client_close},
                                          {NULL, NULL}};

int ds_test_tls (lua_State *L) {
  ds_test_type(L, CLIENT, client_methods);
  lua_createtable(L, 0, 4);
  lua_pushcfunction(L, l_client);
  lua_setfield(L, -2, "client");
  lua_pushcfunction(L, ds_test_server);
  lua_setfield(L, -2, "server");
  lua_pushcfunction(L, l_failing);
  lua_setfield(L, -2, "failing");
  lua_pushcfunction(L, l_succeeding);
  lua_setfield(L, -2, "succeeding");
  return 1;
}
