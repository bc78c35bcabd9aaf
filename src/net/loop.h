/*
** loop: the native driver: many deliveries at once over epoll.  It obeys
** their network operations, reads their sources, and hands the rest to the
** owner.
*/
#ifndef ds_net_loop_h
#define ds_net_loop_h

#include "deliver/delivery.h"

typedef struct ds_loop ds_loop;

/* NULL: out of memory, or no epoll to be had (errno says) */
ds_loop *ds_loop_new (void);

/* closes what is open; the deliveries stay the owner's */
void ds_loop_free (ds_loop *l);

/* until its DONE was told; 0 or DS_ERR_NOMEM */
int ds_loop_add (ds_loop *l, ds_delivery *d);

/* closes the delivery's connection; it is told nothing */
void ds_loop_remove (ds_loop *l, ds_delivery *d);

/* cancel all: each goes on to its RESULTs and DONE */
void ds_loop_cancel (ds_loop *l);

#define DS_LOOP_IDLE   0 /* no delivery is left */
#define DS_LOOP_OP     1 /* *d asks *op of the owner */
#define DS_LOOP_SIGNAL 2 /* a signal came; call again */

/*
** ds_loop_wait: run until a delivery asks for what the loop cannot do: NEXT,
** CONTEXT, RECALL, REMEMBER, ADMIT, RELEASE, RESULT, HOST, TRACE, DONE, and
** BODY and REWIND without source (or whose source says DS_SOURCE_WAIT).  What takes an answer is answered
** straight to the delivery before the next call (else DS_ERR_STATE).  After
** DONE the delivery is no longer the loop's.  DS_LOOP_… or a negative ds_err.
*/
int ds_loop_wait (ds_loop *l, ds_delivery **d, ds_op *op);

/* the delivery whose operation the owner was given last, NULL after DONE */
ds_delivery *ds_loop_told (const ds_loop *l);

#endif
