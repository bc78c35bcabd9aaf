/* the door to http */
#include <stdlib.h>
#include <string.h>

#include "http/response.h"
#include "lua/compat.h"
#include "lua/test.h"

/* a piece in a block of its own, for the memory checkers */
static int feed_piece (lua_State *L, int i, ds_http *h, ds_error *e) {
  size_t n;
  const char *s = lua_tolstring(L, i, &n);
  char *copy = (char *)malloc(n > 0 ? n : 1);
  int r;
  if (copy == NULL)
    return DS_ERR_NOMEM;
  memcpy(copy, s, n);
  r = ds_http_feed(h, copy, n, e);
  free(copy);
  return r;
}

static int push_response (lua_State *L, const ds_http *h) {
  lua_newtable(L);
  lua_pushinteger(L, h->status);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, h->type);
  lua_setfield(L, -2, "type");
  lua_pushlstring(L, h->body.len > 0 ? ds_buf_data(&h->body) : "", h->body.len);
  lua_setfield(L, -2, "body");
  return 1;
}

/* parse({piece…}, "more"|"clean"|"cut") -> {status=, type=, body=} |
   nil, text, code; nil, "more" when it is not whole */
static int parse (lua_State *L) {
  static const char *const ends[] = {"more", "clean", "cut", NULL};
  int end = luaL_checkoption(L, 2, "more", ends), r = 0, i;
  ds_http h;
  ds_error e;
  luaL_checktype(L, 1, LUA_TTABLE);
  ds_error_clear(&e);
  ds_http_init(&h);
  for (i = 1; r == 0 && i <= (int)lua_rawlen(L, 1); i++) {
    lua_rawgeti(L, 1, i);
    r = feed_piece(L, -1, &h, &e);
    lua_pop(L, 1);
  }
  if (r == 0 && end > 0)
    r = ds_http_end(&h, end == 1, &e);
  if (r == 1)
    push_response(L, &h);
  else {
    lua_pushnil(L);
    lua_pushstring(L, r == 0 ? "more" : e.text);
    lua_pushinteger(L, r);
  }
  ds_http_clear(&h);
  return r == 1 ? 1 : 3;
}

int ds_test_http (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"parse", parse}, {"fetch", ds_test_fetch}, {NULL, NULL}};
  ds_test_fetch_type(L);
  luaL_newlib(L, functions);
  return 1;
}
