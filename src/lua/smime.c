/*
** directsend.smime: S/MIME over OpenSSL's libcrypto.  smime.seal{time=, sign=
** {cert=, key=, chain=}, encrypt={…}} reads keys and certificates, each PEM
** text or a file's name; seal:begin(boundary), seal:feed(octets), and
** seal:finish() return the octets of the sealed entity.
*/
#include "smime/smime.h"

#include <stdio.h>
#include <string.h>

#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/field.h"
#include "net/secret.h"

#define SEAL "directsend.smime.seal"

/* its uservalue: the warnings */
typedef struct seal {
  ds_smime *s;
  ds_buf out;
} seal;

static int seal_gc (lua_State *L) {
  seal *s = (seal *)luaL_checkudata(L, 1, SEAL);
  ds_smime_free(s->s);
  s->s = NULL;
  ds_buf_clear(&s->out);
  return 0;
}

/* -- options -- */

typedef int (*take_fn)(ds_smime *s, ds_span pem, ds_error *e);

/* a taker and the seal it takes for */
typedef struct taker {
  take_fn take;
  ds_smime *s;
} taker;

static int take_octets (void *ud, ds_span pem, ds_error *e) {
  const taker *t = (const taker *)ud;
  return t->take(t->s, pem, e);
}

/* field: whose value it is, as errors name it */
static int take_value (ds_smime *s, const char *value, const char *field,
                       take_fn take, int *exposed, ds_error *e) {
  taker t = {take, s};
  ds_span text = ds_span_str(value);
  int rc = ds_pem_alike(text)
               ? take(s, text, e)
               : ds_secret_use(value, take_octets, &t, exposed, e);
  if (rc != DS_OK) {
    e->code = (ds_err)rc;
    snprintf(e->field, sizeof e->field, "%s", field);
  }
  return rc;
}

/* into the seal's list of warnings */
static void warn (lua_State *L, int seal_at, const char *path) {
  lua_getuservalue(L, seal_at);
  lua_pushfstring(L, DS_SECRET_EXPOSED, path);
  lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* the table on top of the stack */
static int read_sign (lua_State *L, seal *s, int seal_at, ds_error *e) {
  static const char *const known[] = {"cert", "key", "chain", NULL};
  int t = lua_gettop(L), exposed = 0, any = 0, rc;
  const char *cert, *key, *chain;
  ds_lua_check_keys(L, t, "sign", known);
  cert = ds_lua_opt_string(L, t, "sign.cert");
  key = ds_lua_opt_string(L, t, "sign.key");
  chain = ds_lua_opt_string(L, t, "sign.chain");
  if (cert == NULL || key == NULL)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE,
                        cert == NULL ? "sign.cert" : "sign.key", "is missing");
  rc = take_value(s->s, cert, "sign.cert", ds_smime_certificate, &any, e);
  if (rc == DS_OK)
    rc = take_value(s->s, key, "sign.key", ds_smime_key, &exposed, e);
  if (rc == DS_OK && chain != NULL)
    rc = take_value(s->s, chain, "sign.chain", ds_smime_chain, &any, e);
  if (rc == DS_OK && exposed)
    warn(L, seal_at, key);
  return rc;
}

/* the list on top of the stack */
static int read_encrypt (lua_State *L, seal *s, ds_error *e) {
  const char *value;
  char field[sizeof e->field];
  int any = 0, rc = DS_OK;
  size_t i, n;
  for (i = 0;
       rc == DS_OK && (value = ds_lua_list_item(L, "encrypt", i, &n)) != NULL;
       i++) {
    snprintf(field, sizeof field, "encrypt[%lu]", (unsigned long)i + 1);
    if (strlen(value) != n)
      return luaL_error(L, "%s: a string without NUL is wanted", field);
    rc = take_value(s->s, value, field, ds_smime_recipient, &any, e);
  }
  if (i == 0)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "encrypt",
                        "names no certificate");
  return rc;
}

static int read_options (lua_State *L, seal *s, ds_error *e) {
  static const char *const known[] = {"time", "sign", "encrypt", NULL};
  int sign, encrypt, rc = DS_OK;
  ds_lua_check_keys(L, 1, "seal", known);
  sign = ds_lua_opt_table(L, 1, "sign");
  if (sign)
    rc = read_sign(L, s, 2, e);
  encrypt = rc == DS_OK && ds_lua_opt_table(L, 1, "encrypt");
  if (encrypt)
    rc = read_encrypt(L, s, e);
  if (rc == DS_OK && !sign && !encrypt)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "neither sign nor encrypt is given");
  return rc;
}

/* seal(options): time in Unix seconds */
static int seal_new (lua_State *L) {
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  int64_t now;
  seal *s;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  now = ds_lua_opt_integer(L, 1, "time", 0, INT64_C(253402300799), -1);
  s = (seal *)ds_lua_object(L, SEAL, sizeof *s);
  lua_newtable(L);
  lua_setuservalue(L, 2);
  if ((s->s = ds_smime_new(now)) == NULL)
    return luaL_error(L, "not enough memory");
  if (read_options(L, s, &e) != DS_OK)
    return ds_lua_refuse(L, &e);
  lua_settop(L, 2);
  return 1;
}

/* -- sealing -- */

static seal *check_seal (lua_State *L) {
  seal *s = (seal *)luaL_checkudata(L, 1, SEAL);
  luaL_argcheck(L, s->s != NULL, 1, "this seal is closed");
  return s;
}

/* what has come out, or nil, message, detail */
static int answer (lua_State *L, seal *s, int rc, ds_error *e) {
  if (rc == DS_ERR_STATE)
    return luaL_error(L, "a seal is begun, fed and finished once");
  if (rc != DS_OK) {
    e->code = (ds_err)rc;
    return ds_lua_refuse(L, e);
  }
  lua_pushlstring(L, s->out.len > 0 ? ds_buf_data(&s->out) : "", s->out.len);
  ds_buf_empty(&s->out);
  return 1;
}

/* begin(boundary) */
static int seal_begin (lua_State *L) {
  seal *s = check_seal(L);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  return answer(L, s, ds_smime_begin(s->s, luaL_checkstring(L, 2), &s->out, &e),
                &e);
}

/* feed(octets) */
static int seal_feed (lua_State *L) {
  seal *s = check_seal(L);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  size_t n;
  const char *p = luaL_checklstring(L, 2, &n);
  return answer(L, s, ds_smime_feed(s->s, p, n, &s->out, &e), &e);
}

/* finish() */
static int seal_finish (lua_State *L) {
  seal *s = check_seal(L);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  return answer(L, s, ds_smime_finish(s->s, &s->out, &e), &e);
}

/* warnings(): a list of texts about the key */
static int seal_warnings (lua_State *L) {
  check_seal(L);
  lua_getuservalue(L, 1);
  return 1;
}

static void open_seal (lua_State *L) {
  static const luaL_Reg methods[] = {
      {"begin", seal_begin},       {"feed", seal_feed}, {"finish", seal_finish},
      {"warnings", seal_warnings}, {NULL, NULL},
  };
  ds_lua_class(L, SEAL, methods, seal_gc, NULL);
}

DS_EXPORT int luaopen_directsend_smime (lua_State *L);

int luaopen_directsend_smime (lua_State *L) {
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  if (ds_openssl_start("directsend.smime", &e) != DS_OK)
    return luaL_error(L, "%s", e.text);
  open_seal(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, seal_new);
  lua_setfield(L, -2, "seal");
  return 1;
}
