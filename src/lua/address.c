/* core.address: mailboxes as tables */
#include "mime/address.h"

#include <string.h>

#include "lua/compat.h"
#include "lua/core.h"
#include "lua/idn.h"

static void set_text (lua_State *L, const char *key, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

/* m is cleared before Lua can raise: its name comes along on the stack */
static void push_mailbox (lua_State *L, ds_mailbox *m) {
  char path[DS_PATH_MAX + 1], name[DS_NAME_MAX + 1] = "";
  ds_mailbox kept = *m;
  if (m->name != NULL)
    memcpy(name, m->name, strlen(m->name) + 1);
  ds_mailbox_path(m, path);
  ds_mailbox_clear(m);
  lua_createtable(L, 0, 5);
  if (name[0] != '\0')
    set_text(L, "name", name);
  set_text(L, "localpart", kept.local);
  set_text(L, "domain", kept.domain);
  set_text(L, "address", path);
  if (kept.utf8) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "utf8");
  }
}

static int load_idn (lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, DS_LUA_IDN);
  lua_call(L, 1, 1);
  return 1;
}

/* a domain outside ASCII is met: the module for it is loaded now */
static int to_ascii (void *ud, ds_span domain, char out[DS_DOMAIN_MAX + 1],
                     ds_error *e) {
  lua_State *L = (lua_State *)ud;
  const ds_lua_idn *idn;
  lua_pushcfunction(L, load_idn);
  lua_pcall(L, 0, 1, 0);
  idn = (const ds_lua_idn *)luaL_testudata(L, -1, DS_LUA_IDN);
  lua_pop(L, 1);
  return idn != NULL ? idn->to_ascii(NULL, domain, out, e)
                     : ds_domain_check(domain, e); /* it says why not */
}

/* the words "path", "literals", "bare" in any order */
static ds_mailbox_rules check_rules (lua_State *L, int i) {
  const char *words = luaL_optstring(L, i, "");
  ds_mailbox_rules rules;
  rules.how = (strstr(words, "path") != NULL ? DS_MAILBOX_PATH : 0) |
              (strstr(words, "literals") != NULL ? DS_MAILBOX_LITERALS : 0) |
              (strstr(words, "bare") != NULL ? DS_MAILBOX_BARE : 0);
  rules.idn = to_ascii;
  rules.ud = L;
  return rules;
}

static ds_span check_text (lua_State *L, int i) {
  size_t n;
  const char *s;
  luaL_checktype(L, i, LUA_TSTRING);
  s = lua_tolstring(L, i, &n);
  return ds_span_of(s, n);
}

static int fail (lua_State *L, int rc, ds_error *e) {
  e->code = (ds_err)rc;
  return ds_lua_push_error(L, e);
}

/* parse(text [, how]): one mailbox; or nil, message */
static int address_parse (lua_State *L) {
  ds_span s = check_text(L, 1);
  ds_mailbox_rules rules = check_rules(L, 2);
  ds_error e = {0};
  ds_mailbox m;
  int rc = ds_address_parse(&m, s, &rules, &e);
  if (rc != DS_OK)
    return fail(L, rc, &e);
  push_mailbox(L, &m);
  return 1;
}

/* list(text [, how]): all mailboxes of a header's value; or nil, message */
static int address_list (lua_State *L) {
  ds_span s = check_text(L, 1);
  ds_mailbox_rules rules = check_rules(L, 2);
  ds_address_list list;
  ds_error e = {0};
  ds_mailbox m;
  int rc, i = 0;
  ds_address_list_init(&list, s, &rules);
  lua_newtable(L);
  while ((rc = ds_address_next(&list, &m, &e)) == 1) {
    push_mailbox(L, &m);
    lua_rawseti(L, -2, ++i);
  }
  return rc < 0 ? fail(L, rc, &e) : 1;
}

void ds_lua_open_address (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"parse", address_parse},
      {"list", address_list},
      {NULL, NULL},
  };
  luaL_newlibtable(L, functions);
  luaL_setfuncs(L, functions, 0);
  lua_setfield(L, -2, "address");
}
