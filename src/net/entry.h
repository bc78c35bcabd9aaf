/*
** entry: one delivery of a loop, as its files share it.  Not for others.
*/
#ifndef ds_net_entry_h
#define ds_net_entry_h

#include "net/heap.h"
#include "net/loop.h"

/*
** A connection that is being made to the first of several targets that answers
** (RFC 8305): the next is tried when the stagger is over, or as soon as one
** has failed.
*/
typedef struct race {
  size_t begun; /* targets tried, */
  size_t open;  /* and still being tried */
  ds_time next; /* when another one is */
  ds_failure failure;
  const char *text;
  int fd[]; /* -1: not, or no more */
} race;

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
  race *race;      /* or NULL */
  ds_kept *kept;   /* the pool's: then d is NULL, */
  char *key;       /* and this is what it is kept under, … */
  ds_time dies;    /* … at most until then */
  unsigned looked; /* the turn in which nothing was left to be read */
  size_t came;     /* octets read since the operation began */
  uint8_t queued, tcp, connecting, readable, writable, ending;
  uint8_t starved; /* waits for a descriptor to be free */
  uint8_t patient; /* ds_socket_wait may be used with it: see obey.c */
} entry;

struct ds_loop {
  int epoll;
  entry *all;
  entry *first, *last;       /* to be stepped */
  entry *told;               /* whose operation the owner has */
  entry *pool;               /* kept sessions */
  size_t open;               /* descriptors of deliveries and of the pool */
  entry *hungry, *hungriest; /* what waits for one, the first and the last */
  ds_heap heap;
  ds_time now;
  unsigned turn;  /* another one whenever time has passed … */
  ds_time turned; /* … since then */
  int signal;     /* one came */
  unsigned steps; /* since the sockets were looked at */
  char *chunk;
  size_t chunk_size;
};

/* loop.c */
void ds_loop_turn (ds_loop *l);             /* look at the clock */
int ds_loop_alone (const ds_loop *l);       /* one delivery, and no other */
void ds_entry_ready (ds_loop *l, entry *e); /* step it in this turn */

/* connect.c */
void ds_entry_connect (ds_loop *l, entry *e);      /* do it */
void ds_entry_answered (ds_loop *l, entry *e);     /* epoll spoke of it */
int ds_entry_watch (ds_loop *l, entry *e, int fd); /* its events are e's now */
int ds_entry_stagger (ds_loop *l, entry *e); /* 1: its next target's turn */
void ds_entry_feed_starved (ds_loop *l);     /* a descriptor is free */
void ds_entry_close (ds_loop *l, entry *e, int abort);

/* pool.c: kept sessions.  adopt: 1, e has one; 0, there is none */
void ds_pool_keep (ds_loop *l, entry *e);
int ds_pool_adopt (ds_loop *l, entry *e);
void ds_pool_drop (ds_loop *l, entry *p, int farewell);
int ds_pool_shrink (ds_loop *l); /* close the oldest; 0: there is none */

/* obey.c: do what it asks, go on when epoll says so; 1: the owner has to */
int ds_entry_obey (ds_loop *l, entry *e);
void ds_entry_woken (ds_loop *l, entry *e, uint32_t events);
void ds_entry_fail (ds_loop *l, entry *e, ds_failure f, const char *text);
void ds_entry_expired (ds_loop *l, entry *e);
void ds_entry_done (ds_loop *l, entry *e); /* its operation is answered */

#endif
