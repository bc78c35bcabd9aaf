/*
** state: a file of our own that nobody else can have written.
*/
#ifndef ds_net_state_h
#define ds_net_state_h

#include "util/buf.h"
#include "util/err.h"

#define DS_STATE 16777216 /* octets of one */

/*
** ds_state_read: append the file's octets to *out.  1; 0: there is no such
** file; or *e, which names it: DS_ERR_USAGE when it is a link or no regular
** file, another user's, open for others to write, too long, cannot be read;
** DS_ERR_NOMEM.
*/
int ds_state_read (const char *path, ds_buf *out, ds_error *e);

#endif
