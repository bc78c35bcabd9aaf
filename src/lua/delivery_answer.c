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

static int on_connected (lua_State *L, int u, int i, ds_time now) {
  ds_delivery *d = ds_lua_check_delivery(L, u);
  ds_ip local = check_ip(L, i + 1), peer = check_ip(L, i + 2);
  return ds_delivery_connected(d, now, check_conn(L, i), &local, &peer);
}

static int on_sent (lua_State *L, int u, int i, ds_time now) {
  ds_delivery *d = ds_lua_check_delivery(L, u);
  lua_Integer n = luaL_checkinteger(L, i + 1);
  luaL_argcheck(L, n >= 0, i + 1, "how many octets were sent");
  return ds_delivery_sent(d, now, check_conn(L, i), (size_t)n);
}

static int on_received (lua_State *L, int u, int i, ds_time now) {
  ds_delivery *d = ds_lua_check_delivery(L, u);
  size_t n;
  const char *p = luaL_checklstring(L, i + 1, &n);
  return ds_delivery_received(d, now, check_conn(L, i), p, n);
}

static int on_no_more (lua_State *L, int u, int i, ds_time now) {
  (void)i;
  return ds_delivery_no_more(ds_lua_check_delivery(L, u), now);
}

static int on_body (lua_State *L, int u, int i, ds_time now) {
  ds_delivery *d = ds_lua_check_delivery(L, u);
  size_t n;
  const char *p = luaL_checklstring(L, i, &n);
  return ds_delivery_body(d, now, p, n, lua_toboolean(L, i + 1));
}

static int on_rewound (lua_State *L, int u, int i, ds_time now) {
  (void)i;
  return ds_delivery_rewound(ds_lua_check_delivery(L, u), now);
}

static int on_context (lua_State *L, int u, int i, ds_time now) {
  ds_delivery *d = ds_lua_check_delivery(L, u);
  ds_lua_tls *t = (ds_lua_tls *)luaL_checkudata(L, i, DS_LUA_TLS);
  ds_mem_fn fn;
  void *ud;
  luaL_argcheck(L, t->ctx != NULL, i, "this TLS context is closed");
  lua_getuservalue(L, u);
  lua_pushvalue(L, i);
  lua_setfield(L, -2, "context");
  lua_pop(L, 1);
  ds_mem_get(&fn, &ud);
  t->backend->set_mem(fn, ud);
  return ds_delivery_context(d, now, t->backend, t->ctx);
}

static int on_failed (lua_State *L, int u, int i, ds_time now) {
  static const char *const names[] = {"refused",   "unreachable", "timeout",
                                      "closed",    "reset",       "local",
                                      "cancelled", NULL};
  ds_delivery *d = ds_lua_check_delivery(L, u);
  int f = luaL_checkoption(L, i, "local", names);
  return ds_delivery_failed(d, now, (ds_failure)f,
                            luaL_optstring(L, i + 1, NULL));
}

/* the message table's recipients as spans, in a scratch userdata */
static const ds_span *recipients (lua_State *L, int t, size_t *count) {
  size_t i;
  ds_span *v;
  lua_getfield(L, t, "recipients");
  luaL_checktype(L, -1, LUA_TTABLE);
  *count = lua_rawlen(L, -1);
  luaL_argcheck(L, *count >= 1 && *count <= DS_SMTP_RECIPIENTS, t,
                "recipients: 1 to 1000");
  v = (ds_span *)lua_newuserdata(L, *count * sizeof *v);
  for (i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "recipients[%d]: a string, not %s", (int)i + 1,
                 luaL_typename(L, -1));
    v[i].p = lua_tolstring(L, -1, &v[i].n); /* the table keeps it */
    lua_pop(L, 1);
  }
  return v;
}

/* uservalue[tag] = {message table's source, recipients not yet told} */
static void keep_message (lua_State *L, int u, uint32_t tag, int source,
                          size_t count) {
  lua_getuservalue(L, u);
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, source);
  lua_rawseti(L, -2, 1);
  lua_pushinteger(L, (lua_Integer)count);
  lua_rawseti(L, -2, 2);
  lua_rawseti(L, -2, (int)tag);
  lua_pop(L, 1);
}

static int on_message (lua_State *L, int u, int i, ds_time now) {
  ds_delivery *d = ds_lua_check_delivery(L, u);
  ds_envelope m;
  uint64_t size = 0;
  lua_Number n;
  memset(&m, 0, sizeof m);
  luaL_checktype(L, i, LUA_TTABLE);
  m.sender = ds_span_str(ds_lua_opt_string(L, i, "sender"));
  n = ds_lua_opt_number(L, i, "tag", 0);
  luaL_argcheck(L, n >= 0 && n <= 2147483647, i, "tag: 0 to 2^31 - 1");
  m.tag = (uint32_t)n;
  lua_getfield(L, i, "source");
  if (!lua_isnil(L, -1))
    m.source = ds_lua_message_source(L, lua_gettop(L), &size, &m.flags);
  n = ds_lua_opt_number(L, i, "size", (lua_Number)size);
  luaL_argcheck(L, n >= 0 && n <= 9e15, i, "size: octets");
  m.size = (uint64_t)n;
  m.flags |= (unsigned)ds_lua_opt_number(L, i, "flags", 0);
  m.recipients = recipients(L, i, &m.count);
  keep_message(L, u, m.tag, lua_gettop(L) - 2, m.count);
  return ds_delivery_message(d, now, &m);
}

static const struct {
  const char *name;
  int (*answer)(lua_State *L, int u, int i, ds_time now);
} answers[] = {
    {"sent", on_sent},           {"received", on_received},
    {"connected", on_connected}, {"body", on_body},
    {"message", on_message},     {"no_more", on_no_more},
    {"rewound", on_rewound},     {"context", on_context},
    {"failed", on_failed},
};

void ds_lua_answer (lua_State *L, int delivery, int first, ds_time now) {
  const char *name = luaL_checkstring(L, first);
  size_t i;
  int r;
  for (i = 0; i < sizeof answers / sizeof answers[0]; i++)
    if (strcmp(answers[i].name, name) == 0) {
      r = answers[i].answer(L, delivery, first + 1, now);
      if (r == DS_ERR_NOMEM)
        luaL_error(L, "not enough memory");
      else if (r != DS_OK)
        luaL_error(L, "no operation is open that '%s' answers", name);
      return;
    }
  luaL_argerror(L, first, "no such answer");
}
