/* the test door: require "directsend.test"; and, for want of a room of their
   own, the shims of compat.h */
#include "lua/compat.h"
#include "lua/test.h"

#define THING "directsend.test.thing"

static int thing_new (lua_State *L) {
  lua_newuserdata(L, 1);
  luaL_newmetatable(L, THING);
  lua_setmetatable(L, -2);
  return 1;
}

static int shared_value (lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

/* shared(v): a table of functions that all return v */
static int shared (lua_State *L) {
  static const luaL_Reg two[] = {
      {"one", shared_value}, {"other", shared_value}, {NULL, NULL}};
  luaL_checkany(L, 1);
  luaL_newlibtable(L, two);
  lua_pushvalue(L, 1);
  luaL_setfuncs(L, two, 1);
  return 1;
}

static int is_thing (lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, THING) != NULL);
  lua_pushinteger(L, lua_gettop(L));
  return 2;
}

static int absindex (lua_State *L) {
  int i = (int)luaL_checkinteger(L, 1);
  lua_pushboolean(L, lua_absindex(L, LUA_REGISTRYINDEX) == LUA_REGISTRYINDEX);
  lua_pushinteger(L, lua_absindex(L, i));
  return 2;
}

static int rawlen (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
  return 1;
}

static int compat (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"thing", thing_new},   {"is_thing", is_thing}, {"shared", shared},
      {"absindex", absindex}, {"rawlen", rawlen},     {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}

DS_EXPORT int luaopen_directsend_test (lua_State *L);

int luaopen_directsend_test (lua_State *L) {
  static const luaL_Reg rooms[] = {
      {"util", ds_test_util},
      {"mime", ds_test_mime},
      {"kernel", ds_test_kernel},
      {"smtp", ds_test_smtp},
      {"http", ds_test_http},
      {"dns", ds_test_dns},
      {"tls", ds_test_tls},
      {"session", ds_test_session},
      {"net", ds_test_net},
      {"dkim", ds_test_dkim},
      {"policy", ds_test_policy},
      {"compat", compat},
      {NULL, NULL},
  };
  const luaL_Reg *room;
  lua_newtable(L);
  for (room = rooms; room->name != NULL; room++) {
    room->func(L);
    lua_setfield(L, -2, room->name);
  }
  return 1;
}
