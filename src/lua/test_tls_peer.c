/*
** What the tls room's door reads from tables, and what of the room stands
** alone: hashes, TLSA records.
*/
#include <lauxlib.h>
#include <string.h>

#include "lua/compat.h"
#include "lua/test_tls.h"

static const char *text (lua_State *L, int i, const char *key) {
  const char *z;
  lua_getfield(L, i, key);
  z = lua_tostring(L, -1);
  lua_pop(L, 1);
  return z;
}

static ds_span span (lua_State *L, int i, const char *key) {
  return ds_span_str(text(L, i, key));
}

static lua_Number number (lua_State *L, int i, const char *key) {
  lua_Number n;
  lua_getfield(L, i, key);
  n = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return n;
}

void ds_test_tls_config (lua_State *L, int i, ds_tls_config *c) {
  luaL_checktype(L, i, LUA_TTABLE);
  memset(c, 0, sizeof *c);
  c->ca_file = text(L, i, "ca_file");
  c->ca_path = text(L, i, "ca_path");
  c->client_cert = span(L, i, "client_cert");
  c->client_key = span(L, i, "client_key");
  c->sessions = (size_t)number(L, i, "sessions");
}

/* the list on top of the stack, or nil; an array in its place */
static const char **names (lua_State *L, size_t *count) {
  size_t n = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0, i;
  const char **to = (const char **)lua_newuserdata(L, (n + 1) * sizeof *to);
  for (i = 0; i < n; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    to[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  lua_remove(L, -2);
  *count = n;
  return to;
}

static uint8_t octet (lua_State *L, int i) {
  uint8_t n;
  lua_rawgeti(L, -1, i);
  n = (uint8_t)luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return n;
}

/* a record of the length it has, so that a tool sees who reads beyond */
static ds_tlsa *records (lua_State *L, size_t *count) {
  size_t n = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0, i;
  ds_tlsa *to = (ds_tlsa *)lua_newuserdata(L, (n + 1) * sizeof *to);
  for (i = 0; i < n; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    to[i].usage = octet(L, 1);
    to[i].selector = octet(L, 2);
    to[i].matching = octet(L, 3);
    lua_rawgeti(L, -1, 4);
    to[i].data.p = luaL_checklstring(L, -1, &to[i].data.n);
    lua_pop(L, 2);
  }
  lua_remove(L, -2);
  *count = n;
  return to;
}

void ds_test_tls_peer (lua_State *L, int i, ds_tls_peer *p) {
  luaL_checktype(L, i, LUA_TTABLE);
  memset(p, 0, sizeof *p);
  p->host = text(L, i, "host");
  p->time = (int64_t)number(L, i, "time");
  p->session_key = text(L, i, "session_key");
  lua_getfield(L, i, "verify");
  p->verify = lua_type(L, -1) == LUA_TSTRING ? DS_TLS_JUDGE
              : lua_toboolean(L, -1)         ? DS_TLS_VERIFY
                                             : DS_TLS_ENCRYPT;
  lua_pop(L, 1);
  lua_getfield(L, i, "names");
  p->names = names(L, &p->name_count);
  lua_getfield(L, i, "tlsa");
  p->tlsa = records(L, &p->tlsa_count);
}

/* usable(records): how many are */
static int l_usable (lua_State *L) {
  size_t n;
  const ds_tlsa *all;
  lua_settop(L, 1);
  all = records(L, &n);
  lua_pushinteger(L, (lua_Integer)ds_tls_tlsa_usable(all, n));
  return 1;
}

/* copied{…}: host, key, names, records as "3 1 1 data", of a copy whose
   original is gone; nil when memory is out */
static int l_copied (lua_State *L) {
  ds_tls_peer p, *copy;
  size_t i;
  ds_test_tls_peer(L, 1, &p);
  copy = ds_tls_peer_copy(&p);
  if (copy == NULL)
    return 0;
  memset((void *)p.names, 0, p.name_count * sizeof *p.names);
  memset((void *)p.tlsa, 0, p.tlsa_count * sizeof *p.tlsa);
  lua_newtable(L);
  lua_pushstring(L, copy->host);
  lua_setfield(L, -2, "host");
  lua_pushstring(L, copy->session_key);
  lua_setfield(L, -2, "session_key");
  for (i = 0; i < copy->name_count; i++) {
    lua_pushstring(L, copy->names[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  for (i = 0; i < copy->tlsa_count; i++) {
    const ds_tlsa *r = &copy->tlsa[i];
    lua_pushfstring(L, "%d %d %d ", r->usage, r->selector, r->matching);
    lua_pushlstring(L, r->data.p, r->data.n);
    lua_concat(L, 2);
    lua_rawseti(L, -2, (int)(copy->name_count + i) + 1);
  }
  ds_free(copy);
  return 1;
}

static ds_span argument (lua_State *L, int i) {
  ds_span s;
  s.p = luaL_checklstring(L, i, &s.n);
  return s;
}

static int pushed (lua_State *L, int r, const unsigned char *out) {
  if (r == DS_OK)
    lua_pushlstring(L, (const char *)out, DS_SHA256);
  else
    lua_pushnil(L);
  return 1;
}

static const ds_crypto *crypto (void) {
  ds_error e;
  ds_error_clear(&e);
  return ds_tls_openssl(&e)->crypto;
}

static int l_sha256 (lua_State *L) {
  unsigned char out[DS_SHA256];
  return pushed(L, crypto()->sha256(argument(L, 1), out), out);
}

static int l_hmac (lua_State *L) {
  unsigned char out[DS_SHA256];
  return pushed(L, crypto()->hmac_sha256(argument(L, 1), argument(L, 2), out),
                out);
}

static int l_pbkdf2 (lua_State *L) {
  unsigned char out[DS_SHA256];
  uint32_t n = (uint32_t)luaL_checknumber(L, 3);
  return pushed(
      L, crypto()->pbkdf2_sha256(argument(L, 1), argument(L, 2), n, out), out);
}

void ds_test_tls_alone (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"usable", l_usable}, {"copied", l_copied}, {"sha256", l_sha256},
      {"hmac", l_hmac},     {"pbkdf2", l_pbkdf2}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
