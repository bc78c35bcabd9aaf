/* core.message: its header fields */
#include <string.h>

#include "lua/compat.h"
#include "lua/message.h"
#include "util/mem.h"

/* text(name, value [, wide]): wide: long words stand as they are */
static int message_text (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  ds_error e = {0};
  return ds_lua_done(
      L,
      ds_message_text(m, ds_lua_check_span(L, 2), ds_lua_check_span(L, 3),
                      lua_toboolean(L, 4) ? DS_FIELD_LINE : DS_FIELD_FOLD, &e),
      &e);
}

static ds_span check_name (lua_State *L, int i) {
  ds_span name = ds_lua_check_span(L, i);
  luaL_argcheck(L, ds_field_name_ok(name), i, "no field name");
  return name;
}

/* the strings of the list at index i, in a userdata */
static ds_span *check_list (lua_State *L, int i, size_t *count) {
  size_t k;
  ds_span *v;
  luaL_checktype(L, i, LUA_TTABLE);
  *count = lua_rawlen(L, i);
  luaL_argcheck(L, *count >= 1, i, "1 item or more");
  v = (ds_span *)lua_newuserdata(L, *count * sizeof *v);
  for (k = 0; k < *count; k++) {
    lua_rawgeti(L, i, (int)k + 1);
    v[k] = ds_lua_check_span(L, -1); /* the table keeps it */
    lua_pop(L, 1);
  }
  return v;
}

/* idents(name, {id…}) */
static int message_idents (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  ds_span name = check_name(L, 2);
  ds_error e = {0};
  size_t count;
  ds_span *list = check_list(L, 3, &count);
  return ds_lua_done(L, ds_message_idents(m, name, list, count, &e), &e);
}

/* date(seconds, offset) */
static int message_date (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  lua_Number t = luaL_checknumber(L, 2), offset = luaL_optnumber(L, 3, 0);
  ds_error e = {0};
  if (!(t >= -9e15 && t <= 9e15)) /* nor what is no number */
    t = 9e15;
  if (!(offset >= -1e6 && offset <= 1e6))
    offset = 1e6;
  return ds_lua_done(L, ds_message_date(m, (int64_t)t, (long)offset, &e), &e);
}

static int put_mailboxes (ds_message *m, ds_span name, const ds_span *parts,
                          size_t count, ds_error *e) {
  static const ds_mailbox_rules rules = {DS_MAILBOX_LITERALS, NULL, NULL};
  ds_mailbox *list = (ds_mailbox *)ds_calloc(count, sizeof *list);
  int rc = list != NULL ? DS_OK : DS_ERR_NOMEM;
  size_t i;
  for (i = 0; i < count && rc == DS_OK; i++)
    rc = ds_mailbox_set(&list[i], parts[3 * i], parts[3 * i + 1],
                        parts[3 * i + 2], &rules, e);
  if (rc == DS_OK)
    rc = ds_message_mailboxes(m, name, list, count, e);
  for (i = 0; list != NULL && i < count; i++)
    ds_mailbox_clear(&list[i]);
  ds_free(list);
  return rc;
}

/* mailboxes(field, {name, localpart, domain, name, …}); "": no name */
static int message_mailboxes (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  ds_span name = check_name(L, 2);
  ds_error e = {0};
  size_t count;
  ds_span *parts = check_list(L, 3, &count);
  luaL_argcheck(L, count % 3 == 0, 3, "three strings each");
  return ds_lua_done(L, put_mailboxes(m, name, parts, count / 3, &e), &e);
}

/* list(name, id): the field List-Id; the name may be "" */
static int message_list (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  ds_error e = {0};
  return ds_lua_done(
      L,
      ds_message_list(m, ds_lua_check_span(L, 2), ds_lua_check_span(L, 3), &e),
      &e);
}

void ds_lua_message_head (lua_State *L) {
  static const luaL_Reg methods[] = {
      {"text", message_text},     {"mailboxes", message_mailboxes},
      {"idents", message_idents}, {"date", message_date},
      {"list", message_list},     {NULL, NULL},
  };
  luaL_setfuncs(L, methods, 0);
}
