/*
** dkim_verify: dkim.verifier() takes a message in pieces, lists its signatures
** and checks each against the record of its key, which the caller looks up.
*/
#include <string.h>

#include "dkim/verify.h"
#include "lua/class.h"
#include "lua/compat.h"
#include "lua/dkim.h"
#include "lua/field.h"

#define VERIFIER "directsend.dkim.verifier"

typedef struct verifier {
  ds_dkim_pass pass;
  int finished;
  size_t count;
  ds_dkim_signature list[DS_DKIM_SIGNATURES];
  int valid[DS_DKIM_SIGNATURES]; /* it could be read */
} verifier;

static int verifier_gc (lua_State *L) {
  verifier *v = (verifier *)luaL_checkudata(L, 1, VERIFIER);
  ds_dkim_pass_clear(&v->pass);
  return 0;
}

/* verifier() */
static int verifier_new (lua_State *L) {
  verifier *v = (verifier *)ds_lua_object(L, VERIFIER, sizeof *v);
  if (ds_dkim_pass_init(&v->pass, 1, 1) != DS_OK)
    return luaL_error(L, "not enough memory");
  return 1;
}

static verifier *check_verifier (lua_State *L, int finished) {
  verifier *v = (verifier *)luaL_checkudata(L, 1, VERIFIER);
  luaL_argcheck(L, v->finished == finished, 1,
                finished ? "the message is not over" : "the message is over");
  return v;
}

/* feed(octets) */
static int verifier_feed (lua_State *L) {
  verifier *v = check_verifier(L, 0);
  size_t n;
  const char *p;
  luaL_checktype(L, 2, LUA_TSTRING);
  p = lua_tolstring(L, 2, &n);
  ds_dkim_pass_feed(&v->pass, p, n);
  lua_settop(L, 1);
  return 1;
}

static void set_span (lua_State *L, const char *name, ds_span s) {
  lua_pushlstring(L, s.p, s.n);
  lua_setfield(L, -2, name);
}

static void push_signature (lua_State *L, const ds_dkim_signature *s) {
  char name[DS_DKIM_NAME];
  size_t n = ds_dkim_signature_name(s, name);
  lua_createtable(L, 0, 4);
  set_span(L, "domain", s->domain);
  set_span(L, "selector", s->selector);
  set_span(L, "name", ds_span_of(name, n));
  set_span(L, "algorithm", ds_span_str(ds_dkim_algorithm_name(s->algorithm)));
}

/*
** finish(): the signatures from the top, {domain=, selector=, name=, algorithm=}
** where name is that of the key's record, or {invalid=text}
*/
static int verifier_finish (lua_State *L) {
  verifier *v = check_verifier(L, 0);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_span field;
  if (ds_dkim_verify_begin(&v->pass, &e) != DS_OK)
    return ds_lua_refuse(L, &e);
  v->finished = 1;
  lua_newtable(L);
  while (v->count < DS_DKIM_SIGNATURES &&
         (field = ds_dkim_verify_field(&v->pass, v->count)).n > 0) {
    ds_dkim_signature *s = &v->list[v->count];
    ds_error_clear(&e);
    v->valid[v->count] = ds_dkim_signature_parse(field, s, &e) == DS_OK;
    if (v->valid[v->count])
      push_signature(L, s);
    else {
      lua_createtable(L, 0, 1);
      set_span(L, "invalid", ds_span_str(e.text));
    }
    lua_rawseti(L, -2, (int)++v->count);
  }
  return 1;
}

/* check(n, record, now): true; or nil, text, {kind=}: "policy" where signature
   and message do not fit, "usage" where the record will not do */
static int verifier_check (lua_State *L) {
  verifier *v = check_verifier(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  lua_Number now = luaL_checknumber(L, 4);
  ds_error e = {DS_OK, DS_KIND_NONE, "", ""};
  ds_span record;
  record.p = luaL_checklstring(L, 3, &record.n);
  luaL_argcheck(L, i >= 1 && (size_t)i <= v->count && v->valid[i - 1], 2,
                "no such signature");
  luaL_argcheck(L, now >= 0 && now <= 253402300799.0, 4, "no time");
  if (ds_dkim_signature_check(&v->list[i - 1], &v->pass, record, (int64_t)now,
                              &e) != DS_OK)
    return ds_lua_refuse(L, &e);
  lua_pushboolean(L, 1);
  return 1;
}

void ds_lua_open_dkim_verify (lua_State *L) {
  static const luaL_Reg methods[] = {
      {"feed", verifier_feed},
      {"finish", verifier_finish},
      {"check", verifier_check},
      {NULL, NULL},
  };
  ds_lua_class(L, VERIFIER, methods, verifier_gc, NULL);
  lua_pushcfunction(L, verifier_new);
  lua_setfield(L, -2, "verifier");
}
