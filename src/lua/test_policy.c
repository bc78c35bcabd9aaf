/* the door to what deliver decides without a delivery: sts, level */
#include <stdlib.h>
#include <string.h>

#include "deliver/level.h"
#include "lua/compat.h"
#include "lua/test.h"

static const char *const modes[] = {"unknown", "none", "testing", "enforce",
                                    NULL};

/* a copy that ends where its block ends, for the memory checkers */
static ds_span exact (lua_State *L, int i) {
  size_t n;
  const char *s = luaL_checklstring(L, i, &n);
  char *c = (char *)malloc(n > 0 ? n : 1);
  if (c == NULL)
    luaL_error(L, "out of memory");
  memcpy(c, s, n);
  return ds_span_of(c, n);
}

static void set_string (lua_State *L, const char *key, const char *z) {
  lua_pushstring(L, z);
  lua_setfield(L, -2, key);
}

static void set_number (lua_State *L, const char *key, double n) {
  lua_pushnumber(L, n);
  lua_setfield(L, -2, key);
}

/* sts_record({text…}) -> id | nil */
static int sts_record (lua_State *L) {
  ds_dns_record r[8];
  char id[DS_STS_ID];
  size_t i, n = lua_rawlen(L, 1);
  luaL_argcheck(L, n <= 8, 1, "eight records at most");
  memset(r, 0, sizeof r);
  for (i = 0; i < n; i++) {
    ds_span s;
    lua_rawgeti(L, 1, (int)i + 1);
    s = exact(L, -1);
    r[i].data = (unsigned char *)(void *)(uintptr_t)s.p;
    r[i].size = s.n;
    lua_pop(L, 1);
  }
  if (ds_sts_record(r, n, id))
    lua_pushstring(L, id);
  else
    lua_pushnil(L);
  for (i = 0; i < n; i++)
    free(r[i].data);
  return 1;
}

static void push_policy (lua_State *L, const ds_sts *p) {
  size_t i;
  lua_newtable(L);
  set_string(L, "mode", modes[p->mode]);
  set_number(L, "max_age", p->max_age);
  lua_newtable(L);
  for (i = 0; i < p->count; i++) {
    lua_pushstring(L, ds_sts_pattern(p, i));
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "mx");
}

/* sts_policy(text) -> {mode=, max_age=, mx={…}} | nil, text, code */
static int sts_policy (lua_State *L) {
  ds_span s = exact(L, 1);
  ds_sts p;
  ds_error e;
  int r;
  ds_error_clear(&e);
  ds_sts_init(&p);
  r = ds_sts_parse(s, &p, &e);
  free((void *)(uintptr_t)s.p);
  if (r == DS_OK)
    push_policy(L, &p);
  else {
    lua_pushnil(L);
    lua_pushstring(L, e.text);
    lua_pushinteger(L, r);
  }
  ds_sts_clear(&p);
  return r == DS_OK ? 1 : 3;
}

/* sts_lists(text, host) */
static int sts_lists (lua_State *L) {
  ds_sts p;
  ds_error e;
  ds_error_clear(&e);
  ds_sts_init(&p);
  if (ds_sts_parse(ds_span_str(luaL_checkstring(L, 1)), &p, &e) != DS_OK)
    return luaL_error(L, "%s", e.text);
  lua_pushboolean(L, ds_sts_lists(&p, luaL_checkstring(L, 2)));
  ds_sts_clear(&p);
  return 1;
}

static int64_t time_of (lua_State *L, int i, const char *key) {
  int64_t t;
  lua_getfield(L, i, key);
  t = (int64_t)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return t;
}

static void read_id (lua_State *L, int i, const char *key, char id[DS_STS_ID]) {
  size_t n;
  const char *z;
  lua_getfield(L, i, key);
  z = luaL_optlstring(L, -1, "", &n);
  luaL_argcheck(L, n < DS_STS_ID, i, "id too long");
  memcpy(id, z, n + 1);
  lua_pop(L, 1);
}

/* an entry with the policy of the text under "policy" */
static int read_entry (lua_State *L, int i, ds_sts_entry *e) {
  const char *policy;
  ds_error error;
  int r = DS_OK;
  ds_error_clear(&error);
  luaL_checktype(L, i, LUA_TTABLE);
  ds_sts_entry_init(e);
  read_id(L, i, "id", e->id);
  read_id(L, i, "failed_id", e->failed_id);
  e->fetched = time_of(L, i, "fetched");
  e->checked = time_of(L, i, "checked");
  e->failed = time_of(L, i, "failed");
  lua_getfield(L, i, "policy");
  policy = lua_tostring(L, -1);
  if (policy != NULL)
    r = ds_sts_parse(ds_span_str(policy), &e->policy, &error);
  lua_pop(L, 1);
  return r;
}

static int push_code (lua_State *L, int code) {
  lua_pushnil(L);
  lua_pushliteral(L, "failed");
  lua_pushinteger(L, code);
  return 3;
}

/* sts_write(entry) -> line | nil, text, code */
static int sts_write (lua_State *L) {
  ds_sts_entry e;
  ds_buf b;
  int r = read_entry(L, 1, &e);
  ds_buf_init(&b);
  if (r == DS_OK)
    r = ds_sts_entry_write(&e, &b);
  ds_sts_entry_clear(&e);
  if (r == DS_OK)
    lua_pushlstring(L, ds_buf_data(&b), b.len);
  ds_buf_clear(&b);
  return r == DS_OK ? 1 : push_code(L, r);
}

/* sts_read(line) -> entry | false | nil, text, code */
static int sts_read (lua_State *L) {
  ds_span s = exact(L, 1);
  ds_sts_entry e;
  int r = ds_sts_entry_read(&e, s);
  free((void *)(uintptr_t)s.p);
  if (r == 1) {
    push_policy(L, &e.policy);
    set_string(L, "id", e.id);
    set_string(L, "failed_id", e.failed_id);
    set_number(L, "fetched", (double)e.fetched);
    set_number(L, "checked", (double)e.checked);
    set_number(L, "failed", (double)e.failed);
  } else
    lua_pushboolean(L, 0);
  ds_sts_entry_clear(&e);
  return r >= 0 ? 1 : push_code(L, r);
}

/* sts_due(entry, now, id) -> mode in force, stale, wants */
static int sts_due (lua_State *L) {
  int64_t now = (int64_t)luaL_checknumber(L, 2);
  const char *id = luaL_checkstring(L, 3);
  const ds_sts *p;
  ds_sts_entry e;
  if (read_entry(L, 1, &e) != DS_OK)
    return luaL_error(L, "no such policy");
  p = ds_sts_entry_policy(&e, now);
  lua_pushstring(L, modes[p != NULL ? p->mode : DS_STS_UNKNOWN]);
  lua_pushboolean(L, ds_sts_entry_stale(&e, now));
  lua_pushboolean(L, ds_sts_entry_wants(&e, id, now));
  ds_sts_entry_clear(&e);
  return 3;
}

/* ---------------------------------------------------------------- level */

static int flag (lua_State *L, const char *key) {
  int b;
  lua_getfield(L, 1, key);
  b = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return b;
}

static int word (lua_State *L, const char *key, const char *const *words) {
  int i;
  lua_getfield(L, 1, key);
  i = luaL_checkoption(L, -1, NULL, words);
  lua_pop(L, 1);
  return i;
}

/* terms{level=, policy=, dane=, sts=, flags…} -> {level=, policy=, refused=,
   why=, enhanced=, note=} */
static int terms (lua_State *L) {
  static const char *const levels[] = {"off",      "opportunistic", "required",
                                       "verified", "dane",          NULL};
  static const char *const danes[] = {"unasked", "absent", "unusable",
                                      "usable",  "failed", NULL};
  static const char *const policies[] = {"default", "config", NULL};
  ds_tls_facts f;
  ds_tls_terms t;
  luaL_checktype(L, 1, LUA_TTABLE);
  memset(&f, 0, sizeof f);
  f.level = (ds_level)word(L, "level", levels);
  f.policy = policies[word(L, "policy", policies)];
  f.dane = (ds_dane)word(L, "dane", danes);
  f.sts = (ds_sts_mode)word(L, "sts", modes);
  f.listed = flag(L, "listed");
  f.trusted = flag(L, "trusted");
  f.store = flag(L, "store");
  f.clock = flag(L, "clock");
  f.sure = flag(L, "sure");
  f.require = flag(L, "require");
  f.optional = flag(L, "optional");
  ds_tls_terms_of(&f, &t);
  lua_newtable(L);
  set_string(L, "level", ds_level_name(t.level));
  set_string(L, "policy", t.policy);
  set_string(L, "refused", ds_outcome_name(t.refused));
  set_string(L, "why", t.why);
  set_string(L, "enhanced", t.enhanced);
  set_string(L, "note", t.note);
  return 1;
}

/* trusted(host [, {name…}]) */
static int trusted (lua_State *L) {
  const char *names[8];
  size_t i, n = lua_istable(L, 2) ? lua_rawlen(L, 2) : 0;
  luaL_argcheck(L, n <= 8, 2, "eight names at most");
  for (i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (int)i + 1);
    names[i] = lua_tostring(L, -1); /* the table keeps it */
    lua_pop(L, 1);
  }
  lua_pushboolean(L, ds_host_trusted(luaL_checkstring(L, 1),
                                     lua_istable(L, 2) ? names : NULL, n));
  return 1;
}

int ds_test_policy (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"sts_record", sts_record},
      {"sts_policy", sts_policy},
      {"sts_lists", sts_lists},
      {"sts_write", sts_write},
      {"sts_read", sts_read},
      {"sts_due", sts_due},
      {"terms", terms},
      {"trusted", trusted},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
