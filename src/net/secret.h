/*
** secret: a small file that only its owner is to read: a key.
*/
#ifndef ds_net_secret_h
#define ds_net_secret_h

#include "util/buf.h"
#include "util/err.h"
#include "util/span.h"

#define DS_SECRET 65536 /* octets of one */

/*
** ds_secret_read: append the file's octets.  *exposed: others on this machine
** may read or change it.  0; DS_ERR_NOMEM; or DS_ERR_USAGE and *e, which names
** the file: it cannot be read, is no regular file, or is too long.
*/
int ds_secret_read (const char *path, ds_buf *out, int *exposed, ds_error *e);

/*
** ds_secret_write: a new file, for its owner alone from its first moment.  0,
** or DS_ERR_USAGE and *e: it cannot be written, or is there already.
*/
int ds_secret_write (const char *path, ds_span octets, ds_error *e);

#endif
