/*
** test_smtp: what the doors into the smtp room share.
*/
#ifndef ds_lua_test_smtp_h
#define ds_lua_test_smtp_h

#include "lua/compat.h"
#include "lua/test.h"
#include "smtp/engine.h"

/* as a table */
void ds_test_push_reply (lua_State *L, const ds_reply *r);
void ds_test_push_ext (lua_State *L, const ds_smtp_ext *x);

/* the class of engines; the function that makes one */
void ds_test_engine_class (lua_State *L);
int ds_test_engine (lua_State *L);
int ds_test_watch (lua_State *L);
int ds_test_watched (lua_State *L);
int ds_test_held (lua_State *L);

static inline ds_span check_span (lua_State *L, int i) {
  size_t n;
  const char *p = luaL_checklstring(L, i, &n);
  return ds_span_of(p, n);
}

static inline void set_string (lua_State *L, const char *k, const char *v) {
  lua_pushstring(L, v);
  lua_setfield(L, -2, k);
}

static inline void set_integer (lua_State *L, const char *k, uint64_t v) {
  lua_pushinteger(L, (lua_Integer)v);
  lua_setfield(L, -2, k);
}

static inline void set_flag (lua_State *L, const char *k, int v) {
  lua_pushboolean(L, v);
  lua_setfield(L, -2, k);
}

static inline int push_code (lua_State *L, int rc) {
  lua_pushinteger(L, rc);
  return 1;
}

static inline ds_span field_span (lua_State *L, int i, const char *k) {
  size_t n = 0;
  const char *p;
  lua_getfield(L, i, k);
  p = lua_tolstring(L, -1, &n);
  lua_pop(L, 1); /* the table keeps it */
  return ds_span_of(p, n);
}

static inline unsigned field_unsigned (lua_State *L, int i, const char *k) {
  unsigned n;
  lua_getfield(L, i, k);
  n = (unsigned)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

#endif
