/*
** message: what the files of core.message share.  Not for others.
*/
#ifndef ds_lua_message_h
#define ds_lua_message_h

#include <lauxlib.h>
#include <lua.h>

#include "mime/message.h"

/* the message userdata at index 1, which is still being written */
ds_message *ds_lua_unfinished (lua_State *L);

/* the methods that write header fields, into the table on top of the stack */
void ds_lua_message_head (lua_State *L);

/* a string: numbers are none */
ds_span ds_lua_check_span (lua_State *L, int i);

/* true, or nil, message, field */
int ds_lua_done (lua_State *L, int rc, ds_error *e);

#endif
