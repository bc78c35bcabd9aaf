/*
** entry: one delivery of a loop, as its files share it.  Not for others.
*/
#ifndef ds_net_entry_h
#define ds_net_entry_h

#include "net/heap.h"
#include "net/loop.h"

/*
** A descriptor is registered once, edge-triggered, and what epoll said is
** remembered: no system call changes interest.  `looked` saves the look at
** the socket before a fresh SEND: a short read in the same turn was that
** look.  `ending`: the peer's FIN has come, behind what can still be read; its
** edge may be told together with that of the last bytes.
*/
typedef struct entry {
  ds_timer timer; /* first: the heap's */
  struct entry *next_ready;
  struct entry *prev, *next; /* all of the loop's */
  ds_delivery *d;
  ds_op op;        /* what is being waited for */
  int fd;          /* -1: none */
  unsigned looked; /* the turn in which nothing was left to be read */
  size_t came;     /* octets read since the operation began */
  uint8_t queued, tcp, connecting, readable, writable, ending;
} entry;

struct ds_loop {
  int epoll;
  entry *all;
  entry *first, *last; /* to be stepped */
  entry *told;         /* whose operation the owner has */
  ds_heap heap;
  ds_time now;
  unsigned turn;  /* another one whenever time may have passed */
  unsigned steps; /* since the sockets were looked at */
  char *chunk;
  size_t chunk_size;
};

/* loop.c */
void ds_entry_ready (ds_loop *l, entry *e); /* step it in this turn */

/* obey.c: do what it asks, go on when epoll says so; 1: the owner has to */
int ds_entry_obey (ds_loop *l, entry *e);
void ds_entry_woken (ds_loop *l, entry *e, uint32_t events);
void ds_entry_fail (ds_loop *l, entry *e, ds_failure f, const char *text);
void ds_entry_expired (ds_loop *l, entry *e);
void ds_entry_done (ds_loop *l, entry *e); /* its operation is answered */
void ds_entry_close (entry *e, int abort);

#endif
