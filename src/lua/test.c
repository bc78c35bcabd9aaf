/* the test door: require "directsend.test" */
#include "lua/compat.h"
#include "lua/test.h"

DS_EXPORT int luaopen_directsend_test (lua_State *L);

int luaopen_directsend_test (lua_State *L) {
  static const luaL_Reg rooms[] = {
      {"util", ds_test_util}, {"mime", ds_test_mime},
      {"smtp", ds_test_smtp}, {"dns", ds_test_dns},
      {"tls", ds_test_tls},   {"session", ds_test_session},
      {"net", ds_test_net},   {NULL, NULL},
  };
  const luaL_Reg *room;
  lua_newtable(L);
  for (room = rooms; room->name != NULL; room++) {
    room->func(L);
    lua_setfield(L, -2, room->name);
  }
  return 1;
}
