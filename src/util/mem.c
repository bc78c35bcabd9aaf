#include "util/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *libc_realloc (void *ud, void *p, size_t n) {
  (void)ud;
  if (n == 0) {
    free(p);
    return NULL;
  }
  return realloc(p, n);
}

static ds_mem_fn hook = libc_realloc;
static void *hook_ud = NULL;

void ds_mem_set (ds_mem_fn fn, void *ud) {
  hook = fn != NULL ? fn : libc_realloc;
  hook_ud = fn != NULL ? ud : NULL;
}

void ds_mem_get (ds_mem_fn *fn, void **ud) {
  *fn = hook;
  *ud = hook_ud;
}

void *ds_malloc (size_t n) {
  return hook(hook_ud, NULL, n > 0 ? n : 1);
}

void *ds_calloc (size_t n, size_t size) {
  void *p;
  if (size != 0 && n > SIZE_MAX / size)
    return NULL;
  p = ds_malloc(n * size);
  if (p != NULL)
    memset(p, 0, n * size);
  return p;
}

void *ds_realloc (void *p, size_t n) {
  return hook(hook_ud, p, n);
}

void ds_free (void *p) {
  if (p != NULL)
    hook(hook_ud, p, 0);
}

void ds_wipe (void *p, size_t n) {
  volatile unsigned char *v = (volatile unsigned char *)p;
  while (n-- > 0)
    *v++ = 0;
}

char *ds_strndup (const char *s, size_t n) {
  char *c = n < SIZE_MAX ? (char *)ds_malloc(n + 1) : NULL;
  if (c == NULL)
    return NULL;
  if (n > 0)
    memcpy(c, s, n);
  c[n] = '\0';
  return c;
}
