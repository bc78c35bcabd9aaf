/*
** obey: the operations of one delivery on its socket and its source.
*/
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "net/entry.h"
#include "net/socket.h"
#include "util/mem.h"

/* more than this is no reply to what we said: the peer talks and does not
   listen, and what it says would fill our memory */
#define FLOOD 1048576

enum { UNTRIED, PATIENT, IMPATIENT };

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

void ds_entry_fail (ds_loop *l, entry *e, ds_failure f, const char *text) {
  ds_heap_remove(&l->heap, &e->timer);
  e->op.op = DS_OP_NONE;
  if (e->connecting)
    ds_entry_close(l, e, 0);
  ds_delivery_failed(e->d, l->now, f, text);
  ds_entry_ready(l, e);
}

/* the operation is answered: the delivery goes on */
void ds_entry_done (ds_loop *l, entry *e) {
  ds_heap_remove(&l->heap, &e->timer);
  e->op.op = DS_OP_NONE;
  ds_entry_ready(l, e);
}

typedef enum handed {
  HANDED_NONE,
  HANDED_BYTES,
  HANDED_END,
  HANDED_FAILED
} handed;

/* where there is nobody else to be heard, the read itself waits */
static int may_wait (ds_loop *l, entry *e) {
  if (!e->tcp || !ds_loop_alone(l) || e->op.op != DS_OP_RECEIVE ||
      e->op.deadline - l->now <= DS_SOCKET_PATIENCE)
    return 0;
  if (!e->patient)
    e->patient = ds_socket_patient(e->fd) == 0 ? PATIENT : IMPATIENT;
  return e->patient == PATIENT;
}

static long receive (ds_loop *l, entry *e, char *p, ds_failure *f,
                     const char **text) {
  long n;
  if (e->readable || !may_wait(l, e))
    return ds_socket_receive(e->fd, p, e->op.max, f, text);
  n = ds_socket_wait(e->fd, p, e->op.max, f, text);
  ds_loop_turn(l);
  if (n != DS_SOCKET_SIGNAL)
    return n;
  l->signal = 1;
  return DS_SOCKET_AGAIN;
}

/* read once, and give the delivery what came */
static handed hand_over (ds_loop *l, entry *e) {
  size_t max = e->op.max;
  ds_failure f;
  const char *text;
  char *p = chunk(l, max);
  int drained;
  long n;
  if (p == NULL) {
    ds_entry_fail(l, e, DS_FAIL_LOCAL, "out of memory");
    return HANDED_FAILED;
  }
  n = receive(l, e, p, &f, &text);
  drained = n == DS_SOCKET_AGAIN || (n >= 0 && (size_t)n < max);
  if (drained)
    e->looked = l->turn;
  /* a short read emptied a stream; of datagrams the next may wait */
  if (n == DS_SOCKET_AGAIN || (e->tcp && drained && !e->ending))
    e->readable = 0;
  if (n == DS_SOCKET_AGAIN)
    return HANDED_NONE;
  if (n < 0) {
    ds_entry_fail(l, e, f, text);
    return HANDED_FAILED;
  }
  e->came += (size_t)n;
  ds_delivery_received(e->d, l->now, e->op.conn, p, (size_t)n);
  return n > 0 ? HANDED_BYTES : HANDED_END;
}

static void do_receive (ds_loop *l, entry *e) {
  handed h = HANDED_NONE;
  if (e->readable || may_wait(l, e))
    h = hand_over(l, e);
  if (h == HANDED_BYTES || h == HANDED_END)
    ds_entry_done(l, e);
}

/* what came before the connection broke may say why: hand it over first */
static void send_failed (ds_loop *l, entry *e, ds_failure f, const char *text) {
  while (e->op.max > 0 && e->came < FLOOD) {
    handed h = hand_over(l, e);
    if (h == HANDED_FAILED)
      return;
    if (h != HANDED_BYTES)
      break;
  }
  ds_entry_fail(l, e, f, text);
}

static void do_send (ds_loop *l, entry *e) {
  ds_failure f;
  const char *text;
  int look = e->op.fresh && e->looked != l->turn;
  handed h = look ? hand_over(l, e) : HANDED_NONE;
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
    ds_entry_done(l, e);
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
    if (e->came >= FLOOD) {
      ds_entry_fail(l, e, DS_FAIL_RESET,
                    "the server talks and does not listen");
      return;
    }
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
    ds_entry_fail(l, e, DS_FAIL_LOCAL, "out of memory");
  else if (r == DS_SOURCE_WAIT && n == 0)
    return 0;
  else if (r < 0 && r != DS_SOURCE_WAIT)
    ds_entry_fail(l, e, DS_FAIL_LOCAL, err.text);
  else {
    ds_delivery_body(e->d, l->now, p, n, r == 0);
    ds_entry_done(l, e);
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
    ds_entry_fail(l, e, DS_FAIL_LOCAL, err.text);
  else {
    ds_delivery_rewound(e->d, l->now);
    ds_entry_done(l, e);
  }
  return 1;
}

/* the time of what was asked for is over */
void ds_entry_expired (ds_loop *l, entry *e) {
  if (e->d == NULL) {
    ds_pool_drop(l, e, 1);
    return;
  }
  if (e->race != NULL && ds_entry_stagger(l, e))
    return;
  if (e->op.op != DS_OP_WAIT) {
    ds_entry_fail(l, e, DS_FAIL_TIMEOUT, "");
    return;
  }
  ds_delivery_tick(e->d, l->now);
  ds_entry_done(l, e);
}

/* 1: the owner has to do it */
int ds_entry_obey (ds_loop *l, entry *e) {
  e->came = 0;
  switch (e->op.op) {
  case DS_OP_CONNECT:
    ds_entry_connect(l, e);
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
    ds_entry_close(l, e, e->op.abort);
    ds_entry_done(l, e);
    return 0;
  case DS_OP_KEEP:
    ds_pool_keep(l, e);
    return 0;
  case DS_OP_WAIT:
    ds_heap_set(&l->heap, &e->timer, e->op.deadline);
    return 0;
  case DS_OP_BODY:
    return !do_body(l, e);
  case DS_OP_REWIND:
    return !do_rewind(l, e);
  default:
    return e->op.op != DS_OP_NONE;
  }
}

/* epoll says e may go on with what it waits for */
void ds_entry_woken (ds_loop *l, entry *e, uint32_t events) {
  uint32_t broken = EPOLLHUP | EPOLLERR;
  if (e->d == NULL) { /* nobody asked it anything */
    if (events & ~(uint32_t)EPOLLOUT)
      ds_pool_drop(l, e, 0);
    return;
  }
  if (events & (EPOLLIN | EPOLLRDHUP | broken))
    e->readable = 1;
  if (events & (EPOLLOUT | broken))
    e->writable = 1;
  if (events & (EPOLLRDHUP | broken))
    e->ending = 1;
  if (e->connecting)
    ds_entry_answered(l, e);
  else if (e->op.op == DS_OP_RECEIVE)
    do_receive(l, e);
  else if (e->op.op == DS_OP_SEND)
    read_while_sending(l, e);
}
