/*
** core.message: a message being written, then read.  What it is written from
** (strings, open files) lies in its uservalue as long as it does.
*/
#include "mime/message.h"

#include <string.h>

#include "lua/compat.h"
#include "lua/core.h"
#include "mime/stream.h"
#include "net/file.h"
#include "smtp/engine.h"
#include "util/mem.h"

#define MESSAGE "directsend.message"
#define CONTENT "directsend.file"

typedef struct message {
  ds_message m;
  int finished;
  ds_stream stream;
  ds_source source; /* of the stream */
} message;

static message *check_message (lua_State *L, int i) {
  return (message *)luaL_checkudata(L, i, MESSAGE);
}

static ds_message *unfinished (lua_State *L) {
  message *m = check_message(L, 1);
  luaL_argcheck(L, !m->finished, 1, "this message is finished");
  return &m->m;
}

static message *finished (lua_State *L, int i) {
  message *m = check_message(L, i);
  luaL_argcheck(L, m->finished, i, "this message is not finished");
  return m;
}

/* true, or nil, message, field */
static int answer (lua_State *L, int rc, ds_error *e) {
  if (rc != DS_OK) {
    e->code = (ds_err)rc;
    return ds_lua_push_error(L, e);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static ds_span check_span (lua_State *L, int i) {
  size_t n;
  const char *s;
  luaL_checktype(L, i, LUA_TSTRING);
  s = lua_tolstring(L, i, &n);
  return ds_span_of(s, n);
}

static ds_span opt_span (lua_State *L, int i) {
  return lua_isnoneornil(L, i) ? ds_span_of("", 0) : check_span(L, i);
}

/* -- what bodies are read from -- */

/* the value on top of the stack lives as long as the message at 1 */
static void keep (lua_State *L) {
  lua_getuservalue(L, 1);
  lua_insert(L, -2);
  lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

static int file_gc (lua_State *L) {
  ds_file_close((ds_file *)luaL_checkudata(L, 1, CONTENT));
  return 0;
}

static int open_file (lua_State *L, ds_span path, ds_content *c, ds_error *e) {
  ds_file *f = (ds_file *)lua_newuserdata(L, sizeof *f);
  int rc;
  memset(f, 0, sizeof *f);
  f->fd = -1;
  luaL_getmetatable(L, CONTENT);
  lua_setmetatable(L, -2);
  keep(L);
  if (strlen(path.p) != path.n)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "path",
                        "a path has no NUL in it");
  if ((rc = ds_file_open(f, path.p, e)) != DS_OK) {
    memcpy(e->field, "path", sizeof "path");
    return rc;
  }
  *c = ds_file_content(f);
  return DS_OK;
}

/* data at i, or a path at i + 1 */
static int content (lua_State *L, int i, ds_content *c, ds_error *e) {
  ds_span *s;
  if (lua_isnil(L, i))
    return open_file(L, check_span(L, i + 1), c, e);
  check_span(L, i);
  lua_pushvalue(L, i);
  keep(L);
  s = (ds_span *)lua_newuserdata(L, sizeof *s);
  *s = check_span(L, i);
  keep(L);
  *c = ds_content_span(s);
  return DS_OK;
}

/* -- writing it -- */

/* message([eight]): a new one; eight: text may go as 8bit */
static int message_new (lua_State *L) {
  message *m = (message *)lua_newuserdata(L, sizeof *m);
  ds_message_init(&m->m);
  m->m.allow_8bit = lua_toboolean(L, 1);
  m->finished = 0;
  ds_stream_init(&m->stream, &m->m.layout);
  m->source = ds_stream_source(&m->stream);
  luaL_getmetatable(L, MESSAGE);
  lua_setmetatable(L, -2);
  lua_newtable(L);
  lua_setuservalue(L, -2);
  return 1;
}

/* a delivery may have its source still */
static long closed_read (void *ud, void *p, size_t n, ds_error *e) {
  (void)ud;
  (void)p;
  (void)n;
  return ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
                      "the message was closed before it was sent");
}

static int closed_rewind (void *ud, ds_error *e) {
  return (int)closed_read(ud, NULL, 0, e);
}

static int message_gc (lua_State *L) {
  message *m = check_message(L, 1);
  ds_stream_clear(&m->stream);
  ds_message_clear(&m->m);
  m->source.read = closed_read;
  m->source.rewind = closed_rewind;
  m->finished = 0;
  return 0;
}

/* close(): give back now what the collector would: memory, open files */
static int message_close (lua_State *L) {
  ds_file *f;
  int i;
  message_gc(L);
  lua_settop(L, 1);
  lua_getuservalue(L, 1);
  for (i = (int)lua_rawlen(L, 2); i > 0; i--) {
    lua_rawgeti(L, 2, i);
    f = (ds_file *)luaL_testudata(L, -1, CONTENT);
    if (f != NULL)
      ds_file_close(f);
    lua_pop(L, 1);
  }
  lua_newtable(L);
  lua_setuservalue(L, 1);
  return 0;
}

/* text(name, value [, wide]): wide: long words stand as they are */
static int message_text (lua_State *L) {
  ds_message *m = unfinished(L);
  ds_error e = {0};
  return answer(
      L,
      ds_message_text(m, check_span(L, 2), check_span(L, 3),
                      lua_toboolean(L, 4) ? DS_FIELD_LINE : DS_FIELD_FOLD, &e),
      &e);
}

static ds_span check_name (lua_State *L, int i) {
  ds_span name = check_span(L, i);
  luaL_argcheck(L, ds_field_name_ok(name), i, "no field name");
  return name;
}

/* the strings of the list at index i, in a userdata */
static ds_span *check_list (lua_State *L, int i, size_t *count) {
  size_t k;
  ds_span *v;
  luaL_checktype(L, i, LUA_TTABLE);
  *count = lua_rawlen(L, i);
  luaL_argcheck(L, *count >= 1 && *count <= 100000, i, "1 to 100000 items");
  v = (ds_span *)lua_newuserdata(L, *count * sizeof *v);
  for (k = 0; k < *count; k++) {
    lua_rawgeti(L, i, (int)k + 1);
    v[k] = check_span(L, -1); /* the table keeps it */
    lua_pop(L, 1);
  }
  return v;
}

/* idents(name, {id…}) */
static int message_idents (lua_State *L) {
  ds_message *m = unfinished(L);
  ds_span name = check_name(L, 2);
  ds_error e = {0};
  size_t count;
  ds_span *list = check_list(L, 3, &count);
  return answer(L, ds_message_idents(m, name, list, count, &e), &e);
}

/* date(seconds, offset) */
static int message_date (lua_State *L) {
  ds_message *m = unfinished(L);
  lua_Number t = luaL_checknumber(L, 2), offset = luaL_optnumber(L, 3, 0);
  ds_error e = {0};
  if (!(t >= -9e15 && t <= 9e15)) /* nor what is no number */
    t = 9e15;
  if (!(offset >= -1e6 && offset <= 1e6))
    offset = 1e6;
  return answer(L, ds_message_date(m, (int64_t)t, (long)offset, &e), &e);
}

static int put_mailboxes (ds_message *m, ds_span name, const ds_span *parts,
                          size_t count, ds_error *e) {
  ds_mailbox *list = (ds_mailbox *)ds_calloc(count, sizeof *list);
  int rc = list != NULL ? DS_OK : DS_ERR_NOMEM;
  size_t i;
  for (i = 0; i < count && rc == DS_OK; i++)
    rc = ds_mailbox_set(&list[i], parts[3 * i], parts[3 * i + 1],
                        parts[3 * i + 2], DS_MAILBOX_LITERALS, e);
  if (rc == DS_OK)
    rc = ds_message_mailboxes(m, name, list, count, e);
  for (i = 0; list != NULL && i < count; i++)
    ds_mailbox_clear(&list[i]);
  ds_free(list);
  return rc;
}

/* mailboxes(field, {name, localpart, domain, name, …}); "": no name */
static int message_mailboxes (lua_State *L) {
  ds_message *m = unfinished(L);
  ds_span name = check_name(L, 2);
  ds_error e = {0};
  size_t count;
  ds_span *parts = check_list(L, 3, &count);
  luaL_argcheck(L, count % 3 == 0, 3, "three strings each");
  return answer(L, put_mailboxes(m, name, parts, count / 3, &e), &e);
}

/* plain(data, path), html(data, path): one of the two is nil */
static int body (lua_State *L,
                 int (*put)(ds_message *, const ds_content *, ds_error *)) {
  ds_message *m = unfinished(L);
  ds_error e = {0};
  ds_content c;
  int rc = content(L, 2, &c, &e);
  return answer(L, rc == DS_OK ? put(m, &c, &e) : rc, &e);
}

static int message_plain (lua_State *L) {
  return body(L, ds_message_plain);
}

static int message_html (lua_State *L) {
  return body(L, ds_message_html);
}

/* raw(data, path); the message is finished then */
static int message_raw (lua_State *L) {
  message *m = check_message(L, 1);
  int n = body(L, ds_message_raw);
  m->finished = n == 1;
  return n;
}

/*
** attach(data, path, name, type, shown), inline(cid, data, path, name, type):
** name and type may be nil, and so one of data and path
*/
static int attachment (lua_State *L, int i, ds_span cid, int shown,
                       int (*put)(ds_message *, const ds_attachment *,
                                  ds_error *)) {
  ds_message *m = unfinished(L);
  ds_error e = {0};
  ds_attachment a;
  int rc;
  memset(&a, 0, sizeof a);
  a.name = opt_span(L, lua_isnil(L, i + 2) ? i + 1 : i + 2);
  a.type = opt_span(L, i + 3);
  a.cid = cid;
  a.shown = shown;
  rc = content(L, i, &a.content, &e);
  return answer(L, rc == DS_OK ? put(m, &a, &e) : rc, &e);
}

static int message_attach (lua_State *L) {
  lua_settop(L, 6);
  return attachment(L, 2, ds_span_of("", 0), lua_toboolean(L, 6),
                    ds_message_attach);
}

static int message_inline (lua_State *L) {
  lua_settop(L, 6);
  return attachment(L, 3, check_span(L, 2), 1, ds_message_inline);
}

/* header(): of a raw message, as it came but for its line ends */
static int message_header (lua_State *L) {
  message *m = finished(L, 1);
  lua_pushlstring(L, ds_buf_data(&m->m.head), m->m.head.len);
  return 1;
}

/* random octets that the caller drew beforehand */
static int draw (void *ud, void *p, size_t n) {
  ds_span *s = (ds_span *)ud;
  if (s->n < n)
    return DS_ERR_LOCAL;
  memcpy(p, s->p, n);
  s->p += n;
  s->n -= n;
  return DS_OK;
}

/* finish(random): 48 octets are enough for all the boundaries there can be */
static int message_finish (lua_State *L) {
  ds_message *m = unfinished(L);
  ds_span random = check_span(L, 2);
  ds_error e = {0};
  int rc = ds_message_finish(m, draw, &random, &e);
  if (rc == DS_OK)
    check_message(L, 1)->finished = 1;
  return answer(L, rc, &e);
}

/* prefix(fields): in front of it, each with its CRLF; reading begins again */
static int message_prefix (lua_State *L) {
  message *m = finished(L, 1);
  ds_error e = {0};
  int rc = ds_layout_prefix(&m->m.layout, check_span(L, 2));
  m->source.rewind(m->source.ud, &e);
  return answer(L, rc, &e);
}

/* -- reading it -- */

static int message_size (lua_State *L) {
  lua_pushnumber(L, (lua_Number)ds_message_size(&finished(L, 1)->m));
  return 1;
}

static unsigned flags_of (const message *m) {
  return (m->m.flags & DS_MESSAGE_8BIT ? DS_TXN_8BIT : 0) |
         (m->m.flags & DS_MESSAGE_UTF8 ? DS_TXN_UTF8 : 0);
}

/* flags(): what it needs of the path, as the engine has it */
static int message_flags (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)flags_of(finished(L, 1)));
  return 1;
}

/* read([most]): the next octets, "" at the end; or nil, message */
static int message_read (lua_State *L) {
  message *m = finished(L, 1);
  char octets[16384];
  lua_Integer most = luaL_optinteger(L, 2, (lua_Integer)sizeof octets);
  ds_error e = {0};
  long n;
  luaL_argcheck(L, most >= 1, 2, "1 octet or more");
  if (most > (lua_Integer)sizeof octets)
    most = (lua_Integer)sizeof octets;
  n = m->source.read(m->source.ud, octets, (size_t)most, &e);
  if (n < 0)
    return answer(L, (int)n, &e);
  lua_pushlstring(L, octets, (size_t)n);
  return 1;
}

static int message_rewind (lua_State *L) {
  message *m = finished(L, 1);
  ds_error e = {0};
  return answer(L, m->source.rewind(m->source.ud, &e), &e);
}

const ds_source *ds_lua_message_source (lua_State *L, int index, uint64_t *size,
                                        unsigned *flags) {
  message *m = (message *)luaL_testudata(L, index, MESSAGE);
  if (m == NULL || !m->finished)
    luaL_error(L, "source: a finished message, not %s",
               m == NULL ? luaL_typename(L, index) : "an unfinished one");
  *size = ds_message_size(&m->m);
  *flags = flags_of(m);
  return &m->source;
}

static void new_class (lua_State *L, const char *name, const luaL_Reg *methods,
                       lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  if (methods != NULL)
    luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void ds_lua_open_message (lua_State *L) {
  static const luaL_Reg methods[] = {
      {"text", message_text},     {"mailboxes", message_mailboxes},
      {"idents", message_idents}, {"date", message_date},
      {"plain", message_plain},   {"html", message_html},
      {"attach", message_attach}, {"inline", message_inline},
      {"raw", message_raw},       {"header", message_header},
      {"finish", message_finish}, {"prefix", message_prefix},
      {"size", message_size},     {"flags", message_flags},
      {"read", message_read},     {"rewind", message_rewind},
      {"close", message_close},   {NULL, NULL},
  };
  new_class(L, MESSAGE, methods, message_gc);
  new_class(L, CONTENT, NULL, file_gc);
  lua_pushcfunction(L, message_new);
  lua_setfield(L, -2, "message");
}
