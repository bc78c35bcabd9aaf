/*
** directsend.tls: contexts over OpenSSL.  tls.context{ca_file=, ca_path=}
** makes one, tls.library says which OpenSSL runs.
*/
#include "lua/tls.h"

#include <string.h>

#include "lua/compat.h"
#include "lua/field.h"

static int context_close (lua_State *L) {
  ds_lua_tls *u = (ds_lua_tls *)luaL_checkudata(L, 1, DS_LUA_TLS);
  if (u->ctx != NULL)
    u->backend->ctx_free(u->ctx);
  u->ctx = NULL;
  return 0;
}

/* the string stays in the table at 1, which the caller holds */
static const char *path_field (lua_State *L, const char *key, ds_error *e) {
  const char *z;
  size_t n;
  lua_pushstring(L, key);
  lua_rawget(L, 1);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "context: %s must be a string, not a %s", key,
               luaL_typename(L, -1));
  z = lua_tolstring(L, -1, &n);
  lua_pop(L, 1);
  if (z != NULL && strlen(z) != n)
    ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, key,
                 "%s: a path cannot hold a NUL", key);
  return z;
}

static int context (lua_State *L) {
  static const char *const known[] = {"ca_file", "ca_path", NULL};
  ds_tls_config config;
  ds_lua_tls *u;
  ds_error e;
  memset(&config, 0, sizeof config);
  ds_error_clear(&e);
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    ds_lua_check_keys(L, 1, "context", known);
    config.ca_file = path_field(L, "ca_file", &e);
    config.ca_path = path_field(L, "ca_path", &e);
  }
  if (e.code != DS_OK)
    return ds_lua_refuse(L, &e);
  u = (ds_lua_tls *)lua_newuserdata(L, sizeof *u);
  u->backend = (const ds_tls_backend *)lua_touserdata(L, lua_upvalueindex(1));
  u->ctx = NULL;
  luaL_getmetatable(L, DS_LUA_TLS);
  lua_setmetatable(L, -2);
  u->ctx = u->backend->ctx_new(&config, &e);
  return u->ctx != NULL ? 1 : ds_lua_refuse(L, &e);
}

static void make_type (lua_State *L) {
  luaL_newmetatable(L, DS_LUA_TLS);
  lua_pushcfunction(L, context_close);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__close");
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "close");
  lua_setfield(L, -3, "__index");
  lua_pop(L, 2);
}

DS_EXPORT int luaopen_directsend_tls (lua_State *L);
int luaopen_directsend_tls (lua_State *L) {
  const ds_tls_backend *b;
  ds_error e;
  ds_error_clear(&e);
  b = ds_tls_openssl(&e);
  if (b == NULL)
    return luaL_error(L, "%s", e.text);
  make_type(L);
  lua_createtable(L, 0, 2);
  lua_pushlightuserdata(L, (void *)b);
  lua_pushcclosure(L, context, 1);
  lua_setfield(L, -2, "context");
  lua_pushstring(L, b->library());
  lua_setfield(L, -2, "library");
  return 1;
}
