/*
** dkim: the parts of the module `directsend.dkim`, one file each.  Each `open`
** adds its functions to the table on top of the stack.  The module is a shared
** object of its own, so that libcrypto is mapped only where mail is signed.
*/
#ifndef ds_lua_dkim_h
#define ds_lua_dkim_h

#include <lauxlib.h>
#include <lua.h>

#include "dkim/key.h"

void ds_lua_open_dkim_key (lua_State *L);
void ds_lua_open_dkim_sign (lua_State *L);
void ds_lua_open_dkim_verify (lua_State *L);

/*
** ds_lua_dkim_key: push the key that the value at i is or says how to come by
** (PEM text, a file's name, {path=}).  Valid while what is pushed lives.
** NULL and *e: it will not do.
*/
ds_dkim_key *ds_lua_dkim_key (lua_State *L, int i, ds_error *e);

/* push what is to be said against the key at i, each a text: how many */
int ds_lua_dkim_warn (lua_State *L, int i);

#endif
