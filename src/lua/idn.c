/* directsend.idn: a converter of domains, for the core */
#include "lua/idn.h"

#include "idn/idn.h"
#include "lua/compat.h"

DS_EXPORT int luaopen_directsend_idn (lua_State *L);

int luaopen_directsend_idn (lua_State *L) {
  ds_lua_idn *u = (ds_lua_idn *)lua_newuserdata(L, sizeof *u);
  u->to_ascii = ds_idn_to_ascii;
  luaL_newmetatable(L, DS_LUA_IDN);
  lua_setmetatable(L, -2);
  return 1;
}
