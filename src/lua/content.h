/*
** content: what bodies are read from, as values of Lua: strings, files,
** spools, and sources that Lua itself reads.
*/
#ifndef ds_lua_content_h
#define ds_lua_content_h

#include <lauxlib.h>
#include <lua.h>

#include "mime/raw.h"
#include "util/content.h"

/* a body: its octets, and what is known of them already; NULL: nothing */
typedef struct ds_lua_content {
  ds_content c;
  const ds_scan *scan;
  ds_raw *raw;
} ds_lua_content;

/*
** ds_lua_content_get: the value at index i (a string, a spool, a source), or
** when it is nil the file whose path is at i + 1.  What it needs to live is
** kept by the userdata at index `keeper`, whose uservalue is a list.  0 or a
** negative ds_err with *e; raises on other types.
*/
int ds_lua_content_get (lua_State *L, int keeper, int i, ds_lua_content *c,
                        ds_error *e);

/* the value on top of the stack, taken from it, lives as long as the keeper */
void ds_lua_content_keep (lua_State *L, int keeper);

/* if the value on top is a file or a spool: close it */
void ds_lua_content_close (lua_State *L);

/* core.spool(dir), core.source(size [, what]) */
void ds_lua_open_content (lua_State *L);

#endif
