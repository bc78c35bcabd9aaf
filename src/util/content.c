#include "util/content.h"

static long read_span (void *ud, uint64_t at, void *p, size_t n, ds_error *e) {
  const ds_span *s = (const ds_span *)ud;
  (void)e;
  if (at >= s->n)
    return 0;
  if (n > s->n - (size_t)at)
    n = s->n - (size_t)at;
  memcpy(p, s->p + at, n);
  return (long)n;
}

ds_content ds_content_span (const ds_span *s) {
  ds_content c;
  c.read = read_span;
  c.ud = (void *)s;
  c.size = s->n;
  return c;
}
