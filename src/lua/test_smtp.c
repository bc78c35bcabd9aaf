#include <string.h>

#include "lua/test_smtp.h"
#include "smtp/base64.h"
#include "smtp/body.h"
#include "smtp/command.h"
#include "smtp/text.h"

/* ---- reply, ext, body, command ---- */

void ds_test_push_reply (lua_State *L, const ds_reply *r) {
  lua_newtable(L);
  set_integer(L, "code", (uint64_t)r->code);
  set_integer(L, "lines", (uint64_t)r->lines);
  set_string(L, "enhanced", r->enhanced);
  set_string(L, "text", r->text);
}

static void on_line (void *ud, int index, ds_span text) {
  lua_State *L = (lua_State *)ud;
  lua_pushlstring(L, text.p, text.n);
  lua_rawseti(L, 3, index + 1);
}

/* replies(bytes, chunk) -> {reply…}, code, partial, lines of the last reply */
static int l_replies (lua_State *L) {
  const ds_span s = check_span(L, 1);
  const size_t chunk = (size_t)luaL_checkinteger(L, 2);
  ds_reply_parser r;
  ds_buf in;
  size_t at, n;
  int rc = 0, count = 0;
  lua_settop(L, 2);
  lua_newtable(L);
  lua_newtable(L);
  ds_reply_parser_init(&r);
  ds_buf_init(&in);
  for (at = 0; at < s.n && rc >= 0; at += n) {
    n = s.n - at < chunk ? s.n - at : chunk;
    rc = ds_buf_append(&in, s.p + at, n);
    while (rc == 0 && (rc = ds_reply_feed(&r, &in, on_line, L)) == 1) {
      ds_test_push_reply(L, &r.reply);
      lua_rawseti(L, 4, ++count);
      rc = 0;
      if (in.len == 0)
        break;
    }
    if (rc == 0 && in.len > 0)
      rc = DS_ERR_STATE;
  }
  lua_pushinteger(L, rc);
  lua_pushboolean(L, ds_reply_partial(&r));
  lua_pushvalue(L, 3);
  ds_reply_parser_clear(&r);
  ds_buf_clear(&in);
  return 4;
}

void ds_test_push_ext (lua_State *L, const ds_smtp_ext *x) {
  lua_newtable(L);
  set_flag(L, "esmtp", x->esmtp);
  set_flag(L, "pipelining", x->pipelining);
  set_flag(L, "chunking", x->chunking);
  set_flag(L, "binarymime", x->binarymime);
  set_flag(L, "eightbitmime", x->eightbitmime);
  set_flag(L, "smtputf8", x->smtputf8);
  set_flag(L, "starttls", x->starttls);
  set_flag(L, "enhanced", x->enhanced);
  set_flag(L, "dsn", x->dsn);
  set_flag(L, "requiretls", x->requiretls);
  set_flag(L, "size", x->size);
  set_integer(L, "size_limit", x->size_limit);
  set_integer(L, "mail_max", x->mail_max);
  set_integer(L, "rcpt_max", x->rcpt_max);
  set_integer(L, "rcpt_domain_max", x->rcpt_domain_max);
  set_integer(L, "auth", x->auth);
}

/* ext(line…) -> what they offer */
static int l_ext (lua_State *L) {
  ds_smtp_ext x;
  int i, n = lua_gettop(L);
  ds_smtp_ext_clear(&x);
  for (i = 1; i <= n; i++)
    ds_smtp_ext_add(&x, check_span(L, i));
  ds_test_push_ext(L, &x);
  return 1;
}

/* body(bytes, chunk) -> stuffed with its end, or code */
static int l_body (lua_State *L) {
  const ds_span s = check_span(L, 1);
  const size_t chunk = (size_t)luaL_checkinteger(L, 2);
  ds_body b = DS_BODY_LINE_START;
  ds_buf out;
  size_t at, n;
  int rc = 0;
  ds_buf_init(&out);
  for (at = 0; at < s.n && rc == 0; at += n) {
    n = s.n - at < chunk ? s.n - at : chunk;
    rc = ds_body_add(&b, &out, s.p + at, n);
  }
  if (rc == 0)
    rc = ds_body_end(&b, &out);
  if (rc == 0)
    lua_pushlstring(L, ds_buf_data(&out), out.len);
  else
    lua_pushinteger(L, rc);
  lua_pushinteger(L, (lua_Integer)out.len);
  ds_buf_clear(&out);
  return 2;
}

static int push_line (lua_State *L, int rc, ds_buf *out) {
  if (rc == 0)
    lua_pushlstring(L, ds_buf_data(out), out->len);
  else
    lua_pushinteger(L, rc);
  ds_buf_clear(out);
  return 1;
}

static int l_command_word (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_line(L, ds_command_word(&out, luaL_checkstring(L, 1)), &out);
}

static int l_command_ehlo (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_line(L, ds_command_ehlo(&out, "EHLO", check_span(L, 1)), &out);
}

/* command_mail(sender, size, eightbit, utf8, requiretls, {ret=, envid=}) */
static int l_command_mail (lua_State *L) {
  ds_command_mail_args a;
  ds_buf out;
  memset(&a, 0, sizeof a);
  a.size = (uint64_t)luaL_optnumber(L, 2, 0);
  a.eightbit = lua_toboolean(L, 3);
  a.utf8 = lua_toboolean(L, 4);
  a.requiretls = lua_toboolean(L, 5);
  if (lua_istable(L, 6)) {
    a.ret = (ds_dsn_ret)field_unsigned(L, 6, "ret");
    a.envid = field_span(L, 6, "envid");
  }
  ds_buf_init(&out);
  return push_line(L, ds_command_mail(&out, check_span(L, 1), &a), &out);
}

/* command_rcpt(recipient, utf8, {notify=, orcpt=}) */
static int l_command_rcpt (lua_State *L) {
  ds_command_rcpt_args a;
  ds_buf out;
  memset(&a, 0, sizeof a);
  a.utf8 = lua_toboolean(L, 2);
  if (lua_istable(L, 3)) {
    a.notify = field_unsigned(L, 3, "notify");
    a.orcpt = field_span(L, 3, "orcpt");
  }
  ds_buf_init(&out);
  return push_line(L, ds_command_rcpt(&out, check_span(L, 1), &a), &out);
}

static int l_hostname_ok (lua_State *L) {
  lua_pushboolean(L, ds_smtp_hostname_ok(check_span(L, 1)));
  return 1;
}

/* printable(s, room) */
static int l_printable (lua_State *L) {
  char to[1024];
  size_t room = (size_t)luaL_optinteger(L, 2, (lua_Integer)sizeof to);
  luaL_argcheck(L, room > 0 && room <= sizeof to, 2, "1 to 1024");
  lua_pushlstring(L, to, ds_smtp_printable(to, room, check_span(L, 1)));
  return 1;
}

static int push_octets (lua_State *L, int rc, ds_buf *out) {
  if (rc == 0)
    lua_pushlstring(L, out->len > 0 ? ds_buf_data(out) : "", out->len);
  else
    lua_pushinteger(L, rc);
  ds_buf_clear(out);
  return 1;
}

static int l_base64 (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_octets(L, ds_base64_put(&out, check_span(L, 1)), &out);
}

static int l_unbase64 (lua_State *L) {
  ds_buf out;
  ds_buf_init(&out);
  return push_octets(L, ds_base64_take(&out, check_span(L, 1)), &out);
}

static const luaL_Reg functions[] = {
    {"replies", l_replies},
    {"ext", l_ext},
    {"body", l_body},
    {"command_word", l_command_word},
    {"command_ehlo", l_command_ehlo},
    {"command_mail", l_command_mail},
    {"command_rcpt", l_command_rcpt},
    {"hostname_ok", l_hostname_ok},
    {"printable", l_printable},
    {"base64", l_base64},
    {"unbase64", l_unbase64},
    {"engine", ds_test_engine},
    {"watch", ds_test_watch},
    {"watched", ds_test_watched},
    {"held", ds_test_held},
    {NULL, NULL},
};

int ds_test_smtp (lua_State *L) {
  ds_test_engine_class(L);
  luaL_newlibtable(L, functions);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
