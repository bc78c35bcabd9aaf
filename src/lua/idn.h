/*
** idn: the userdata that the module directsend.idn is, as the core reads it.
** The module is a shared object of its own, so that libidn2 is mapped only
** where a domain outside ASCII is met.
*/
#ifndef ds_lua_idn_h
#define ds_lua_idn_h

#include "mime/domain.h"

#define DS_LUA_IDN "directsend.idn"

typedef struct ds_lua_idn {
  ds_idn_fn to_ascii;
} ds_lua_idn;

#endif
