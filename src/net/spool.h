/*
** spool: octets that come once and are read often: in memory up to a size,
** from there on in a file without a name.
*/
#ifndef ds_net_spool_h
#define ds_net_spool_h

#include "util/buf.h"
#include "util/content.h"
#include "util/err.h"

#define DS_SPOOL_MEMORY 1048576 /* octets held in memory */

typedef struct ds_spool {
  ds_buf memory;
  char *dir; /* where the file is, once there is one */
  int fd;    /* -1: all is in memory */
  uint64_t size;
} ds_spool;

/* 0 or DS_ERR_NOMEM; dir is copied and not looked at before it is needed */
int ds_spool_init (ds_spool *s, const char *dir);
void ds_spool_clear (ds_spool *s); /* also twice */

/*
** ds_spool_write: append.  0; DS_ERR_NOMEM; or DS_ERR_LOCAL and *e, which
** names the directory: no room is left, it cannot be written …
*/
int ds_spool_write (ds_spool *s, const void *p, size_t n, ds_error *e);

/* what it holds now; it must stay and not grow */
ds_content ds_spool_content (ds_spool *s);

#endif
