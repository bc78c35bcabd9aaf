/*
** secret: a small file that only its owner is to read: a key.
*/
#ifndef ds_net_secret_h
#define ds_net_secret_h

#include "util/err.h"
#include "util/span.h"

#define DS_SECRET 65536 /* octets of one */

/* what takes a secret's octets: 0, or a negative ds_err and *e */
typedef int (*ds_secret_fn)(void *ud, ds_span octets, ds_error *e);

/*
** ds_secret_use: read the file, hand its octets to `take`, wipe them out.
** *exposed: others on this machine may read or change it.  0; DS_ERR_NOMEM; or
** DS_ERR_USAGE and *e, which names the file: it cannot be read, is no regular
** file, or is too long.  Or what `take` said, behind the file's name.
*/
int ds_secret_use (const char *path, ds_secret_fn take, void *ud, int *exposed,
                   ds_error *e);

/* what an exposed one is told with, of a path */
#define DS_SECRET_EXPOSED                                                      \
  "%s: anybody on this machine can read this key, or change it; chmod 600 is " \
  "what it needs"

/*
** ds_secret_write: a new file, for its owner alone from its first moment.  0,
** or DS_ERR_USAGE and *e: it cannot be written, or is there already.
*/
int ds_secret_write (const char *path, ds_span octets, ds_error *e);

#endif
