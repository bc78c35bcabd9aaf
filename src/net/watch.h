/*
** watch: one descriptor that turns readable when another one is ready, or
** when a time has come: for event loops that wait for descriptors and know no
** time.
*/
#ifndef ds_net_watch_h
#define ds_net_watch_h

#include "util/sys.h"

typedef struct ds_watch {
  int epoll; /* the descriptor to wait for; -1: closed */
  int timer;
  int fd; /* what is watched, or -1 */
} ds_watch;

/* 0, or -1 with errno and nothing open */
int ds_watch_open (ds_watch *w);

/* idempotent; what is watched stays open */
void ds_watch_close (ds_watch *w);

/*
** ds_watch_set: from now on watch for this alone: that fd (-1: none) can be
** read, or written, or that it broke; and for the deadline (on ds_now's clock;
** DS_NEVER: none).  0, or -1 with errno.
*/
int ds_watch_set (ds_watch *w, int fd, int writing, ds_time deadline);

/* whether any of it has come */
int ds_watch_ready (const ds_watch *w);

#endif
