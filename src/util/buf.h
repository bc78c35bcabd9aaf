/*
** buf: a byte queue.  Bytes go in at the end and out at the front.  Running
** out of memory is sticky: the buffer keeps what it held, later appends are
** quiet no-ops returning DS_ERR_NOMEM, and ds_buf_failed tells at the end.
*/
#ifndef ds_buf_h
#define ds_buf_h

#include <stddef.h>

#include "util/span.h"

typedef struct ds_buf {
  char *block;
  size_t head; /* offset of the first byte */
  size_t len;  /* bytes held */
  size_t size; /* of the block */
  int failed;
} ds_buf;

void ds_buf_init (ds_buf *b);
void ds_buf_clear (ds_buf *b); /* frees; the buffer is as after init */

/* 0 or DS_ERR_NOMEM; appending a span of the buffer itself is not allowed */
int ds_buf_append (ds_buf *b, const void *p, size_t n);
int ds_buf_puts (ds_buf *b, const char *z);
int ds_buf_putc (ds_buf *b, int c);
int ds_buf_putspan (ds_buf *b, ds_span s);
int ds_buf_printf (ds_buf *b, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* ds_buf_space: room for n more bytes, or NULL; ds_buf_added takes them in */
char *ds_buf_space (ds_buf *b, size_t n);
void ds_buf_added (ds_buf *b, size_t n);

void ds_buf_consume (ds_buf *b, size_t n); /* n <= len */
void ds_buf_empty (ds_buf *b);             /* keeps the block */
void ds_buf_shrink (ds_buf *b);            /* frees the block when empty */
void ds_buf_swap (ds_buf *a, ds_buf *b);

static inline char *ds_buf_data (const ds_buf *b) {
  return b->block == NULL ? NULL : b->block + b->head;
}

static inline ds_span ds_buf_span (const ds_buf *b) {
  return ds_span_of(ds_buf_data(b), b->len);
}

static inline int ds_buf_failed (const ds_buf *b) {
  return b->failed;
}

#endif
