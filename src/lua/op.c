/*
** op: an operation as a Lua table, with the fields delivery.h gives it.
*/
#include "lua/compat.h"
#include "lua/core.h"

static void set_string (lua_State *L, const char *name, const char *s) {
  if (s == NULL || *s == '\0')
    return;
  lua_pushstring(L, s);
  lua_setfield(L, -2, name);
}

static void set_integer (lua_State *L, const char *name, lua_Integer n) {
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static void set_boolean (lua_State *L, const char *name, int b) {
  lua_pushboolean(L, b);
  lua_setfield(L, -2, name);
}

static void set_ip (lua_State *L, const char *name, const ds_ip *ip) {
  char text[DS_IP_TEXT];
  if (ip->family == 0)
    return;
  lua_pushlstring(L, text, ds_ip_format(ip, text));
  lua_setfield(L, -2, name);
}

static void set_span (lua_State *L, const char *name, ds_span s) {
  if (s.p == NULL)
    return;
  lua_pushlstring(L, s.p, s.n);
  lua_setfield(L, -2, name);
}

static void set_time (lua_State *L, const char *name, ds_time t) {
  if (t == DS_NEVER)
    return;
  lua_pushnumber(L, ds_lua_seconds(t));
  lua_setfield(L, -2, name);
}

/* ip, port and source of each */
static void push_targets (lua_State *L, const ds_op *op) {
  size_t i;
  lua_createtable(L, (int)op->target_count, 0);
  for (i = 0; i < op->target_count; i++) {
    lua_createtable(L, 0, 3);
    set_ip(L, "ip", &op->targets[i].to.ip);
    set_integer(L, "port", op->targets[i].to.port);
    set_ip(L, "source", &op->targets[i].local);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "targets");
  lua_pushnumber(L, ds_lua_seconds(op->stagger));
  lua_setfield(L, -2, "stagger");
}

static void push_connect (lua_State *L, const ds_op *op) {
  if (op->targets != NULL)
    push_targets(L, op);
  set_string(L, "reuse", op->reuse);
  set_boolean(L, "tcp", op->tcp);
  set_ip(L, "ip", &op->target.ip);
  set_integer(L, "port", op->target.port);
  set_ip(L, "source", &op->local);
  set_string(L, "interface", op->interface);
  set_time(L, "deadline", op->deadline);
}

static void push_send (lua_State *L, const ds_op *op) {
  set_span(L, "data", op->data);
  set_boolean(L, "fresh", op->fresh);
  set_boolean(L, "more", op->more);
  set_time(L, "deadline", op->deadline);
}

static void push_host (lua_State *L, const ds_plan_host *h) {
  char text[DS_ENDPOINT_TEXT];
  size_t i;
  set_string(L, "name", h->name);
  if (h->preference >= 0)
    set_integer(L, "preference", h->preference);
  set_string(L, "refused", h->refused);
  set_string(L, "kind", ds_kind_name(h->kind));
  set_string(L, "level", ds_level_name(h->level));
  set_string(L, "policy", h->policy);
  if (h->outcome != DS_PENDING)
    set_string(L, "outcome", ds_outcome_name(h->outcome));
  lua_createtable(L, (int)h->count, 0);
  for (i = 0; i < h->count; i++) {
    lua_pushlstring(L, text, ds_endpoint_format(&h->addresses[i], text));
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "addresses");
}

/* a row, and with the last of its message that one may go */
static void push_result (lua_State *L, int delivery, const ds_op *op) {
  ds_lua_push_row(L, delivery, op->row);
  lua_setfield(L, -2, "row");
  if (!op->last)
    return;
  set_boolean(L, "last", 1);
  lua_getuservalue(L, delivery);
  lua_pushnil(L);
  lua_rawseti(L, -2, (int)op->row->tag);
  lua_pop(L, 1);
}

static void push_memory (lua_State *L, const ds_op *op) {
  set_string(L, "space", op->space);
  set_string(L, "key", op->key);
  if (op->op == DS_OP_RECALL)
    return;
  set_span(L, "value", op->value);
  lua_pushnumber(L, (lua_Number)op->expires);
  lua_setfield(L, -2, "expires");
}

static void push_admit (lua_State *L, const ds_op *op) {
  set_string(L, "what",
             op->admit == DS_ADMIT_MESSAGES ? "messages" : "connection");
  set_string(L, "destination", op->destination);
  set_string(L, "provider", op->provider);
  set_integer(L, "n", (lua_Integer)op->n);
}

static void push_keep (lua_State *L, int delivery, const ds_op *op) {
  ds_lua_push_kept(L, delivery);
  lua_setfield(L, -2, "session");
  set_string(L, "key", op->reuse);
  set_time(L, "idle_until", op->idle_until);
  set_time(L, "dies_at", op->dies_at);
  set_integer(L, "uses_left", (lua_Integer)op->uses_left);
}

static void push_fields (lua_State *L, int delivery, const ds_op *op) {
  switch (op->op) {
  case DS_OP_CONNECT:
    push_connect(L, op);
    break;
  case DS_OP_SEND:
    push_send(L, op);
    break;
  case DS_OP_RECEIVE:
    set_integer(L, "max", (lua_Integer)op->max);
    set_time(L, "deadline", op->deadline);
    break;
  case DS_OP_CLOSE:
    set_boolean(L, "abort", op->abort);
    break;
  case DS_OP_NEXT:
    set_integer(L, "n", (lua_Integer)op->n);
    break;
  case DS_OP_BODY:
    set_integer(L, "max", (lua_Integer)op->max);
    ds_lua_push_count(L, op->offset);
    lua_setfield(L, -2, "offset");
    break;
  case DS_OP_CONTEXT:
    set_boolean(L, "verify", op->verify);
    break;
  case DS_OP_RECALL:
  case DS_OP_REMEMBER:
    push_memory(L, op);
    break;
  case DS_OP_ADMIT:
    push_admit(L, op);
    break;
  case DS_OP_RELEASE:
    set_integer(L, "token", op->token);
    set_integer(L, "n", (lua_Integer)op->n);
    break;
  case DS_OP_WAIT:
    set_time(L, "deadline", op->deadline);
    break;
  case DS_OP_KEEP:
    push_keep(L, delivery, op);
    break;
  case DS_OP_RESULT:
    push_result(L, delivery, op);
    break;
  case DS_OP_TRACE:
    set_span(L, "data", op->data);
    break;
  case DS_OP_HOST:
    push_host(L, op->host);
    break;
  case DS_OP_ANSWER:
    ds_lua_set_answer(L, op);
    break;
  default:
    break;
  }
}

/* room for most of what stands in it */
static int fields (ds_op_kind k) {
  return k == DS_OP_NEXT || k == DS_OP_RESULT ? 2 : k == DS_OP_BODY ? 4 : 8;
}

void ds_lua_push_op (lua_State *L, int delivery, const ds_op *op) {
  lua_createtable(L, 0, fields(op->op));
  set_string(L, "op", ds_op_name(op->op));
  if (op->conn != 0)
    set_integer(L, "conn", (lua_Integer)op->conn);
  if (op->op == DS_OP_BODY || op->op == DS_OP_REWIND)
    set_integer(L, "tag", op->tag);
  push_fields(L, delivery, op);
}
