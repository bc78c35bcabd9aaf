/*
** test_mime: the second part of the door to mime adds its functions to the
** table on top of the stack.
*/
#ifndef ds_lua_test_mime_h
#define ds_lua_test_mime_h

#include <lua.h>

void ds_test_mime_whole (lua_State *L);

#endif
