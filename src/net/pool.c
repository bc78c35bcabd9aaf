/*
** pool: sessions between two deliveries, each under its key.  Whatever a peer
** says meanwhile nobody asked for: it is closed.
*/
#include <string.h>

#include "net/entry.h"
#include "net/socket.h"
#include "util/mem.h"

static void unlink_entry (ds_loop *l, entry *p) {
  if (p->prev != NULL)
    p->prev->next = p->next;
  else
    l->pool = p->next;
  if (p->next != NULL)
    p->next->prev = p->prev;
  ds_heap_remove(&l->heap, &p->timer);
  ds_heap_unreserve(&l->heap);
}

static void entry_free (entry *p) {
  ds_kept_free(p->kept);
  ds_free(p->key);
  ds_free(p);
}

void ds_pool_drop (ds_loop *l, entry *p, int farewell) {
  ds_failure f;
  const char *text;
  ds_span last = {NULL, 0};
  if (farewell)
    last = ds_kept_farewell(p->kept, l->now);
  if (last.n > 0)
    (void)ds_socket_send(p->fd, last, 0, &f, &text);
  unlink_entry(l, p);
  ds_entry_close(l, p, 0);
  entry_free(p);
}

int ds_pool_shrink (ds_loop *l) {
  entry *p = l->pool;
  if (p == NULL)
    return 0;
  while (p->next != NULL) /* they join at the front */
    p = p->next;
  ds_pool_drop(l, p, 1);
  return 1;
}

/* NULL: no memory */
static entry *entry_new (ds_loop *l, const ds_op *op) {
  entry *p = (entry *)ds_calloc(1, sizeof *p);
  char *key = ds_strndup(op->reuse, strlen(op->reuse));
  if (p == NULL || key == NULL || ds_heap_reserve(&l->heap) != DS_OK) {
    ds_free(p);
    ds_free(key);
    return NULL;
  }
  p->key = key;
  p->dies = op->dies_at;
  return p;
}

static void join (ds_loop *l, entry *p, ds_time until) {
  p->next = l->pool;
  if (l->pool != NULL)
    l->pool->prev = p;
  l->pool = p;
  ds_heap_set(&l->heap, &p->timer, until < p->dies ? until : p->dies);
}

void ds_pool_keep (ds_loop *l, entry *e) {
  entry *p = e->op.reuse != NULL ? entry_new(l, &e->op) : NULL;
  if (p == NULL)
    ds_entry_close(l, e, 0); /* the delivery's next step frees the session */
  else {
    p->kept = ds_kept_take(e->d);
    p->fd = e->fd;
    e->fd = -1;
    join(l, p, e->op.idle_until);
    if (p->kept == NULL || ds_entry_watch(l, p, p->fd) != 0)
      ds_pool_drop(l, p, 0);
  }
  ds_entry_done(l, e);
}

static entry *fit (const ds_loop *l, const char *key) {
  entry *p = l->pool;
  while (p != NULL && strcmp(p->key, key) != 0)
    p = p->next;
  return p;
}

/* the newest that is still silent */
static entry *alive (ds_loop *l, const char *key) {
  entry *p;
  while ((p = fit(l, key)) != NULL &&
         (l->now >= p->timer.at || ds_socket_readable(p->fd)))
    ds_pool_drop(l, p, l->now >= p->timer.at);
  return p;
}

int ds_pool_adopt (ds_loop *l, entry *e) {
  entry *p = alive(l, e->op.reuse);
  if (p == NULL)
    return 0;
  if (ds_entry_watch(l, e, p->fd) != 0 ||
      ds_delivery_adopted(e->d, l->now, e->op.conn, p->kept) != DS_OK) {
    ds_pool_drop(l, p, 0);
    return 0;
  }
  e->fd = p->fd;
  e->writable = 1;
  p->kept = NULL; /* the delivery's */
  p->fd = -1;
  unlink_entry(l, p);
  entry_free(p);
  ds_entry_done(l, e);
  return 1;
}
