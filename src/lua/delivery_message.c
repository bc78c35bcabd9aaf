/*
** delivery_message: the table that `message` answers with, and what is kept of
** it until all its recipients are told.
*/
#include <string.h>

#include "lua/compat.h"
#include "lua/core.h"
#include "lua/field.h"

#define FEW 4 /* recipients that need no room of their own */

typedef struct letter {
  ds_envelope m;
  ds_span few[FEW];
} letter;

/* the message table's recipients as spans */
static const ds_span *recipients (lua_State *L, int t, letter *l) {
  size_t i, n = ds_lua_opt_table(L, t, "recipients") ? lua_rawlen(L, -1) : 0;
  ds_span *v = l->few;
  if (n < 1 || n > DS_SMTP_RECIPIENTS)
    luaL_error(L, "recipients: a list of 1 to 1000");
  if (n > FEW) {
    v = (ds_span *)lua_newuserdata(L, n * sizeof *v);
    lua_insert(L, -2);
  }
  for (i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "recipients[%d]: a string, not %s", (int)i + 1,
                 luaL_typename(L, -1));
    v[i].p = lua_tolstring(L, -1, &v[i].n); /* the table keeps it */
    lua_pop(L, 1);
  }
  l->m.count = n;
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

/* the table at i; pushes its source first, and what else must live */
static void read_letter (lua_State *L, int i, letter *l) {
  ds_envelope *m = &l->m;
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
  m->recipients = recipients(L, i, l);
  read_dsn(L, i, m);
}

/* uservalue[tag]: what its octets come from, or true, until all of it is told */
static void keep (lua_State *L, int u, const ds_envelope *m, int source) {
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

static void drop (lua_State *L, int u, const ds_envelope *m) {
  lua_getuservalue(L, u);
  lua_pushnil(L);
  lua_rawseti(L, -2, (int)m->tag);
  lua_pop(L, 1);
}

static int take (lua_State *L, const ds_lua_call *c, int i) {
  int r, source = lua_gettop(L) + 1;
  letter l;
  read_letter(L, i, &l);
  keep(L, c->u, &l.m, source);
  r = ds_delivery_message(c->d, c->now, &l.m);
  if (r != DS_OK)
    drop(L, c->u, &l.m);
  lua_settop(L, source - 1);
  return r;
}

/* one table behind another, as many as there are */
int ds_lua_on_message (lua_State *L, const ds_lua_call *c) {
  int i = c->at, last = lua_gettop(L), r;
  do
    r = take(L, c, i);
  while (r == DS_OK && ++i <= last);
  return r;
}
