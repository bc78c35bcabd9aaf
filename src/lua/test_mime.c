/* the door to mime: encoders, fields, addresses, streams, whole messages */
#include <string.h>

#include "lua/compat.h"
#include "lua/test.h"
#include "lua/test_mime.h"
#include "mime/base64.h"
#include "mime/crlf.h"
#include "mime/date.h"
#include "mime/domain.h"
#include "mime/encode.h"
#include "mime/field.h"
#include "mime/ident.h"
#include "mime/mailbox.h"
#include "mime/media.h"
#include "mime/param.h"
#include "mime/qp.h"
#include "mime/scan.h"
#include "mime/utf8.h"
#include "mime/word.h"

static ds_span check_span (lua_State *L, int i) {
  size_t n;
  const char *s = luaL_checklstring(L, i, &n);
  return ds_span_of(s, n);
}

/* the i-th string of the list at index 1 */
static ds_span piece (lua_State *L, int i) {
  ds_span s;
  lua_rawgeti(L, 1, i);
  s = check_span(L, -1);
  lua_pop(L, 1);
  return s;
}

static int push_buf (lua_State *L, ds_buf *b) {
  lua_pushlstring(L, b->len > 0 ? ds_buf_data(b) : "", b->len);
  ds_buf_clear(b);
  return 1;
}

static int push_error (lua_State *L, int rc, const ds_error *e) {
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  lua_pushinteger(L, rc);
  lua_pushstring(L, e->field);
  return 4;
}

static int ok (lua_State *L, int rc, const ds_error *e) {
  if (rc < 0)
    return push_error(L, rc, e);
  lua_pushboolean(L, 1);
  return 1;
}

/* --- encoders: {piece…} -> octets ------------------------------------- */

static int base64 (lua_State *L) {
  int i, n = (int)lua_rawlen(L, 1);
  ds_base64 b;
  ds_buf out;
  ds_buf_init(&out);
  ds_base64_init(&b);
  for (i = 1; i <= n; i++) {
    ds_span s = piece(L, i);
    char *to = ds_buf_space(&out, ds_base64_bound(s.n));
    ds_buf_added(&out, ds_base64_update(&b, s.p, s.n, to));
  }
  ds_buf_added(&out, ds_base64_final(&b, ds_buf_space(&out, DS_BASE64_LINE)));
  return push_buf(L, &out);
}

static int base64_size (lua_State *L) {
  lua_pushnumber(L,
                 (lua_Number)ds_base64_size((uint64_t)luaL_checknumber(L, 1)));
  return 1;
}

static int base64_word (lua_State *L) {
  ds_span s = check_span(L, 1);
  char out[4096];
  luaL_argcheck(L, s.n <= 3000, 1, "too long");
  lua_pushlstring(L, out, ds_base64_word(s.p, s.n, out));
  return 1;
}

static int qp (lua_State *L) {
  int i, n = (int)lua_rawlen(L, 1);
  size_t most = 0;
  ds_qp q;
  ds_buf out;
  ds_buf_init(&out);
  ds_qp_init(&q);
  for (i = 1; i <= n; i++) {
    ds_span s = piece(L, i);
    size_t k = ds_qp_update(&q, s.p, s.n, ds_buf_space(&out, ds_qp_bound(s.n)));
    if (k > ds_qp_bound(s.n))
      most = k;
    ds_buf_added(&out, k);
  }
  ds_buf_added(&out, ds_qp_final(&q, ds_buf_space(&out, ds_qp_bound(0))));
  lua_pushboolean(L, most == 0);
  push_buf(L, &out);
  lua_insert(L, -2);
  return 2;
}

/* crlf({piece…}, final) */
static int crlf (lua_State *L) {
  int i, n = (int)lua_rawlen(L, 1);
  ds_crlf c;
  ds_buf out;
  ds_buf_init(&out);
  ds_crlf_init(&c);
  for (i = 1; i <= n; i++) {
    ds_span s = piece(L, i);
    char *to = ds_buf_space(&out, 2 * s.n + 1);
    ds_buf_added(&out, ds_crlf_update(&c, s.p, s.n, to));
  }
  if (lua_toboolean(L, 2))
    ds_buf_added(&out, ds_crlf_final(&c, ds_buf_space(&out, 2)));
  return push_buf(L, &out);
}

static const char *const encodings[] = {"7bit", "8bit", "quoted-printable",
                                        "base64", NULL};

/* encode({piece…}, encoding, text) */
static int encode (lua_State *L) {
  int i, n = (int)lua_rawlen(L, 1);
  ds_encoder c;
  ds_buf out;
  ds_buf_init(&out);
  ds_encoder_init(&c, (ds_encoding)luaL_checkoption(L, 2, NULL, encodings),
                  lua_toboolean(L, 3));
  for (i = 1; i <= n; i++) {
    ds_span s = piece(L, i);
    ds_encoder_update(&c, s.p, s.n, &out);
  }
  ds_encoder_final(&c, &out);
  return push_buf(L, &out);
}

static void set_number (lua_State *L, const char *key, double n) {
  lua_pushnumber(L, (lua_Number)n);
  lua_setfield(L, -2, key);
}

/* scan({piece…}, care) */
static int scan (lua_State *L) {
  static const char *const cares[] = {"7bit", "8bit", "signed", NULL};
  int i, n = (int)lua_rawlen(L, 1);
  ds_encoding best;
  ds_scan s;
  ds_scan_init(&s);
  for (i = 1; i <= n; i++) {
    ds_span p = piece(L, i);
    ds_scan_update(&s, p.p, p.n);
  }
  ds_scan_final(&s);
  best = ds_scan_best(&s, (ds_care)luaL_checkoption(L, 2, "7bit", cares));
  lua_createtable(L, 0, 6);
  set_number(L, "size", (double)s.size);
  set_number(L, "longest", (double)s.longest);
  set_number(L, "encoded", (double)ds_scan_encoded(&s, best));
  set_number(L, "eight", s.eight);
  set_number(L, "nul", s.nul);
  set_number(L, "plain", ds_scan_plain(&s));
  lua_pushstring(L, ds_encoding_name(best));
  lua_setfield(L, -2, "best");
  return 1;
}

/* --- header fields ----------------------------------------------------- */

/* date(seconds, offset) */
static int date (lua_State *L) {
  char text[DS_DATE_TEXT];
  if (ds_date_format((int64_t)luaL_checknumber(L, 1),
                     (long)luaL_checknumber(L, 2), text) != DS_OK)
    return 0;
  lua_pushstring(L, text);
  return 1;
}

/* words(text, room): how, {word…} */
static int words (lua_State *L) {
  ds_span s = check_span(L, 1);
  size_t room = (size_t)luaL_checkinteger(L, 2);
  int i = 0, how = ds_word_how(s);
  char word[DS_WORD_MAX];
  lua_pushstring(L, how == 'Q' ? "Q" : "B");
  lua_newtable(L);
  while (s.n > 0) {
    lua_pushlstring(L, word, ds_word_next(&s, how, room, word));
    lua_rawseti(L, -2, ++i);
  }
  return 2;
}

static int alike (lua_State *L) {
  lua_pushboolean(L, ds_word_alike(check_span(L, 1)));
  return 1;
}

/* field(name, value, wide) */
static int field (lua_State *L) {
  ds_span name = check_span(L, 1), value = check_span(L, 2);
  ds_error e = {0};
  ds_buf out;
  int rc;
  ds_buf_init(&out);
  rc = ds_field_text(&out, name, value,
                     lua_toboolean(L, 3) ? DS_FIELD_LINE : DS_FIELD_FOLD, &e);
  if (rc == DS_OK)
    return push_buf(L, &out);
  ds_buf_clear(&out);
  return push_error(L, rc, &e);
}

/* param(name, value, words): in a field "X: a" */
static int param (lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  ds_span value = check_span(L, 2);
  ds_field f;
  ds_buf out;
  ds_buf_init(&out);
  ds_field_begin(&f, &out, ds_span_str("X"));
  ds_field_token(&f, ds_span_str("a"));
  (lua_toboolean(L, 3) ? ds_param_words : ds_param)(&f, name, value);
  ds_field_end(&f);
  return push_buf(L, &out);
}

/* params(name, value, name, value): the same with two */
static int params (lua_State *L) {
  ds_field f;
  ds_buf out;
  ds_buf_init(&out);
  ds_field_begin(&f, &out, ds_span_str("X"));
  ds_field_token(&f, ds_span_str("a"));
  ds_param(&f, luaL_checkstring(L, 1), check_span(L, 2));
  ds_param(&f, luaL_checkstring(L, 3), check_span(L, 4));
  ds_field_end(&f);
  return push_buf(L, &out);
}

static int token_ok (lua_State *L) {
  lua_pushboolean(L, ds_param_token_ok(check_span(L, 1)));
  return 1;
}

static int name_ok (lua_State *L) {
  lua_pushboolean(L, ds_field_name_ok(check_span(L, 1)));
  return 1;
}

/* mailboxes{name, local, domain, …}: the field "To", and the last one's path */
static int mailboxes (lua_State *L) {
  int i, rc = DS_OK, n = (int)lua_rawlen(L, 1);
  char path[DS_PATH_MAX + 1] = "";
  static const ds_mailbox_rules rules = {DS_MAILBOX_LITERALS, NULL, NULL};
  ds_error e = {0};
  ds_mailbox m;
  ds_field f;
  ds_buf out;
  ds_buf_init(&out);
  ds_field_begin(&f, &out, ds_span_str("To"));
  for (i = 1; i + 2 <= n && rc == DS_OK; i += 3) {
    rc = ds_mailbox_set(&m, piece(L, i), piece(L, i + 1), piece(L, i + 2),
                        &rules, &e);
    if (rc != DS_OK)
      break;
    ds_mailbox_field(&f, &m, i + 3 < n);
    ds_mailbox_path(&m, path);
    ds_mailbox_clear(&m);
  }
  ds_field_end(&f);
  if (rc != DS_OK) {
    ds_buf_clear(&out);
    return push_error(L, rc, &e);
  }
  push_buf(L, &out);
  lua_pushstring(L, path);
  return 2;
}

static int domain (lua_State *L) {
  ds_error e = {0};
  return ok(L, ds_domain_check(check_span(L, 1), &e), &e);
}

static int literal (lua_State *L) {
  ds_error e = {0};
  char out[64];
  int n = ds_domain_literal(check_span(L, 1), out, &e);
  if (n < 0)
    return push_error(L, n, &e);
  lua_pushlstring(L, out, (size_t)n);
  return 1;
}

static int ident_ok (lua_State *L) {
  lua_pushboolean(L, ds_ident_ok(check_span(L, 1), lua_toboolean(L, 2)));
  return 1;
}

/* the octets of a string, again and again; none when it is empty */
static int repeat (void *ud, void *p, size_t n) {
  const ds_span *s = (const ds_span *)ud;
  size_t i;
  for (i = 0; i < n && s->n > 0; i++)
    ((char *)p)[i] = s->p[i % s->n];
  return s->n > 0 ? DS_OK : DS_ERR_LOCAL;
}

static int boundary (lua_State *L) {
  ds_span random = check_span(L, 2);
  ds_error e = {0};
  char out[DS_BOUNDARY];
  int rc = ds_boundary(out, *luaL_checkstring(L, 1), repeat, &random, &e);
  if (rc != DS_OK)
    return push_error(L, rc, &e);
  lua_pushstring(L, out);
  return 1;
}

static int media_of (lua_State *L) {
  lua_pushstring(L, ds_media_of(check_span(L, 1)));
  return 1;
}

static int media_ok (lua_State *L) {
  lua_pushboolean(L, ds_media_ok(check_span(L, 1)));
  return 1;
}

static int media_name (lua_State *L) {
  ds_error e = {0};
  ds_span name;
  int rc = ds_media_name(check_span(L, 1), &name, &e);
  if (rc != DS_OK)
    return push_error(L, rc, &e);
  lua_pushlstring(L, name.p, name.n);
  return 1;
}

/* utf8(s): octets of the first code point, well-formed?, a line?, ASCII? */
static int utf8 (lua_State *L) {
  ds_span s = check_span(L, 1);
  lua_pushinteger(L, (lua_Integer)ds_utf8_next(s));
  lua_pushboolean(L, ds_utf8_ok(s));
  lua_pushboolean(L, ds_utf8_line(s));
  lua_pushboolean(L, ds_utf8_ascii(s));
  return 4;
}

static const luaL_Reg functions[] = {
    {"base64", base64},
    {"base64_size", base64_size},
    {"base64_word", base64_word},
    {"qp", qp},
    {"crlf", crlf},
    {"encode", encode},
    {"scan", scan},
    {"date", date},
    {"words", words},
    {"alike", alike},
    {"field", field},
    {"param", param},
    {"params", params},
    {"token_ok", token_ok},
    {"name_ok", name_ok},
    {"mailboxes", mailboxes},
    {"domain", domain},
    {"literal", literal},
    {"ident_ok", ident_ok},
    {"boundary", boundary},
    {"media_of", media_of},
    {"media_ok", media_ok},
    {"media_name", media_name},
    {"utf8", utf8},
    {NULL, NULL},
};

int ds_test_mime (lua_State *L) {
  luaL_newlibtable(L, functions);
  luaL_setfuncs(L, functions, 0);
  ds_test_mime_whole(L);
  return 1;
}
