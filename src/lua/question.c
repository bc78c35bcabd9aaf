/*
** question: record types by their names, and what the DNS said as a table.
*/
#include "lua/compat.h"
#include "lua/core.h"
#include "lua/field.h"

unsigned ds_lua_opt_question (lua_State *L, int t, const char *name) {
  static const char *const words[] = {"A",   "AAAA", "MX",   "TXT",
                                      "PTR", "NS",   "TLSA", NULL};
  static const unsigned types[] = {DS_DNS_A,   DS_DNS_AAAA, DS_DNS_MX,
                                   DS_DNS_TXT, DS_DNS_PTR,  DS_DNS_NS,
                                   DS_DNS_TLSA};
  int i = ds_lua_opt_word(L, t, name, words, -1);
  return i >= 0 ? types[i] : 0;
}

static void set_integer (lua_State *L, const char *name, lua_Integer n) {
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static void set_bytes (lua_State *L, const char *name, const void *p,
                       size_t n) {
  lua_pushlstring(L, n > 0 ? (const char *)p : "", n);
  lua_setfield(L, -2, name);
}

static void set_tlsa (lua_State *L, const ds_dns_record *r) {
  set_integer(L, "usage", r->usage);
  set_integer(L, "selector", r->selector);
  set_integer(L, "matching", r->matching);
  set_bytes(L, "data", r->data, r->size);
}

static void push_record (lua_State *L, unsigned type, const ds_dns_record *r) {
  char text[DS_IP_TEXT];
  lua_createtable(L, 0, 3);
  lua_pushnumber(L, r->ttl);
  lua_setfield(L, -2, "ttl");
  if (type == DS_DNS_A || type == DS_DNS_AAAA)
    set_bytes(L, "address", text, ds_ip_format(&r->ip, text));
  else if (type == DS_DNS_TXT)
    set_bytes(L, "text", r->data, r->size);
  else if (type == DS_DNS_TLSA)
    set_tlsa(L, r);
  else
    set_bytes(L, "host", r->name, strlen(r->name));
  if (type == DS_DNS_MX)
    set_integer(L, "preference", r->preference);
}

void ds_lua_set_answer (lua_State *L, const ds_op *op) {
  const ds_dns_answer *a = op->answer;
  size_t i, count = a != NULL ? a->count : 0;
  lua_pushstring(L, ds_dns_status_name(a != NULL ? a->status : DS_DNS_TIMEOUT));
  lua_setfield(L, -2, "status");
  lua_pushboolean(L, a != NULL && a->secure);
  lua_setfield(L, -2, "secure");
  set_bytes(L, "text", op->data.p, op->data.n);
  lua_createtable(L, (int)count, 0);
  for (i = 0; i < count; i++) {
    push_record(L, op->question, &a->records[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "records");
}
