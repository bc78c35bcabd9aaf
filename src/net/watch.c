#include "net/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int control (ds_watch *w, int how, int fd, uint32_t events) {
  struct epoll_event ev;
  memset(&ev, 0, sizeof ev);
  ev.events = events;
  return epoll_ctl(w->epoll, how, fd, &ev);
}

int ds_watch_open (ds_watch *w) {
  int error;
  w->fd = w->timer = -1;
  w->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (w->epoll < 0)
    return -1;
  w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (w->timer >= 0 && control(w, EPOLL_CTL_ADD, w->timer, EPOLLIN) == 0)
    return 0;
  error = errno;
  ds_watch_close(w);
  errno = error;
  return -1;
}

void ds_watch_close (ds_watch *w) {
  if (w->timer >= 0)
    close(w->timer);
  if (w->epoll >= 0)
    close(w->epoll);
  w->fd = w->timer = w->epoll = -1;
}

/* setting a timer also takes back that it was due */
static int set_timer (ds_watch *w, ds_time deadline) {
  struct itimerspec t;
  memset(&t, 0, sizeof t);
  if (deadline != DS_NEVER) {
    if (deadline < 1) /* zero would disarm it */
      deadline = 1;
    t.it_value.tv_sec = (time_t)(deadline / DS_SECOND);
    t.it_value.tv_nsec = (long)(deadline % DS_SECOND) * 1000;
  }
  return timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

int ds_watch_set (ds_watch *w, int fd, int writing, ds_time deadline) {
  uint32_t events = writing ? EPOLLOUT : EPOLLIN | EPOLLRDHUP;
  /* one that was closed is out already, and its number may be another's now */
  if (w->fd >= 0 && w->fd != fd)
    control(w, EPOLL_CTL_DEL, w->fd, 0);
  w->fd = fd;
  if (fd >= 0 && control(w, EPOLL_CTL_MOD, fd, events) != 0 &&
      (errno != ENOENT || control(w, EPOLL_CTL_ADD, fd, events) != 0)) {
    w->fd = -1;
    return -1;
  }
  return set_timer(w, deadline);
}

int ds_watch_ready (const ds_watch *w) {
  struct epoll_event ev;
  return epoll_wait(w->epoll, &ev, 1, 0) > 0;
}
