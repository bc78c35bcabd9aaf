/* the door to dns */
#include <stdlib.h>
#include <string.h>

#include "dns/conf.h"
#include "dns/mx.h"
#include "dns/query.h"
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/test.h"

#define QUERY  "directsend.test.query"
#define ANSWER "directsend.test.answer"

/* a copy that ends where its block ends, for the memory checkers */
static unsigned char *exact (lua_State *L, int i, size_t *n) {
  const char *s = luaL_checklstring(L, i, n);
  unsigned char *c = (unsigned char *)malloc(*n > 0 ? *n : 1);
  if (c == NULL)
    luaL_error(L, "out of memory");
  memcpy(c, s, *n);
  return c;
}

static ds_span check_span (lua_State *L, int i) {
  size_t n;
  const char *s = luaL_checklstring(L, i, &n);
  return ds_span_of(s, n);
}

/* a string on the stack as a random source: its bytes in turn, and again
   from its start; an empty one fails */
typedef struct script {
  ds_sys sys;
  size_t n, at;
  char bytes[64];
} script;

static int draw (void *ud, void *p, size_t n) {
  script *s = (script *)ud;
  size_t i;
  if (s->n == 0)
    return DS_ERR_LOCAL;
  for (i = 0; i < n; i++)
    ((char *)p)[i] = s->bytes[s->at++ % s->n];
  return DS_OK;
}

static void script_init (lua_State *L, int i, script *s) {
  size_t n;
  const char *bytes = luaL_optlstring(L, i, "", &n);
  luaL_argcheck(L, n <= sizeof s->bytes, i, "script too long");
  memset(s, 0, sizeof *s);
  s->sys.random = draw;
  s->sys.ud = s;
  s->n = n;
  memcpy(s->bytes, bytes, n);
}

/* --- message --------------------------------------------------------- */

static int name_ok (lua_State *L) {
  lua_pushboolean(L, ds_dns_name_ok(check_span(L, 1), lua_toboolean(L, 2)));
  return 1;
}

/* question(id, name, type, "plain"|"edns"|"secured" [, size]) */
static int question (lua_State *L) {
  static const char *const words[] = {"plain", "edns", "secured", NULL};
  uint16_t id = (uint16_t)luaL_checkinteger(L, 1);
  ds_dns_edns edns = (ds_dns_edns)luaL_checkoption(L, 4, NULL, words);
  size_t size = (size_t)luaL_optinteger(L, 5, 512);
  unsigned char *out = (unsigned char *)malloc(size > 0 ? size : 1);
  int n;
  if (out == NULL)
    return luaL_error(L, "out of memory");
  n = ds_dns_question(out, size, id, check_span(L, 2),
                      (unsigned)luaL_checkinteger(L, 3), edns);
  if (n < 0) {
    lua_pushnil(L);
    lua_pushinteger(L, n);
  } else
    lua_pushlstring(L, (const char *)out, (size_t)n);
  free(out);
  return n < 0 ? 2 : 1;
}

static int matches (lua_State *L) {
  size_t n, qn;
  unsigned char *p = exact(L, 1, &n), *q = exact(L, 2, &qn);
  lua_pushboolean(L, ds_dns_matches(p, n, q, qn));
  free(p);
  free(q);
  return 1;
}

/* header(packet) -> rcode, truncated */
static int header (lua_State *L) {
  size_t n;
  unsigned char *p = exact(L, 1, &n);
  lua_pushinteger(L, ds_dns_rcode(p, n));
  lua_pushboolean(L, ds_dns_truncated(p, n));
  free(p);
  return 2;
}

/* --- answer ---------------------------------------------------------- */

static void set_string (lua_State *L, const char *key, const void *p,
                        size_t n) {
  lua_pushlstring(L, (const char *)p, n);
  lua_setfield(L, -2, key);
}

static void set_number (lua_State *L, const char *key, double n) {
  lua_pushnumber(L, n);
  lua_setfield(L, -2, key);
}

static void set_flag (lua_State *L, const char *key, int v) {
  lua_pushboolean(L, v);
  lua_setfield(L, -2, key);
}

static void push_record (lua_State *L, const ds_dns_record *r) {
  char ip[DS_IP_TEXT];
  lua_newtable(L);
  set_number(L, "ttl", r->ttl);
  set_number(L, "preference", r->preference);
  if (r->ip.family != 0)
    set_string(L, "ip", ip, ds_ip_format(&r->ip, ip));
  if (r->name != NULL)
    set_string(L, "name", r->name, strlen(r->name));
  if (r->data != NULL)
    set_string(L, "data", r->data, r->size);
  set_number(L, "usage", r->usage);
  set_number(L, "selector", r->selector);
  set_number(L, "matching", r->matching);
}

static void push_answer (lua_State *L, const ds_dns_answer *a) {
  size_t i;
  lua_newtable(L);
  lua_pushstring(L, ds_dns_status_name(a->status));
  lua_setfield(L, -2, "status");
  set_flag(L, "secure", a->secure);
  set_number(L, "aliases", a->aliases);
  set_string(L, "name", a->name, strlen(a->name));
  set_number(L, "ttl", a->ttl);
  lua_newtable(L);
  for (i = 0; i < a->count; i++) {
    push_record(L, &a->records[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "records");
}

static int answer_gc (lua_State *L) {
  ds_dns_answer_clear((ds_dns_answer *)luaL_checkudata(L, 1, ANSWER));
  return 0;
}

static ds_dns_answer *new_answer (lua_State *L) {
  ds_dns_answer *a = (ds_dns_answer *)lua_newuserdata(L, sizeof *a);
  memset(a, 0, sizeof *a);
  luaL_getmetatable(L, ANSWER);
  lua_setmetatable(L, -2);
  return a;
}

/* parse(packet, name, type) -> answer, or nil and the code */
static int parse (lua_State *L) {
  ds_span name = check_span(L, 2);
  unsigned type = (unsigned)luaL_checkinteger(L, 3);
  ds_dns_answer *a = new_answer(L);
  size_t n;
  unsigned char *p = exact(L, 1, &n);
  int e = ds_dns_parse(p, n, name, type, a);
  free(p);
  if (e != DS_OK) {
    lua_pushnil(L);
    lua_pushinteger(L, e);
    return 2;
  }
  push_answer(L, a);
  ds_dns_answer_clear(a);
  return 1;
}

/* --- mx -------------------------------------------------------------- */

static void push_set (lua_State *L, const ds_mx_set *m) {
  size_t i;
  lua_newtable(L);
  set_flag(L, "implicit", m->implicit);
  set_flag(L, "null", m->null);
  set_flag(L, "broken", m->broken);
  for (i = 0; i < m->count; i++) {
    lua_newtable(L);
    set_number(L, "preference", m->hosts[i].preference);
    set_string(L, "name", m->hosts[i].name, strlen(m->hosts[i].name));
    lua_rawseti(L, -2, (int)i + 1);
  }
}

/* mx({preference, name, preference, name …}, domain, random) -> set */
static int mx (lua_State *L) {
  size_t count = lua_rawlen(L, 1) / 2, i;
  ds_dns_record *r =
      (ds_dns_record *)lua_newuserdata(L, (count > 0 ? count : 1) * sizeof *r);
  ds_dns_answer a;
  ds_mx_set m;
  script s;
  int e;
  script_init(L, 3, &s);
  memset(&a, 0, sizeof a);
  memset(r, 0, count * sizeof *r);
  a.records = r;
  a.count = count;
  for (i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (int)(2 * i + 1));
    lua_rawgeti(L, 1, (int)(2 * i + 2));
    r[i].preference = (uint16_t)luaL_checkinteger(L, -2);
    r[i].name = (char *)(uintptr_t)luaL_checkstring(L, -1);
    lua_pop(L, 2); /* the table keeps the string */
  }
  e = ds_mx_from_answer(&a, check_span(L, 2), &s.sys, &m);
  if (e != DS_OK) {
    lua_pushnil(L);
    lua_pushinteger(L, e);
  } else
    push_set(L, &m);
  ds_mx_clear(&m);
  return e != DS_OK ? 2 : 1;
}

/* --- conf ------------------------------------------------------------ */

static void push_endpoint (lua_State *L, const ds_endpoint *e) {
  char text[DS_ENDPOINT_TEXT];
  lua_pushlstring(L, text, ds_endpoint_format(e, text));
}

static void add_servers (lua_State *L, int i, ds_dns_config *c) {
  size_t k, n = lua_rawlen(L, i);
  luaL_argcheck(L, n <= DS_DNS_SERVERS, i, "too many servers");
  for (k = 1; k <= n; k++) {
    ds_span s;
    lua_rawgeti(L, i, (int)k);
    s = check_span(L, -1);
    if (ds_endpoint_parse(s.p, s.n, 53, &c->servers[c->count++]) != DS_OK)
      luaL_error(L, "no server: %s", s.p);
    lua_pop(L, 1);
  }
}

/* conf(text [, servers there before]) -> {servers…, timeout=, attempts=} */
static int conf (lua_State *L) {
  ds_dns_config c;
  size_t n, i;
  char *s;
  memset(&c, 0, sizeof c);
  if (!lua_isnoneornil(L, 2))
    add_servers(L, 2, &c);
  s = (char *)exact(L, 1, &n);
  ds_dns_conf_parse(ds_span_of(s, n), &c);
  free(s);
  lua_newtable(L);
  for (i = 0; i < c.count; i++) {
    push_endpoint(L, &c.servers[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  set_number(L, "timeout", (double)c.timeout / DS_SECOND);
  set_number(L, "attempts", c.attempts);
  set_flag(L, "trust_ad", c.trust_ad);
  return 1;
}

/* --- query ----------------------------------------------------------- */

typedef struct door {
  ds_query *q;
  ds_dns_config config;
  script random;
} door;

static door *check_door (lua_State *L) {
  door *d = (door *)luaL_checkudata(L, 1, QUERY);
  luaL_argcheck(L, d->q != NULL, 1, "closed");
  return d;
}

/* seconds; nil is never */
static ds_time check_time (lua_State *L, int i) {
  if (lua_isnoneornil(L, i))
    return DS_NEVER;
  return (ds_time)(luaL_checknumber(L, i) * DS_SECOND);
}

/* query(servers, name, type, until, random [, {timeout=, attempts=,
   trust_ad=}]) -> query, or nothing */
static int query_new (lua_State *L) {
  ds_span name = check_span(L, 2);
  unsigned type = (unsigned)luaL_checkinteger(L, 3);
  ds_time until = check_time(L, 4);
  door *d;
  lua_settop(L, 6);
  d = (door *)lua_newuserdata(L, sizeof *d);
  memset(d, 0, sizeof *d);
  luaL_getmetatable(L, QUERY);
  lua_setmetatable(L, -2);
  add_servers(L, 1, &d->config);
  script_init(L, 5, &d->random);
  if (lua_istable(L, 6)) {
    lua_getfield(L, 6, "timeout");
    d->config.timeout = (ds_time)(luaL_optnumber(L, -1, 0) * DS_SECOND);
    lua_getfield(L, 6, "attempts");
    d->config.attempts = (unsigned)luaL_optinteger(L, -1, 0);
    lua_getfield(L, 6, "trust_ad");
    d->config.trust_ad = lua_toboolean(L, -1);
    lua_pop(L, 3);
  }
  d->q = ds_query_new(&d->config, &d->random.sys, name, type, until);
  return d->q != NULL;
}

static int query_close (lua_State *L) {
  door *d = (door *)luaL_checkudata(L, 1, QUERY);
  ds_query_free(d->q);
  d->q = NULL;
  return 0;
}

static int query_next (lua_State *L) {
  static const char *const needs[] = {"connect", "send", "receive", "close",
                                      "done"};
  door *d = check_door(L);
  ds_query_step step;
  ds_query_next(d->q, check_time(L, 2), &step);
  lua_newtable(L);
  lua_pushstring(L, needs[step.need]);
  lua_setfield(L, -2, "need");
  push_endpoint(L, &step.server);
  lua_setfield(L, -2, "server");
  set_flag(L, "tcp", step.tcp);
  set_number(L, "deadline", (double)step.deadline / DS_SECOND);
  if (step.need == DS_QUERY_SEND)
    set_string(L, "data", step.data.p, step.data.n);
  return 1;
}

static int query_connected (lua_State *L) {
  ds_query_connected(check_door(L)->q, check_time(L, 2));
  return 0;
}

static int query_sent (lua_State *L) {
  ds_query_sent(check_door(L)->q, check_time(L, 2),
                (size_t)luaL_checkinteger(L, 3));
  return 0;
}

static int query_received (lua_State *L) {
  door *d = check_door(L);
  ds_time now = check_time(L, 2);
  size_t n;
  unsigned char *p = exact(L, 3, &n);
  ds_query_received(d->q, now, p, n);
  free(p);
  return 0;
}

static int query_failed (lua_State *L) {
  ds_query_failed(check_door(L)->q, check_time(L, 2));
  return 0;
}

static int query_answer (lua_State *L) {
  push_answer(L, ds_query_answer(check_door(L)->q));
  return 1;
}

static int query_text (lua_State *L) {
  lua_pushstring(L, ds_query_text(check_door(L)->q));
  return 1;
}

static const luaL_Reg query_methods[] = {
    {"next", query_next},
    {"connected", query_connected},
    {"sent", query_sent},
    {"received", query_received},
    {"failed", query_failed},
    {"answer", query_answer},
    {"text", query_text},
    {"close", query_close},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"name_ok", name_ok}, {"question", question}, {"matches", matches},
    {"header", header},   {"parse", parse},       {"mx", mx},
    {"conf", conf},       {"query", query_new},   {NULL, NULL},
};

int ds_test_dns (lua_State *L) {
  ds_lua_class(L, QUERY, query_methods, query_close, NULL);
  ds_lua_class(L, ANSWER, NULL, answer_gc, NULL);
  luaL_newlib(L, functions);
  return 1;
}
