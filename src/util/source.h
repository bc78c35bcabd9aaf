/*
** source: octets pulled on demand, and again from the start when asked: a
** finished message, a file, a string.
*/
#ifndef ds_source_h
#define ds_source_h

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/* read's answer when the octets must come from the owner first (a Lua
   function that may yield); nothing was read */
#define DS_SOURCE_WAIT (-100)

typedef struct ds_source {
  /* up to n octets into p: how many, 0 at the end, DS_SOURCE_WAIT, or a
     negative ds_err with *e filled */
  long (*read)(void *ud, void *p, size_t n, ds_error *e);
  /* begin again; 0 or a negative ds_err */
  int (*rewind)(void *ud, ds_error *e);
  void *ud;
} ds_source;

#endif
