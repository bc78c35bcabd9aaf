#include "lua/field.h"

#include <string.h>

#include "lua/compat.h"

static void push_field (lua_State *L, int t, const char *name) {
  const char *dot = strrchr(name, '.');
  lua_pushstring(L, dot != NULL ? dot + 1 : name);
  lua_rawget(L, t);
}

lua_Number ds_lua_opt_number (lua_State *L, int t, const char *name,
                              lua_Number standard) {
  lua_Number n = standard;
  push_field(L, t, name);
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "%s: a number, not %s", name, luaL_typename(L, -1));
    n = lua_tonumber(L, -1);
  }
  lua_pop(L, 1);
  return n;
}

int64_t ds_lua_opt_integer (lua_State *L, int t, const char *name,
                            int64_t least, int64_t most, int64_t standard) {
  lua_Number n = ds_lua_opt_number(L, t, name, (lua_Number)standard);
  int fits = n >= (lua_Number)least && n <= (lua_Number)most; /* no NaN does */
  if (!fits || (lua_Number)(int64_t)n != n)
    luaL_error(L, "%s: a whole number from %f to %f", name, (lua_Number)least,
               (lua_Number)most);
  return (int64_t)n;
}

/* the type is looked at first: tolstring would turn a number in the caller's
   table into a string */
const char *ds_lua_opt_string (lua_State *L, int t, const char *name) {
  const char *s = NULL;
  size_t n = 0;
  push_field(L, t, name);
  if (lua_type(L, -1) == LUA_TSTRING)
    s = lua_tolstring(L, -1, &n);
  if (!lua_isnil(L, -1) && (s == NULL || strlen(s) != n))
    luaL_error(L, "%s: a string without NUL, not %s", name,
               luaL_typename(L, -1));
  lua_pop(L, 1); /* the table keeps it */
  return s;
}

int ds_lua_opt_boolean (lua_State *L, int t, const char *name) {
  int b;
  push_field(L, t, name);
  b = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return b;
}

int ds_lua_opt_table (lua_State *L, int t, const char *name) {
  push_field(L, t, name);
  if (!lua_isnil(L, -1) && !lua_istable(L, -1))
    luaL_error(L, "%s: a table, not %s", name, luaL_typename(L, -1));
  return lua_istable(L, -1);
}

void ds_lua_opt_time (lua_State *L, int t, const char *name, ds_time *out) {
  static const lua_Number most = 9e9;
  lua_Number n =
      ds_lua_opt_number(L, t, name, (lua_Number)*out / (lua_Number)DS_SECOND);
  int fits = n >= 0; /* which NaN does not */
  if (!fits)
    luaL_error(L, "%s: seconds, 0 or more", name);
  *out = (ds_time)((n < most ? n : most) * (lua_Number)DS_SECOND);
}

int ds_lua_opt_word (lua_State *L, int t, const char *name,
                     const char *const *words, int standard) {
  const char *s = ds_lua_opt_string(L, t, name);
  int i;
  if (s == NULL)
    return standard;
  for (i = 0; words[i] != NULL; i++)
    if (strcmp(words[i], s) == 0)
      return i;
  return luaL_error(L, "%s: \"%s\" is not known", name, s);
}

/* the n-th string of the list on top of the stack, NULL behind its end */
const char *ds_lua_list_item (lua_State *L, const char *what, size_t i,
                              size_t *n) {
  const char *s = NULL;
  lua_rawgeti(L, -1, (int)i + 1);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s[%d]: a string, not %s", what, (int)i + 1,
               luaL_typename(L, -1));
  s = lua_tolstring(L, -1, n);
  lua_pop(L, 1);
  return s;
}

static unsigned flag_of (const char *word, const char *const *words) {
  unsigned flag = 1;
  for (; *words != NULL; words++, flag <<= 1)
    if (strcmp(word, *words) == 0)
      return flag;
  return 0;
}

unsigned ds_lua_opt_words (lua_State *L, int t, const char *name,
                           const char *const *words) {
  unsigned flags = 0, flag;
  const char *word;
  size_t i, n;
  if (ds_lua_opt_table(L, t, name))
    for (i = 0; (word = ds_lua_list_item(L, name, i, &n)) != NULL; i++) {
      flag = flag_of(word, words);
      if (flag == 0)
        luaL_error(L, "%s[%d]: \"%s\" is none of its words", name, (int)i + 1,
                   word);
      flags |= flag;
    }
  lua_pop(L, 1);
  return flags;
}

static int is_known (const char *key, const char *const *known) {
  for (; *known != NULL; known++)
    if (strcmp(key, *known) == 0)
      return 1;
  return 0;
}

void ds_lua_check_keys (lua_State *L, int t, const char *what,
                        const char *const *known) {
  lua_pushnil(L);
  while (lua_next(L, t) != 0) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                     : luaL_typename(L, -2);
    if (!is_known(key, known))
      luaL_error(L, "%s: unknown key '%s'", what, key);
    lua_pop(L, 1);
  }
}

int ds_lua_refuse (lua_State *L, const ds_error *e) {
  if (e->code == DS_ERR_NOMEM)
    return luaL_error(L, "not enough memory");
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  lua_createtable(L, 0, 2);
  lua_pushstring(L, ds_kind_name(e->kind));
  lua_setfield(L, -2, "kind");
  if (e->field[0] != '\0') {
    lua_pushstring(L, e->field);
    lua_setfield(L, -2, "field");
  }
  return 3;
}
