/*
** field: the fields of a table as C values.  A field of the wrong type is the
** caller's bug and raises, naming it; a value that will not do is returned.
*/
#ifndef ds_lua_field_h
#define ds_lua_field_h

#include <lua.h>
#include <stddef.h>

#include "util/err.h"
#include "util/sys.h"

/* t is an absolute index; strings are kept by the table */
lua_Number ds_lua_opt_number (lua_State *L, int t, const char *name,
                              lua_Number standard);
const char *ds_lua_opt_string (lua_State *L, int t, const char *name);
int ds_lua_opt_boolean (lua_State *L, int t, const char *name);

/* seconds; *out stays as it is without the field */
void ds_lua_opt_time (lua_State *L, int t, const char *name, ds_time *out);

/* the index of the field's word among words (NULL ends them) */
int ds_lua_opt_word (lua_State *L, int t, const char *name,
                     const char *const *words, int standard);

/* the i-th string (from 0) of the list on top of the stack, NULL behind its
   end */
const char *ds_lua_list_item (lua_State *L, const char *what, size_t i,
                              size_t *n);

/* raises unless each key of the table at t is one of `known` (NULL ends them);
   what: whose keys they are */
void ds_lua_check_keys (lua_State *L, int t, const char *what,
                        const char *const *known);

/* nil, text, {kind=, field=}; raises where memory was short */
int ds_lua_refuse (lua_State *L, const ds_error *e);

#endif
