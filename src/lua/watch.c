/*
** watch: a descriptor for loops that wait for descriptors only.
*/
#include "net/watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lua/class.h"
#include "lua/compat.h"
#include "lua/core.h"

#define TYPE "directsend.watch"

static ds_watch *check_watch (lua_State *L) {
  ds_watch *w = (ds_watch *)luaL_checkudata(L, 1, TYPE);
  luaL_argcheck(L, w->epoll >= 0, 1, "this watch is closed");
  return w;
}

static int failed (lua_State *L) {
  lua_pushnil(L);
  lua_pushfstring(L, "no descriptor to be had: %s", strerror(errno));
  return 2;
}

static int watch_new (lua_State *L) {
  ds_watch *w = (ds_watch *)ds_lua_object(L, TYPE, sizeof *w);
  w->epoll = w->timer = w->fd = -1;
  return ds_watch_open(w) == 0 ? 1 : failed(L);
}

/* w:set(fd or nil, "r" or "w", deadline or nil) -> true, or nil and why */
static int watch_set (lua_State *L) {
  static const char *const ways[] = {"r", "w", NULL};
  ds_watch *w = check_watch(L);
  lua_Integer fd = luaL_optinteger(L, 2, -1);
  int way = luaL_checkoption(L, 3, "r", ways);
  ds_time deadline = lua_isnoneornil(L, 4) ? DS_NEVER : ds_lua_check_time(L, 4);
  luaL_argcheck(L, fd >= -1 && fd <= INT_MAX, 2, "no descriptor");
  if (ds_watch_set(w, (int)fd, way, deadline) != 0)
    return failed(L);
  lua_pushboolean(L, 1);
  return 1;
}

/* what a loop waits for, under the name that LuaSocket's select looks for */
static int watch_getfd (lua_State *L) {
  const ds_watch *w = (const ds_watch *)luaL_checkudata(L, 1, TYPE);
  lua_pushinteger(L, w->epoll);
  return 1;
}

static int watch_ready (lua_State *L) {
  lua_pushboolean(L, ds_watch_ready(check_watch(L)));
  return 1;
}

static int watch_close (lua_State *L) {
  ds_watch_close((ds_watch *)luaL_checkudata(L, 1, TYPE));
  return 0;
}

static const luaL_Reg methods[] = {
    {"set", watch_set},     {"getfd", watch_getfd}, {"ready", watch_ready},
    {"close", watch_close}, {NULL, NULL},
};

void ds_lua_open_watch (lua_State *L) {
  ds_lua_class(L, TYPE, methods, watch_close, watch_close);
  lua_pushcfunction(L, watch_new);
  lua_setfield(L, -2, "watch");
}
