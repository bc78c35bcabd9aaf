/*
** compat: one face over the C APIs of Lua 5.1 to 5.4 and LuaJIT.
*/
#ifndef ds_lua_compat_h
#define ds_lua_compat_h

#include <lauxlib.h>
#include <lua.h>

#define DS_EXPORT __attribute__((visibility("default")))

/* a count of octets: an integer where Lua has 64 bits of them, else a number */
#if LUA_VERSION_NUM < 503
#define ds_lua_push_count(L, n) lua_pushnumber(L, (lua_Number)(n))
#else
#define ds_lua_push_count(L, n) lua_pushinteger(L, (lua_Integer)(n))
#endif

#if LUA_VERSION_NUM < 502
#define lua_rawlen(L, i) lua_objlen(L, i)
#undef luaL_newlibtable /* LuaJIT has these two */
#undef luaL_newlib
#define luaL_newlibtable(L, l)                                                 \
  lua_createtable(L, 0, (int)(sizeof(l) / sizeof((l)[0]) - 1))
#define luaL_newlib(L, l) (luaL_newlibtable(L, l), ds_lua_setfuncs(L, l, 0))
void ds_lua_setfuncs (lua_State *L, const luaL_Reg *l, int nup);
#define luaL_setfuncs ds_lua_setfuncs
void *ds_lua_testudata (lua_State *L, int i, const char *name);
#define luaL_testudata         ds_lua_testudata
#define lua_setuservalue(L, i) lua_setfenv(L, i)
#define lua_getuservalue(L, i) lua_getfenv(L, i)
int ds_lua_absindex (lua_State *L, int i);
#define lua_absindex ds_lua_absindex
#endif

#endif
