/*
** The door to session/fetch.  Times are in seconds.
*/
#include <string.h>

#include "lua/test.h"
#include "lua/test_peer.h"
#include "session/fetch.h"

#define FETCH "directsend.test.fetch"

typedef struct door {
  ds_fetch *f;
  ds_tls_ctx *ctx;
  const ds_tls_backend *b;
} door;

static door *check_door (lua_State *L) {
  door *d = (door *)luaL_checkudata(L, 1, FETCH);
  if (d->f == NULL)
    luaL_error(L, "the fetch is closed");
  return d;
}

static const char *text (lua_State *L, const char *key) {
  const char *z;
  lua_getfield(L, 1, key);
  z = lua_tostring(L, -1);
  lua_pop(L, 1);
  return z;
}

static lua_Number number (lua_State *L, const char *key) {
  lua_Number n;
  lua_getfield(L, 1, key);
  n = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return n;
}

static ds_time seconds (lua_Number n) {
  return (ds_time)(n * (lua_Number)DS_SECOND);
}

/* fetch{host=, path=, ca_file=, time=, until=, max_chunk=} -> fetch | nil,
   text, kind, code */
int ds_test_fetch (lua_State *L) {
  ds_tls_config tls;
  ds_fetch_config c;
  ds_error e;
  door *d;
  luaL_checktype(L, 1, LUA_TTABLE);
  d = (door *)lua_newuserdata(L, sizeof *d);
  memset(d, 0, sizeof *d);
  luaL_getmetatable(L, FETCH);
  lua_setmetatable(L, -2);
  memset(&tls, 0, sizeof tls);
  memset(&c, 0, sizeof c);
  ds_error_clear(&e);
  tls.ca_file = text(L, "ca_file");
  d->b = ds_tls_openssl(&e);
  d->ctx = d->b->ctx_new(&tls, &e);
  c.host = text(L, "host");
  c.path = text(L, "path");
  c.backend = d->b;
  c.ctx = d->ctx;
  c.time = (int64_t)number(L, "time");
  c.until = seconds(number(L, "until"));
  c.max_chunk = (size_t)number(L, "max_chunk");
  d->f = d->ctx != NULL ? ds_fetch_new(&c, &e) : NULL;
  if (d->f != NULL)
    return 1;
  lua_pushnil(L);
  lua_pushstring(L, e.text);
  lua_pushstring(L, ds_kind_name(e.kind));
  lua_pushinteger(L, e.code);
  return 4;
}

static int close (lua_State *L) {
  door *d = (door *)luaL_checkudata(L, 1, FETCH);
  ds_fetch_free(d->f);
  if (d->ctx != NULL)
    d->b->ctx_free(d->ctx);
  d->f = NULL;
  d->ctx = NULL;
  return 0;
}

/* next(now) -> "nothing"|"send"|"receive", data, deadline */
static int next (lua_State *L) {
  static const char *const wants[] = {"nothing", "send", "receive"};
  ds_session_step step;
  ds_fetch_next(check_door(L)->f, seconds(luaL_checknumber(L, 2)), &step);
  lua_pushstring(L, wants[step.want]);
  lua_pushlstring(L, step.data.n > 0 ? step.data.p : "", step.data.n);
  lua_pushnumber(L, (lua_Number)step.deadline / (lua_Number)DS_SECOND);
  return 3;
}

static int sent (lua_State *L) {
  ds_fetch_sent(check_door(L)->f, (size_t)luaL_checkinteger(L, 2));
  return 0;
}

static int received (lua_State *L) {
  size_t n;
  const char *p = luaL_checklstring(L, 2, &n);
  ds_fetch_received(check_door(L)->f, p, n);
  return 0;
}

static int failed (lua_State *L) {
  int timeout = strcmp(luaL_checkstring(L, 2), "timeout") == 0;
  ds_fetch_failed(check_door(L)->f, timeout ? DS_KIND_TIMEOUT : DS_KIND_CONNECT,
                  luaL_checkstring(L, 3));
  return 0;
}

/* result() -> status, type, body | nil, text, kind, shaken */
static int result (lua_State *L) {
  door *d = check_door(L);
  const ds_http *h = ds_fetch_response(d->f);
  if (h != NULL) {
    lua_pushinteger(L, h->status);
    lua_pushstring(L, h->type);
    lua_pushlstring(L, h->body.len > 0 ? ds_buf_data(&h->body) : "",
                    h->body.len);
    return 3;
  }
  lua_pushnil(L);
  lua_pushstring(L, ds_fetch_error(d->f)->text);
  lua_pushstring(L, ds_kind_name(ds_fetch_error(d->f)->kind));
  lua_pushboolean(L, ds_fetch_shaken(d->f));
  return 4;
}

static const luaL_Reg methods[] = {{"close", close},   {"next", next},
                                   {"sent", sent},     {"received", received},
                                   {"failed", failed}, {"result", result},
                                   {NULL, NULL}};

void ds_test_fetch_type (lua_State *L) {
  ds_test_type(L, FETCH, methods);
}
