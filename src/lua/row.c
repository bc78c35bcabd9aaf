/*
** row: what became of one recipient, as a table.
**
** Rows are most of what a long feed hands over.  A constructor of Lua's own
** makes such a table in a third of the time of as many lua_setfield; and what
** is the same for all recipients of a session is made once.
*/
#include <string.h>

#include "lua/compat.h"
#include "lua/core.h"

static const char any[] =
    "return function(host, ip, port, tls, tag, recipient, code, enhanced,\n"
    "    reply, stage, seconds, outcome, kind, temporary, text, reroute)\n"
    "  return { host = host, ip = ip, port = port, tls = tls, tag = tag,\n"
    "           recipient = recipient, code = code, enhanced = enhanced,\n"
    "           reply = reply, stage = stage, seconds = seconds,\n"
    "           outcome = outcome, kind = kind, temporary = temporary,\n"
    "           text = text, reroute = reroute }\n"
    "end";

/* two fields fewer than a table of twice its size holds */
static const char delivered[] =
    "return function(host, ip, port, tls, tag, recipient, code, enhanced,\n"
    "    reply, stage, seconds, queue_id)\n"
    "  return { host = host, ip = ip, port = port, tls = tls, tag = tag,\n"
    "           recipient = recipient, code = code, enhanced = enhanced,\n"
    "           reply = reply, stage = stage, seconds = seconds,\n"
    "           queue_id = queue_id, outcome = 'delivered',\n"
    "           temporary = false }\n"
    "end";

#define PLACE -1 /* in a delivery's uservalue: host, ip, port, tls */

/* the function this is the text of; its address is its name */
static void push_constructor (lua_State *L, const char *text) {
  lua_pushlightuserdata(L, (void *)text);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1))
    return;
  lua_pop(L, 1);
  if (luaL_loadstring(L, text) != 0)
    lua_error(L);
  lua_call(L, 0, 1);
  lua_pushlightuserdata(L, (void *)text);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

static void push_text (lua_State *L, const char *s) {
  if (s == NULL || *s == '\0')
    lua_pushnil(L);
  else
    lua_pushstring(L, s);
}

static void set_text (lua_State *L, const char *name, const char *s) {
  push_text(L, s);
  lua_setfield(L, -2, name);
}

static const char *level (const ds_tls_info *i) {
  return i->version[0] == '\0' ? "none"
         : i->dane             ? "dane"
         : i->verified         ? "verified"
                               : "encrypted";
}

static void push_tls (lua_State *L, const ds_row *r) {
  lua_createtable(L, 0, 5);
  set_text(L, "version", r->tls.version);
  set_text(L, "cipher", r->tls.cipher);
  set_text(L, "level", level(&r->tls));
  set_text(L, "policy", r->policy);
  set_text(L, "note", r->note);
}

static void push_ip (lua_State *L, const ds_ip *ip) {
  char text[DS_IP_TEXT];
  if (ip->family == 0)
    lua_pushnil(L);
  else
    lua_pushlstring(L, text, ds_ip_format(ip, text));
}

/* what the table on top of the stack is to hold */
static void fill_place (lua_State *L, const ds_row *r) {
  push_text(L, r->host);
  lua_rawseti(L, -2, 1);
  push_ip(L, &r->peer.ip);
  lua_rawseti(L, -2, 2);
  push_tls(L, r);
  lua_rawseti(L, -2, 3);
}

/* push host, ip, port and tls */
static void push_place (lua_State *L, int delivery, const ds_row *r) {
  lua_getuservalue(L, delivery);
  lua_rawgeti(L, -1, PLACE);
  if (!ds_lua_same_place(L, delivery, r)) {
    lua_pop(L, 1);
    lua_createtable(L, 3, 0);
    fill_place(L, r);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, PLACE);
  }
  lua_remove(L, -2);
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  if (r->peer.ip.family != 0)
    lua_pushinteger(L, r->peer.port);
  else
    lua_pushnil(L);
  lua_rawgeti(L, -4, 3);
  lua_remove(L, -5);
}

static void push_trouble (lua_State *L, const ds_row *r) {
  lua_pushstring(L, ds_outcome_name(r->outcome));
  push_text(L, ds_kind_name(r->kind));
  lua_pushboolean(L, r->temporary);
  push_text(L, r->text);
  if (r->reroute)
    lua_pushboolean(L, 1);
  else
    lua_pushnil(L);
}

void ds_lua_push_row (lua_State *L, int delivery, const ds_row *r) {
  int good = r->outcome == DS_DELIVERED;
  luaL_checkstack(L, 24, "a row");
  push_constructor(L, good ? delivered : any);
  push_place(L, delivery, r);
  lua_pushinteger(L, (lua_Integer)r->tag);
  lua_pushinteger(L, (lua_Integer)r->recipient + 1);
  if (r->code != 0)
    lua_pushinteger(L, r->code);
  else
    lua_pushnil(L);
  push_text(L, r->enhanced);
  push_text(L, r->reply);
  push_text(L, ds_stage_name(r->stage));
  lua_pushnumber(L, ds_lua_seconds(r->taken));
  if (good)
    push_text(L, r->queue_id);
  else
    push_trouble(L, r);
  lua_call(L, good ? 12 : 16, 1);
}
