/*
** dkim_key: keys as userdata.  dkim.key(PEM text, file name or {path=}) reads
** one, dkim.generate makes the text of a new one.
*/
#include <string.h>

#include "crypto/pem.h"
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/dkim.h"
#include "lua/field.h"
#include "net/secret.h"
#include "util/mem.h"

#define KEY "directsend.dkim.key"

typedef struct key {
  ds_dkim_key *k;
  char *path; /* of its file; NULL: it has none */
  int exposed;
} key;

static int key_gc (lua_State *L) {
  key *k = (key *)luaL_checkudata(L, 1, KEY);
  ds_dkim_key_free(k->k);
  ds_free(k->path);
  memset(k, 0, sizeof *k);
  return 0;
}

/* somebody else's finalizer may have it still */
static ds_dkim_key *check_open (lua_State *L, const key *k) {
  if (k->k == NULL)
    luaL_error(L, "this key is closed");
  return k->k;
}

static int take (void *ud, ds_span pem, ds_error *e) {
  key *k = (key *)ud;
  k->k = ds_dkim_key_private(pem, e);
  return k->k != NULL ? DS_OK : (int)e->code;
}

static void read_file (key *k, const char *path, ds_error *e) {
  if ((k->path = ds_strndup(path, strlen(path))) == NULL)
    ds_error_nomem(e);
  else
    ds_secret_use(path, take, k, &k->exposed, e);
}

/* the string at i: a file's name; it cannot hold a NUL */
static const char *check_path (lua_State *L, int i) {
  size_t n;
  const char *s = luaL_checklstring(L, i, &n);
  if (strlen(s) != n)
    luaL_error(L, "key: a file's name has no NUL in it");
  return s;
}

/* the value at absolute index i: text, a name, or {path=} */
static void read_key (lua_State *L, int i, key *k, ds_error *e) {
  ds_span s;
  if (lua_type(L, i) == LUA_TTABLE) {
    static const char *const known[] = {"path", NULL};
    ds_lua_check_keys(L, i, "key", known);
    lua_getfield(L, i, "path");
    read_file(k, check_path(L, -1), e);
    lua_pop(L, 1);
    return;
  }
  if (lua_type(L, i) != LUA_TSTRING)
    luaL_error(L, "key: expected PEM text, a file name or {path=}, got %s",
               luaL_typename(L, i));
  s.p = lua_tolstring(L, i, &s.n);
  if (ds_pem_alike(s))
    k->k = ds_dkim_key_private(s, e);
  else
    read_file(k, check_path(L, i), e);
}

ds_dkim_key *ds_lua_dkim_key (lua_State *L, int i, ds_error *e) {
  key *k = (key *)luaL_testudata(L, i, KEY);
  i = lua_absindex(L, i);
  if (k != NULL) {
    lua_pushvalue(L, i);
    return check_open(L, k);
  }
  k = (key *)ds_lua_object(L, KEY, sizeof *k);
  read_key(L, i, k, e);
  if (k->k == NULL)
    memcpy(e->field, "key", sizeof "key");
  return k->k;
}

int ds_lua_dkim_warn (lua_State *L, int i) {
  const key *k = (const key *)luaL_checkudata(L, i, KEY);
  int n = 0;
  if (k->exposed && ++n)
    lua_pushfstring(L, DS_SECRET_EXPOSED, k->path);
  if (ds_dkim_key_weak(k->k) && ++n)
    lua_pushfstring(L, "%s: an RSA key of %d bits is weak: %d is good",
                    k->path != NULL ? k->path : "the key",
                    (int)ds_dkim_key_bits(k->k), DS_RSA_GOOD);
  return n;
}

/* key(from): from PEM text, a file's name or {path=} */
static int key_new (lua_State *L) {
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  luaL_checkany(L, 1);
  return ds_lua_dkim_key(L, 1, &e) != NULL ? 1 : ds_lua_refuse(L, &e);
}

static const ds_dkim_key *check_key (lua_State *L) {
  return check_open(L, (key *)luaL_checkudata(L, 1, KEY));
}

static int key_algorithm (lua_State *L) {
  lua_pushstring(L,
                 ds_dkim_algorithm_name(ds_dkim_key_algorithm(check_key(L))));
  return 1;
}

static int key_bits (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)ds_dkim_key_bits(check_key(L)));
  return 1;
}

/* warnings(): a list of texts */
static int key_warnings (lua_State *L) {
  int n, i;
  lua_settop(L, 1);
  check_key(L);
  n = ds_lua_dkim_warn(L, 1);
  lua_createtable(L, n, 0);
  lua_insert(L, 2);
  for (i = n; i > 0; i--)
    lua_rawseti(L, 2, i);
  return 1;
}

static int push_buf (lua_State *L, ds_buf *b, int rc, const ds_error *e) {
  if (rc == DS_OK)
    lua_pushlstring(L, ds_buf_data(b), b->len);
  ds_buf_clear(b);
  return rc == DS_OK ? 1 : ds_lua_refuse(L, e);
}

/* record(): the text to publish */
static int key_record (lua_State *L) {
  const ds_dkim_key *k = check_key(L);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_buf out;
  ds_buf_init(&out);
  return push_buf(L, &out, ds_dkim_key_record(k, &out, &e), &e);
}

/* generate(algorithm[, bits]): PEM text */
static int generate (lua_State *L) {
  static const char *const words[] = {"rsa-sha256", "ed25519-sha256", NULL};
  int a = luaL_checkoption(L, 1, NULL, words);
  lua_Integer bits = luaL_optinteger(L, 2, DS_RSA_GOOD);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_buf pem;
  if (bits < 0 || bits > DS_RSA_MOST)
    bits = 0;
  ds_buf_init(&pem);
  return push_buf(L, &pem,
                  ds_dkim_key_generate(a == 0 ? DS_DKIM_RSA : DS_DKIM_ED25519,
                                       (unsigned)bits, &pem, &e),
                  &e);
}

void ds_lua_open_dkim_key (lua_State *L) {
  static const luaL_Reg methods[] = {
      {"algorithm", key_algorithm}, {"bits", key_bits}, {"record", key_record},
      {"warnings", key_warnings},   {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
      {"key", key_new},
      {"generate", generate},
      {NULL, NULL},
  };
  ds_lua_class(L, KEY, methods, key_gc, NULL);
  luaL_setfuncs(L, functions, 0);
}
