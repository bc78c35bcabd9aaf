#include "util/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#define FIRST_SIZE 256

void ds_buf_init (ds_buf *b) {
  memset(b, 0, sizeof *b);
}

void ds_buf_clear (ds_buf *b) {
  ds_free(b->block);
  ds_buf_init(b);
}

/* doubling keeps appending linear; moving down first keeps a queue that is
   read as fast as it is written from growing at all */
static int grow (ds_buf *b, size_t n) {
  size_t need, size;
  char *block;
  if (n > SIZE_MAX / 2 - b->len) {
    b->failed = 1;
    return DS_ERR_NOMEM;
  }
  need = b->len + n;
  if (b->head > 0) {
    memmove(b->block, b->block + b->head, b->len);
    b->head = 0;
    if (need <= b->size)
      return DS_OK;
  }
  size = b->size > 0 ? b->size : FIRST_SIZE;
  while (size < need)
    size *= 2;
  block = (char *)ds_realloc(b->block, size);
  if (block == NULL) {
    b->failed = 1;
    return DS_ERR_NOMEM;
  }
  b->block = block;
  b->size = size;
  return DS_OK;
}

char *ds_buf_space (ds_buf *b, size_t n) {
  if (b->failed)
    return NULL;
  if ((b->block == NULL || n > b->size - b->head - b->len) &&
      grow(b, n) != DS_OK)
    return NULL;
  return b->block + b->head + b->len;
}

void ds_buf_added (ds_buf *b, size_t n) {
  b->len += n;
}

int ds_buf_append (ds_buf *b, const void *p, size_t n) {
  char *to;
  if (n == 0)
    return b->failed ? DS_ERR_NOMEM : DS_OK;
  to = ds_buf_space(b, n);
  if (to == NULL)
    return DS_ERR_NOMEM;
  memcpy(to, p, n);
  b->len += n;
  return DS_OK;
}

int ds_buf_puts (ds_buf *b, const char *z) {
  return ds_buf_append(b, z, strlen(z));
}

int ds_buf_putc (ds_buf *b, int c) {
  char ch = (char)c;
  return ds_buf_append(b, &ch, 1);
}

int ds_buf_putspan (ds_buf *b, ds_span s) {
  return ds_buf_append(b, s.p, s.n);
}

int ds_buf_printf (ds_buf *b, const char *fmt, ...) {
  va_list ap;
  char *to;
  int n;
  va_start(ap, fmt);
  n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  if (n < 0)
    b->failed = 1;
  if (n < 0 || (to = ds_buf_space(b, (size_t)n + 1)) == NULL)
    return DS_ERR_NOMEM;
  va_start(ap, fmt);
  vsnprintf(to, (size_t)n + 1, fmt, ap);
  va_end(ap);
  b->len += (size_t)n;
  return DS_OK;
}

void ds_buf_consume (ds_buf *b, size_t n) {
  b->head += n;
  b->len -= n;
  if (b->len == 0)
    b->head = 0;
}

void ds_buf_empty (ds_buf *b) {
  b->head = 0;
  b->len = 0;
}

void ds_buf_shrink (ds_buf *b) {
  if (b->len == 0 && b->block != NULL) {
    ds_free(b->block);
    b->block = NULL;
    b->size = 0;
    b->head = 0;
  }
}

void ds_buf_swap (ds_buf *a, ds_buf *b) {
  ds_buf t = *a;
  *a = *b;
  *b = t;
}
