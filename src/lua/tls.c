/*
** directsend.tls: contexts over OpenSSL.  tls.context{ca_file=, ca_path=,
** client_cert=, client_key=, sessions=} makes one; a client's certificate and
** key are PEM text or a file's name.  context:trust() loads the trust store,
** context:warnings() is what is to be said against the key; tls.library says
** which OpenSSL runs.
*/
#include "lua/tls.h"

#include <string.h>

#include "crypto/pem.h"
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/field.h"
#include "net/secret.h"
#include "util/buf.h"

#define SESSIONS 1000000 /* most that may be asked for */

static int context_close (lua_State *L) {
  ds_lua_tls *u = (ds_lua_tls *)luaL_checkudata(L, 1, DS_LUA_TLS);
  if (u->ctx != NULL)
    u->backend->ctx_free(u->ctx);
  u->ctx = NULL;
  return 0;
}

/* true, or nil and why nothing could be verified */
static int context_trust (lua_State *L) {
  ds_lua_tls *u = (ds_lua_tls *)luaL_checkudata(L, 1, DS_LUA_TLS);
  ds_error e;
  if (u->ctx == NULL)
    return luaL_error(L, "trust: the context is closed");
  ds_error_clear(&e);
  if (u->backend->trust_loads(u->ctx, &e) != DS_OK)
    return ds_lua_refuse(L, &e);
  lua_pushboolean(L, 1);
  return 1;
}

/* a list of texts */
static int context_warnings (lua_State *L) {
  luaL_checkudata(L, 1, DS_LUA_TLS);
  lua_getuservalue(L, 1);
  return 1;
}

/* -- options -- */

/* the string stays in the table at 1, which the caller holds */
static const char *string_field (lua_State *L, const char *key, size_t *n) {
  const char *z;
  lua_pushstring(L, key);
  lua_rawget(L, 1);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "context: %s must be a string, not a %s", key,
               luaL_typename(L, -1));
  z = lua_tolstring(L, -1, n);
  lua_pop(L, 1);
  return z;
}

static const char *path_field (lua_State *L, const char *key, ds_error *e) {
  size_t n;
  const char *z = string_field(L, key, &n);
  if (z != NULL && strlen(z) != n)
    ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, key,
                 "%s: a path cannot hold a NUL", key);
  return z;
}

/* a client's certificate or its key */
typedef struct credential {
  const char *field;
  const char *path; /* NULL: the text stood in the table */
  ds_span text;
  ds_buf octets; /* of the file */
  int exposed;
} credential;

static void credential_field (lua_State *L, credential *c, const char *field,
                              ds_error *e) {
  memset(c, 0, sizeof *c);
  c->field = field;
  c->text.p = string_field(L, field, &c->text.n);
  if (c->text.p == NULL || ds_pem_alike(c->text))
    return;
  c->path = path_field(L, field, e);
  c->text = ds_span_of(NULL, 0);
}

static int take (void *ud, ds_span octets, ds_error *e) {
  ds_buf *to = (ds_buf *)ud;
  if (octets.n == 0)
    return ds_error_usage(e, "is empty");
  return ds_buf_append(to, octets.p, octets.n) == DS_OK ? DS_OK
                                                        : ds_error_nomem(e);
}

static void credential_load (credential *c, ds_error *e) {
  ds_error why;
  int rc;
  if (c->path == NULL || e->code != DS_OK)
    return;
  ds_error_clear(&why);
  rc = ds_secret_use(c->path, take, &c->octets, &c->exposed, &why);
  if (rc == DS_ERR_NOMEM)
    ds_error_nomem(e);
  else if (rc != DS_OK)
    ds_error_set(e, why.code, why.kind, c->field, "%s: %s", c->field, why.text);
  c->text = ds_buf_span(&c->octets);
}

static void credential_clear (credential *c) {
  if (c->octets.len > 0)
    memset(ds_buf_data(&c->octets), 0, c->octets.len);
  ds_buf_clear(&c->octets);
}

/* what the room says of a PEM text, with the file's name: "field: file: …" */
static void name_file (ds_error *e, const credential *c) {
  ds_error told;
  size_t n = strlen(c->field) + 2;
  if (c->path == NULL || strcmp(e->field, c->field) != 0 || strlen(e->text) < n)
    return;
  ds_error_clear(&told);
  ds_error_set(&told, e->code, e->kind, c->field, "%s: %s: %s", c->field,
               c->path, e->text + n);
  *e = told;
}

/* -- making one -- */

/* nothing raises here, where keys are held */
static void open_context (ds_lua_tls *u, ds_tls_config *config,
                          credential *cert, credential *key, ds_error *e) {
  credential_load(cert, e);
  credential_load(key, e);
  config->client_cert = cert->text;
  config->client_key = key->text;
  if (e->code == DS_OK) {
    u->ctx = u->backend->ctx_new(config, e);
    name_file(e, key);
    name_file(e, cert);
  }
  credential_clear(cert);
  credential_clear(key);
}

static void warn (lua_State *L, const credential *key) {
  lua_newtable(L);
  if (key->exposed) {
    lua_pushfstring(L, DS_SECRET_EXPOSED, key->path);
    lua_rawseti(L, -2, 1);
  }
  lua_setuservalue(L, -2);
}

static ds_lua_tls *push_context (lua_State *L) {
  ds_lua_tls *u = (ds_lua_tls *)ds_lua_object(L, DS_LUA_TLS, sizeof *u);
  u->backend = (const ds_tls_backend *)lua_touserdata(L, lua_upvalueindex(1));
  return u;
}

static void read_options (lua_State *L, ds_tls_config *config, credential *cert,
                          credential *key, ds_error *e) {
  static const char *const known[] = {"ca_file",    "ca_path",  "client_cert",
                                      "client_key", "sessions", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  ds_lua_check_keys(L, 1, "context", known);
  config->ca_file = path_field(L, "ca_file", e);
  config->ca_path = path_field(L, "ca_path", e);
  credential_field(L, cert, "client_cert", e);
  credential_field(L, key, "client_key", e);
  config->sessions =
      (size_t)ds_lua_opt_integer(L, 1, "context.sessions", 0, SESSIONS, 0);
}

static int context (lua_State *L) {
  ds_tls_config config;
  credential cert, key;
  ds_lua_tls *u;
  ds_error e;
  memset(&config, 0, sizeof config);
  ds_error_clear(&e);
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  read_options(L, &config, &cert, &key, &e);
  if (e.code != DS_OK)
    return ds_lua_refuse(L, &e);
  u = push_context(L);
  open_context(u, &config, &cert, &key, &e);
  if (u->ctx == NULL)
    return ds_lua_refuse(L, &e);
  warn(L, key.path != NULL || key.text.p != NULL ? &key : &cert);
  return 1;
}

DS_EXPORT int luaopen_directsend_tls (lua_State *L);
int luaopen_directsend_tls (lua_State *L) {
  static const luaL_Reg methods[] = {{"close", context_close},
                                     {"trust", context_trust},
                                     {"warnings", context_warnings},
                                     {NULL, NULL}};
  const ds_tls_backend *b;
  ds_error e;
  ds_error_clear(&e);
  b = ds_tls_openssl(&e);
  if (b == NULL)
    return luaL_error(L, "%s", e.text);
  ds_lua_class(L, DS_LUA_TLS, methods, context_close, context_close);
  lua_createtable(L, 0, 2);
  lua_pushlightuserdata(L, (void *)b);
  lua_pushcclosure(L, context, 1);
  lua_setfield(L, -2, "context");
  lua_pushstring(L, b->library());
  lua_setfield(L, -2, "library");
  return 1;
}
