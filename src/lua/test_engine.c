#include <malloc.h>
#include <string.h>

#include "lua/class.h"
#include "lua/test_smtp.h"
#include "tls/tls.h"

#define ENGINE "directsend.test.smtp"

static ds_smtp *check_engine (lua_State *L) {
  ds_smtp **s = (ds_smtp **)luaL_checkudata(L, 1, ENGINE);
  luaL_argcheck(L, *s != NULL, 1, "freed");
  return *s;
}

/* engine(hostname, careful, lmtp, tls, window) -> engine, or nil */
int ds_test_engine (lua_State *L) {
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
    ds_test_push_reply(L, ev.reply);
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

static ds_smtp_dsn dsn_of (lua_State *L, int i, int k) {
  ds_smtp_dsn d;
  memset(&d, 0, sizeof d);
  lua_rawgeti(L, i, k);
  if (lua_istable(L, -1)) {
    d.notify = field_unsigned(L, lua_gettop(L), "notify");
    d.orcpt = field_span(L, lua_gettop(L), "orcpt");
  }
  lua_pop(L, 1);
  return d;
}

/* begin(id, sender, {recipient…}, size, flags, dsn) -> code; dsn: nil, or
   {ret=, envid=, {notify=, orcpt=}…} */
static int l_begin (lua_State *L) {
  ds_smtp *s = check_engine(L);
  ds_smtp_transaction t;
  ds_smtp_dsn *dsn;
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
  if (lua_istable(L, 7)) {
    dsn = (ds_smtp_dsn *)lua_newuserdata(L, (t.count + 1) * sizeof *dsn);
    for (i = 0; i < t.count; i++)
      dsn[i] = dsn_of(L, 7, (int)i + 1);
    t.dsn = dsn;
    t.ret = (ds_dsn_ret)field_unsigned(L, 7, "ret");
    t.envid = field_span(L, 7, "envid");
  }
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

static int broken_pbkdf2 (ds_span password, ds_span salt, uint32_t n,
                          unsigned char *out) {
  (void)password;
  (void)salt;
  (void)n;
  (void)out;
  return DS_ERR_LOCAL;
}

static const ds_crypto *crypto_of (lua_State *L, int i) {
  static ds_crypto broken;
  const ds_crypto *good;
  const char *which;
  ds_error e;
  ds_error_clear(&e);
  good = ds_tls_openssl(&e)->crypto;
  lua_getfield(L, i, "crypto");
  which = lua_tostring(L, -1);
  lua_pop(L, 1);
  if (which == NULL)
    return NULL;
  broken = *good;
  broken.pbkdf2_sha256 = broken_pbkdf2;
  return strcmp(which, "broken") == 0 ? &broken : good;
}

/* auth{mechanisms=, user=, password=, token=, host=, port=, nonce=, clear=,
   crypto="openssl"|"broken"} -> code */
static int l_auth (lua_State *L) {
  ds_smtp *s = check_engine(L);
  ds_auth a;
  luaL_checktype(L, 2, LUA_TTABLE);
  memset(&a, 0, sizeof a);
  a.mechanisms = field_unsigned(L, 2, "mechanisms");
  a.user = field_span(L, 2, "user");
  a.password = field_span(L, 2, "password");
  a.token = field_span(L, 2, "token");
  a.host = field_span(L, 2, "host").p;
  a.port = (uint16_t)field_unsigned(L, 2, "port");
  a.nonce = field_span(L, 2, "nonce");
  a.clear = (int)field_unsigned(L, 2, "clear");
  a.crypto = crypto_of(L, 2);
  return push_code(L, ds_smtp_auth(s, &a));
}

static int l_secret (lua_State *L) {
  lua_pushboolean(L, ds_smtp_secret(check_engine(L)));
  return 1;
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
  ds_test_push_ext(L, ds_smtp_extensions(check_engine(L)));
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
    {"auth", l_auth},
    {"secret", l_secret},
    {"quit", l_quit},
    {"abort", l_abort},
    {"waiting", l_waiting},
    {"idle", l_idle},
    {"partial", l_partial},
    {"extensions", l_extensions},
    {"greeting", l_greeting},
    {NULL, NULL},
};

/* ---- what is held, and what is given back with a secret in it ---- */

static struct {
  ds_mem_fn fn;
  void *ud;
  char secret[256];
  size_t n, held;
  int seen;
} watch;

static int holds (const void *p) {
  const char *at = (const char *)p;
  size_t i, size = malloc_usable_size((void *)p);
  for (i = 0; i + watch.n <= size; i++)
    if (memcmp(at + i, watch.secret, watch.n) == 0)
      return 1;
  return 0;
}

static void *watching (void *ud, void *p, size_t n) {
  const int found = p != NULL && holds(p);
  const size_t was = p != NULL ? malloc_usable_size(p) : 0;
  void *q = watch.fn(watch.ud, p, n);
  (void)ud;
  if (n == 0 || q != NULL)
    watch.held += (n > 0 ? malloc_usable_size(q) : 0) - was;
  watch.seen += found && (n == 0 || (q != NULL && q != p));
  return q;
}

/* watch(secret): from here on blocks are looked through */
int ds_test_watch (lua_State *L) {
  const ds_span s = check_span(L, 1);
  luaL_argcheck(L, s.n > 0 && s.n <= sizeof watch.secret, 1, "1 to 256");
  memcpy(watch.secret, s.p, s.n);
  watch.n = s.n;
  watch.seen = 0;
  watch.held = 0;
  ds_mem_get(&watch.fn, &watch.ud);
  ds_mem_set(watching, NULL);
  return 0;
}

/* held() -> octets since watch */
int ds_test_held (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)watch.held);
  return 1;
}

/* watched() -> how many were given back with it */
int ds_test_watched (lua_State *L) {
  ds_mem_set(watch.fn, watch.ud);
  lua_pushinteger(L, watch.seen);
  return 1;
}

void ds_test_engine_class (lua_State *L) {
  ds_lua_class(L, ENGINE, methods, l_free, NULL);
}
