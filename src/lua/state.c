/*
** state: files that keep what was found out, read where they are ours.
*/
#include "net/state.h"

#include <string.h>

#include "lua/class.h"
#include "lua/compat.h"
#include "lua/core.h"
#include "lua/field.h"

#define TYPE "directsend.state"

/* holds the octets while they become a string, which may raise */
static int octets_gc (lua_State *L) {
  ds_buf_clear((ds_buf *)luaL_checkudata(L, 1, TYPE));
  return 0;
}

/* read_private(path): the text of a file of ours; nil where there is none; nil,
   text, detail where it may be somebody else's */
static int read_private (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  ds_buf *b = (ds_buf *)ds_lua_object(L, TYPE, sizeof *b);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  int r;
  luaL_argcheck(L, strlen(path) == lua_rawlen(L, 1), 1, "a NUL in a path");
  ds_buf_init(b);
  r = ds_state_read(path, b, &e);
  if (r < 0)
    return ds_lua_refuse(L, &e);
  if (r > 0)
    lua_pushlstring(L, b->len > 0 ? ds_buf_data(b) : "", b->len);
  else
    lua_pushnil(L);
  ds_buf_clear(b);
  return 1;
}

void ds_lua_open_state (lua_State *L) {
  ds_lua_class(L, TYPE, NULL, octets_gc, NULL);
  lua_pushcfunction(L, read_private);
  lua_setfield(L, -2, "read_private");
}
