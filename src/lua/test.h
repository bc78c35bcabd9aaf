/*
** test: doors into rooms that the public module does not open, for specs.
** Each pushes one table of functions.
*/
#ifndef ds_lua_test_h
#define ds_lua_test_h

#include <lua.h>

int ds_test_util (lua_State *L);
int ds_test_mime (lua_State *L);
int ds_test_kernel (lua_State *L);
int ds_test_smtp (lua_State *L);
int ds_test_http (lua_State *L);
int ds_test_fetch (lua_State *L); /* a function of http's table */
void ds_test_fetch_type (lua_State *L);
int ds_test_dns (lua_State *L);
int ds_test_tls (lua_State *L);
int ds_test_session (lua_State *L);
int ds_test_net (lua_State *L);
int ds_test_dkim (lua_State *L);
int ds_test_policy (lua_State *L);

#endif
