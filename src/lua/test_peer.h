/*
** test_peer: a TLS server in memory, for the specs of tls and session.
*/
#ifndef ds_lua_test_peer_h
#define ds_lua_test_peer_h

#include <lauxlib.h>
#include <lua.h>

/* a userdata type with these methods; `close` is its __gc too */
void ds_test_type (lua_State *L, const char *name, const luaL_Reg *methods);

/* server{cert=, key=, min=, max=, ciphers=, tickets=, lifetime=, stateful=, thrifty=,
   asks=1 (for a client certificate)}, or server{like=server} */
int ds_test_server (lua_State *L);

#endif
