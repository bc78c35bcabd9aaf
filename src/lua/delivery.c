/*
** delivery: the userdata over a ds_delivery: made of a table, stepped by
** answers.
*/
#include "lua/compat.h"
#include "lua/core.h"
#include "net/sys.h"

#define TYPE "directsend.delivery"

/* its uservalue keeps what the delivery points to: by tag the messages whose
   recipients are not all told, and the TLS context */
typedef struct handle {
  ds_delivery *d;
  int owned;
} handle;

static handle *check_handle (lua_State *L, int index) {
  handle *h = (handle *)luaL_checkudata(L, index, TYPE);
  luaL_argcheck(L, h->d != NULL, index, "this delivery is closed");
  return h;
}

ds_delivery *ds_lua_check_delivery (lua_State *L, int index) {
  return check_handle(L, index)->d;
}

void ds_lua_delivery_owned (lua_State *L, int index, int owned) {
  handle *h = check_handle(L, index);
  luaL_argcheck(L, !owned || !h->owned, index, "this delivery is a loop's");
  h->owned = owned;
}

static int delivery_new (lua_State *L) {
  ds_delivery_config c;
  ds_network networks[DS_LUA_NETWORKS];
  ds_ip sources[DS_LUA_SOURCES];
  ds_error e;
  handle *h;
  luaL_checktype(L, 1, LUA_TTABLE);
  h = (handle *)lua_newuserdata(L, sizeof *h);
  h->d = NULL;
  h->owned = 0;
  luaL_getmetatable(L, TYPE);
  lua_setmetatable(L, -2);
  lua_newtable(L);
  lua_setuservalue(L, -2);
  ds_delivery_defaults(&c);
  ds_sys_native(&c.sys);
  ds_lua_read_config(L, 1, &c, networks, sources);
  ds_error_clear(&e);
  h->d = ds_delivery_new(&c, &e);
  return h->d != NULL ? 1 : ds_lua_push_error(L, &e);
}

/* d:step(now [, answer, …]) -> the next operation, nil when one is open */
static int delivery_step (lua_State *L) {
  handle *h = check_handle(L, 1);
  ds_time now = ds_lua_check_time(L, 2);
  ds_op op;
  luaL_argcheck(L, !h->owned, 1, "this delivery is a loop's");
  if (!lua_isnoneornil(L, 3))
    ds_lua_answer(L, 1, 3, now);
  ds_delivery_next(h->d, now, &op);
  if (op.op == DS_OP_NONE)
    return 0;
  ds_lua_push_op(L, 1, &op);
  return 1;
}

static int delivery_cancel (lua_State *L) {
  handle *h = check_handle(L, 1);
  luaL_argcheck(L, !h->owned, 1, "this delivery is a loop's");
  ds_delivery_cancel(h->d, ds_lua_check_time(L, 2));
  return 0;
}

static int delivery_close (lua_State *L) {
  handle *h = (handle *)luaL_checkudata(L, 1, TYPE);
  if (!h->owned) {
    ds_delivery_free(h->d);
    h->d = NULL;
  }
  return 0;
}

/* the collector: a loop that still has it is collected with it */
static int delivery_gc (lua_State *L) {
  handle *h = (handle *)luaL_checkudata(L, 1, TYPE);
  ds_delivery_free(h->d);
  h->d = NULL;
  return 0;
}

static const luaL_Reg methods[] = {
    {"step", delivery_step},
    {"cancel", delivery_cancel},
    {"close", delivery_close},
    {NULL, NULL},
};

void ds_lua_open_delivery (lua_State *L) {
  if (luaL_newmetatable(L, TYPE)) {
    lua_createtable(L, 0, 3);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, delivery_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, delivery_close);
    lua_setfield(L, -2, "__close");
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, delivery_new);
  lua_setfield(L, -2, "delivery");
}
