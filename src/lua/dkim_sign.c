/*
** dkim_sign: dkim.signer{domain=, selector=, key=, …}, or of a list of such.
** signer:sign(message[, time]) makes the fields to put in front of it, where
** the message is a string or a function that reads it; signer:begin() takes it
** in pieces.
*/
#include <stdio.h>
#include <string.h>

#include "dkim/sign.h"
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/dkim.h"
#include "lua/field.h"

#define SIGNER  "directsend.dkim.signer"
#define SIGNING "directsend.dkim.signing"

/* its uservalue: the warnings, then the keys */
typedef struct signer {
  ds_dkim_signer *s;
  ds_dkim_pass pass; /* for messages that come in one piece */
} signer;

/* its uservalue: {the signer} */
typedef struct signing {
  signer *of; /* NULL: it is over */
  ds_dkim_pass pass;
} signing;

static int signer_gc (lua_State *L) {
  signer *s = (signer *)luaL_checkudata(L, 1, SIGNER);
  ds_dkim_signer_free(s->s);
  s->s = NULL;
  ds_dkim_pass_clear(&s->pass);
  return 0;
}

static int signing_gc (lua_State *L) {
  signing *s = (signing *)luaL_checkudata(L, 1, SIGNING);
  s->of = NULL;
  ds_dkim_pass_clear(&s->pass);
  return 0;
}

static signer *check_signer (lua_State *L) {
  signer *s = (signer *)luaL_checkudata(L, 1, SIGNER);
  if (s->s == NULL)
    luaL_error(L, "this signer is closed");
  return s;
}

static signing *check_signing (lua_State *L) {
  signing *s = (signing *)luaL_checkudata(L, 1, SIGNING);
  if (s->of == NULL)
    luaL_error(L, "this signature is made already");
  return s;
}

/* -- options -- */

static int refuse (ds_error *e, const char *field, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, field, "%s", why);
}

/* the table keeps the string */
static ds_span string_field (lua_State *L, int t, const char *name) {
  ds_span s;
  lua_getfield(L, t, name);
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s: expected string, got %s", name, luaL_typename(L, -1));
  s.p = lua_tolstring(L, -1, &s.n);
  lua_pop(L, 1);
  return s;
}

/* header/body; a lone word is the header's, and the body is simple then (RFC
   6376 §3.5) */
static int read_canon (lua_State *L, int t, ds_dkim_identity *d, ds_error *e) {
  static const struct {
    const char *text;
    ds_canon header, body;
  } forms[] = {
      {"relaxed/relaxed", DS_CANON_RELAXED, DS_CANON_RELAXED},
      {"relaxed/simple", DS_CANON_RELAXED, DS_CANON_SIMPLE},
      {"simple/relaxed", DS_CANON_SIMPLE, DS_CANON_RELAXED},
      {"simple/simple", DS_CANON_SIMPLE, DS_CANON_SIMPLE},
      {"relaxed", DS_CANON_RELAXED, DS_CANON_SIMPLE},
      {"simple", DS_CANON_SIMPLE, DS_CANON_SIMPLE},
  };
  const char *s = ds_lua_opt_string(L, t, "canonicalization");
  size_t i;
  for (i = 0; i < sizeof forms / sizeof *forms; i++)
    if (strcmp(s != NULL ? s : "relaxed/relaxed", forms[i].text) == 0) {
      d->header = forms[i].header;
      d->body = forms[i].body;
      return DS_OK;
    }
  return refuse(e, "canonicalization",
                "is relaxed or simple, '/', and relaxed or simple");
}

/* guessed from the key; where it is told it must fit */
static int check_algorithm (lua_State *L, int t, const ds_dkim_identity *d,
                            ds_error *e) {
  const char *wanted = ds_lua_opt_string(L, t, "algorithm");
  const char *is = ds_dkim_algorithm_name(ds_dkim_key_algorithm(d->key));
  if (wanted == NULL || strcmp(wanted, is) == 0)
    return DS_OK;
  if (strcmp(wanted, "rsa-sha256") != 0 &&
      strcmp(wanted, "ed25519-sha256") != 0)
    return refuse(e, "algorithm", "is rsa-sha256 or ed25519-sha256");
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "key",
                      "the key is for %s, not for %s", is, wanted);
}

/* the table on top of the stack becomes *d; the key goes into the table at
   `keep`, and what is to be said against it into the list there */
static int read_identity (lua_State *L, int keep, ds_dkim_identity *d,
                          ds_error *e) {
  static const char *const known[] = {"domain",    "selector",         "key",
                                      "algorithm", "canonicalization", "expire",
                                      NULL};
  int t = lua_gettop(L), n, rc;
  lua_Number life;
  luaL_checktype(L, t, LUA_TTABLE);
  ds_lua_check_keys(L, t, "dkim", known);
  d->domain = string_field(L, t, "domain");
  d->selector = string_field(L, t, "selector");
  life = ds_lua_opt_number(L, t, "expire", 0);
  if (!(life >= 0 && life <= 1e9))
    return refuse(e, "expire", "is a number of seconds");
  d->life = (int64_t)life;
  if (ds_dkim_name_ok(d->domain, d->selector, e) != DS_OK ||
      read_canon(L, t, d, e) != DS_OK)
    return e->code;
  lua_getfield(L, t, "key");
  d->key = ds_lua_dkim_key(L, -1, e);
  if (d->key == NULL || (rc = check_algorithm(L, t, d, e)) != DS_OK)
    return e->code;
  lua_rawgeti(L, keep, 1);
  for (n = ds_lua_dkim_warn(L, t + 2); n > 0; n--)
    lua_rawseti(L, t + 3, (int)lua_rawlen(L, t + 3) + 1);
  lua_pop(L, 1);
  lua_rawseti(L, keep, (int)lua_rawlen(L, keep) + 1);
  lua_settop(L, t);
  return DS_OK;
}

/* how many identities the value at 1 lists; where it is one itself, it is put
   into a list there */
static size_t check_list (lua_State *L, int *listed) {
  size_t n;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  *listed = (n = lua_rawlen(L, 1)) > 0;
  if (!*listed) {
    lua_createtable(L, 1, 0);
    lua_insert(L, 1);
    lua_rawseti(L, 1, 1);
    n = 1;
  }
  luaL_argcheck(L, n <= DS_DKIM_IDENTITIES, 1, "too many signatures at once");
  return n;
}

/* which one of the list will not do: "[2].key" */
static void name_item (ds_error *e, size_t i) {
  char field[sizeof e->field];
  snprintf(field, sizeof field, "[%u].%.30s", (unsigned)i + 1, e->field);
  memcpy(e->field, field, sizeof field);
}

/* signer(options), signer{options, …} */
static int signer_new (lua_State *L) {
  ds_dkim_identity list[DS_DKIM_IDENTITIES];
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  int listed;
  size_t n = check_list(L, &listed), i;
  signer *s = (signer *)ds_lua_object(L, SIGNER, sizeof *s);
  lua_createtable(L, (int)n + 1, 0);
  lua_newtable(L);
  lua_rawseti(L, 3, 1);
  for (i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (int)i + 1);
    if (read_identity(L, 3, &list[i], &e) != DS_OK) {
      if (listed)
        name_item(&e, i);
      return ds_lua_refuse(L, &e);
    }
    lua_pop(L, 1);
  }
  lua_setuservalue(L, 2);
  if ((s->s = ds_dkim_signer_new(list, n, &e)) == NULL)
    return ds_lua_refuse(L, &e);
  if (ds_dkim_signer_pass(s->s, &s->pass) != DS_OK)
    return luaL_error(L, "not enough memory");
  return 1;
}

/* warnings(): a list of texts about the keys */
static int signer_warnings (lua_State *L) {
  check_signer(L);
  lua_getuservalue(L, 1);
  lua_rawgeti(L, -1, 1);
  return 1;
}

/* -- signing -- */

/* Unix seconds for t=; without: no t= */
static int64_t opt_time (lua_State *L, int i) {
  lua_Number t = luaL_optnumber(L, i, -1);
  luaL_argcheck(L, t >= -1 && t <= 253402300799.0, i, "no time of this kind");
  return t < 0 ? -1 : (int64_t)t;
}

static int push_fields (lua_State *L, signer *s, ds_dkim_pass *p,
                        int64_t time) {
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_buf out;
  int rc;
  ds_buf_init(&out);
  rc = ds_dkim_sign(s->s, p, time, &out, &e);
  if (rc == DS_OK)
    lua_pushlstring(L, ds_buf_data(&out), out.len);
  ds_buf_clear(&out);
  return rc == DS_OK ? 1 : ds_lua_refuse(L, &e);
}

/* a signing of the signer at 1 */
static signing *push_signing (lua_State *L) {
  signer *of = check_signer(L);
  signing *s = (signing *)ds_lua_object(L, SIGNING, sizeof *s);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_setuservalue(L, -2);
  if (ds_dkim_signer_pass(of->s, &s->pass) != DS_OK)
    luaL_error(L, "not enough memory");
  s->of = of;
  return s;
}

/* begin(): for a message in pieces */
static int signer_begin (lua_State *L) {
  push_signing(L);
  return 1;
}

/* feed(octets): the next of the message */
static int signing_feed (lua_State *L) {
  signing *s = check_signing(L);
  size_t n;
  const char *p;
  luaL_checktype(L, 2, LUA_TSTRING);
  p = lua_tolstring(L, 2, &n);
  ds_dkim_pass_feed(&s->pass, p, n);
  lua_settop(L, 1);
  return 1;
}

/* finish([time]): the fields */
static int signing_finish (lua_State *L) {
  signing *s = check_signing(L);
  int64_t time = opt_time(L, 2);
  signer *of = s->of;
  s->of = NULL;
  return push_fields(L, of, &s->pass, time);
}

/* the function at 2 gives the message; "" or nil is its end */
static int sign_read (lua_State *L, signer *of, int64_t time) {
  signing *s = push_signing(L);
  for (;;) {
    size_t n = 0;
    const char *p;
    lua_pushvalue(L, 2);
    lua_call(L, 0, 1);
    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
      return luaL_error(L, "sign: the function returned a %s, no string",
                        luaL_typename(L, -1));
    p = lua_tolstring(L, -1, &n);
    if (n == 0)
      return push_fields(L, of, &s->pass, time);
    ds_dkim_pass_feed(&s->pass, p, n);
    lua_pop(L, 1);
  }
}

/* sign(message[, time]): a string, or a function that returns its pieces */
static int signer_sign (lua_State *L) {
  signer *s = check_signer(L);
  int64_t time = opt_time(L, 3);
  size_t n;
  const char *p;
  if (lua_type(L, 2) == LUA_TFUNCTION)
    return sign_read(L, s, time);
  luaL_checktype(L, 2, LUA_TSTRING);
  p = lua_tolstring(L, 2, &n);
  ds_dkim_pass_begin(&s->pass);
  ds_dkim_pass_feed(&s->pass, p, n);
  return push_fields(L, s, &s->pass, time);
}

void ds_lua_open_dkim_sign (lua_State *L) {
  static const luaL_Reg of_signer[] = {
      {"sign", signer_sign},
      {"begin", signer_begin},
      {"warnings", signer_warnings},
      {NULL, NULL},
  };
  static const luaL_Reg of_signing[] = {
      {"feed", signing_feed},
      {"finish", signing_finish},
      {NULL, NULL},
  };
  ds_lua_class(L, SIGNER, of_signer, signer_gc, NULL);
  ds_lua_class(L, SIGNING, of_signing, signing_gc, NULL);
  lua_pushcfunction(L, signer_new);
  lua_setfield(L, -2, "signer");
}
