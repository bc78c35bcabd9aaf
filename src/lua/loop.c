/*
** loop: the native driver's loop.  Its uservalue holds the deliveries it
** runs, by their address.
*/
#include "net/loop.h"

#include <errno.h>
#include <string.h>

#include "lua/class.h"
#include "lua/compat.h"
#include "lua/core.h"
#include "net/sys.h"

#define TYPE "directsend.loop"

static ds_loop **check_slot (lua_State *L) {
  return (ds_loop **)luaL_checkudata(L, 1, TYPE);
}

static ds_loop *check_loop (lua_State *L) {
  ds_loop *l = *check_slot(L);
  luaL_argcheck(L, l != NULL, 1, "this loop is closed");
  return l;
}

static int loop_new (lua_State *L) {
  ds_loop **l = (ds_loop **)lua_newuserdata(L, sizeof *l);
  *l = NULL;
  lua_newtable(L); /* before the metatable: the finalizer looks into it */
  lua_setuservalue(L, -2);
  luaL_getmetatable(L, TYPE);
  lua_setmetatable(L, -2);
  *l = ds_loop_new();
  if (*l != NULL)
    return 1;
  lua_pushnil(L);
  lua_pushfstring(L, "no event loop to be had: %s", strerror(errno));
  return 2;
}

/* pops the userdata of d, or nil, and keeps it as that */
static void keep (lua_State *L, ds_delivery *d) {
  lua_getuservalue(L, 1);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, d);
  lua_insert(L, -2);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static int loop_add (lua_State *L) {
  ds_loop *l = check_loop(L);
  ds_delivery *d = ds_lua_free_delivery(L, 2);
  lua_pushvalue(L, 2);
  keep(L, d);
  if (ds_loop_add(l, d) == DS_OK) {
    ds_lua_delivery_owned(L, 2, l);
    return 0;
  }
  lua_pushnil(L);
  keep(L, d);
  return luaL_error(L, "not enough memory");
}

/* forget a delivery that is done; its userdata is on top of the stack */
static void release (lua_State *L, ds_delivery *d) {
  ds_lua_delivery_owned(L, lua_gettop(L), NULL);
  lua_pushnil(L);
  keep(L, d);
}

/* the userdata of d */
static void push_delivery (lua_State *L, ds_delivery *d) {
  lua_getuservalue(L, 1);
  lua_pushlightuserdata(L, d);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

/* the answer at 2 and behind, to the operation that was handed out last */
static void answer_told (lua_State *L, ds_loop *l) {
  ds_delivery *d = ds_loop_told(l);
  luaL_argcheck(L, d != NULL, 2, "nothing was asked of you");
  push_delivery(L, d);
  lua_insert(L, 2);
  ds_lua_answer(L, d, 2, 3, ds_now());
}

/* loop:wait([answer, …]) -> delivery, operation | nil: none is left | false: a
   signal came, wait again */
static int loop_wait (lua_State *L) {
  ds_loop *l = check_loop(L);
  ds_delivery *d;
  ds_op op;
  int r;
  if (!lua_isnoneornil(L, 2))
    answer_told(L, l);
  r = ds_loop_wait(l, &d, &op);
  if (r == DS_LOOP_IDLE)
    return 0;
  if (r == DS_LOOP_SIGNAL) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (r == DS_ERR_STATE)
    return luaL_error(L, "the last operation has not been answered");
  if (r != DS_LOOP_OP)
    return luaL_error(L, "epoll_wait failed: %s", strerror(errno));
  lua_settop(L, 1);
  push_delivery(L, d);
  if (op.op == DS_OP_DONE)
    release(L, d);
  ds_lua_push_op(L, 2, &op);
  return 2;
}

/* only what was handed out is the caller's to answer: another operation is
   the loop's own */
static int loop_answer (lua_State *L) {
  ds_loop *l = check_loop(L);
  ds_delivery *d = ds_lua_check_delivery(L, 2);
  luaL_argcheck(L, d == ds_loop_told(l), 2,
                "this delivery has asked nothing of you");
  ds_lua_answer(L, d, 2, 3, ds_now());
  return 0;
}

static int loop_cancel (lua_State *L) {
  ds_loop_cancel(check_loop(L));
  return 0;
}

/* close() and the collector: the deliveries are nobody's again */
static int loop_close (lua_State *L) {
  ds_loop **l = check_slot(L);
  ds_loop_free(*l);
  *l = NULL;
  lua_settop(L, 1);
  lua_getuservalue(L, 1);
  lua_pushnil(L);
  while (lua_next(L, 2) != 0) {
    ds_lua_delivery_owned(L, 4, NULL);
    lua_pushvalue(L, 3);
    lua_pushnil(L);
    lua_rawset(L, 2);
    lua_pop(L, 1);
  }
  return 0;
}

static const luaL_Reg methods[] = {
    {"add", loop_add},       {"wait", loop_wait},   {"answer", loop_answer},
    {"cancel", loop_cancel}, {"close", loop_close}, {NULL, NULL},
};

void ds_lua_open_loop (lua_State *L) {
  ds_lua_class(L, TYPE, methods, loop_close, loop_close);
  lua_pushcfunction(L, loop_new);
  lua_setfield(L, -2, "loop");
}
