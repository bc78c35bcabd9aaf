/*
** kept: the userdata over a session between two deliveries.  Its uservalue
** holds the TLS contexts that session may use.
*/
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/core.h"

#define TYPE "directsend.kept"

static ds_kept **check_slot (lua_State *L, int index) {
  return (ds_kept **)luaL_checkudata(L, index, TYPE);
}

/* the values of the table on top of the stack whose keys are userdata, as keys
   of a new one instead of it */
static void contexts (lua_State *L) {
  int from = lua_gettop(L);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, from) != 0) {
    if (lua_type(L, -2) == LUA_TUSERDATA) {
      lua_pushboolean(L, 1);
      lua_rawset(L, from + 1);
    } else
      lua_pop(L, 1);
  }
  lua_remove(L, from);
}

void ds_lua_push_kept (lua_State *L, int delivery) {
  ds_kept **slot = (ds_kept **)ds_lua_object(L, TYPE, sizeof *slot);
  lua_getuservalue(L, delivery);
  contexts(L);
  lua_setuservalue(L, -2);
  *slot = ds_kept_take(ds_lua_check_delivery(L, delivery));
}

int ds_lua_adopt (lua_State *L, const ds_lua_call *c, unsigned conn,
                  int index) {
  ds_kept **slot = check_slot(L, index);
  int r;
  luaL_argcheck(L, *slot != NULL, index, "this session is somebody's");
  lua_getuservalue(L, index);
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    lua_pop(L, 1);
    ds_lua_delivery_context(L, c->u, lua_gettop(L));
  }
  lua_pop(L, 1);
  r = ds_delivery_adopted(c->d, c->now, conn, *slot);
  if (r == DS_OK)
    *slot = NULL;
  return r;
}

/* kept:farewell(now) -> octets to be sent before the connection is closed */
static int kept_farewell (lua_State *L) {
  ds_kept *k = *check_slot(L, 1);
  ds_span s = ds_span_str("");
  ds_time now = ds_lua_check_time(L, 2);
  if (k != NULL)
    s = ds_kept_farewell(k, now);
  lua_pushlstring(L, s.n > 0 ? s.p : "", s.n);
  return 1;
}

static int kept_close (lua_State *L) {
  ds_kept **slot = check_slot(L, 1);
  ds_kept_free(*slot);
  *slot = NULL;
  return 0;
}

static const luaL_Reg methods[] = {
    {"farewell", kept_farewell},
    {"close", kept_close},
    {NULL, NULL},
};

void ds_lua_open_kept (lua_State *L) {
  ds_lua_class(L, TYPE, methods, kept_close, kept_close);
}
