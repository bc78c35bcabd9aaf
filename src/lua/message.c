/*
** core.message: a message being written, then read.  What it is written from
** (strings, open files) lies in its uservalue as long as it does.
*/
#include "lua/message.h"

#include <string.h>

#include "lua/class.h"
#include "lua/compat.h"
#include "lua/content.h"
#include "lua/core.h"
#include "mime/stream.h"
#include "smtp/engine.h"
#include "util/mem.h"

#define MESSAGE "directsend.message"
#define NESTED  "directsend.nested"

typedef struct message {
  ds_message m;
  int finished;
  int nested; /* another message reads it: it stays open */
  ds_stream stream;
  ds_source source; /* of the stream */
} message;

static message *check_message (lua_State *L, int i) {
  return (message *)luaL_checkudata(L, i, MESSAGE);
}

ds_message *ds_lua_unfinished (lua_State *L) {
  message *m = check_message(L, 1);
  luaL_argcheck(L, !m->finished, 1, "this message is finished");
  return &m->m;
}

static message *finished (lua_State *L, int i) {
  message *m = check_message(L, i);
  luaL_argcheck(L, m->finished, i, "this message is not finished");
  return m;
}

static ds_span opt_span (lua_State *L, int i) {
  return lua_isnoneornil(L, i) ? ds_span_of("", 0) : ds_lua_check_span(L, i);
}

/* -- writing it -- */

/* message([care]): a new one; care: "7bit", "8bit" or "signed", as ds_care */
static int message_new (lua_State *L) {
  static const char *const cares[] = {"7bit", "8bit", "signed", NULL};
  ds_care care = (ds_care)luaL_checkoption(L, 1, "7bit", cares);
  message *m = (message *)ds_lua_object(L, MESSAGE, sizeof *m);
  ds_message_init(&m->m);
  m->m.care = care;
  ds_stream_init(&m->stream, &m->m.layout);
  m->source = ds_stream_source(&m->stream);
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

/* what reads a message that is part of another */
typedef struct nested {
  ds_stream stream;
  int own; /* nobody else has that message: it is next in the list */
} nested;

static int message_close (lua_State *L);

/* the i-th value that the message at 1 has kept: the list is at 2 */
static void close_kept (lua_State *L, int i) {
  const nested *n;
  lua_rawgeti(L, 2, i);
  ds_lua_content_close(L);
  n = (const nested *)luaL_testudata(L, -1, NESTED);
  if (n != NULL && n->own) {
    lua_pushcfunction(L, message_close);
    lua_rawgeti(L, 2, i + 1);
    check_message(L, -1)->nested = 0;
    lua_call(L, 1, 0);
  }
  lua_pop(L, 1);
}

/* close(): give back now what the collector would: memory, open files */
static int message_close (lua_State *L) {
  int i;
  if (check_message(L, 1)->nested)
    return 0;
  message_gc(L);
  lua_settop(L, 1);
  lua_getuservalue(L, 1);
  for (i = (int)lua_rawlen(L, 2); i > 0; i--)
    close_kept(L, i);
  lua_newtable(L);
  lua_setuservalue(L, 1);
  return 0;
}

/* plain(data, path), html(data, path): one of the two is nil; data is a
   string, a spool or a source */
static int body (lua_State *L, int (*put)(ds_message *, const ds_content *,
                                          const ds_scan *, ds_error *)) {
  ds_message *m = ds_lua_unfinished(L);
  ds_error e = {0};
  ds_lua_content c;
  int rc = ds_lua_content_get(L, 1, 2, &c, &e);
  return ds_lua_done(L, rc == DS_OK ? put(m, &c.c, c.scan, &e) : rc, &e);
}

static int message_plain (lua_State *L) {
  return body(L, ds_message_plain);
}

static int message_html (lua_State *L) {
  return body(L, ds_message_html);
}

/* calendar(data, path, method): the method may be nil */
static int message_calendar (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  ds_error e = {0};
  ds_lua_content c;
  int rc;
  lua_settop(L, 4);
  rc = ds_lua_content_get(L, 1, 2, &c, &e);
  if (rc == DS_OK)
    rc = ds_message_calendar(m, &c.c, opt_span(L, 4), &e);
  return ds_lua_done(L, rc, &e);
}

/* raw(data, path); the message is finished then */
static int message_raw (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  ds_error e = {0};
  ds_lua_content c;
  int rc = ds_lua_content_get(L, 1, 2, &c, &e);
  if (rc == DS_OK)
    rc = ds_message_raw(m, &c.c, c.raw, &e);
  check_message(L, 1)->finished = rc == DS_OK;
  return ds_lua_done(L, rc, &e);
}

/*
** attach(data, path, name, type, shown), inline(cid, data, path, name, type):
** name and type may be nil, and so one of data and path
*/
static int attachment (lua_State *L, int i, ds_span cid, int shown,
                       int (*put)(ds_message *, const ds_attachment *,
                                  ds_error *)) {
  ds_message *m = ds_lua_unfinished(L);
  ds_error e = {0};
  ds_lua_content c;
  ds_attachment a;
  int rc;
  memset(&a, 0, sizeof a);
  a.name = opt_span(L, lua_isnil(L, i + 2) ? i + 1 : i + 2);
  a.type = opt_span(L, i + 3);
  a.cid = cid;
  a.shown = shown;
  rc = ds_lua_content_get(L, 1, i, &c, &e);
  a.content = c.c;
  a.seen = c.scan;
  return ds_lua_done(L, rc == DS_OK ? put(m, &a, &e) : rc, &e);
}

static int message_attach (lua_State *L) {
  lua_settop(L, 6);
  return attachment(L, 2, ds_span_of("", 0), lua_toboolean(L, 6),
                    ds_message_attach);
}

static int message_inline (lua_State *L) {
  lua_settop(L, 6);
  return attachment(L, 3, ds_lua_check_span(L, 2), 1, ds_message_inline);
}

static int nested_gc (lua_State *L) {
  ds_stream_clear(&((nested *)luaL_checkudata(L, 1, NESTED))->stream);
  return 0;
}

/* a reader of its own for the message at 2, which stays open as long as 1 */
static ds_content nested_content (lua_State *L, message *inner, int own) {
  nested *n = (nested *)ds_lua_object(L, NESTED, sizeof *n);
  ds_stream_init(&n->stream, &inner->m.layout);
  n->own = own;
  ds_lua_content_keep(L, 1);
  lua_pushvalue(L, 2);
  ds_lua_content_keep(L, 1);
  inner->nested = 1;
  return ds_stream_content(&n->stream);
}

/* nest(message, name, shown, own): a finished message hangs on; name may be
   nil; own: it is closed with this one */
static int message_nest (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  message *inner = finished(L, 2);
  ds_error e = {0};
  ds_attachment a;
  lua_settop(L, 5);
  memset(&a, 0, sizeof a);
  a.name = opt_span(L, 3);
  a.shown = lua_toboolean(L, 4);
  a.content = nested_content(L, inner, lua_toboolean(L, 5));
  return ds_lua_done(L, ds_message_nest(m, &inner->m, &a, &e), &e);
}

/* wrap(message, own): a finished message as it is, but for fields that were
   given before; both are finished then, and read apart from each other; own:
   it is closed with this one */
static int message_wrap (lua_State *L) {
  ds_message *m = ds_lua_unfinished(L);
  message *inner = finished(L, 2);
  ds_error e = {0};
  ds_content c;
  int rc;
  lua_settop(L, 3);
  c = nested_content(L, inner, lua_toboolean(L, 3));
  rc = ds_message_wrap(m, &inner->m, &c, &e);
  check_message(L, 1)->finished = rc == DS_OK;
  return ds_lua_done(L, rc, &e);
}

/* header(): the fields that were given; of a raw message, as they came but for
   their line ends */
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
  ds_message *m = ds_lua_unfinished(L);
  ds_span random = ds_lua_check_span(L, 2);
  ds_error e = {0};
  int rc = ds_message_finish(m, draw, &random, &e);
  if (rc == DS_OK)
    check_message(L, 1)->finished = 1;
  return ds_lua_done(L, rc, &e);
}

/* prefix(fields): in front of it, each with its CRLF; reading begins again */
static int message_prefix (lua_State *L) {
  message *m = finished(L, 1);
  ds_error e = {0};
  int rc = ds_layout_prefix(&m->m.layout, ds_lua_check_span(L, 2));
  m->source.rewind(m->source.ud, &e);
  return ds_lua_done(L, rc, &e);
}

/* -- reading it -- */

static int message_size (lua_State *L) {
  ds_lua_push_count(L, ds_message_size(&finished(L, 1)->m));
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

/* read([most]): the next octets, "" at the end; false: a source wants its
   octets first; or nil, message */
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
  if (n == DS_SOURCE_WAIT) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (n < 0)
    return ds_lua_done(L, (int)n, &e);
  lua_pushlstring(L, octets, (size_t)n);
  return 1;
}

static int message_rewind (lua_State *L) {
  message *m = finished(L, 1);
  ds_error e = {0};
  return ds_lua_done(L, m->source.rewind(m->source.ud, &e), &e);
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

void ds_lua_open_message (lua_State *L) {
  static const luaL_Reg methods[] = {
      {"plain", message_plain},
      {"html", message_html},
      {"calendar", message_calendar},
      {"attach", message_attach},
      {"inline", message_inline},
      {"nest", message_nest},
      {"raw", message_raw},
      {"header", message_header},
      {"finish", message_finish},
      {"prefix", message_prefix},
      {"wrap", message_wrap},
      {"size", message_size},
      {"flags", message_flags},
      {"read", message_read},
      {"rewind", message_rewind},
      {"close", message_close},
      {NULL, NULL},
  };
  ds_lua_class(L, MESSAGE, methods, message_gc, message_close);
  luaL_getmetatable(L, MESSAGE);
  lua_getfield(L, -1, "__index");
  ds_lua_message_head(L);
  lua_pop(L, 2);
  ds_lua_class(L, NESTED, NULL, nested_gc, NULL);
  ds_lua_open_content(L);
  lua_pushcfunction(L, message_new);
  lua_setfield(L, -2, "message");
}
