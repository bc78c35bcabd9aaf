/*
** class: a type of userdata.
*/
#ifndef ds_lua_class_h
#define ds_lua_class_h

#include <lauxlib.h>
#include <lua.h>

/*
** ds_lua_class: make its metatable, named `name`: its methods, its end in the
** hands of the collector, and that of a block; NULL: none.
*/
void ds_lua_class (lua_State *L, const char *name, const luaL_Reg *methods,
                   lua_CFunction gc, lua_CFunction close);

/* ds_lua_object: push a new one of that type, zeroed, its metatable set before
   it acquires anything */
void *ds_lua_object (lua_State *L, const char *name, size_t size);

#endif
