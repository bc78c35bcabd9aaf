/*
** core: the parts of the module `directsend.core`, one file each.  Each
** `open` adds its functions to the table on top of the stack.
*/
#ifndef ds_lua_core_h
#define ds_lua_core_h

#include <lua.h>
#include <stdint.h>

#include "deliver/delivery.h"
#include "util/err.h"
#include "util/source.h"

void ds_lua_open_address (lua_State *L);
void ds_lua_open_message (lua_State *L);
void ds_lua_open_mime (lua_State *L);
void ds_lua_open_delivery (lua_State *L);
void ds_lua_open_kept (lua_State *L);
void ds_lua_open_state (lua_State *L);
void ds_lua_open_loop (lua_State *L);
void ds_lua_open_watch (lua_State *L);

/*
** ds_lua_message_source: the octets of the message userdata at index, with
** their number and what they need of the path (DS_TXN_…).  Valid while the
** userdata lives.  Raises when there is no such userdata.
*/
const ds_source *ds_lua_message_source (lua_State *L, int index, uint64_t *size,
                                        unsigned *flags);

/* the delivery userdata at index, or an error */
ds_delivery *ds_lua_check_delivery (lua_State *L, int index);

/* … which no loop has */
ds_delivery *ds_lua_free_delivery (lua_State *L, int index);

/* it is this loop's now (NULL: no loop's): stepping it by hand is an error */
struct ds_loop;
void ds_lua_delivery_owned (lua_State *L, int index, struct ds_loop *l);

/* keep the TLS context at index `context` as long as the delivery lives */
void ds_lua_delivery_context (lua_State *L, int index, int context);

/* an answer being given: to d, which is the userdata's at index u, with the
   values from index `at` */
typedef struct ds_lua_call {
  ds_delivery *d;
  int u, at;
  ds_time now;
} ds_lua_call;

/* a userdata over the session that this delivery's KEEP is about */
void ds_lua_push_kept (lua_State *L, int delivery);

/* the answer `adopted` with the one at index; see ds_delivery_adopted */
int ds_lua_adopt (lua_State *L, const ds_lua_call *c, unsigned conn, int index);

/* the table at absolute index t into *c, which holds defaults already; its
   pointers are good while *auth, the table and what this leaves on the stack
   are */
void ds_lua_read_config (lua_State *L, int t, ds_delivery_config *c,
                         ds_auth *auth);

/* the operation as a table; a RESULT forgets its message when it was the last */
void ds_lua_push_op (lua_State *L, int delivery, const ds_op *op);

/* the type of record that the field names ("TXT"), 0 without the field */
unsigned ds_lua_opt_question (lua_State *L, int t, const char *name);

/* what the DNS said, into the table on top of the stack: status, secure, text
   (how the servers failed) and records, each with what its type has:
   preference and host, host, address, text, or usage, selector, matching and
   data */
void ds_lua_set_answer (lua_State *L, const ds_op *op);

/*
** ds_lua_answer: the answer named at index `first`, its values behind it, to d,
** which is the userdata's at index `delivery`.  Raises when it does not fit.
** ds_lua_on_message: the one named `message`.
*/
void ds_lua_answer (lua_State *L, ds_delivery *d, int delivery, int first,
                    ds_time now);
int ds_lua_on_message (lua_State *L, const ds_lua_call *c);

/* a RESULT's row as a table; same_place: were host, ip, port and tls of this
   delivery's last row the same? */
void ds_lua_push_row (lua_State *L, int delivery, const ds_row *r);
int ds_lua_same_place (lua_State *L, int delivery, const ds_row *r);

/* seconds as Lua has them <-> ds_time */
ds_time ds_lua_check_time (lua_State *L, int index);
lua_Number ds_lua_seconds (ds_time t);

/* nil, text, field: how a value that will not do is returned */
int ds_lua_push_error (lua_State *L, const ds_error *e);

#endif
