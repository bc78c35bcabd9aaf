/*
** The session room's door.  Times are in seconds.
*/
#include "lua/test.h"

#include <string.h>

#include "lua/test_peer.h"
#include "lua/test_tls.h"
#include "session/session.h"
#include "util/mem.h"

#define SESSION "directsend.test.session"

typedef struct door {
  ds_session *s;
  ds_tls_ctx *ctx;
  const ds_tls_backend *b;
  ds_timeouts timeouts;
  ds_buf trace;
} door;

static ds_time seconds (lua_State *L, int i) {
  lua_Number n = luaL_checknumber(L, i);
  return n > 9e11 ? DS_NEVER : (ds_time)(n * (lua_Number)DS_SECOND);
}

static ds_time field_seconds (lua_State *L, int i, const char *key) {
  ds_time t = DS_NEVER;
  lua_getfield(L, i, key);
  if (!lua_isnil(L, -1))
    t = seconds(L, -1);
  lua_pop(L, 1);
  return t;
}

static const char *field_string (lua_State *L, int i, const char *key) {
  const char *z;
  lua_getfield(L, i, key);
  z = lua_tostring(L, -1);
  lua_pop(L, 1);
  return z;
}

static lua_Number field_number (lua_State *L, int i, const char *key) {
  lua_Number n;
  lua_getfield(L, i, key);
  n = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return n;
}

static int field_boolean (lua_State *L, int i, const char *key) {
  int b;
  lua_getfield(L, i, key);
  b = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return b;
}

static door *check_door (lua_State *L) {
  door *d = (door *)luaL_checkudata(L, 1, SESSION);
  if (d->s == NULL)
    luaL_error(L, "the session is closed");
  return d;
}

static void read_timeouts (lua_State *L, int i, ds_timeouts *t) {
  t->greeting = field_seconds(L, i, "greeting");
  t->command = field_seconds(L, i, "command");
  t->handshake = field_seconds(L, i, "handshake");
  t->data = field_seconds(L, i, "data");
  t->body = field_seconds(L, i, "body");
  t->final = field_seconds(L, i, "final");
  t->quit = field_seconds(L, i, "quit");
}

/* new{hostname=, until=, max_chunk=, trace=, greeting=, command=, …} */
static int l_new (lua_State *L) {
  ds_session_config c;
  door *d;
  memset(&c, 0, sizeof c);
  luaL_checktype(L, 1, LUA_TTABLE);
  d = (door *)lua_newuserdata(L, sizeof *d);
  memset(d, 0, sizeof *d);
  luaL_getmetatable(L, SESSION);
  lua_setmetatable(L, -2);
  read_timeouts(L, 1, &d->timeouts);
  c.smtp.hostname = field_string(L, 1, "hostname");
  c.timeouts = &d->timeouts;
  c.until = field_seconds(L, 1, "until");
  c.max_chunk = (size_t)field_number(L, 1, "max_chunk");
  c.trace = field_boolean(L, 1, "trace") ? &d->trace : NULL;
  d->s = ds_session_new(&c);
  if (d->s == NULL)
    lua_pushnil(L);
  return 1;
}

static int l_close (lua_State *L) {
  door *d = (door *)luaL_checkudata(L, 1, SESSION);
  ds_session_free(d->s);
  if (d->ctx != NULL)
    d->b->ctx_free(d->ctx);
  ds_buf_clear(&d->trace);
  d->s = NULL;
  d->ctx = NULL;
  return 0;
}

/* next(now): what is wanted, data, fresh, more, deadline */
static int l_next (lua_State *L) {
  static const char *const wants[] = {"nothing", "send", "receive"};
  door *d = check_door(L);
  ds_session_step step;
  ds_session_next(d->s, seconds(L, 2), &step);
  lua_pushstring(L, wants[step.want]);
  lua_pushlstring(L, step.data.n > 0 ? step.data.p : "", step.data.n);
  lua_pushboolean(L, step.fresh);
  lua_pushboolean(L, step.more);
  lua_pushnumber(L, (lua_Number)step.deadline / (lua_Number)DS_SECOND);
  return 5;
}

static int l_sent (lua_State *L) {
  door *d = check_door(L);
  ds_session_sent(d->s, seconds(L, 2), (size_t)luaL_checkinteger(L, 3));
  return 0;
}

static int l_received (lua_State *L) {
  door *d = check_door(L);
  size_t n;
  const char *p = luaL_checklstring(L, 3, &n);
  ds_session_received(d->s, seconds(L, 2), p, n);
  return 0;
}

static ds_kind check_kind (lua_State *L, int i) {
  const char *name = luaL_checkstring(L, i);
  int k = DS_KIND_LOCAL;
  while (k > DS_KIND_NONE && strcmp(ds_kind_name((ds_kind)k), name) != 0)
    k--;
  return (ds_kind)k;
}

static int l_failed (lua_State *L) {
  door *d = check_door(L);
  ds_session_failed(d->s, seconds(L, 2), check_kind(L, 3),
                    luaL_checkstring(L, 4));
  return 0;
}

static void set (lua_State *L, const char *key, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

/* event(now): nil, or a table */
static int l_event (lua_State *L) {
  static const char *const names[] = {
      "none",    "ready",    "tls_go",  "tls_no",  "accepted", "body",
      "settled", "finished", "auth_ok", "auth_no", "ended"};
  door *d = check_door(L);
  ds_smtp_event ev;
  if (!ds_session_next_event(d->s, seconds(L, 2), &ev))
    return 0;
  lua_createtable(L, 0, 8);
  set(L, "event", names[ev.event]);
  set(L, "stage", ds_stage_name(ev.stage));
  set(L, "kind", ds_kind_name(ev.kind));
  set(L, "text", ev.text);
  if (ev.event == DS_SMTP_SETTLED)
    set(L, "outcome", ds_outcome_name(ev.outcome));
  if (ev.reply != NULL)
    set(L, "reply", ev.reply->text);
  lua_pushinteger(L, (lua_Integer)ev.txn);
  lua_setfield(L, -2, "txn");
  return 1;
}

/* tls{host=, verify=, …} as the tls room's door has it, with the context in
   `context`, which the caller holds, or one of its own{ca_file=}: the code */
static int l_tls (lua_State *L) {
  door *d = check_door(L);
  ds_tls_config c;
  ds_tls_peer p;
  ds_tls_ctx *ctx;
  ds_error e;
  ds_error_clear(&e);
  lua_settop(L, 2);
  ds_test_tls_config(L, 2, &c);
  d->b = ds_tls_openssl(&e);
  lua_getfield(L, 2, "context");
  ctx = lua_isnil(L, -1) ? d->ctx : ds_test_tls_context(L, -1);
  if (ctx == NULL)
    ctx = d->ctx = d->b->ctx_new(&c, &e);
  ds_test_tls_peer(L, 2, &p);
  lua_pushinteger(L, ctx != NULL ? ds_session_tls(d->s, d->b, ctx, &p)
                                 : DS_ERR_NOMEM);
  return 1;
}

static int l_tls_info (lua_State *L) {
  door *d = check_door(L);
  ds_tls_info i;
  if (!ds_session_tls_info(d->s, &i)) {
    if (i.version[0] != '\0' || i.failure == NULL)
      return 0;
    lua_pushnil(L);
    lua_pushstring(L, i.failure);
    return 2;
  }
  lua_pushstring(L, i.version);
  lua_pushboolean(L, i.verified);
  return 2;
}

static int l_pending (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)ds_session_pending(check_door(L)->s));
  return 1;
}

static int l_until (lua_State *L) {
  door *d = check_door(L);
  ds_session_until(d->s, seconds(L, 2));
  return 0;
}

/* what was traced since the last call */
static int l_trace (lua_State *L) {
  door *d = check_door(L);
  lua_pushlstring(L, d->trace.len > 0 ? ds_buf_data(&d->trace) : "",
                  d->trace.len);
  ds_buf_empty(&d->trace);
  return 1;
}

/* auth(user, password): in clear, too; the code */
static int l_auth (lua_State *L) {
  door *d = check_door(L);
  ds_auth a;
  memset(&a, 0, sizeof a);
  a.user = ds_span_str(luaL_checkstring(L, 2));
  a.password = ds_span_str(luaL_checkstring(L, 3));
  a.clear = 1;
  lua_pushinteger(L, ds_smtp_auth(ds_session_smtp(d->s), &a));
  return 1;
}

/* begin(id, recipient): a transaction from a@here.test; the code */
static int l_begin (lua_State *L) {
  door *d = check_door(L);
  ds_smtp_transaction t;
  ds_span to = ds_span_str(luaL_checkstring(L, 3));
  memset(&t, 0, sizeof t);
  t.id = (uint32_t)luaL_checkinteger(L, 2);
  t.sender = ds_span_str("a@here.test");
  t.recipients = &to;
  t.count = 1;
  lua_pushinteger(L, ds_smtp_begin(ds_session_smtp(d->s), &t));
  return 1;
}

static int l_body (lua_State *L) {
  door *d = check_door(L);
  size_t n;
  const char *p = luaL_checklstring(L, 2, &n);
  lua_pushinteger(L, ds_smtp_body(ds_session_smtp(d->s), p, n));
  return 1;
}

static int l_body_end (lua_State *L) {
  lua_pushinteger(L, ds_smtp_body_end(ds_session_smtp(check_door(L)->s)));
  return 1;
}

static int l_quit (lua_State *L) {
  lua_pushinteger(L, ds_smtp_quit(ds_session_smtp(check_door(L)->s)));
  return 1;
}

static int l_offers (lua_State *L) {
  const ds_smtp_ext *x = ds_smtp_extensions(ds_session_smtp(check_door(L)->s));
  lua_createtable(L, 0, 4);
  lua_pushboolean(L, x->pipelining);
  lua_setfield(L, -2, "pipelining");
  lua_pushboolean(L, x->starttls);
  lua_setfield(L, -2, "starttls");
  lua_pushboolean(L, x->smtputf8);
  lua_setfield(L, -2, "smtputf8");
  lua_pushnumber(L, (lua_Number)x->size_limit);
  lua_setfield(L, -2, "size");
  return 1;
}

static const luaL_Reg methods[] = {
    {"close", l_close},       {"next", l_next},      {"sent", l_sent},
    {"received", l_received}, {"failed", l_failed},  {"event", l_event},
    {"tls", l_tls},           {"auth", l_auth},      {"tls_info", l_tls_info},
    {"pending", l_pending},   {"deadline", l_until}, {"trace", l_trace},
    {"begin", l_begin},       {"body", l_body},      {"body_end", l_body_end},
    {"quit", l_quit},         {"offers", l_offers},  {NULL, NULL}};

int ds_test_session (lua_State *L) {
  ds_test_type(L, SESSION, methods);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_new);
  lua_setfield(L, -2, "new");
  return 1;
}
