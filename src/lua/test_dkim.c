/* the dkim room's door: what the module directsend.dkim does not show */
#include "lua/test.h"

#include <openssl/err.h>
#include <string.h>

#include "dkim/tags.h"
#include "dkim/verify.h"
#include "lua/compat.h"

static ds_span check_span (lua_State *L, int i) {
  ds_span s;
  s.p = luaL_checklstring(L, i, &s.n);
  return s;
}

static ds_canon check_canon (lua_State *L, int i) {
  static const char *const words[] = {"simple", "relaxed", NULL};
  return (ds_canon)luaL_checkoption(L, i, NULL, words);
}

/* the buffer as a string, or nil, nil, rc as every_allocation wants it */
static int push_buf (lua_State *L, ds_buf *b, int rc) {
  if (rc == DS_OK)
    lua_pushlstring(L, ds_buf_data(b), b->len);
  ds_buf_clear(b);
  if (rc == DS_OK)
    return 1;
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushinteger(L, rc);
  return 3;
}

/* field(how, text) */
static int canon_field (lua_State *L) {
  ds_canon how = check_canon(L, 1);
  ds_buf out;
  ds_buf_init(&out);
  return push_buf(L, &out, ds_canon_field(how, check_span(L, 2), &out));
}

static void collect (void *ud, const void *p, size_t n) {
  ds_buf_append((ds_buf *)ud, p, n);
}

/* body(how, {piece, …}) */
static int canon_body (lua_State *L) {
  ds_canon how = check_canon(L, 1);
  ds_canon_body c;
  ds_buf out;
  int i, n;
  luaL_checktype(L, 2, LUA_TTABLE);
  n = (int)lua_rawlen(L, 2);
  ds_buf_init(&out);
  ds_canon_body_init(&c, how, collect, &out);
  for (i = 1; i <= n; i++) {
    ds_span s;
    lua_rawgeti(L, 2, i);
    s = check_span(L, -1);
    ds_canon_body_update(&c, s.p, s.n);
    lua_pop(L, 1);
  }
  ds_canon_body_final(&c);
  return push_buf(L, &out, ds_buf_failed(&out) ? DS_ERR_NOMEM : DS_OK);
}

/* header(how, names, signature, {piece, …}): what is hashed of a header */
static int header (lua_State *L) {
  ds_canon how = check_canon(L, 1);
  ds_span names = check_span(L, 2), signature = check_span(L, 3);
  ds_dkim_header h;
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_buf out;
  int i, n, rc;
  luaL_checktype(L, 4, LUA_TTABLE);
  n = (int)lua_rawlen(L, 4);
  ds_buf_init(&out);
  ds_dkim_header_init(&h);
  for (i = 1; i <= n && !h.complete; i++) {
    ds_span s;
    lua_rawgeti(L, 4, i);
    s = check_span(L, -1);
    ds_dkim_header_feed(&h, s.p, s.n);
    lua_pop(L, 1);
  }
  if ((rc = ds_dkim_header_final(&h, &e)) == DS_OK)
    rc = ds_dkim_header_canon(&h, names, how, signature, &out);
  ds_dkim_header_clear(&h);
  return push_buf(L, &out, rc);
}

/* tags(text): names and values in turn; nil */
static int tags (lua_State *L) {
  ds_tags t;
  size_t i;
  if (ds_tags_parse(check_span(L, 1), &t) != DS_OK)
    return 0;
  lua_newtable(L);
  for (i = 0; i < t.count; i++) {
    lua_pushlstring(L, t.list[i].name.p, t.list[i].name.n);
    lua_rawseti(L, -2, (int)(2 * i + 1));
    lua_pushlstring(L, t.list[i].value.p, t.list[i].value.n);
    lua_rawseti(L, -2, (int)(2 * i + 2));
  }
  return 1;
}

/* base64(text): the octets; nil, nil, code */
static int base64 (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_buf(L, &out, ds_tags_base64(check_span(L, 1), &out));
}

/* sha256({piece, …}) */
static int sha256 (lua_State *L) {
  unsigned char digest[DS_HASH];
  ds_hash *h = ds_hash_new();
  int i, rc;
  if (h == NULL)
    return luaL_error(L, "not enough memory");
  ds_hash_begin(h);
  for (i = 1; i <= (int)lua_rawlen(L, 1); i++) {
    ds_span s;
    lua_rawgeti(L, 1, i);
    s = check_span(L, -1);
    ds_hash_update(h, s.p, s.n);
    lua_pop(L, 1);
  }
  rc = ds_hash_final(h, digest);
  ds_hash_free(h);
  lua_pushlstring(L, (char *)digest, rc == DS_OK ? DS_HASH : 0);
  return 1;
}

/* raw(pem, text): the octets of the signature over the text's digest */
static int raw (lua_State *L) {
  unsigned char digest[DS_HASH], out[DS_DKIM_OCTETS];
  ds_span pem = check_span(L, 1), text = check_span(L, 2);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_dkim_key *k = ds_dkim_key_private(pem, &e);
  ds_hash *h = ds_hash_new();
  size_t n = 0;
  if (k != NULL && h != NULL) {
    ds_hash_begin(h);
    ds_hash_update(h, text.p, text.n);
    if (ds_hash_final(h, digest) != DS_OK ||
        ds_dkim_key_sign(k, digest, out, &n) != DS_OK)
      n = 0;
  }
  ds_dkim_key_free(k);
  ds_hash_free(h);
  lua_pushlstring(L, (char *)out, n);
  return 1;
}

/* poison(): leave an error in OpenSSL's queue, as another user of it might */
static int poison (lua_State *L) {
  (void)L;
  ERR_clear_error();
  ERR_put_error(ERR_LIB_SSL, 0, 1, "elsewhere.c", 1);
  return 0;
}

/* queued(): how many errors there are in it, which it forgets */
static int queued (lua_State *L) {
  int n = 0;
  while (ERR_get_error() != 0)
    n++;
  lua_pushinteger(L, n);
  return 1;
}

int ds_test_dkim (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"field", canon_field}, {"body", canon_body}, {"header", header},
      {"tags", tags},         {"base64", base64},   {"sha256", sha256},
      {"raw", raw},           {"poison", poison},   {"queued", queued},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
