#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/entry.h"
#include "net/sys.h"
#include "util/mem.h"

#define EVENTS 64

/* so many steps at most between two looks at the sockets: one delivery that
   never has to wait must not keep the others from being heard */
#define STEPS       64
#define STEPS_ALONE 4096

/* what was seen of a socket is good for so long */
#define TURN (DS_SECOND / 1000)

/* ----------------------------------------------------------- membership */

ds_loop *ds_loop_new (void) {
  ds_loop *l = (ds_loop *)ds_calloc(1, sizeof *l);
  if (l == NULL) {
    errno = ENOMEM;
    return NULL;
  }
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (l->epoll < 0) {
    ds_free(l);
    return NULL;
  }
  return l;
}

void ds_entry_ready (ds_loop *l, entry *e) {
  if (e->queued)
    return;
  e->queued = 1;
  e->next_ready = NULL;
  if (l->last != NULL)
    l->last->next_ready = e;
  else
    l->first = e;
  l->last = e;
}

static entry *take_ready (ds_loop *l) {
  entry *e = l->first;
  if (e == NULL)
    return NULL;
  l->first = e->next_ready;
  if (l->first == NULL)
    l->last = NULL;
  e->queued = 0;
  return e;
}

int ds_loop_add (ds_loop *l, ds_delivery *d) {
  entry *e = (entry *)ds_calloc(1, sizeof *e);
  if (e == NULL || ds_heap_reserve(&l->heap) != DS_OK) {
    ds_free(e);
    return DS_ERR_NOMEM;
  }
  e->d = d;
  e->fd = -1;
  e->next = l->all;
  if (l->all != NULL)
    l->all->prev = e;
  l->all = e;
  ds_entry_ready(l, e);
  return DS_OK;
}

static void unlink_ready (ds_loop *l, entry *gone) {
  entry *e, *rest = l->first;
  if (!gone->queued)
    return;
  l->first = l->last = NULL;
  for (e = rest; e != NULL; e = rest) {
    rest = e->next_ready;
    e->queued = 0;
    if (e != gone)
      ds_entry_ready(l, e);
  }
}

static void drop (ds_loop *l, entry *e) {
  ds_entry_close(l, e, 0);
  ds_heap_remove(&l->heap, &e->timer);
  ds_heap_unreserve(&l->heap);
  unlink_ready(l, e);
  if (e->prev != NULL)
    e->prev->next = e->next;
  else
    l->all = e->next;
  if (e->next != NULL)
    e->next->prev = e->prev;
  if (l->told == e)
    l->told = NULL;
  ds_free(e);
}

void ds_loop_remove (ds_loop *l, ds_delivery *d) {
  entry *e = l->all;
  while (e != NULL && e->d != d)
    e = e->next;
  if (e != NULL)
    drop(l, e);
}

void ds_loop_free (ds_loop *l) {
  if (l == NULL)
    return;
  while (l->all != NULL)
    drop(l, l->all);
  while (ds_pool_shrink(l))
    ;
  ds_heap_clear(&l->heap);
  close(l->epoll);
  ds_free(l->chunk);
  ds_free(l);
}

void ds_loop_cancel (ds_loop *l) {
  entry *e;
  l->now = ds_now();
  for (e = l->all; e != NULL; e = e->next) {
    ds_delivery_cancel(e->d, l->now);
    if (e->connecting || e->starved)
      ds_entry_close(l, e, 1);
    ds_entry_done(l, e);
  }
}

/* -------------------------------------------------------------- waiting */

void ds_loop_turn (ds_loop *l) {
  l->now = ds_now();
  if (l->now - l->turned < TURN)
    return;
  l->turned = l->now;
  l->turn++;
}

int ds_loop_alone (const ds_loop *l) {
  return l->all != NULL && l->all->next == NULL && l->pool == NULL;
}

static int timeout_ms (ds_loop *l) {
  ds_time at = ds_heap_first(&l->heap), left;
  if (at == DS_NEVER)
    return -1;
  left = at > l->now ? (at - l->now + 999) / 1000 : 0;
  return left < INT_MAX ? (int)left : INT_MAX;
}

static void expire (ds_loop *l) {
  ds_timer *t;
  while ((t = ds_heap_due(&l->heap, l->now)) != NULL)
    ds_entry_expired(l, (entry *)t);
}

static int poll_events (ds_loop *l) {
  struct epoll_event ev[EVENTS];
  int i, timeout = l->first != NULL ? 0 : timeout_ms(l);
  int n = epoll_wait(l->epoll, ev, EVENTS, timeout);
  if (n < 0)
    return errno == EINTR ? DS_LOOP_SIGNAL : DS_ERR_LOCAL;
  ds_loop_turn(l);
  l->steps = 0;
  for (i = 0; i < n; i++)
    ds_entry_woken(l, (entry *)ev[i].data.ptr, ev[i].events);
  expire(l);
  return DS_OK;
}

/* DS_OK: it goes on by itself */
static int step (ds_loop *l, entry *e, ds_delivery **d, ds_op *op) {
  l->steps++;
  if (e->op.op == DS_OP_CONNECT) { /* it waited for a descriptor */
    ds_entry_connect(l, e);
    return DS_OK;
  }
  ds_delivery_next(e->d, l->now, &e->op);
  if (e->op.op == DS_OP_NONE) { /* the owner's answer is still due */
    l->told = e;
    return DS_ERR_STATE;
  }
  if (!ds_entry_obey(l, e))
    return DS_OK;
  *d = e->d;
  *op = e->op;
  if (e->op.op == DS_OP_DONE)
    drop(l, e);
  else
    l->told = e;
  return DS_LOOP_OP;
}

/* 1: somebody who waits for a descriptor may have one */
static int relieve (ds_loop *l) {
  if (l->hungry == NULL)
    return 0;
  if (l->open == 0)
    ds_entry_feed_starved(l);
  else if (!ds_pool_shrink(l))
    return 0;
  return 1;
}

int ds_loop_wait (ds_loop *l, ds_delivery **d, ds_op *op) {
  entry *e;
  unsigned steps = ds_loop_alone(l) ? STEPS_ALONE : STEPS;
  int r = DS_OK;
  ds_loop_turn(l);
  if (l->told != NULL)
    ds_entry_ready(l, l->told);
  l->told = NULL;
  while (r == DS_OK) {
    e = l->steps < steps ? take_ready(l) : NULL;
    if (e != NULL)
      r = step(l, e, d, op);
    else if (l->signal) {
      l->signal = 0;
      r = DS_LOOP_SIGNAL;
    } else if (l->all == NULL)
      return DS_LOOP_IDLE;
    else if (!relieve(l))
      r = poll_events(l);
  }
  return r;
}

ds_delivery *ds_loop_told (const ds_loop *l) {
  return l->told != NULL ? l->told->d : NULL;
}
