/* the door to util: the allocation hook, buffers, error records, addresses */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "lua/class.h"
#include "lua/compat.h"
#include "lua/test.h"
#include "util/addr.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/mem.h"

#define BUF   "directsend.test.buf"
#define ERROR "directsend.test.error"

/* --- mem ------------------------------------------------------------- */

static struct { lua_Integer total, live, until_failure; } mem;

static void *counting (void *ud, void *p, size_t n) {
  void *block;
  (void)ud;
  if (n == 0) {
    mem.live -= p != NULL;
    free(p);
    return NULL;
  }
  mem.total++;
  if (mem.until_failure > 0 && --mem.until_failure == 0)
    return NULL;
  block = realloc(p, n);
  mem.live += p == NULL && block != NULL;
  return block;
}

static int mem_fail_at (lua_State *L) {
  mem.until_failure = luaL_checkinteger(L, 1);
  return 0;
}

static int mem_allocations (lua_State *L) {
  lua_pushinteger(L, mem.total);
  return 1;
}

/* what only garbage holds does not count */
static int mem_live (lua_State *L) {
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_pushinteger(L, mem.live);
  return 1;
}

/* a number, or "huge": half of what a size can be */
static size_t check_size (lua_State *L, int i) {
  if (lua_type(L, i) == LUA_TSTRING)
    return SIZE_MAX / 2;
  return (size_t)luaL_checkinteger(L, i);
}

/* calloc(n, size): the block's bytes, or nil */
static int mem_calloc (lua_State *L) {
  size_t n = check_size(L, 1), size = check_size(L, 2);
  char *p = (char *)ds_calloc(n, size);
  if (p == NULL)
    lua_pushnil(L);
  else
    lua_pushlstring(L, p, n * size);
  ds_free(p);
  return 1;
}

static int mem_strndup (lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  char *c = ds_strndup(s, n);
  if (c == NULL)
    lua_pushnil(L);
  else
    lua_pushlstring(L, c, n + 1);
  ds_free(c);
  return 1;
}

/* realloc(from, to): does a block of `from` keep its bytes at size `to`? */
static int mem_realloc (lua_State *L) {
  size_t from = check_size(L, 1), to = check_size(L, 2), i;
  char *p = (char *)ds_malloc(from), *q;
  int kept = 1;
  if (p == NULL)
    return luaL_error(L, "no first block");
  memset(p, 'x', from);
  q = (char *)ds_realloc(p, to);
  lua_pushboolean(L, q != NULL);
  p = q != NULL || to == 0 ? q : p;
  for (i = 0; p != NULL && i < (q != NULL && to < from ? to : from); i++)
    kept = kept && p[i] == 'x';
  ds_free(p);
  lua_pushboolean(L, kept);
  return 2;
}

/* get(): the hook in force can be asked for, replaced and put back */
static int mem_swap (lua_State *L) {
  ds_mem_fn fn, libc;
  void *ud, *libc_ud;
  lua_Integer before = mem.total;
  ds_mem_get(&fn, &ud);
  ds_mem_set(NULL, NULL);
  ds_mem_get(&libc, &libc_ud);
  ds_free(ds_realloc(ds_malloc(1), 2));
  ds_realloc(ds_malloc(0), 0);
  ds_mem_set(fn, ud);
  lua_pushboolean(L, fn == counting && libc != counting && libc_ud == NULL &&
                         mem.total == before);
  return 1;
}

/* --- buf ------------------------------------------------------------- */

static ds_buf *check_buf (lua_State *L, int i) {
  return (ds_buf *)luaL_checkudata(L, i, BUF);
}

static int buf_new (lua_State *L) {
  ds_buf *b = (ds_buf *)lua_newuserdata(L, sizeof *b);
  ds_buf_init(b);
  luaL_getmetatable(L, BUF);
  lua_setmetatable(L, -2);
  return 1;
}

static int buf_clear (lua_State *L) {
  ds_buf_clear(check_buf(L, 1));
  return 0;
}

static int push_code (lua_State *L, int code) {
  lua_pushinteger(L, code);
  return 1;
}

static int buf_append (lua_State *L) {
  ds_buf *b = check_buf(L, 1);
  size_t n;
  const char *s = luaL_checklstring(L, 2, &n);
  return push_code(L, ds_buf_append(b, s, n));
}

static int buf_nothing (lua_State *L) {
  return push_code(L, ds_buf_append(check_buf(L, 1), NULL, 0));
}

static int buf_puts (lua_State *L) {
  ds_buf *b = check_buf(L, 1);
  return push_code(L, ds_buf_puts(b, luaL_checkstring(L, 2)));
}

static int buf_putc (lua_State *L) {
  ds_buf *b = check_buf(L, 1);
  return push_code(L, ds_buf_putc(b, (int)luaL_checkinteger(L, 2)));
}

static int buf_putspan (lua_State *L) {
  ds_buf *b = check_buf(L, 1);
  size_t n;
  const char *s = luaL_checklstring(L, 2, &n);
  return push_code(L, ds_buf_putspan(b, ds_span_of(s, n)));
}

static int buf_printf (lua_State *L) {
  ds_buf *b = check_buf(L, 1);
  const char *s = luaL_checkstring(L, 2);
  return push_code(L,
                   ds_buf_printf(b, "%s-%d", s, (int)luaL_checkinteger(L, 3)));
}

/* a conversion the C locale has no bytes for */
static int buf_unprintable (lua_State *L) {
  static const wchar_t wide[] = {0x20ac, 0};
  return push_code(L, ds_buf_printf(check_buf(L, 1), "%ls", wide));
}

/* space(n, s): room for n, of which the bytes of s are taken in */
static int buf_space (lua_State *L) {
  ds_buf *b = check_buf(L, 1);
  size_t room = check_size(L, 2), n;
  const char *s = luaL_checklstring(L, 3, &n);
  char *to = ds_buf_space(b, room);
  lua_pushboolean(L, to != NULL);
  if (to == NULL)
    return 1;
  memset(to, '-', room);
  memcpy(to, s, n < room ? n : room);
  ds_buf_added(b, n < room ? n : room);
  return 1;
}

static int buf_consume (lua_State *L) {
  ds_buf *b = check_buf(L, 1);
  size_t n = (size_t)luaL_checkinteger(L, 2);
  luaL_argcheck(L, n <= b->len, 2, "more than it holds");
  ds_buf_consume(b, n);
  return 0;
}

static int buf_empty (lua_State *L) {
  ds_buf_empty(check_buf(L, 1));
  return 0;
}

static int buf_shrink (lua_State *L) {
  ds_buf_shrink(check_buf(L, 1));
  return 0;
}

static int buf_swap (lua_State *L) {
  ds_buf_swap(check_buf(L, 1), check_buf(L, 2));
  return 0;
}

static int buf_data (lua_State *L) {
  ds_span s = ds_buf_span(check_buf(L, 1));
  lua_pushlstring(L, s.n > 0 ? s.p : "", s.n);
  return 1;
}

static int buf_size (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_buf(L, 1)->size);
  return 1;
}

static int buf_failed (lua_State *L) {
  lua_pushboolean(L, ds_buf_failed(check_buf(L, 1)));
  return 1;
}

/* --- err ------------------------------------------------------------- */

static ds_error *check_error (lua_State *L) {
  return (ds_error *)luaL_checkudata(L, 1, ERROR);
}

static int error_new (lua_State *L) {
  ds_error *e = (ds_error *)lua_newuserdata(L, sizeof *e);
  ds_error_clear(e);
  luaL_getmetatable(L, ERROR);
  lua_setmetatable(L, -2);
  return 1;
}

/* set(code, kind, field or nil, text) -> what the function returned */
static int error_set (lua_State *L) {
  ds_error *e = lua_isnil(L, 1) ? NULL : check_error(L);
  return push_code(L, ds_error_set(e, (ds_err)luaL_checkinteger(L, 2),
                                   (ds_kind)luaL_checkinteger(L, 3),
                                   luaL_optstring(L, 4, NULL), "%s",
                                   luaL_checkstring(L, 5)));
}

static int error_get (lua_State *L) {
  const ds_error *e = check_error(L);
  lua_pushinteger(L, e->code);
  lua_pushstring(L, ds_kind_name(e->kind));
  lua_pushstring(L, e->field);
  lua_pushstring(L, e->text);
  return 4;
}

static int error_clear (lua_State *L) {
  ds_error_clear(check_error(L));
  return 0;
}

static void push_names (lua_State *L, const char *key, const char *(*name)(int),
                        int last) {
  int i;
  lua_newtable(L);
  for (i = 0; i <= last; i++) {
    lua_pushstring(L, name(i));
    lua_rawseti(L, -2, i);
  }
  lua_setfield(L, -2, key);
}

static const char *kind_name (int i) {
  return ds_kind_name((ds_kind)i);
}

static const char *stage_name (int i) {
  return ds_stage_name((ds_stage)i);
}

static const char *outcome_name (int i) {
  return ds_outcome_name((ds_outcome)i);
}

/* --- addr ------------------------------------------------------------ */

/* a copy that ends where its block ends, for the memory checkers */
static char *exact (lua_State *L, int i, size_t *n) {
  const char *s = luaL_checklstring(L, i, n);
  char *c = (char *)malloc(*n > 0 ? *n : 1);
  if (c == NULL)
    luaL_error(L, "out of memory");
  memcpy(c, s, *n);
  return c;
}

static int ip_parse (lua_State *L) {
  size_t n;
  char text[DS_IP_TEXT], *s = exact(L, 1, &n);
  ds_ip ip;
  int e = ds_ip_parse(s, n, &ip);
  free(s);
  if (e != DS_OK)
    return 0;
  n = ds_ip_format(&ip, text);
  lua_pushlstring(L, text, n);
  lua_pushlstring(L, (const char *)ip.bytes, ip.family == 4 ? 4 : 16);
  lua_pushinteger(L, ip.family);
  return 3;
}

static int ip_none (lua_State *L) {
  char text[DS_IP_TEXT];
  ds_ip ip;
  memset(&ip, 0, sizeof ip);
  lua_pushlstring(L, text, ds_ip_format(&ip, text));
  lua_pushstring(L, ds_ip_special(&ip));
  return 2;
}

static int ip_special (lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  ds_ip ip;
  luaL_argcheck(L, ds_ip_parse(s, n, &ip) == DS_OK, 1, "no address");
  lua_pushstring(L, ds_ip_special(&ip));
  return 1;
}

static int network_contains (lua_State *L) {
  size_t n, m;
  char *s = exact(L, 1, &n);
  const char *a = luaL_optlstring(L, 2, "", &m);
  ds_network net;
  ds_ip ip;
  int e = ds_network_parse(s, n, &net);
  free(s);
  if (e != DS_OK)
    return 0;
  if (m == 0 || ds_ip_parse(a, m, &ip) != DS_OK)
    memset(&ip, 0, sizeof ip);
  lua_pushboolean(L, ds_network_contains(&net, &ip));
  lua_pushinteger(L, (lua_Integer)net.bits);
  return 2;
}

static int endpoint_parse (lua_State *L) {
  size_t n;
  char text[DS_ENDPOINT_TEXT], *s = exact(L, 1, &n);
  ds_endpoint e;
  int err = ds_endpoint_parse(s, n, (uint16_t)luaL_optinteger(L, 2, 25), &e);
  free(s);
  if (err != DS_OK)
    return 0;
  n = ds_endpoint_format(&e, text);
  lua_pushlstring(L, text, n);
  lua_pushinteger(L, e.port);
  return 2;
}

static const luaL_Reg buf_methods[] = {
    {"append", buf_append},
    {"nothing", buf_nothing},
    {"puts", buf_puts},
    {"putc", buf_putc},
    {"putspan", buf_putspan},
    {"printf", buf_printf},
    {"space", buf_space},
    {"unprintable", buf_unprintable},
    {"consume", buf_consume},
    {"empty", buf_empty},
    {"shrink", buf_shrink},
    {"swap", buf_swap},
    {"data", buf_data},
    {"size", buf_size},
    {"failed", buf_failed},
    {"clear", buf_clear},
    {NULL, NULL},
};

static const luaL_Reg error_methods[] = {
    {"set", error_set},
    {"get", error_get},
    {"clear", error_clear},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"fail_at", mem_fail_at},
    {"allocations", mem_allocations},
    {"live", mem_live},
    {"calloc", mem_calloc},
    {"realloc", mem_realloc},
    {"strndup", mem_strndup},
    {"swap_hook", mem_swap},
    {"buf", buf_new},
    {"error", error_new},
    {"error_set", error_set},
    {"ip", ip_parse},
    {"no_ip", ip_none},
    {"special", ip_special},
    {"network", network_contains},
    {"endpoint", endpoint_parse},
    {NULL, NULL},
};

int ds_test_util (lua_State *L) {
  ds_mem_set(counting, NULL);
  ds_lua_class(L, BUF, buf_methods, buf_clear, NULL);
  ds_lua_class(L, ERROR, error_methods, NULL, NULL);
  luaL_newlib(L, functions);
  push_names(L, "kinds", kind_name, DS_KIND_LOCAL);
  push_names(L, "stages", stage_name, DS_STAGE_QUIT);
  push_names(L, "outcomes", outcome_name, DS_UNKNOWN);
  return 1;
}
