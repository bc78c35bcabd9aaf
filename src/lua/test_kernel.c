/* the door to mime's kernels: every one this processor has, by its name */
#include <string.h>

#include "lua/compat.h"
#include "lua/test.h"
#include "mime/base64.h"
#include "mime/kernel.h"
#include "mime/qp.h"
#include "util/buf.h"

/* names(): the best first */
static int names (lua_State *L) {
  int i;
  lua_newtable(L);
  for (i = 0; ds_kernel_at((size_t)i) != NULL; i++) {
    lua_pushstring(L, ds_kernel_at((size_t)i)->name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const ds_kernel *check_kernel (lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  const ds_kernel *k;
  size_t i;
  for (i = 0; (k = ds_kernel_at(i)) != NULL; i++)
    if (strcmp(k->name, name) == 0)
      return k;
  luaL_argerror(L, arg, "this processor has no such kernel");
  return NULL;
}

/* what the encoders choose by themselves */
static int chosen (lua_State *L) {
  ds_base64 b;
  ds_qp q;
  ds_base64_init(&b);
  ds_qp_init(&q);
  lua_pushstring(L, b.kernel->name);
  lua_pushstring(L, q.kernel->name);
  return 2;
}

/*
** A copy of the octets at index i from `at` on, n at most, in a block of their
** own size, as the room for the result is: whoever goes beyond is found out by
** a sanitizer.  `at` moves on.
*/
static ds_span cut (lua_State *L, int i, size_t *at, size_t n) {
  size_t all;
  const char *s = luaL_checklstring(L, i, &all);
  char *p;
  if (n > all - *at)
    n = all - *at;
  p = (char *)lua_newuserdata(L, n > 0 ? n : 1);
  memcpy(p, s + *at, n);
  *at += n;
  return ds_span_of(p, n);
}

static int done (lua_State *L, ds_buf *out) {
  lua_pushlstring(L, out->len > 0 ? ds_buf_data(out) : "", out->len);
  ds_buf_clear(out);
  return 1;
}

/* base64(kernel, octets, n), qp(…): encoded n octets at a time */
static int base64 (lua_State *L) {
  size_t at = 0, all = lua_rawlen(L, 2), n = (size_t)luaL_checkinteger(L, 3);
  ds_base64 b;
  ds_buf out;
  ds_buf_init(&out);
  ds_base64_init(&b);
  b.kernel = check_kernel(L, 1);
  while (at < all) {
    ds_span s = cut(L, 2, &at, n);
    char *to = (char *)lua_newuserdata(L, ds_base64_bound(s.n));
    ds_buf_append(&out, to, ds_base64_update(&b, s.p, s.n, to));
    lua_pop(L, 2);
  }
  ds_buf_added(&out, ds_base64_final(&b, ds_buf_space(&out, DS_BASE64_LINE)));
  return done(L, &out);
}

static int qp (lua_State *L) {
  size_t at = 0, all = lua_rawlen(L, 2), n = (size_t)luaL_checkinteger(L, 3);
  ds_qp q;
  ds_buf out;
  ds_buf_init(&out);
  ds_qp_init(&q);
  q.kernel = check_kernel(L, 1);
  while (at < all) {
    ds_span s = cut(L, 2, &at, n);
    char *to = (char *)lua_newuserdata(L, ds_qp_bound(s.n));
    ds_buf_append(&out, to, ds_qp_update(&q, s.p, s.n, to));
    lua_pop(L, 2);
  }
  ds_buf_added(&out, ds_qp_final(&q, ds_buf_space(&out, ds_qp_bound(0))));
  return done(L, &out);
}

int ds_test_kernel (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"names", names}, {"chosen", chosen}, {"base64", base64},
      {"qp", qp},       {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
