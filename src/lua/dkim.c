/*
** directsend.dkim: signatures over OpenSSL's libcrypto.
*/
#include "lua/dkim.h"

#include "crypto/openssl.h"
#include "lua/compat.h"

void ds_lua_dkim_class (lua_State *L, const char *name, const luaL_Reg *methods,
                        lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

DS_EXPORT int luaopen_directsend_dkim (lua_State *L);

int luaopen_directsend_dkim (lua_State *L) {
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  if (ds_openssl_start("directsend.dkim", &e) != DS_OK)
    return luaL_error(L, "%s", e.text);
  lua_newtable(L);
  ds_lua_open_dkim_key(L);
  ds_lua_open_dkim_sign(L);
  ds_lua_open_dkim_verify(L);
  return 1;
}
