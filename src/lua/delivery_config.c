/*
** delivery_config: a table of Lua as a ds_delivery_config.
*/
#include <string.h>

#include "lua/compat.h"
#include "lua/core.h"
#include "lua/field.h"
#include "net/sys.h"

#define MAX_CHUNK 16777216

static void read_timeouts (lua_State *L, int t, ds_timeouts *o) {
  if (ds_lua_opt_table(L, t, "timeout")) {
    t = lua_gettop(L);
    ds_lua_opt_time(L, t, "timeout.connect", &o->connect);
    ds_lua_opt_time(L, t, "timeout.greeting", &o->greeting);
    ds_lua_opt_time(L, t, "timeout.command", &o->command);
    ds_lua_opt_time(L, t, "timeout.handshake", &o->handshake);
    ds_lua_opt_time(L, t, "timeout.data", &o->data);
    ds_lua_opt_time(L, t, "timeout.body", &o->body);
    ds_lua_opt_time(L, t, "timeout.final", &o->final);
    ds_lua_opt_time(L, t, "timeout.quit", &o->quit);
    ds_lua_opt_time(L, t, "timeout.dns", &o->dns);
    ds_lua_opt_time(L, t, "timeout.total", &o->total);
  }
  lua_pop(L, 1);
}

static void read_servers (lua_State *L, ds_dns_config *c) {
  const char *s;
  size_t n;
  for (c->count = 0; c->count < DS_DNS_SERVERS; c->count++) {
    s = ds_lua_list_item(L, "dns.servers", c->count, &n);
    if (s == NULL)
      return;
    if (ds_endpoint_parse(s, n, 53, &c->servers[c->count]) != DS_OK)
      luaL_error(L, "dns.servers[%d]: \"%s\" is no address", (int)c->count + 1,
                 s);
  }
}

/* what the table says counts more than what resolv.conf says */
static void read_dns (lua_State *L, int t, ds_dns_config *c) {
  if (ds_lua_opt_table(L, t, "dns")) {
    t = lua_gettop(L);
    if (ds_lua_opt_table(L, t, "dns.servers"))
      read_servers(L, c);
    lua_pop(L, 1);
    if (c->count == 0)
      ds_resolv_conf(NULL, c);
    ds_lua_opt_time(L, t, "dns.timeout", &c->timeout);
    c->attempts = (unsigned)ds_lua_opt_integer(L, t, "dns.attempts", 0,
                                               INT32_MAX, c->attempts);
    c->trust_ad = ds_lua_opt_boolean(L, t, "dns.trust_ad");
  } else
    ds_resolv_conf(NULL, c);
  lua_pop(L, 1);
}

/* the list of that name, and under it room for what it says; its length */
static size_t push_list (lua_State *L, int t, const char *name, size_t size,
                         void **room) {
  size_t count = ds_lua_opt_table(L, t, name) ? lua_rawlen(L, -1) : 0;
  *room = lua_newuserdata(L, count * size + 1);
  lua_insert(L, -2);
  return count;
}

static void read_networks (lua_State *L, int t, ds_delivery_config *c) {
  void *room;
  size_t i, n, count = push_list(L, t, "allowed", sizeof *c->allowed, &room);
  ds_network *v = (ds_network *)room;
  for (i = 0; i < count; i++) {
    const char *s = ds_lua_list_item(L, "allowed", i, &n);
    if (s == NULL || ds_network_parse(s, n, &v[i]) != DS_OK)
      luaL_error(L, "allowed[%d]: \"%s\" is no network", (int)i + 1, s);
  }
  lua_pop(L, 1);
  c->allowed = v;
  c->allowed_count = count;
}

static void read_sources (lua_State *L, int t, ds_delivery_config *c) {
  void *room;
  size_t i, n, count = push_list(L, t, "source", sizeof *c->source, &room);
  ds_ip *v = (ds_ip *)room;
  for (i = 0; i < count; i++) {
    const char *s = ds_lua_list_item(L, "source", i, &n);
    if (s == NULL || ds_ip_parse(s, n, &v[i]) != DS_OK)
      luaL_error(L, "source[%d]: \"%s\" is no address", (int)i + 1, s);
  }
  lua_pop(L, 1);
  c->source = v;
  c->source_count = count;
}

/* how long a session may wait for another message, and how long it may live */
static void read_keep (lua_State *L, int t, ds_delivery_config *c) {
  if (ds_lua_opt_table(L, t, "keep")) {
    t = lua_gettop(L);
    ds_lua_opt_time(L, t, "keep.idle", &c->idle);
    ds_lua_opt_time(L, t, "keep.lifetime", &c->lifetime);
  }
  lua_pop(L, 1);
}

/* who we are; *a is used only where there is such a table, which the config's
   keeps.  Mechanisms in the order of their flags */
static void read_auth (lua_State *L, int t, ds_delivery_config *c, ds_auth *a) {
  static const char *const mechanisms[] = {
      "plain", "login", "xoauth2", "oauthbearer", "scram-sha-256", NULL};
  memset(a, 0, sizeof *a);
  if (ds_lua_opt_table(L, t, "auth")) {
    t = lua_gettop(L);
    a->user = ds_span_str(ds_lua_opt_string(L, t, "auth.user"));
    a->password = ds_span_str(ds_lua_opt_string(L, t, "auth.password"));
    a->token = ds_span_str(ds_lua_opt_string(L, t, "auth.token"));
    a->clear = ds_lua_opt_boolean(L, t, "auth.clear");
    a->mechanisms = ds_lua_opt_words(L, t, "auth.mechanisms", mechanisms);
    c->auth = a;
  }
  lua_pop(L, 1);
}

/* a list of names; NULL where there is none */
static const char *const *read_names (lua_State *L, int t, const char *name,
                                      size_t *count) {
  void *room;
  size_t i, n, all = push_list(L, t, name, sizeof(char *), &room);
  int there = lua_istable(L, -1);
  const char **v = (const char **)room;
  for (i = 0; i < all; i++)
    v[i] = ds_lua_list_item(L, name, i, &n);
  lua_pop(L, 1);
  *count = all;
  return there ? v : NULL;
}

/* true where the field says nothing */
static int unless_false (lua_State *L, int t, const char *name) {
  int there;
  lua_pushstring(L, name);
  lua_rawget(L, t);
  there = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return !there || ds_lua_opt_boolean(L, t, name);
}

static void read_tls (lua_State *L, int t, ds_delivery_config *c) {
  c->mta_sts = unless_false(L, t, "mta_sts");
  c->sts_port = (uint16_t)ds_lua_opt_integer(L, t, "sts_port", 1, 65535, 443);
  c->trusted = read_names(L, t, "trusted", &c->trusted_count);
  c->resumption = unless_false(L, t, "resumption");
  c->fresh = read_names(L, t, "fresh", &c->fresh_count);
  c->sys.epoch = ds_lua_opt_integer(L, t, "epoch", -(INT64_C(1) << 52),
                                    INT64_C(1) << 52, c->sys.epoch);
}

void ds_lua_read_config (lua_State *L, int t, ds_delivery_config *c,
                         ds_auth *auth) {
  static const char *const levels[] = {"off",      "opportunistic", "required",
                                       "verified", "dane",          NULL};
  static const char *const abilities[] = {"recall", "admit",  "keep",
                                          "race",   "report", NULL};
  static const char *const orders[] = {"4first", "6first", "4",
                                       "6",      "race",   NULL};
  static const char *const known[] = {
      "destination",    "pinned",  "port",     "hostname",
      "policy",         "level",   "ip",       "interface",
      "source",         "allowed", "dns",      "timeout",
      "allow_private",  "trace",   "plan",     "question",
      "max_chunk",      "can",     "window",   "recipients",
      "per_connection", "keep",    "lmtp",     "auth",
      "implicit_tls",   "mta_sts", "sts_port", "trusted",
      "resumption",     "fresh",   "epoch",    NULL};
  lua_Number port;
  const char *policy;
  ds_lua_check_keys(L, t, "delivery", known);
  port = ds_lua_opt_number(L, t, "port", 25);
  policy = ds_lua_opt_string(L, t, "policy");
  c->destination = ds_lua_opt_string(L, t, "destination");
  if (c->destination == NULL)
    luaL_error(L, "destination: a string, not nil");
  c->can = ds_lua_opt_words(L, t, "can", abilities);
  c->pinned = ds_lua_opt_boolean(L, t, "pinned");
  c->port = port >= 1 && port <= 65535 ? (uint16_t)port : 0;
  c->hostname = ds_lua_opt_string(L, t, "hostname");
  c->policy = policy != NULL ? policy : c->policy;
  c->level = (ds_level)ds_lua_opt_word(L, t, "level", levels, c->level);
  c->order = (ds_family_order)ds_lua_opt_word(L, t, "ip", orders, c->order);
  c->interface = ds_lua_opt_string(L, t, "interface");
  c->allow_private = ds_lua_opt_boolean(L, t, "allow_private");
  c->max_chunk = (size_t)ds_lua_opt_integer(L, t, "max_chunk", 0, MAX_CHUNK, 0);
  c->window = (unsigned)ds_lua_opt_integer(L, t, "window", 0, 64, 0);
  c->recipients =
      (size_t)ds_lua_opt_integer(L, t, "recipients", 0, DS_SMTP_RECIPIENTS, 0);
  c->per_connection =
      (unsigned)ds_lua_opt_integer(L, t, "per_connection", 0, INT32_MAX, 0);
  c->lmtp = ds_lua_opt_boolean(L, t, "lmtp");
  c->implicit_tls = ds_lua_opt_boolean(L, t, "implicit_tls");
  read_keep(L, t, c);
  read_auth(L, t, c, auth);
  c->trace = ds_lua_opt_boolean(L, t, "trace");
  c->plan = ds_lua_opt_boolean(L, t, "plan");
  c->question = ds_lua_opt_question(L, t, "question");
  read_timeouts(L, t, &c->timeouts);
  read_dns(L, t, &c->dns);
  read_networks(L, t, c);
  read_sources(L, t, c);
  read_tls(L, t, c);
}
