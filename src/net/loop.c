#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/heap.h"
#include "net/socket.h"
#include "net/sys.h"
#include "util/mem.h"

#define EVENTS 64

/*
** A descriptor is registered once, edge-triggered, and what epoll said is
** remembered: no system call changes interest.  `drained` saves the look at
** the socket before a fresh SEND: a short read in the same turn was that
** look.  `ending`: the peer's FIN has come, behind what can still be read; its
** edge may be told together with that of the last bytes.
*/
typedef struct entry {
  ds_timer timer; /* first: the heap's */
  struct entry *next_ready;
  struct entry *prev, *next; /* all of the loop's */
  ds_delivery *d;
  ds_op op; /* what is being waited for */
  int fd;   /* -1: none */
  uint8_t queued, tcp, connecting, readable, writable, drained, ending;
} entry;

struct ds_loop {
  int epoll;
  entry *all;
  entry *first, *last; /* to be stepped */
  entry *told;         /* whose operation the owner has */
  ds_heap heap;
  ds_time now;
  char *chunk;
  size_t chunk_size;
};

/* ----------------------------------------------------------- membership */

ds_loop *ds_loop_new (void) {
  ds_loop *l = (ds_loop *)ds_calloc(1, sizeof *l);
  if (l == NULL)
    return NULL;
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (l->epoll < 0) {
    ds_free(l);
    return NULL;
  }
  return l;
}

static void make_ready (ds_loop *l, entry *e) {
  if (e->queued)
    return;
  e->queued = 1;
  e->next_ready = NULL;
  if (l->last != NULL)
    l->last->next_ready = e;
  else
    l->first = e;
  l->last = e;
}

static entry *take_ready (ds_loop *l) {
  entry *e = l->first;
  if (e == NULL)
    return NULL;
  l->first = e->next_ready;
  if (l->first == NULL)
    l->last = NULL;
  e->queued = 0;
  return e;
}

int ds_loop_add (ds_loop *l, ds_delivery *d) {
  entry *e = (entry *)ds_calloc(1, sizeof *e);
  if (e == NULL || ds_heap_reserve(&l->heap) != DS_OK) {
    ds_free(e);
    return DS_ERR_NOMEM;
  }
  e->d = d;
  e->fd = -1;
  e->next = l->all;
  if (l->all != NULL)
    l->all->prev = e;
  l->all = e;
  make_ready(l, e);
  return DS_OK;
}

static void close_entry (entry *e, int abort) {
  if (e->fd >= 0)
    ds_socket_close(e->fd, abort);
  e->fd = -1;
  e->connecting = 0;
}

static void unlink_ready (ds_loop *l, entry *gone) {
  entry *e, *rest = l->first;
  if (!gone->queued)
    return;
  l->first = l->last = NULL;
  for (e = rest; e != NULL; e = rest) {
    rest = e->next_ready;
    e->queued = 0;
    if (e != gone)
      make_ready(l, e);
  }
}

static void drop (ds_loop *l, entry *e) {
  close_entry(e, 0);
  ds_heap_remove(&l->heap, &e->timer);
  ds_heap_unreserve(&l->heap);
  unlink_ready(l, e);
  if (e->prev != NULL)
    e->prev->next = e->next;
  else
    l->all = e->next;
  if (e->next != NULL)
    e->next->prev = e->prev;
  if (l->told == e)
    l->told = NULL;
  ds_free(e);
}

void ds_loop_remove (ds_loop *l, ds_delivery *d) {
  entry *e = l->all;
  while (e != NULL && e->d != d)
    e = e->next;
  if (e != NULL)
    drop(l, e);
}

void ds_loop_free (ds_loop *l) {
  if (l == NULL)
    return;
  while (l->all != NULL)
    drop(l, l->all);
  ds_heap_clear(&l->heap);
  close(l->epoll);
  ds_free(l->chunk);
  ds_free(l);
}

/* ----------------------------------------------------------- operations */

static char *chunk (ds_loop *l, size_t n) {
  if (n > l->chunk_size) {
    char *p = (char *)ds_realloc(l->chunk, n);
    if (p == NULL)
      return NULL;
    l->chunk = p;
    l->chunk_size = n;
  }
  return l->chunk;
}

static void fail (ds_loop *l, entry *e, ds_failure f, const char *text) {
  ds_heap_remove(&l->heap, &e->timer);
  e->op.op = DS_OP_NONE;
  if (e->connecting)
    close_entry(e, 0);
  ds_delivery_failed(e->d, l->now, f, text);
  make_ready(l, e);
}

/* the operation is answered: the delivery goes on */
static void done (ds_loop *l, entry *e) {
  ds_heap_remove(&l->heap, &e->timer);
  e->op.op = DS_OP_NONE;
  make_ready(l, e);
}

static void tell_connected (ds_loop *l, entry *e) {
  ds_ip local, peer;
  ds_socket_ends(e->fd, &local, &peer);
  e->connecting = 0;
  e->writable = 1;
  ds_delivery_connected(e->d, l->now, e->op.conn, &local, &peer);
  done(l, e);
}

static void do_connect (ds_loop *l, entry *e) {
  struct epoll_event ev;
  ds_failure f;
  const char *text;
  int ready;
  e->fd = ds_socket_connect(&e->op, &ready, &f, &text);
  if (e->fd < 0) {
    fail(l, e, f, text);
    return;
  }
  e->connecting = 1;
  e->tcp = (uint8_t)e->op.tcp;
  e->readable = e->writable = e->drained = e->ending = 0;
  ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  ev.data.ptr = e;
  if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, e->fd, &ev) != 0)
    fail(l, e, DS_FAIL_LOCAL, strerror(errno));
  else if (ready)
    tell_connected(l, e);
}

typedef enum handed {
  HANDED_NONE,
  HANDED_BYTES,
  HANDED_END,
  HANDED_FAILED
} handed;

/* read once, and give the delivery what came */
static handed hand_over (ds_loop *l, entry *e) {
  size_t max = e->op.max;
  ds_failure f;
  const char *text;
  char *p = chunk(l, max);
  long n;
  if (p == NULL) {
    fail(l, e, DS_FAIL_LOCAL, "out of memory");
    return HANDED_FAILED;
  }
  n = ds_socket_receive(e->fd, p, max, &f, &text);
  e->drained = n == DS_SOCKET_AGAIN || (n >= 0 && (size_t)n < max);
  /* a short read emptied a stream; of datagrams the next may wait */
  if (n == DS_SOCKET_AGAIN || (e->tcp && e->drained && !e->ending))
    e->readable = 0;
  if (n == DS_SOCKET_AGAIN)
    return HANDED_NONE;
  if (n < 0) {
    fail(l, e, f, text);
    return HANDED_FAILED;
  }
  ds_delivery_received(e->d, l->now, e->op.conn, p, (size_t)n);
  return n > 0 ? HANDED_BYTES : HANDED_END;
}

static void do_receive (ds_loop *l, entry *e) {
  handed h = e->readable ? hand_over(l, e) : HANDED_NONE;
  if (h == HANDED_BYTES || h == HANDED_END)
    done(l, e);
}

/* what came before the connection broke may say why: hand it over first */
static void send_failed (ds_loop *l, entry *e, ds_failure f, const char *text) {
  while (e->op.max > 0) {
    handed h = hand_over(l, e);
    if (h == HANDED_FAILED)
      return;
    if (h != HANDED_BYTES)
      break;
  }
  fail(l, e, f, text);
}

static void do_send (ds_loop *l, entry *e) {
  ds_failure f;
  const char *text;
  handed h = e->op.fresh && !e->drained ? hand_over(l, e) : HANDED_NONE;
  long n;
  if (h == HANDED_FAILED)
    return;
  n = h == HANDED_NONE
          ? ds_socket_send(e->fd, e->op.data, e->op.more, &f, &text)
          : 0;
  if (n == DS_SOCKET_AGAIN)
    e->writable = 0;
  else if (n < 0)
    send_failed(l, e, f, text);
  else {
    ds_delivery_sent(e->d, l->now, e->op.conn, (size_t)n);
    done(l, e);
  }
}

/* replies are read while a write waits, or both sides' buffers fill up and
   neither goes on */
static void read_while_sending (ds_loop *l, entry *e) {
  while (e->readable && e->op.max > 0) {
    handed h = hand_over(l, e);
    if (h == HANDED_FAILED)
      return;
    if (h != HANDED_BYTES)
      break;
  }
  if (e->writable)
    do_send(l, e);
}

/* 1: the source gave (or broke); 0: the owner must see to it */
static int do_body (ds_loop *l, entry *e) {
  char *p = chunk(l, e->op.max);
  const ds_source *s = e->op.source;
  ds_error err;
  size_t n = 0;
  long r = 1;
  if (s == NULL)
    return 0;
  ds_error_clear(&err);
  while (p != NULL && n < e->op.max && r > 0) {
    r = s->read(s->ud, p + n, e->op.max - n, &err);
    n += r > 0 ? (size_t)r : 0;
  }
  if (p == NULL)
    fail(l, e, DS_FAIL_LOCAL, "out of memory");
  else if (r == DS_SOURCE_WAIT && n == 0)
    return 0;
  else if (r < 0 && r != DS_SOURCE_WAIT)
    fail(l, e, DS_FAIL_LOCAL, err.text);
  else {
    ds_delivery_body(e->d, l->now, p, n, r == 0);
    done(l, e);
  }
  return 1;
}

static int do_rewind (ds_loop *l, entry *e) {
  ds_error err;
  const ds_source *s = e->op.source;
  if (s == NULL)
    return 0;
  ds_error_clear(&err);
  if (s->rewind(s->ud, &err) != DS_OK)
    fail(l, e, DS_FAIL_LOCAL, err.text);
  else {
    ds_delivery_rewound(e->d, l->now);
    done(l, e);
  }
  return 1;
}

/* 1: the owner has to do it */
static int begin (ds_loop *l, entry *e) {
  switch (e->op.op) {
  case DS_OP_CONNECT:
    ds_heap_set(&l->heap, &e->timer, e->op.deadline);
    do_connect(l, e);
    return 0;
  case DS_OP_SEND:
    ds_heap_set(&l->heap, &e->timer, e->op.deadline);
    do_send(l, e);
    return 0;
  case DS_OP_RECEIVE:
    ds_heap_set(&l->heap, &e->timer, e->op.deadline);
    do_receive(l, e);
    return 0;
  case DS_OP_CLOSE:
    close_entry(e, e->op.abort);
    done(l, e);
    return 0;
  case DS_OP_BODY:
    return !do_body(l, e);
  case DS_OP_REWIND:
    return !do_rewind(l, e);
  default:
    return e->op.op != DS_OP_NONE;
  }
}

void ds_loop_cancel (ds_loop *l) {
  entry *e;
  l->now = ds_now();
  for (e = l->all; e != NULL; e = e->next) {
    ds_delivery_cancel(e->d, l->now);
    if (e->connecting)
      close_entry(e, 1);
    done(l, e);
  }
}

/* -------------------------------------------------------------- waiting */

static void finish_connect (ds_loop *l, entry *e) {
  ds_failure f;
  const char *text;
  if (ds_socket_connected(e->fd, &f, &text) != 0)
    fail(l, e, f, text);
  else
    tell_connected(l, e);
}

/* epoll says e may go on with what it waits for */
static void woken (ds_loop *l, entry *e, uint32_t events) {
  uint32_t broken = EPOLLHUP | EPOLLERR;
  e->drained = 0;
  if (events & (EPOLLIN | EPOLLRDHUP | broken))
    e->readable = 1;
  if (events & (EPOLLOUT | broken))
    e->writable = 1;
  if (events & (EPOLLRDHUP | broken))
    e->ending = 1;
  if (e->connecting && e->writable)
    finish_connect(l, e);
  else if (e->op.op == DS_OP_RECEIVE)
    do_receive(l, e);
  else if (e->op.op == DS_OP_SEND)
    read_while_sending(l, e);
}

static int timeout_ms (ds_loop *l) {
  ds_time at = ds_heap_first(&l->heap), left;
  if (at == DS_NEVER)
    return -1;
  left = at > l->now ? (at - l->now + 999) / 1000 : 0;
  return left < INT_MAX ? (int)left : INT_MAX;
}

static void expire (ds_loop *l) {
  ds_timer *t;
  while ((t = ds_heap_due(&l->heap, l->now)) != NULL)
    fail(l, (entry *)t, DS_FAIL_TIMEOUT, "");
}

static int poll_events (ds_loop *l) {
  struct epoll_event ev[EVENTS];
  int i, n = epoll_wait(l->epoll, ev, EVENTS, timeout_ms(l));
  if (n < 0)
    return errno == EINTR ? DS_LOOP_SIGNAL : DS_ERR_LOCAL;
  l->now = ds_now();
  for (i = 0; i < n; i++)
    woken(l, (entry *)ev[i].data.ptr, ev[i].events);
  expire(l);
  return DS_OK;
}

int ds_loop_wait (ds_loop *l, ds_delivery **d, ds_op *op) {
  entry *e;
  int r;
  l->now = ds_now();
  if (l->told != NULL) {
    l->told->drained = 0;
    make_ready(l, l->told);
    l->told = NULL;
  }
  for (;;) {
    while ((e = take_ready(l)) != NULL) {
      ds_delivery_next(e->d, l->now, &e->op);
      if (!begin(l, e))
        continue;
      *d = e->d;
      *op = e->op;
      if (e->op.op == DS_OP_DONE)
        drop(l, e);
      else
        l->told = e;
      return DS_LOOP_OP;
    }
    if (l->all == NULL)
      return DS_LOOP_IDLE;
    r = poll_events(l);
    if (r != DS_OK)
      return r;
  }
}
