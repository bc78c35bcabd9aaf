/*
** test_tls: a configuration and a peer of the tls room from a table.  What
** they point to lives as long as what the calls leave on the stack.
*/
#ifndef ds_lua_test_tls_h
#define ds_lua_test_tls_h

#include <lua.h>

#include "tls/tls.h"

/* {ca_file=, ca_path=, client_cert=, client_key=, sessions=} */
void ds_test_tls_config (lua_State *L, int i, ds_tls_config *c);

/* {host=, verify=true|"judge", time=, names={}, tlsa={{usage, selector,
   matching, data}}, session_key=}: leaves two values */
void ds_test_tls_peer (lua_State *L, int i, ds_tls_peer *p);

/* a context of test_tls.c */
ds_tls_ctx *ds_test_tls_context (lua_State *L, int i);

/* test_chain.c: judge(client, pem): 1 or its words, and the depth of a TLSA
   record that fits; as if a server had shown these certificates */
int ds_test_judge (lua_State *L, ds_tls *t, const char *pem);

/* the functions that stand alone, into the table on top */
void ds_test_tls_alone (lua_State *L);

#endif
