/*
** core.spool, core.source: bodies that are no strings.  A source is read by
** Lua: it says which octets are wanted, and they are supplied.
*/
#include "lua/content.h"

#include <string.h>

#include "lua/class.h"
#include "lua/compat.h"
#include "lua/core.h"
#include "lua/message.h"
#include "net/file.h"
#include "net/spool.h"
#include "util/source.h"

#define FILE_TYPE   "directsend.file"
#define SPOOL_TYPE  "directsend.spool"
#define SOURCE_TYPE "directsend.source"

ds_span ds_lua_check_span (lua_State *L, int i) {
  size_t n;
  const char *s;
  luaL_checktype(L, i, LUA_TSTRING);
  s = lua_tolstring(L, i, &n);
  return ds_span_of(s, n);
}

int ds_lua_done (lua_State *L, int rc, ds_error *e) {
  if (rc != DS_OK) {
    e->code = (ds_err)rc;
    return ds_lua_push_error(L, e);
  }
  lua_pushboolean(L, 1);
  return 1;
}

void ds_lua_content_keep (lua_State *L, int keeper) {
  lua_getuservalue(L, keeper);
  lua_insert(L, -2);
  lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* -- files -- */

static int file_gc (lua_State *L) {
  ds_file_close((ds_file *)luaL_checkudata(L, 1, FILE_TYPE));
  return 0;
}

static int open_file (lua_State *L, int keeper, ds_span path, ds_content *c,
                      ds_error *e) {
  ds_file *f = (ds_file *)ds_lua_object(L, FILE_TYPE, sizeof *f);
  int rc;
  f->fd = -1;
  ds_lua_content_keep(L, keeper);
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

/* -- spools -- */

static ds_spool *check_spool (lua_State *L) {
  ds_spool *s = (ds_spool *)luaL_checkudata(L, 1, SPOOL_TYPE);
  luaL_argcheck(L, s->dir != NULL, 1, "this spool is closed");
  return s;
}

/* spool(dir): a new one */
static int spool_new (lua_State *L) {
  const char *dir = luaL_checkstring(L, 1);
  ds_spool *s = (ds_spool *)ds_lua_object(L, SPOOL_TYPE, sizeof *s);
  s->fd = -1;
  if (ds_spool_init(s, dir) != DS_OK)
    return luaL_error(L, "not enough memory");
  return 1;
}

static int spool_close (lua_State *L) {
  ds_spool_clear((ds_spool *)luaL_checkudata(L, 1, SPOOL_TYPE));
  return 0;
}

/* write(octets): true, or nil, message, field */
static int spool_write (lua_State *L) {
  ds_spool *s = check_spool(L);
  ds_span octets = ds_lua_check_span(L, 2);
  ds_error e = {0};
  return ds_lua_done(L, ds_spool_write(s, octets.p, octets.n, &e), &e);
}

/* read(offset, most): octets, "" at the end; or nil, message, field */
static int spool_read (lua_State *L) {
  ds_spool *s = check_spool(L);
  lua_Number at = luaL_checknumber(L, 2);
  lua_Integer most = luaL_checkinteger(L, 3);
  ds_content c = ds_spool_content(s);
  char octets[16384];
  ds_error e = {0};
  long n;
  luaL_argcheck(L, at >= 0 && at <= 9007199254740992.0, 2, "no offset");
  luaL_argcheck(L, most >= 1, 3, "1 octet or more");
  if (most > (lua_Integer)sizeof octets)
    most = (lua_Integer)sizeof octets;
  n = c.read(c.ud, (uint64_t)at, octets, (size_t)most, &e);
  if (n < 0)
    return ds_lua_done(L, (int)n, &e);
  lua_pushlstring(L, octets, (size_t)n);
  return 1;
}

/* -- sources -- */

typedef struct source {
  uint64_t size;
  uint64_t at;     /* where the chunk begins, … */
  ds_span chunk;   /* … which the uservalue keeps */
  int ended;       /* behind the chunk is nothing */
  uint64_t wanted; /* by whom reads, if … */
  int waiting;
  int texts, raws; /* what it is looked at as */
  ds_scan scan;
  ds_raw raw;
} source;

static long read_source (void *ud, uint64_t at, void *p, size_t n,
                         ds_error *e) {
  source *s = (source *)ud;
  uint64_t in = at - s->at;
  (void)e;
  if (at >= s->at && in < s->chunk.n) {
    if (n > s->chunk.n - (size_t)in)
      n = s->chunk.n - (size_t)in;
    memcpy(p, s->chunk.p + in, n);
    return (long)n;
  }
  if (s->ended && at == s->at + s->chunk.n)
    return 0;
  s->waiting = 1;
  s->wanted = at;
  return DS_SOURCE_WAIT;
}

static source *check_source (lua_State *L) {
  return (source *)luaL_checkudata(L, 1, SOURCE_TYPE);
}

/* source(size [, what]): what: "text" or "raw", it is looked at first */
static int source_new (lua_State *L) {
  static const char *const whats[] = {"", "text", "raw", NULL};
  lua_Number size = luaL_checknumber(L, 1);
  int what = luaL_checkoption(L, 2, "", whats);
  source *s;
  luaL_argcheck(L, size >= 0 && size <= 9007199254740992.0, 1, "no size");
  s = (source *)ds_lua_object(L, SOURCE_TYPE, sizeof *s);
  s->size = (uint64_t)size;
  s->texts = what == 1;
  s->raws = what == 2;
  ds_scan_init(&s->scan);
  ds_raw_init(&s->raw);
  lua_newtable(L);
  lua_setuservalue(L, -2);
  return 1;
}

static int source_gc (lua_State *L) {
  ds_raw_clear(&check_source(L)->raw);
  return 0;
}

/* look(octets): all of them in order, then look(""): true, or nil, message,
   field */
static int source_look (lua_State *L) {
  source *s = check_source(L);
  ds_span octets = ds_lua_check_span(L, 2);
  ds_error e = {0};
  int rc = DS_OK;
  if (s->raws)
    rc = octets.n > 0 ? ds_raw_update(&s->raw, octets.p, octets.n, &e)
                      : ds_raw_final(&s->raw);
  else if (octets.n > 0)
    ds_scan_update(&s->scan, octets.p, octets.n);
  else
    ds_scan_final(&s->scan);
  return ds_lua_done(L, rc, &e);
}

/* wanted(): the offset of the octets that are waited for, nil: none are */
static int source_wanted (lua_State *L) {
  source *s = check_source(L);
  if (!s->waiting)
    return 0;
  ds_lua_push_count(L, s->wanted);
  return 1;
}

/* supply(octets): those wanted, "" at the end; nil: they cannot be had, and
   nobody waits any more */
static int source_supply (lua_State *L) {
  source *s = check_source(L);
  lua_settop(L, 2);
  luaL_argcheck(L, s->waiting, 1, "nothing is wanted");
  s->waiting = 0;
  if (lua_isnil(L, 2))
    return 0;
  s->chunk = ds_lua_check_span(L, 2);
  s->at = s->wanted;
  s->ended = s->chunk.n == 0;
  lua_getuservalue(L, 1);
  lua_insert(L, 2);
  lua_rawseti(L, 2, 1);
  return 0;
}

/* -- any of them -- */

void ds_lua_content_close (lua_State *L) {
  ds_file *file = (ds_file *)luaL_testudata(L, -1, FILE_TYPE);
  ds_spool *spool = (ds_spool *)luaL_testudata(L, -1, SPOOL_TYPE);
  if (file != NULL)
    ds_file_close(file);
  if (spool != NULL)
    ds_spool_clear(spool);
}

static ds_content span_content (lua_State *L, int keeper, int i) {
  ds_span *s;
  ds_lua_check_span(L, i);
  lua_pushvalue(L, i);
  ds_lua_content_keep(L, keeper);
  s = (ds_span *)lua_newuserdata(L, sizeof *s);
  *s = ds_lua_check_span(L, i);
  ds_lua_content_keep(L, keeper);
  return ds_content_span(s);
}

static void source_content (source *s, ds_lua_content *c) {
  c->c.read = read_source;
  c->c.ud = s;
  c->c.size = s->size;
  c->scan = s->texts ? &s->scan : NULL;
  c->raw = s->raws ? &s->raw : NULL;
}

int ds_lua_content_get (lua_State *L, int keeper, int i, ds_lua_content *c,
                        ds_error *e) {
  void *ud;
  memset(c, 0, sizeof *c);
  if (lua_isnil(L, i))
    return open_file(L, keeper, ds_lua_check_span(L, i + 1), &c->c, e);
  if (lua_type(L, i) != LUA_TUSERDATA) {
    c->c = span_content(L, keeper, i);
    return DS_OK;
  }
  if ((ud = luaL_testudata(L, i, SPOOL_TYPE)) != NULL)
    c->c = ds_spool_content((ds_spool *)ud);
  else
    source_content((source *)luaL_checkudata(L, i, SOURCE_TYPE), c);
  lua_pushvalue(L, i);
  ds_lua_content_keep(L, keeper);
  return DS_OK;
}

void ds_lua_open_content (lua_State *L) {
  static const luaL_Reg spools[] = {{"write", spool_write},
                                    {"read", spool_read},
                                    {"close", spool_close},
                                    {NULL, NULL}};
  static const luaL_Reg sources[] = {{"look", source_look},
                                     {"wanted", source_wanted},
                                     {"supply", source_supply},
                                     {NULL, NULL}};
  ds_lua_class(L, FILE_TYPE, NULL, file_gc, NULL);
  ds_lua_class(L, SPOOL_TYPE, spools, spool_close, spool_close);
  ds_lua_class(L, SOURCE_TYPE, sources, source_gc, NULL);
  lua_pushcfunction(L, spool_new);
  lua_setfield(L, -2, "spool");
  lua_pushcfunction(L, source_new);
  lua_setfield(L, -2, "source");
}
