/*
** content: octets that stay where they are and can be read from any place, by
** several readers at once: a string, a file.
*/
#ifndef ds_content_h
#define ds_content_h

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/span.h"

typedef struct ds_content {
  /* up to n octets from offset `at` into p: how many, 0 at the end,
     DS_SOURCE_WAIT, or a negative ds_err with *e filled */
  long (*read)(void *ud, uint64_t at, void *p, size_t n, ds_error *e);
  void *ud;
  uint64_t size;
} ds_content;

/* ds_content_span: the octets of *s; both it and they must stay */
ds_content ds_content_span (const ds_span *s);

#endif
