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
  lua_Integer index = luaL_optinteger(L, i + 3, 1);
  luaL_argcheck(L, index >= 1, i + 3, "which of the targets");
  return ds_delivery_connected(d, now, check_conn(L, i), (size_t)index - 1,
                               &local, &peer);
}

static int on_adopted (lua_State *L, int u, int i, ds_time now) {
  return ds_lua_adopt(L, u, check_conn(L, i), i + 1, now);
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

static int on_recalled (lua_State *L, int u, int i, ds_time now) {
  ds_span v;
  v.p = luaL_optlstring(L, i, NULL, &v.n);
  return ds_delivery_recalled(ds_lua_check_delivery(L, u), now, v);
}

static int on_admitted (lua_State *L, int u, int i, ds_time now) {
  lua_Integer token = luaL_optinteger(L, i, 0),
              n = luaL_optinteger(L, i + 1, 0);
  luaL_argcheck(L, token >= 0 && token <= INT32_MAX, i, "a token");
  luaL_argcheck(L, n >= 0 && n <= INT32_MAX, i + 1, "how many are admitted");
  return ds_delivery_admitted(ds_lua_check_delivery(L, u), now, (uint32_t)token,
                              (unsigned)n);
}

static int on_later (lua_State *L, int u, int i, ds_time now) {
  return ds_delivery_later(ds_lua_check_delivery(L, u), now,
                           ds_lua_check_time(L, i));
}

static int on_tick (lua_State *L, int u, int i, ds_time now) {
  (void)i;
  return ds_delivery_tick(ds_lua_check_delivery(L, u), now);
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
  ds_lua_delivery_context(L, u, i);
  ds_mem_get(&fn, &ud);
  t->backend->set_mem(fn, ud);
  return ds_delivery_context(d, now, t->backend, t->ctx);
}

static int on_failed (lua_State *L, int u, int i, ds_time now) {
  static const char *const names[] = {"refused",   "unreachable", "timeout",
                                      "closed",    "reset",       "local",
                                      "cancelled", NULL};
  ds_delivery *d = ds_lua_check_delivery(L, u);
  int f;
  if (!lua_isnoneornil(L, i))
    luaL_checkstring(L, i); /* LuaJIT takes anything else for the default */
  f = luaL_checkoption(L, i, "local", names);
  return ds_delivery_failed(d, now, (ds_failure)f,
                            luaL_optstring(L, i + 1, NULL));
}

/* the message table's recipients as spans, in a scratch userdata */
static const ds_span *recipients (lua_State *L, int t, size_t *count) {
  size_t i;
  ds_span *v;
  *count = ds_lua_opt_table(L, t, "recipients") ? lua_rawlen(L, -1) : 0;
  if (*count < 1 || *count > DS_SMTP_RECIPIENTS)
    luaL_error(L, "recipients: a list of 1 to 1000");
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

/* the same wish for all recipients, and whom each was first meant for; the
   list of that stays on the stack */
static void read_recipients_dsn (lua_State *L, int t, ds_envelope *m) {
  static const char *const words[] = {"never", "success", "failure", "delay",
                                      NULL};
  unsigned notify = ds_lua_opt_words(L, t, "dsn.notify", words);
  ds_smtp_dsn *v;
  size_t i;
  v = (ds_smtp_dsn *)lua_newuserdata(L, m->count * sizeof *v);
  memset(v, 0, m->count * sizeof *v);
  if (ds_lua_opt_table(L, t, "dsn.orcpt"))
    for (i = 0; i < m->count; i++)
      v[i].orcpt.p = ds_lua_list_item(L, "dsn.orcpt", i, &v[i].orcpt.n);
  for (i = 0; i < m->count; i++)
    v[i].notify = notify;
  m->dsn = v;
}

/* wishes for status notifications: ret, envid, notify, orcpt */
static void read_dsn (lua_State *L, int i, ds_envelope *m) {
  static const char *const rets[] = {"none", "full", "headers", NULL};
  int t;
  if (!ds_lua_opt_table(L, i, "dsn"))
    return;
  t = lua_gettop(L);
  m->ret = (ds_dsn_ret)ds_lua_opt_word(L, t, "dsn.ret", rets, DS_RET_NONE);
  m->envid = ds_span_str(ds_lua_opt_string(L, t, "dsn.envid"));
  read_recipients_dsn(L, t, m);
}

/* uservalue[tag] = what its octets come from, until all of it is told */
static void keep_message (lua_State *L, int u, const ds_envelope *m,
                          int source) {
  lua_getuservalue(L, u);
  lua_rawgeti(L, -1, (int)m->tag);
  if (!lua_isnil(L, -1))
    luaL_error(L, "tag: %d is in hand already", (int)m->tag);
  lua_pop(L, 1);
  if (lua_isnil(L, source))
    lua_pushboolean(L, 1);
  else
    lua_pushvalue(L, source);
  lua_rawseti(L, -2, (int)m->tag);
  lua_pop(L, 1);
}

static void drop_message (lua_State *L, int u, const ds_envelope *m) {
  lua_getuservalue(L, u);
  lua_pushnil(L);
  lua_rawseti(L, -2, (int)m->tag);
  lua_pop(L, 1);
}

/* data: all the octets of it, a string; source: a finished message; pushes the
   one there is, or nil */
static void read_source (lua_State *L, int i, ds_envelope *m) {
  lua_pushliteral(L, "data");
  lua_rawget(L, i);
  if (lua_type(L, -1) == LUA_TSTRING) {
    m->body.p = lua_tolstring(L, -1, &m->body.n);
    m->size = m->body.n;
    return;
  }
  if (!lua_isnil(L, -1))
    luaL_error(L, "data: a string, not %s", luaL_typename(L, -1));
  lua_pop(L, 1);
  lua_pushliteral(L, "source");
  lua_rawget(L, i);
  if (!lua_isnil(L, -1))
    m->source = ds_lua_message_source(L, lua_gettop(L), &m->size, &m->flags);
}

/* the message table at i; pushes its source, its list and the spans of that */
static void read_message (lua_State *L, int i, ds_envelope *m) {
  memset(m, 0, sizeof *m);
  luaL_checktype(L, i, LUA_TTABLE);
  m->sender = ds_span_str(ds_lua_opt_string(L, i, "sender"));
  m->tag = (uint32_t)ds_lua_opt_integer(L, i, "tag", 0, INT32_MAX, 0);
  read_source(L, i, m);
  if (m->body.p == NULL)
    m->size = (uint64_t)ds_lua_opt_integer(L, i, "size", 0, INT64_C(1) << 53,
                                           (int64_t)m->size);
  m->flags |= (unsigned)ds_lua_opt_integer(
      L, i, "flags", 0, DS_TXN_8BIT | DS_TXN_UTF8 | DS_TXN_REQUIRETLS, 0);
  m->tls_optional = ds_lua_opt_boolean(L, i, "tls_optional");
  m->recipients = recipients(L, i, &m->count);
  read_dsn(L, i, m);
}

static int on_message (lua_State *L, int u, int i, ds_time now) {
  ds_delivery *d = ds_lua_check_delivery(L, u);
  int source = lua_gettop(L) + 1;
  ds_envelope m;
  int r;
  read_message(L, i, &m);
  keep_message(L, u, &m, source);
  r = ds_delivery_message(d, now, &m);
  if (r != DS_OK)
    drop_message(L, u, &m);
  return r;
}

static const struct {
  const char *name;
  int (*answer)(lua_State *L, int u, int i, ds_time now);
} answers[] = {
    {"sent", on_sent},           {"received", on_received},
    {"connected", on_connected}, {"body", on_body},
    {"message", on_message},     {"no_more", on_no_more},
    {"rewound", on_rewound},     {"context", on_context},
    {"recalled", on_recalled},   {"admitted", on_admitted},
    {"later", on_later},         {"tick", on_tick},
    {"adopted", on_adopted},     {"failed", on_failed},
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
