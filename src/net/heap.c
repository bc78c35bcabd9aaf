#include "net/heap.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

void ds_heap_clear (ds_heap *h) {
  ds_free(h->v);
  memset(h, 0, sizeof *h);
}

int ds_heap_reserve (ds_heap *h) {
  if (h->reserved + 1 >= h->size) {
    size_t size = h->size > 0 ? 2 * h->size : 8;
    ds_timer **v = (ds_timer **)ds_realloc(h->v, size * sizeof *v);
    if (v == NULL)
      return DS_ERR_NOMEM;
    h->v = v;
    h->size = size;
  }
  h->reserved++;
  return DS_OK;
}

void ds_heap_unreserve (ds_heap *h) {
  h->reserved--;
}

static void put (ds_heap *h, size_t place, ds_timer *t) {
  h->v[place] = t;
  t->place = place;
}

static void rise (ds_heap *h, size_t i, ds_timer *t) {
  for (; i > 1 && h->v[i / 2]->at > t->at; i /= 2)
    put(h, i, h->v[i / 2]);
  put(h, i, t);
}

static void sink (ds_heap *h, size_t i, ds_timer *t) {
  size_t child;
  for (; (child = 2 * i) <= h->count; i = child) {
    if (child < h->count && h->v[child + 1]->at < h->v[child]->at)
      child++;
    if (h->v[child]->at >= t->at)
      break;
    put(h, i, h->v[child]);
  }
  put(h, i, t);
}

static void settle (ds_heap *h, size_t i, ds_timer *t) {
  if (i > 1 && h->v[i / 2]->at > t->at)
    rise(h, i, t);
  else
    sink(h, i, t);
}

void ds_heap_set (ds_heap *h, ds_timer *t, ds_time at) {
  t->at = at;
  settle(h, t->place > 0 ? t->place : ++h->count, t);
}

void ds_heap_remove (ds_heap *h, ds_timer *t) {
  size_t i = t->place;
  ds_timer *last;
  if (i == 0)
    return;
  t->place = 0;
  last = h->v[h->count--];
  if (last != t)
    settle(h, i, last);
}

ds_time ds_heap_first (const ds_heap *h) {
  return h->count > 0 ? h->v[1]->at : DS_NEVER;
}

ds_timer *ds_heap_due (const ds_heap *h, ds_time now) {
  return h->count > 0 && h->v[1]->at <= now ? h->v[1] : NULL;
}
