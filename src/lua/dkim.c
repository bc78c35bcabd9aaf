/*
** directsend.dkim: signatures over OpenSSL's libcrypto.
*/
#include "lua/dkim.h"

#include "crypto/openssl.h"
#include "lua/compat.h"

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
