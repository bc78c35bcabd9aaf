/*
** delivery_config: a table of Lua as a ds_delivery_config.
*/
#include "lua/compat.h"
#include "lua/core.h"
#include "lua/field.h"
#include "net/sys.h"

static void read_timeouts (lua_State *L, int t, ds_timeouts *o) {
  lua_getfield(L, t, "timeout");
  if (lua_istable(L, -1)) {
    t = lua_gettop(L);
    ds_lua_opt_time(L, t, "connect", &o->connect);
    ds_lua_opt_time(L, t, "greeting", &o->greeting);
    ds_lua_opt_time(L, t, "command", &o->command);
    ds_lua_opt_time(L, t, "handshake", &o->handshake);
    ds_lua_opt_time(L, t, "data", &o->data);
    ds_lua_opt_time(L, t, "body", &o->body);
    ds_lua_opt_time(L, t, "final", &o->final);
    ds_lua_opt_time(L, t, "quit", &o->quit);
    ds_lua_opt_time(L, t, "dns", &o->dns);
    ds_lua_opt_time(L, t, "total", &o->total);
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
      luaL_error(L, "dns.servers: \"%s\" is no address", s);
  }
}

/* what the table says counts more than what resolv.conf says */
static void read_dns (lua_State *L, int t, ds_dns_config *c) {
  lua_getfield(L, t, "dns");
  if (lua_istable(L, -1)) {
    t = lua_gettop(L);
    lua_getfield(L, t, "servers");
    if (lua_istable(L, -1))
      read_servers(L, c);
    lua_pop(L, 1);
    if (c->count == 0)
      ds_resolv_conf(NULL, c);
    ds_lua_opt_time(L, t, "timeout", &c->timeout);
    c->attempts = (unsigned)ds_lua_opt_number(L, t, "attempts", c->attempts);
    c->trust_ad = ds_lua_opt_boolean(L, t, "trust_ad");
  } else
    ds_resolv_conf(NULL, c);
  lua_pop(L, 1);
}

static size_t read_networks (lua_State *L, int t, ds_network *v) {
  size_t i = 0, n;
  const char *s;
  lua_getfield(L, t, "allowed");
  while (lua_istable(L, -1) && i < DS_LUA_NETWORKS &&
         (s = ds_lua_list_item(L, "allowed", i, &n)) != NULL)
    if (ds_network_parse(s, n, &v[i++]) != DS_OK)
      luaL_error(L, "allowed: \"%s\" is no network", s);
  lua_pop(L, 1);
  return i;
}

static size_t read_sources (lua_State *L, int t, ds_ip *v) {
  size_t i = 0, n;
  const char *s;
  lua_getfield(L, t, "source");
  while (lua_istable(L, -1) && i < DS_LUA_SOURCES &&
         (s = ds_lua_list_item(L, "source", i, &n)) != NULL)
    if (ds_ip_parse(s, n, &v[i++]) != DS_OK)
      luaL_error(L, "source: \"%s\" is no address", s);
  lua_pop(L, 1);
  return i;
}

void ds_lua_read_config (lua_State *L, int t, ds_delivery_config *c,
                         ds_network *networks, ds_ip *sources) {
  static const char *const levels[] = {"off", "opportunistic", "required",
                                       "verified", NULL};
  static const char *const orders[] = {"4first", "6first", "4", "6", NULL};
  lua_Number port = ds_lua_opt_number(L, t, "port", 25);
  const char *policy = ds_lua_opt_string(L, t, "policy");
  c->destination = ds_lua_opt_string(L, t, "destination");
  if (c->destination == NULL)
    luaL_error(L, "destination: a string, not nil");
  c->pinned = ds_lua_opt_boolean(L, t, "pinned");
  c->port = port >= 1 && port <= 65535 ? (uint16_t)port : 0;
  c->hostname = ds_lua_opt_string(L, t, "hostname");
  c->policy = policy != NULL ? policy : c->policy;
  c->level = (ds_level)ds_lua_opt_word(L, t, "level", levels, c->level);
  c->order = (ds_family_order)ds_lua_opt_word(L, t, "ip", orders, c->order);
  c->interface = ds_lua_opt_string(L, t, "interface");
  c->allow_private = ds_lua_opt_boolean(L, t, "allow_private");
  c->max_chunk = (size_t)ds_lua_opt_number(L, t, "max_chunk", 0);
  c->trace = ds_lua_opt_boolean(L, t, "trace");
  c->plan = ds_lua_opt_boolean(L, t, "plan");
  read_timeouts(L, t, &c->timeouts);
  read_dns(L, t, &c->dns);
  c->allowed = networks;
  c->allowed_count = read_networks(L, t, networks);
  c->source = sources;
  c->source_count = read_sources(L, t, sources);
}
