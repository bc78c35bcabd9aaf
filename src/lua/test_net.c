/*
** test_net: doors to the heap and to sockets of the net room.
*/
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "lua/compat.h"
#include "lua/test.h"
#include "net/heap.h"
#include "net/socket.h"
#include "net/sys.h"
#include "util/mem.h"

#define TIMERS 1000

typedef struct bench {
  ds_heap heap;
  ds_timer timers[TIMERS];
} bench;

static bench *check_bench (lua_State *L) {
  return (bench *)luaL_checkudata(L, 1, "directsend.test.heap");
}

static ds_timer *check_timer (lua_State *L, bench *b) {
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && i <= TIMERS, 2, "1 to 1000");
  return &b->timers[i - 1];
}

static int heap_gc (lua_State *L) {
  ds_heap_clear(&check_bench(L)->heap);
  return 0;
}

static int heap_new (lua_State *L) {
  bench *b = (bench *)lua_newuserdata(L, sizeof *b);
  int i;
  memset(b, 0, sizeof *b);
  if (luaL_newmetatable(L, "directsend.test.heap")) {
    lua_pushcfunction(L, heap_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  for (i = 0; i < TIMERS; i++)
    if (ds_heap_reserve(&b->heap) != DS_OK)
      return luaL_error(L, "not enough memory");
  return 1;
}

static int heap_set (lua_State *L) {
  bench *b = check_bench(L);
  ds_heap_set(&b->heap, check_timer(L, b), (ds_time)luaL_checknumber(L, 3));
  return 0;
}

static int heap_remove (lua_State *L) {
  bench *b = check_bench(L);
  ds_heap_remove(&b->heap, check_timer(L, b));
  return 0;
}

/* the number of the timer that is due at a time, or nothing */
static int heap_due (lua_State *L) {
  bench *b = check_bench(L);
  ds_timer *t = ds_heap_due(&b->heap, (ds_time)luaL_checknumber(L, 2));
  if (t == NULL)
    return 0;
  lua_pushinteger(L, (lua_Integer)(t - b->timers) + 1);
  return 1;
}

static int heap_first (lua_State *L) {
  ds_time at = ds_heap_first(&check_bench(L)->heap);
  if (at == DS_NEVER)
    return 0;
  lua_pushnumber(L, (lua_Number)at);
  return 1;
}

/* reservations are made or fail whole: how many hold with the hook as it is */
static int heap_reserve (lua_State *L) {
  ds_heap h;
  int n = 0;
  memset(&h, 0, sizeof h);
  while (n < 100 && ds_heap_reserve(&h) == DS_OK)
    n++;
  ds_heap_clear(&h);
  lua_pushinteger(L, n);
  return 1;
}

/* connect(ip, port, tcp [, local ip]) -> fd, done | nil, failure, text */
static int net_connect (lua_State *L) {
  ds_op op;
  ds_failure f;
  const char *text, *ip = luaL_checkstring(L, 1);
  const char *local = luaL_optstring(L, 4, NULL);
  int fd, done;
  memset(&op, 0, sizeof op);
  luaL_argcheck(L, ds_ip_parse(ip, strlen(ip), &op.target.ip) == DS_OK, 1, "");
  if (local != NULL)
    luaL_argcheck(L, ds_ip_parse(local, strlen(local), &op.local) == DS_OK, 4,
                  "");
  op.target.port = (uint16_t)luaL_checkinteger(L, 2);
  op.tcp = lua_toboolean(L, 3);
  op.interface = luaL_optstring(L, 5, NULL);
  fd = ds_socket_connect(&op, &done, &f, &text);
  if (fd < 0) {
    lua_pushnil(L);
    lua_pushstring(L, ds_failure_name(f));
    lua_pushstring(L, text);
    return 3;
  }
  lua_pushinteger(L, fd);
  lua_pushboolean(L, done);
  return 2;
}

static int net_nodelay (lua_State *L) {
  int on = 0;
  socklen_t n = sizeof on;
  getsockopt((int)luaL_checkinteger(L, 1), IPPROTO_TCP, TCP_NODELAY, &on, &n);
  lua_pushboolean(L, on);
  return 1;
}

static int net_ends (lua_State *L) {
  char text[DS_IP_TEXT];
  ds_ip local, peer;
  ds_socket_ends((int)luaL_checkinteger(L, 1), &local, &peer);
  lua_pushlstring(L, text, ds_ip_format(&local, text));
  lua_pushlstring(L, text, ds_ip_format(&peer, text));
  return 2;
}

static int net_close (lua_State *L) {
  ds_socket_close((int)luaL_checkinteger(L, 1), lua_toboolean(L, 2));
  return 0;
}

/* a listening socket on a free port of 127.0.0.1 -> fd, port */
static int net_listen (lua_State *L) {
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 16) != 0)
    return luaL_error(L, "no listening socket");
  getsockname(fd, (struct sockaddr *)&a, &n);
  lua_pushinteger(L, fd);
  lua_pushinteger(L, ntohs(a.sin_port));
  return 2;
}

static const luaL_Reg functions[] = {
    {"heap", heap_new},       {"set", heap_set},
    {"remove", heap_remove},  {"due", heap_due},
    {"first", heap_first},    {"reserve", heap_reserve},
    {"connect", net_connect}, {"nodelay", net_nodelay},
    {"ends", net_ends},       {"close", net_close},
    {"listen", net_listen},   {NULL, NULL},
};

int ds_test_net (lua_State *L) {
  luaL_newlibtable(L, functions);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
