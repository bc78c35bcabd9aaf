/*
** field: the fields of a table as C values.  A field of the wrong type or out
** of range is the caller's bug and raises, naming it; a value that will not do
** is returned.  A name may be dotted, "timeout.total": what is behind the dot
** is the field, all of it is told.  No metamethod is asked: what one makes
** nobody would keep.
*/
#ifndef ds_lua_field_h
#define ds_lua_field_h

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/sys.h"

/* t is an absolute index; strings are kept by the table */
lua_Number ds_lua_opt_number (lua_State *L, int t, const char *name,
                              lua_Number standard);
/* a whole number from least to most; all are such as a double holds exactly */
int64_t ds_lua_opt_integer (lua_State *L, int t, const char *name,
                            int64_t least, int64_t most, int64_t standard);
const char *ds_lua_opt_string (lua_State *L, int t, const char *name);
int ds_lua_opt_boolean (lua_State *L, int t, const char *name);

/* push the field: a table, or nil where there is none; 1: it is a table */
int ds_lua_opt_table (lua_State *L, int t, const char *name);

/* seconds, at most 285 years; *out is what they are without the field */
void ds_lua_opt_time (lua_State *L, int t, const char *name, ds_time *out);

/* the index of the field's word among words (NULL ends them) */
int ds_lua_opt_word (lua_State *L, int t, const char *name,
                     const char *const *words, int standard);

/* the field's list of words as flags, 1 for the first of `words` (NULL ends
   them); 0 without the field */
unsigned ds_lua_opt_words (lua_State *L, int t, const char *name,
                           const char *const *words);

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
