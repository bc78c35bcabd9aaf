/*
** media: what a file is, by its name, and what a media type, a name may be.
*/
#ifndef ds_mime_media_h
#define ds_mime_media_h

#include "util/err.h"
#include "util/span.h"

/* ds_media_of: the type a file of this name has; application/octet-stream */
const char *ds_media_of (ds_span name);

/*
** ds_media_ok: "type/subtype" and parameters "; name=token", tokens of RFC
** 2045; multipart types are not for parts that have no parts.
*/
int ds_media_ok (ds_span type);

/*
** ds_media_name: the last part of a path, of either kind, as a view into it.
** 0, or DS_ERR_USAGE and *e: nothing is left, controls, invalid UTF-8, or
** marks that turn the direction of writing and so hide the true name.
*/
int ds_media_name (ds_span path, ds_span *name, ds_error *e);

#endif
