#include <string.h>

#include "lua/class.h"
#include "lua/compat.h"
#include "lua/test.h"
#include "smtp/body.h"
#include "smtp/command.h"
#include "smtp/engine.h"
#include "smtp/text.h"

#define ENGINE "directsend.test.smtp"

static ds_span check_span (lua_State *L, int i) {
  size_t n;
  const char *p = luaL_checklstring(L, i, &n);
  return ds_span_of(p, n);
}

static void set_string (lua_State *L, const char *k, const char *v) {
  lua_pushstring(L, v);
  lua_setfield(L, -2, k);
}

static void set_integer (lua_State *L, const char *k, uint64_t v) {
  lua_pushinteger(L, (lua_Integer)v);
  lua_setfield(L, -2, k);
}

static void set_flag (lua_State *L, const char *k, int v) {
  lua_pushboolean(L, v);
  lua_setfield(L, -2, k);
}

static int push_code (lua_State *L, int rc) {
  lua_pushinteger(L, rc);
  return 1;
}

/* ---- reply, ext, body, command ---- */

static void push_reply (lua_State *L, const ds_reply *r) {
  lua_newtable(L);
  set_integer(L, "code", (uint64_t)r->code);
  set_integer(L, "lines", (uint64_t)r->lines);
  set_string(L, "enhanced", r->enhanced);
  set_string(L, "text", r->text);
}

static void on_line (void *ud, int index, ds_span text) {
  lua_State *L = (lua_State *)ud;
  lua_pushlstring(L, text.p, text.n);
  lua_rawseti(L, 3, index + 1);
}

/* replies(bytes, chunk) -> {reply…}, code, partial, lines of the last reply */
static int l_replies (lua_State *L) {
  const ds_span s = check_span(L, 1);
  const size_t chunk = (size_t)luaL_checkinteger(L, 2);
  ds_reply_parser r;
  ds_buf in;
  size_t at, n;
  int rc = 0, count = 0;
  lua_settop(L, 2);
  lua_newtable(L);
  lua_newtable(L);
  ds_reply_parser_init(&r);
  ds_buf_init(&in);
  for (at = 0; at < s.n && rc >= 0; at += n) {
    n = s.n - at < chunk ? s.n - at : chunk;
    rc = ds_buf_append(&in, s.p + at, n);
    while (rc == 0 && (rc = ds_reply_feed(&r, &in, on_line, L)) == 1) {
      push_reply(L, &r.reply);
      lua_rawseti(L, 4, ++count);
      rc = 0;
      if (in.len == 0)
        break;
    }
    if (rc == 0 && in.len > 0)
      rc = DS_ERR_STATE;
  }
  lua_pushinteger(L, rc);
  lua_pushboolean(L, ds_reply_partial(&r));
  lua_pushvalue(L, 3);
  ds_reply_parser_clear(&r);
  ds_buf_clear(&in);
  return 4;
}

static void push_ext (lua_State *L, const ds_smtp_ext *x) {
  lua_newtable(L);
  set_flag(L, "esmtp", x->esmtp);
  set_flag(L, "pipelining", x->pipelining);
  set_flag(L, "chunking", x->chunking);
  set_flag(L, "binarymime", x->binarymime);
  set_flag(L, "eightbitmime", x->eightbitmime);
  set_flag(L, "smtputf8", x->smtputf8);
  set_flag(L, "starttls", x->starttls);
  set_flag(L, "enhanced", x->enhanced);
  set_flag(L, "dsn", x->dsn);
  set_flag(L, "requiretls", x->requiretls);
  set_flag(L, "size", x->size);
  set_integer(L, "size_limit", x->size_limit);
  set_integer(L, "mail_max", x->mail_max);
  set_integer(L, "rcpt_max", x->rcpt_max);
  set_integer(L, "rcpt_domain_max", x->rcpt_domain_max);
  set_integer(L, "auth", x->auth);
}

/* ext(line…) -> what they offer */
static int l_ext (lua_State *L) {
  ds_smtp_ext x;
  int i, n = lua_gettop(L);
  ds_smtp_ext_clear(&x);
  for (i = 1; i <= n; i++)
    ds_smtp_ext_add(&x, check_span(L, i));
  push_ext(L, &x);
  return 1;
}

/* body(bytes, chunk) -> stuffed with its end, or code */
static int l_body (lua_State *L) {
  const ds_span s = check_span(L, 1);
  const size_t chunk = (size_t)luaL_checkinteger(L, 2);
  ds_body b = DS_BODY_LINE_START;
  ds_buf out;
  size_t at, n;
  int rc = 0;
  ds_buf_init(&out);
  for (at = 0; at < s.n && rc == 0; at += n) {
    n = s.n - at < chunk ? s.n - at : chunk;
    rc = ds_body_add(&b, &out, s.p + at, n);
  }
  if (rc == 0)
    rc = ds_body_end(&b, &out);
  if (rc == 0)
    lua_pushlstring(L, ds_buf_data(&out), out.len);
  else
    lua_pushinteger(L, rc);
  lua_pushinteger(L, (lua_Integer)out.len);
  ds_buf_clear(&out);
  return 2;
}

static int push_line (lua_State *L, int rc, ds_buf *out) {
  if (rc == 0)
    lua_pushlstring(L, ds_buf_data(out), out->len);
  else
    lua_pushinteger(L, rc);
  ds_buf_clear(out);
  return 1;
}

static int l_command_word (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_line(L, ds_command_word(&out, luaL_checkstring(L, 1)), &out);
}

static int l_command_ehlo (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_line(L, ds_command_ehlo(&out, "EHLO", check_span(L, 1)), &out);
}

/* command_mail(sender, size, eightbit, utf8) */
static int l_command_mail (lua_State *L) {
  ds_command_mail_args a;
  ds_buf out;
  a.size = (uint64_t)luaL_optnumber(L, 2, 0);
  a.eightbit = lua_toboolean(L, 3);
  a.utf8 = lua_toboolean(L, 4);
  ds_buf_init(&out);
  return push_line(L, ds_command_mail(&out, check_span(L, 1), &a), &out);
}

static int l_command_rcpt (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_line(
      L, ds_command_rcpt(&out, check_span(L, 1), lua_toboolean(L, 2)), &out);
}

static int l_hostname_ok (lua_State *L) {
  lua_pushboolean(L, ds_smtp_hostname_ok(check_span(L, 1)));
  return 1;
}

/* printable(s, room) */
static int l_printable (lua_State *L) {
  char to[1024];
  size_t room = (size_t)luaL_optinteger(L, 2, (lua_Integer)sizeof to);
  luaL_argcheck(L, room > 0 && room <= sizeof to, 2, "1 to 1024");
  lua_pushlstring(L, to, ds_smtp_printable(to, room, check_span(L, 1)));
  return 1;
}

/* ---- engine ---- */

static ds_smtp *check_engine (lua_State *L) {
  ds_smtp **s = (ds_smtp **)luaL_checkudata(L, 1, ENGINE);
  luaL_argcheck(L, *s != NULL, 1, "freed");
  return *s;
}

/* engine(hostname, careful, lmtp, tls, window) -> engine, or nil */
static int l_engine (lua_State *L) {
  ds_smtp_config c;
  ds_smtp **s;
  memset(&c, 0, sizeof c);
  c.hostname = luaL_checkstring(L, 1);
  c.careful = lua_toboolean(L, 2);
  c.lmtp = lua_toboolean(L, 3);
  c.tls = lua_toboolean(L, 4);
  c.window = (unsigned)luaL_optinteger(L, 5, 0);
  s = (ds_smtp **)lua_newuserdata(L, sizeof *s);
  *s = NULL;
  luaL_getmetatable(L, ENGINE);
  lua_setmetatable(L, -2);
  *s = ds_smtp_new(&c);
  if (*s == NULL)
    lua_pushnil(L);
  return 1;
}

static int l_free (lua_State *L) {
  ds_smtp **s = (ds_smtp **)luaL_checkudata(L, 1, ENGINE);
  ds_smtp_free(*s);
  *s = NULL;
  return 0;
}

static int l_receive (lua_State *L) {
  const ds_span d = check_span(L, 2);
  return push_code(L, ds_smtp_receive_data(check_engine(L), d.p, d.n));
}

static const char *const event_names[] = {
    "none",    "ready",    "tls_go",  "tls_no",  "accepted", "body",
    "settled", "finished", "auth_ok", "auth_no", "ended",
};

/* event() -> {event=, txn=, …}, or nil */
static int l_event (lua_State *L) {
  ds_smtp_event ev;
  if (!ds_smtp_next_event(check_engine(L), &ev))
    return 0;
  lua_newtable(L);
  set_string(L, "event", event_names[ev.event]);
  set_integer(L, "txn", ev.txn);
  set_integer(L, "recipient", ev.recipient + 1);
  set_string(L, "outcome", ds_outcome_name(ev.outcome));
  set_string(L, "stage", ds_stage_name(ev.stage));
  set_string(L, "kind", ds_kind_name(ev.kind));
  set_flag(L, "lost", ev.lost);
  set_flag(L, "split", ev.split);
  set_string(L, "text", ev.text);
  if (ev.reply != NULL) {
    push_reply(L, ev.reply);
    lua_setfield(L, -2, "reply");
  }
  return 1;
}

static int l_output (lua_State *L) {
  const ds_span o = ds_smtp_output(check_engine(L));
  lua_pushlstring(L, o.n > 0 ? o.p : "", o.n);
  return 1;
}

static int l_pending (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)ds_smtp_pending(check_engine(L)));
  return 1;
}

static int l_ending (lua_State *L) {
  lua_pushboolean(L, ds_smtp_ending(check_engine(L)));
  return 1;
}

static int l_taken (lua_State *L) {
  ds_smtp_taken(check_engine(L), (size_t)luaL_checkinteger(L, 2));
  return 0;
}

static int l_starttls (lua_State *L) {
  return push_code(L, ds_smtp_starttls(check_engine(L)));
}

static int l_tls_started (lua_State *L) {
  return push_code(L, ds_smtp_tls_started(check_engine(L)));
}

static int l_can_begin (lua_State *L) {
  lua_pushboolean(L, ds_smtp_can_begin(check_engine(L)));
  return 1;
}

/* begin(id, sender, {recipient…}, size, flags) -> code */
static int l_begin (lua_State *L) {
  ds_smtp *s = check_engine(L);
  ds_smtp_transaction t;
  ds_span *to;
  size_t i;
  memset(&t, 0, sizeof t);
  t.id = (uint32_t)luaL_checkinteger(L, 2);
  t.sender = check_span(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  t.count = lua_rawlen(L, 4);
  t.size = (uint64_t)luaL_optnumber(L, 5, 0);
  t.flags = (unsigned)luaL_optinteger(L, 6, 0);
  to = (ds_span *)lua_newuserdata(L, (t.count + 1) * sizeof *to);
  for (i = 0; i < t.count; i++) {
    lua_rawgeti(L, 4, (int)i + 1);
    to[i] = check_span(L, -1);
    lua_pop(L, 1); /* the table keeps the string */
  }
  t.recipients = to;
  return push_code(L, ds_smtp_begin(s, &t));
}

static int l_engine_body (lua_State *L) {
  const ds_span d = check_span(L, 2);
  return push_code(L, ds_smtp_body(check_engine(L), d.p, d.n));
}

static int l_body_end (lua_State *L) {
  return push_code(L, ds_smtp_body_end(check_engine(L)));
}

static int l_body_cut (lua_State *L) {
  ds_smtp_body_cut(check_engine(L), luaL_checkstring(L, 2));
  return 0;
}

static int l_quit (lua_State *L) {
  return push_code(L, ds_smtp_quit(check_engine(L)));
}

static int l_abort (lua_State *L) {
  static const char *const names[] = {"timeout", "connect", "local", NULL};
  static const ds_kind kinds[] = {DS_KIND_TIMEOUT, DS_KIND_CONNECT,
                                  DS_KIND_LOCAL};
  ds_smtp_abort(check_engine(L), kinds[luaL_checkoption(L, 2, NULL, names)],
                luaL_optstring(L, 3, ""));
  return 0;
}

/* waiting() -> stage, serial */
static int l_waiting (lua_State *L) {
  uint32_t serial;
  lua_pushstring(L, ds_stage_name(ds_smtp_waiting(check_engine(L), &serial)));
  lua_pushinteger(L, (lua_Integer)serial);
  return 2;
}

static int l_idle (lua_State *L) {
  lua_pushboolean(L, ds_smtp_idle(check_engine(L)));
  return 1;
}

static int l_partial (lua_State *L) {
  lua_pushboolean(L, ds_smtp_partial(check_engine(L)));
  return 1;
}

static int l_extensions (lua_State *L) {
  push_ext(L, ds_smtp_extensions(check_engine(L)));
  return 1;
}

/* greeting() -> greeting, EHLO line */
static int l_greeting (lua_State *L) {
  ds_smtp *s = check_engine(L);
  lua_pushstring(L, ds_smtp_greeting(s));
  lua_pushstring(L, ds_smtp_ehlo_line(s));
  return 2;
}

static const luaL_Reg methods[] = {
    {"free", l_free},
    {"receive", l_receive},
    {"event", l_event},
    {"output", l_output},
    {"taken", l_taken},
    {"pending", l_pending},
    {"ending", l_ending},
    {"starttls", l_starttls},
    {"tls_started", l_tls_started},
    {"can_begin", l_can_begin},
    {"begin", l_begin},
    {"body", l_engine_body},
    {"body_end", l_body_end},
    {"body_cut", l_body_cut},
    {"quit", l_quit},
    {"abort", l_abort},
    {"waiting", l_waiting},
    {"idle", l_idle},
    {"partial", l_partial},
    {"extensions", l_extensions},
    {"greeting", l_greeting},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"replies", l_replies},
    {"ext", l_ext},
    {"body", l_body},
    {"command_word", l_command_word},
    {"command_ehlo", l_command_ehlo},
    {"command_mail", l_command_mail},
    {"command_rcpt", l_command_rcpt},
    {"hostname_ok", l_hostname_ok},
    {"printable", l_printable},
    {"engine", l_engine},
    {NULL, NULL},
};

int ds_test_smtp (lua_State *L) {
  ds_lua_class(L, ENGINE, methods, l_free, NULL);
  luaL_newlibtable(L, functions);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
