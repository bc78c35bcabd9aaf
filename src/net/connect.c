/*
** connect: connections being made: to one target, or to the first of several
** that answers; with patience when no descriptor is to be had.
*/
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "net/entry.h"
#include "net/socket.h"
#include "util/mem.h"

/* -------------------------------------------------------------- closing */

static void close_fd (ds_loop *l, int fd, int abort) {
  if (fd < 0)
    return;
  ds_socket_close(fd, abort);
  l->open--;
}

static void close_race (ds_loop *l, entry *e, int but) {
  size_t i;
  for (i = 0; i < e->race->begun; i++)
    if (e->race->fd[i] != but)
      close_fd(l, e->race->fd[i], 0);
  ds_free(e->race);
  e->race = NULL;
}

static void unstarve (ds_loop *l, entry *gone) {
  entry **at = &l->hungry, *last = NULL;
  for (; *at != gone; at = &(*at)->next_ready)
    last = *at;
  *at = gone->next_ready;
  if (l->hungriest == gone)
    l->hungriest = last;
  gone->starved = 0;
}

void ds_entry_close (ds_loop *l, entry *e, int abort) {
  if (e->race != NULL)
    close_race(l, e, -1);
  close_fd(l, e->fd, abort);
  e->fd = -1;
  e->connecting = 0;
  if (e->starved)
    unstarve(l, e);
  ds_entry_feed_starved(l);
}

/* ------------------------------------------------------------ beginning */

static int control (ds_loop *l, entry *e, int what, int fd) {
  struct epoll_event ev;
  ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  ev.data.ptr = e;
  return epoll_ctl(l->epoll, what, fd, &ev);
}

int ds_entry_watch (ds_loop *l, entry *e, int fd) {
  return control(l, e, EPOLL_CTL_MOD, fd);
}

/* a descriptor that is being connected, or -1 and *f, *text */
static int begin (ds_loop *l, entry *e, const ds_op *op, int *ready,
                  ds_failure *f, const char **text) {
  int fd = ds_socket_connect(op, ready, f, text);
  if (fd < 0)
    return -1;
  l->open++;
  if (control(l, e, EPOLL_CTL_ADD, fd) == 0)
    return fd;
  *f = DS_FAIL_LOCAL;
  *text = strerror(errno);
  close_fd(l, fd, 0);
  return -1;
}

/*
** Others hold descriptors: wait for one of theirs rather than fail.  The time
** that takes is not the target's.
*/
static int starve (ds_loop *l, entry *e) {
  if ((errno != EMFILE && errno != ENFILE) || l->open == 0)
    return 0;
  ds_heap_remove(&l->heap, &e->timer);
  ds_free(e->race);
  e->race = NULL;
  e->connecting = 0;
  e->starved = 1;
  e->next_ready = NULL;
  if (l->hungriest != NULL)
    l->hungriest->next_ready = e;
  else
    l->hungry = e;
  l->hungriest = e;
  return 1;
}

static void won (ds_loop *l, entry *e, int fd, size_t index) {
  ds_ip local, peer;
  if (e->race != NULL) {
    close_race(l, e, fd);
    e->readable = e->ending = 0; /* that may have been another's: */
    ds_entry_watch(l, e, fd);    /* epoll says again what holds for this one */
  }
  e->fd = fd;
  ds_socket_ends(fd, &local, &peer);
  if (local.family == 0 || peer.family == 0) { /* gone again already */
    ds_entry_fail(l, e, DS_FAIL_RESET, "");
    return;
  }
  e->connecting = 0;
  e->writable = 1;
  ds_delivery_connected(e->d, l->now, e->op.conn, index, &local, &peer);
  ds_entry_done(l, e);
}

static void connect_one (ds_loop *l, entry *e) {
  ds_failure f;
  const char *text;
  int ready;
  e->fd = begin(l, e, &e->op, &ready, &f, &text);
  if (e->fd < 0 && starve(l, e))
    return;
  if (e->fd < 0) {
    ds_entry_fail(l, e, f, text);
    return;
  }
  e->connecting = 1;
  if (ready)
    won(l, e, e->fd, 0);
}

/* --------------------------------------------------------------- racing */

static void set_timer (ds_loop *l, entry *e) {
  int more = e->race->begun < e->op.target_count;
  ds_heap_set(&l->heap, &e->timer,
              more && e->race->next < e->op.deadline ? e->race->next
                                                     : e->op.deadline);
}

/* try the next target; one that fails at once lets another have its turn */
static void run_next (ds_loop *l, entry *e) {
  race *r = e->race;
  int ready = 0;
  while (r->begun < e->op.target_count) {
    size_t i = r->begun++;
    ds_op op = e->op;
    op.target = e->op.targets[i].to;
    op.local = e->op.targets[i].local;
    r->fd[i] = begin(l, e, &op, &ready, &r->failure, &r->text);
    if (r->fd[i] < 0)
      continue;
    r->open++;
    r->next = l->now + e->op.stagger;
    if (ready)
      won(l, e, r->fd[i], i);
    else
      set_timer(l, e);
    return;
  }
  if (r->open > 0)
    set_timer(l, e);
  else if (!starve(l, e))
    ds_entry_fail(l, e, r->failure, r->text);
}

static void connect_first (ds_loop *l, entry *e) {
  size_t n = e->op.target_count;
  e->race = (race *)ds_malloc(sizeof *e->race + n * sizeof e->race->fd[0]);
  if (e->race == NULL) {
    ds_entry_fail(l, e, DS_FAIL_LOCAL, "out of memory");
    return;
  }
  memset(e->race, 0, sizeof *e->race);
  e->connecting = 1;
  run_next(l, e);
}

int ds_entry_stagger (ds_loop *l, entry *e) {
  if (l->now >= e->op.deadline)
    return 0;
  run_next(l, e);
  return 1;
}

void ds_entry_connect (ds_loop *l, entry *e) {
  e->tcp = (uint8_t)e->op.tcp;
  e->readable = e->writable = e->ending = e->patient = 0;
  if (e->op.reuse != NULL && ds_pool_adopt(l, e))
    return;
  ds_heap_set(&l->heap, &e->timer, e->op.deadline);
  if (e->op.targets != NULL && e->op.target_count > 1)
    connect_first(l, e);
  else
    connect_one(l, e);
}

/* ------------------------------------------------------------- answered */

static void lost (ds_loop *l, entry *e, size_t i, ds_failure f,
                  const char *text) {
  race *r = e->race;
  close_fd(l, r->fd[i], 0);
  r->fd[i] = -1;
  r->open--;
  r->failure = f;
  r->text = text;
}

/* which of them epoll meant it does not say */
static void look_at_all (ds_loop *l, entry *e) {
  race *r = e->race;
  size_t i, before = r->open;
  ds_failure f;
  const char *text;
  for (i = 0; i < r->begun; i++) {
    if (r->fd[i] < 0)
      continue;
    if (ds_socket_connected(r->fd[i], &f, &text) != 0)
      lost(l, e, i, f, text);
    else if (ds_socket_is_connected(r->fd[i])) {
      won(l, e, r->fd[i], i);
      return;
    }
  }
  if (r->open < before)
    run_next(l, e);
}

void ds_entry_answered (ds_loop *l, entry *e) {
  ds_failure f;
  const char *text;
  if (e->race != NULL)
    look_at_all(l, e);
  else if (ds_socket_connected(e->fd, &f, &text) != 0)
    ds_entry_fail(l, e, f, text);
  else
    won(l, e, e->fd, 0);
}

/* the one that waits longest tries again, in this turn */
void ds_entry_feed_starved (ds_loop *l) {
  entry *e = l->hungry;
  if (e == NULL)
    return;
  l->hungry = e->next_ready;
  if (l->hungry == NULL)
    l->hungriest = NULL;
  e->starved = 0;
  ds_entry_ready(l, e);
}
