/*
** tls: the userdata "directsend.tls.context" as the core's binding reads it.
** The module that makes it is a shared object of its own, so that libssl is
** mapped only when TLS is used.
*/
#ifndef ds_lua_tls_h
#define ds_lua_tls_h

#include "tls/tls.h"

#define DS_LUA_TLS "directsend.tls.context"

typedef struct ds_lua_tls {
  const ds_tls_backend *backend;
  ds_tls_ctx *ctx; /* NULL once closed */
} ds_lua_tls;

#endif
