/*
** heap: deadlines, the soonest first.  Room is reserved as members join, so
** that setting one never fails.
*/
#ifndef ds_net_heap_h
#define ds_net_heap_h

#include <stddef.h>

#include "util/sys.h"

typedef struct ds_timer {
  ds_time at;
  size_t place; /* in the heap, from 1; 0: not set */
} ds_timer;

typedef struct ds_heap {
  ds_timer **v; /* from 1 */
  size_t count, reserved, size;
} ds_heap;

void ds_heap_clear (ds_heap *h);
int ds_heap_reserve (ds_heap *h); /* for one more member; 0 or DS_ERR_NOMEM */
void ds_heap_unreserve (ds_heap *h);

void ds_heap_set (ds_heap *h, ds_timer *t, ds_time at);
void ds_heap_remove (ds_heap *h, ds_timer *t); /* nothing when not set */

ds_time ds_heap_first (const ds_heap *h); /* DS_NEVER when empty */

/* the next whose time has come, NULL: none; it stays in until removed */
ds_timer *ds_heap_due (const ds_heap *h, ds_time now);

#endif
