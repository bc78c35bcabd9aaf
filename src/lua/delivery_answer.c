/*
** delivery_answer: the words a driver answers with, and what stands behind
** them.
*/
#include <string.h>

#include "lua/compat.h"
#include "lua/core.h"
#include "lua/field.h"
#include "lua/tls.h"

static unsigned check_conn (lua_State *L, int index) {
  return (unsigned)luaL_checkinteger(L, index);
}

static ds_ip check_ip (lua_State *L, int index) {
  size_t n;
  const char *s = luaL_checklstring(L, index, &n);
  ds_ip ip;
  luaL_argcheck(L, ds_ip_parse(s, n, &ip) == DS_OK, index, "no IP address");
  return ip;
}

static int on_connected (lua_State *L, const ds_lua_call *c) {
  ds_ip local = check_ip(L, c->at + 1), peer = check_ip(L, c->at + 2);
  lua_Integer index = luaL_optinteger(L, c->at + 3, 1);
  luaL_argcheck(L, index >= 1, c->at + 3, "which of the targets");
  return ds_delivery_connected(c->d, c->now, check_conn(L, c->at),
                               (size_t)index - 1, &local, &peer);
}

static int on_adopted (lua_State *L, const ds_lua_call *c) {
  return ds_lua_adopt(L, c, check_conn(L, c->at), c->at + 1);
}

static int on_sent (lua_State *L, const ds_lua_call *c) {
  lua_Integer n = luaL_checkinteger(L, c->at + 1);
  luaL_argcheck(L, n >= 0, c->at + 1, "how many octets were sent");
  return ds_delivery_sent(c->d, c->now, check_conn(L, c->at), (size_t)n);
}

static int on_received (lua_State *L, const ds_lua_call *c) {
  size_t n;
  const char *p = luaL_checklstring(L, c->at + 1, &n);
  return ds_delivery_received(c->d, c->now, check_conn(L, c->at), p, n);
}

static int on_no_more (lua_State *L, const ds_lua_call *c) {
  (void)L;
  return ds_delivery_no_more(c->d, c->now);
}

static int on_recalled (lua_State *L, const ds_lua_call *c) {
  ds_span v;
  v.p = luaL_optlstring(L, c->at, NULL, &v.n);
  return ds_delivery_recalled(c->d, c->now, v);
}

static int on_admitted (lua_State *L, const ds_lua_call *c) {
  lua_Integer token = luaL_optinteger(L, c->at, 0),
              n = luaL_optinteger(L, c->at + 1, 0);
  luaL_argcheck(L, token >= 0 && token <= INT32_MAX, c->at, "a token");
  luaL_argcheck(L, n >= 0 && n <= INT32_MAX, c->at + 1,
                "how many are admitted");
  return ds_delivery_admitted(c->d, c->now, (uint32_t)token, (unsigned)n);
}

static int on_later (lua_State *L, const ds_lua_call *c) {
  return ds_delivery_later(c->d, c->now, ds_lua_check_time(L, c->at));
}

static int on_tick (lua_State *L, const ds_lua_call *c) {
  (void)L;
  return ds_delivery_tick(c->d, c->now);
}

static int on_body (lua_State *L, const ds_lua_call *c) {
  size_t n;
  const char *p = luaL_checklstring(L, c->at, &n);
  return ds_delivery_body(c->d, c->now, p, n, lua_toboolean(L, c->at + 1));
}

static int on_rewound (lua_State *L, const ds_lua_call *c) {
  (void)L;
  return ds_delivery_rewound(c->d, c->now);
}

static int on_context (lua_State *L, const ds_lua_call *c) {
  ds_lua_tls *t = (ds_lua_tls *)luaL_checkudata(L, c->at, DS_LUA_TLS);
  ds_mem_fn fn;
  void *ud;
  luaL_argcheck(L, t->ctx != NULL, c->at, "this TLS context is closed");
  ds_lua_delivery_context(L, c->u, c->at);
  ds_mem_get(&fn, &ud);
  t->backend->set_mem(fn, ud);
  return ds_delivery_context(c->d, c->now, t->backend, t->ctx);
}

static int on_failed (lua_State *L, const ds_lua_call *c) {
  static const char *const names[] = {"refused",   "unreachable", "timeout",
                                      "closed",    "reset",       "local",
                                      "cancelled", NULL};
  int f;
  if (!lua_isnoneornil(L, c->at))
    luaL_checkstring(L, c->at); /* LuaJIT takes anything else for the default */
  f = luaL_checkoption(L, c->at, "local", names);
  return ds_delivery_failed(c->d, c->now, (ds_failure)f,
                            luaL_optstring(L, c->at + 1, NULL));
}

typedef int (*answer_fn)(lua_State *L, const ds_lua_call *c);

/* the most frequent ones first */
static const struct {
  const char *name;
  answer_fn act;
} answers[] = {
    {"body", on_body},           {"message", ds_lua_on_message},
    {"sent", on_sent},           {"received", on_received},
    {"connected", on_connected}, {"no_more", on_no_more},
    {"rewound", on_rewound},     {"context", on_context},
    {"recalled", on_recalled},   {"admitted", on_admitted},
    {"later", on_later},         {"tick", on_tick},
    {"adopted", on_adopted},     {"failed", on_failed},
};

void ds_lua_answer (lua_State *L, ds_delivery *d, int delivery, int first,
                    ds_time now) {
  const char *name = luaL_checkstring(L, first);
  ds_lua_call c = {d, delivery, first + 1, now};
  size_t i;
  int r;
  for (i = 0; i < sizeof answers / sizeof answers[0]; i++)
    if (strcmp(answers[i].name, name) == 0) {
      r = answers[i].act(L, &c);
      if (r == DS_ERR_NOMEM)
        luaL_error(L, "not enough memory");
      else if (r != DS_OK)
        luaL_error(L, "no operation is open that '%s' answers", name);
      return;
    }
  luaL_argerror(L, first, "no such answer");
}
