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
#include "lua/test_tls.h"
#include "tls/tls.h"
#include "util/mem.h"

#define CLIENT  "directsend.test.tls.client"
#define CONTEXT "directsend.test.tls.context"

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

static client *check_client (lua_State *L) {
  client *c = (client *)luaL_checkudata(L, 1, CLIENT);
  if (c->t == NULL)
    luaL_error(L, "the client is closed");
  poison();
  return c;
}

typedef struct context {
  const ds_tls_backend *b;
  ds_tls_ctx *ctx;
} context;

static const ds_tls_backend *backend (lua_State *L) {
  const ds_tls_backend *b;
  ds_error e;
  ds_error_clear(&e);
  poison();
  b = ds_tls_openssl(&e);
  check_clean(L);
  return b;
}

static int context_close (lua_State *L) {
  context *c = (context *)luaL_checkudata(L, 1, CONTEXT);
  poison();
  c->b->ctx_free(c->ctx);
  c->ctx = NULL;
  check_clean(L);
  return 0;
}

static context *check_context (lua_State *L, int i) {
  context *c = (context *)luaL_checkudata(L, i, CONTEXT);
  if (c->ctx == NULL)
    luaL_error(L, "the context is closed");
  return c;
}

ds_tls_ctx *ds_test_tls_context (lua_State *L, int i) {
  return check_context(L, i)->ctx;
}

static int context_trust (lua_State *L) {
  context *c = check_context(L, 1);
  ds_error e;
  int r;
  ds_error_clear(&e);
  poison();
  r = c->b->trust_loads(c->ctx, &e);
  check_clean(L);
  if (r != DS_OK)
    return failure(L, r, &e);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_context (lua_State *L) {
  ds_tls_config config;
  context *c;
  ds_error e;
  ds_test_tls_config(L, 1, &config);
  ds_error_clear(&e);
  c = (context *)lua_newuserdata(L, sizeof *c);
  c->b = backend(L);
  c->ctx = NULL;
  luaL_getmetatable(L, CONTEXT);
  lua_setmetatable(L, -2);
  poison();
  c->ctx = c->b->ctx_new(&config, &e);
  check_clean(L);
  return c->ctx != NULL ? 1 : failure(L, e.code, &e);
}

/* client(options [, context]): without one it has one of its own, freed at
   once: the stream must hold it */
static int l_client (lua_State *L) {
  ds_tls_peer peer;
  ds_error e;
  context *x;
  client *c;
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    int n;
    lua_pushcfunction(L, l_context);
    lua_pushvalue(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    n = lua_gettop(L) - 2;
    if (n > 1)
      return n;
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
  } else
    lua_pushboolean(L, 0);
  x = check_context(L, 2);
  ds_test_tls_peer(L, 1, &peer);
  c = (client *)lua_newuserdata(L, sizeof *c);
  c->b = x->b;
  c->t = NULL;
  luaL_getmetatable(L, CLIENT);
  lua_setmetatable(L, -2);
  ds_error_clear(&e);
  poison();
  c->held = -heap();
  c->t = c->b->open(x->ctx, &peer, &e);
  c->held += heap();
  check_clean(L);
  if (lua_toboolean(L, 3)) {
    c->b->ctx_free(x->ctx);
    x->ctx = NULL;
  }
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
  lua_pushboolean(L, i.dane);
  lua_pushboolean(L, i.resumed);
  lua_pushstring(L, i.unverified);
  lua_pushstring(L, i.failure);
  return 7;
}

static int client_judge (lua_State *L) {
  client *c = check_client(L);
  return ds_test_judge(L, c->t, luaL_checkstring(L, 2));
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
                                          {"judge", client_judge},
                                          {"close", client_close},
                                          {NULL, NULL}};

static const luaL_Reg context_methods[] = {
    {"trust", context_trust}, {"close", context_close}, {NULL, NULL}};

int ds_test_tls (lua_State *L) {
  ds_test_type(L, CLIENT, client_methods);
  ds_test_type(L, CONTEXT, context_methods);
  lua_newtable(L);
  ds_test_tls_alone(L);
  lua_pushcfunction(L, l_context);
  lua_setfield(L, -2, "context");
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
