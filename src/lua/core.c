/*
** core: the Lua module over the C core.  Functions check, call and push.
*/
#include "lua/core.h"

#include <string.h>

#include "dns/message.h"
#include "lua/compat.h"
#include "lua/field.h"
#include "net/secret.h"
#include "net/socket.h"
#include "net/sys.h"
#include "smtp/engine.h"
#include "util/addr.h"

#define DS_VERSION "0.1.0"

ds_time ds_lua_check_time (lua_State *L, int index) {
  lua_Number n = luaL_checknumber(L, index);
  luaL_argcheck(L, n >= -9e12 && n <= 9e12, index, "no time in seconds");
  return (ds_time)(n * (lua_Number)DS_SECOND);
}

lua_Number ds_lua_seconds (ds_time t) {
  return (lua_Number)t / (lua_Number)DS_SECOND;
}

int ds_lua_push_error (lua_State *L, const ds_error *e) {
  if (e->code == DS_ERR_NOMEM)
    return luaL_error(L, "not enough memory");
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  lua_pushstring(L, e->field);
  return 3;
}

static ds_span check_span (lua_State *L, int index) {
  size_t n;
  const char *s = luaL_checklstring(L, index, &n);
  return ds_span_of(s, n);
}

/*
** next(t [, key]): as Lua has it.  Files of ours traverse tables by this one
** alone, since LuaJIT cannot compile it: what the LuaJITs of September 2021 to
** April 2022, Debian 12's among them, make of pairs and next on x64 may lose
** the upper half of an address and crash (LuaJIT issue 829).
*/
static int core_next (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (lua_next(L, 1) != 0)
    return 2;
  lua_pushnil(L);
  return 1;
}

static int core_now (lua_State *L) {
  lua_pushnumber(L, ds_lua_seconds(ds_now()));
  return 1;
}

static int core_epoch (lua_State *L) {
  lua_pushnumber(L, (lua_Number)ds_unix_time());
  return 1;
}

/* seconds east of UTC at a Unix time */
static int core_zone (lua_State *L) {
  lua_Number t = luaL_optnumber(L, 1, (lua_Number)ds_unix_time());
  luaL_argcheck(L, t >= -62e9 && t <= 253e9, 1,
                "no time a year has four digits for");
  lua_pushinteger(L, (lua_Integer)ds_zone((int64_t)t) * 60);
  return 1;
}

static int core_random (lua_State *L) {
  char bytes[1024];
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 0 && n <= (lua_Integer)sizeof bytes, 1, "0 to 1024");
  if (ds_random(NULL, bytes, (size_t)n) != DS_OK)
    return luaL_error(L, "the random source of this machine failed");
  lua_pushlstring(L, bytes, (size_t)n);
  return 1;
}

static int core_hostname (lua_State *L) {
  char name[256];
  lua_pushlstring(L, name, ds_machine_name(name, sizeof name));
  return 1;
}

static int core_terminal (lua_State *L) {
  lua_pushboolean(L, ds_is_terminal((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int core_log (lua_State *L) {
  ds_log_failure(luaL_checkstring(L, 1));
  return 0;
}

/* write_private(path, text): a new file, for its owner alone from its first
   moment */
static int core_write_private (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_span text = check_span(L, 2);
  luaL_argcheck(L, strlen(path) == lua_rawlen(L, 1), 1, "a NUL in a path");
  if (ds_secret_write(path, text, &e) != DS_OK)
    return ds_lua_refuse(L, &e);
  lua_pushboolean(L, 1);
  return 1;
}

static void push_endpoint (lua_State *L, const ds_endpoint *e) {
  char text[DS_ENDPOINT_TEXT];
  lua_pushlstring(L, text, ds_endpoint_format(e, text));
}

static int core_resolv_conf (lua_State *L) {
  ds_dns_config c;
  size_t i;
  memset(&c, 0, sizeof c);
  c.timeout = 2 * DS_SECOND;
  c.attempts = 2;
  ds_resolv_conf(luaL_optstring(L, 1, NULL), &c);
  lua_createtable(L, 0, 3);
  lua_createtable(L, (int)c.count, 0);
  for (i = 0; i < c.count; i++) {
    push_endpoint(L, &c.servers[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "servers");
  lua_pushnumber(L, ds_lua_seconds(c.timeout));
  lua_setfield(L, -2, "timeout");
  lua_pushinteger(L, (lua_Integer)c.attempts);
  lua_setfield(L, -2, "attempts");
  return 1;
}

static int core_hostname_ok (lua_State *L) {
  lua_pushboolean(L, ds_smtp_hostname_ok(check_span(L, 1)));
  return 1;
}

/* fit to be a mail domain, or (second argument true) any host's name */
static int core_domain_ok (lua_State *L) {
  lua_pushboolean(L, ds_dns_name_ok(check_span(L, 1), !lua_toboolean(L, 2)));
  return 1;
}

static int core_ip (lua_State *L) {
  ds_span s = check_span(L, 1);
  char text[DS_IP_TEXT];
  ds_ip ip;
  if (ds_ip_parse(s.p, s.n, &ip) != DS_OK)
    return 0;
  lua_pushlstring(L, text, ds_ip_format(&ip, text));
  lua_pushinteger(L, ip.family);
  return 2;
}

static int core_special (lua_State *L) {
  ds_span s = check_span(L, 1);
  ds_ip ip;
  luaL_argcheck(L, ds_ip_parse(s.p, s.n, &ip) == DS_OK, 1, "no IP address");
  lua_pushstring(L, ds_ip_special(&ip));
  return 1;
}

static int core_network_ok (lua_State *L) {
  ds_span s = check_span(L, 1);
  ds_network n;
  lua_pushboolean(L, ds_network_parse(s.p, s.n, &n) == DS_OK);
  return 1;
}

static int core_endpoint (lua_State *L) {
  ds_span s = check_span(L, 1);
  lua_Integer port = luaL_optinteger(L, 2, 53);
  ds_endpoint e;
  luaL_argcheck(L, port >= 1 && port <= 65535, 2, "1 to 65535");
  if (ds_endpoint_parse(s.p, s.n, (uint16_t)port, &e) != DS_OK)
    return 0;
  push_endpoint(L, &e);
  return 1;
}

/* the address this machine would speak to another from, nil when there is
   none: a datagram socket is connected, which sends nothing.  For drivers
   whose sockets do not tell it. */
static int core_local_ip (lua_State *L) {
  ds_span s = check_span(L, 1);
  char text[DS_IP_TEXT];
  const char *why;
  ds_ip local, peer;
  ds_failure f;
  ds_op op;
  int fd, done;
  memset(&op, 0, sizeof op);
  luaL_argcheck(L, ds_ip_parse(s.p, s.n, &op.target.ip) == DS_OK, 1,
                "no IP address");
  op.target.port = 25;
  fd = ds_socket_connect(&op, &done, &f, &why);
  if (fd < 0)
    return 0;
  ds_socket_ends(fd, &local, &peer);
  ds_socket_close(fd, 0);
  if (local.family == 0)
    return 0;
  lua_pushlstring(L, text, ds_ip_format(&local, text));
  return 1;
}

static const luaL_Reg functions[] = {
    {"next", core_next},
    {"now", core_now},
    {"epoch", core_epoch},
    {"zone", core_zone},
    {"random", core_random},
    {"hostname", core_hostname},
    {"terminal", core_terminal},
    {"log", core_log},
    {"write_private", core_write_private},
    {"resolv_conf", core_resolv_conf},
    {"hostname_ok", core_hostname_ok},
    {"domain_ok", core_domain_ok},
    {"ip", core_ip},
    {"local_ip", core_local_ip},
    {"special", core_special},
    {"network_ok", core_network_ok},
    {"endpoint", core_endpoint},
    {NULL, NULL},
};

DS_EXPORT int luaopen_directsend_core (lua_State *L);

DS_EXPORT int luaopen_directsend_core (lua_State *L) {
  luaL_newlibtable(L, functions);
  luaL_setfuncs(L, functions, 0);
  lua_pushliteral(L, DS_VERSION);
  lua_setfield(L, -2, "version");
  ds_lua_open_address(L);
  ds_lua_open_message(L);
  ds_lua_open_mime(L);
  ds_lua_open_delivery(L);
  ds_lua_open_kept(L);
  ds_lua_open_state(L);
  ds_lua_open_loop(L);
  ds_lua_open_watch(L);
  return 1;
}
