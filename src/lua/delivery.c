/*
** delivery: the userdata over a ds_delivery: made of a table, stepped by
** answers.
*/
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/core.h"
#include "net/loop.h"
#include "net/sys.h"

#define TYPE  "directsend.delivery"
#define GUARD "directsend.delivery.guard"

/* its uservalue keeps what the delivery points to: by tag the messages whose
   recipients are not all told, and the TLS contexts it was given */
typedef struct handle {
  ds_delivery *d;
  ds_loop *loop;  /* whose it is, NULL: nobody's */
  uint32_t place; /* of the last row told */
} handle;

static handle *check_handle (lua_State *L, int index) {
  handle *h = (handle *)luaL_checkudata(L, index, TYPE);
  luaL_argcheck(L, h->d != NULL, index, "this delivery is closed");
  return h;
}

ds_delivery *ds_lua_check_delivery (lua_State *L, int index) {
  return check_handle(L, index)->d;
}

ds_delivery *ds_lua_free_delivery (lua_State *L, int index) {
  handle *h = check_handle(L, index);
  luaL_argcheck(L, h->loop == NULL, index, "this delivery is a loop's");
  return h->d;
}

int ds_lua_same_place (lua_State *L, int index, const ds_row *r) {
  handle *h = (handle *)lua_touserdata(L, index);
  int same = h->place == r->place;
  h->place = r->place;
  return same;
}

/* also of one that was collected before its loop */
void ds_lua_delivery_owned (lua_State *L, int index, ds_loop *l) {
  handle *h = (handle *)luaL_checkudata(L, index, TYPE);
  h->loop = l;
}

static int delivery_new (lua_State *L) {
  ds_delivery_config c;
  ds_auth auth;
  ds_error e;
  handle *h;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  h = (handle *)ds_lua_object(L, TYPE, sizeof *h);
  lua_newtable(L);
  lua_setuservalue(L, -2);
  ds_delivery_defaults(&c);
  ds_sys_native(&c.sys);
  ds_lua_read_config(L, 1, &c, &auth);
  ds_error_clear(&e);
  h->d = ds_delivery_new(&c, &e);
  lua_settop(L, 2);
  return h->d != NULL ? 1 : ds_lua_push_error(L, &e);
}

/* d:step(now [, answer, …]) -> the next operation, nil when one is open */
static int delivery_step (lua_State *L) {
  ds_delivery *d = ds_lua_free_delivery(L, 1);
  ds_time now = ds_lua_check_time(L, 2);
  ds_op op;
  if (!lua_isnoneornil(L, 3))
    ds_lua_answer(L, d, 1, 3, now);
  ds_delivery_next(d, now, &op);
  if (op.op == DS_OP_NONE)
    return 0;
  ds_lua_push_op(L, 1, &op);
  return 1;
}

static int delivery_cancel (lua_State *L) {
  ds_delivery *d = ds_lua_free_delivery(L, 1);
  ds_delivery_cancel(d, ds_lua_check_time(L, 2));
  return 0;
}

static int delivery_close (lua_State *L) {
  handle *h = (handle *)luaL_checkudata(L, 1, TYPE);
  if (h->loop == NULL) {
    ds_delivery_free(h->d);
    h->d = NULL;
  }
  return 0;
}

/* a loop that still has it is collected with it, but somebody else's finalizer
   may run it in between */
static int end (handle *h) {
  if (h->loop != NULL)
    ds_loop_remove(h->loop, h->d);
  h->loop = NULL;
  ds_delivery_free(h->d);
  h->d = NULL;
  return 0;
}

static int delivery_gc (lua_State *L) {
  return end((handle *)luaL_checkudata(L, 1, TYPE));
}

static int guard_gc (lua_State *L) {
  handle *h = *(handle **)luaL_checkudata(L, 1, GUARD);
  return h != NULL ? end(h) : 0;
}

/*
** A state that closes finalizes its newest userdata first, and in Lua 5.1 what
** unloads a shared object is one of them.  The guard is newer than that of the
** TLS module and dies with the delivery: it ends it while there is a libssl.
*/
void ds_lua_delivery_context (lua_State *L, int index, int context) {
  handle *h = check_handle(L, index), **guard;
  lua_getuservalue(L, index);
  guard = (handle **)ds_lua_object(L, GUARD, sizeof *guard);
  lua_pushvalue(L, context);
  lua_rawset(L, -3); /* beside earlier ones: this one may be refused */
  lua_pop(L, 1);
  *guard = h;
}

static const luaL_Reg methods[] = {
    {"step", delivery_step},
    {"cancel", delivery_cancel},
    {"close", delivery_close},
    {NULL, NULL},
};

void ds_lua_open_delivery (lua_State *L) {
  ds_lua_class(L, TYPE, methods, delivery_gc, delivery_close);
  ds_lua_class(L, GUARD, NULL, guard_gc, NULL);
  lua_pushcfunction(L, delivery_new);
  lua_setfield(L, -2, "delivery");
}
