/*
** file: a regular file as content.  It is opened once, without waiting and
** without following a link, and must stay what it was: a change of size or
** time of modification is an error that names it.
*/
#ifndef ds_net_file_h
#define ds_net_file_h

#include "util/content.h"
#include "util/err.h"

typedef struct ds_file {
  int fd; /* -1: not open */
  char *path;
  uint64_t size;
  int64_t seconds; /* of the last modification … */
  long nanoseconds;
} ds_file;

/*
** ds_file_open: 0; DS_ERR_NOMEM; or DS_ERR_USAGE and *e: there is no such
** file, it may not be read, it is no regular file (a directory, device, pipe,
** link …), it has no size and yet octets (/proc).  The path is copied.
*/
int ds_file_open (ds_file *f, const char *path, ds_error *e);
void ds_file_close (ds_file *f); /* once open or not */

/*
** ds_file_content: reads 64 KiB at most at once.  At its end and at its first
** octet the file is looked at again: DS_ERR_LOCAL when it has changed.
*/
ds_content ds_file_content (ds_file *f);

#endif
