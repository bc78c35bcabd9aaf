/*
** query: ask one question of a list of servers: UDP first, TCP when the
** answer was cut, the next server when one fails, all of them `attempts`
** times, one deadline over everything.  Sans-I/O: it says what it needs and
** is told what happened; each need is answered exactly once.
*/
#ifndef ds_dns_query_h
#define ds_dns_query_h

#include "dns/message.h"
#include "util/sys.h"

#define DS_DNS_SERVERS  8
#define DS_DNS_PATIENCE (2 * DS_SECOND) /* the timeout where none is set … */
#define DS_DNS_ATTEMPTS 3               /* … and the attempts */
#define DS_DNS_IGNORED  64              /* so many wrong datagrams end a try */

typedef struct ds_dns_config {
  ds_endpoint servers[DS_DNS_SERVERS];
  size_t count;
  ds_time timeout;   /* for one try; doubled each round; 0: 2 s */
  unsigned attempts; /* rounds over the servers, at most 16; 0: 3 */
  int trust_ad;      /* believe the AD bit of these servers */
} ds_dns_config;

typedef enum ds_query_need {
  DS_QUERY_CONNECT, /* a new socket to `server`, tcp or udp */
  DS_QUERY_SEND,
  DS_QUERY_RECEIVE,
  DS_QUERY_CLOSE, /* needs no answer */
  DS_QUERY_DONE   /* the answer is there */
} ds_query_need;

typedef struct ds_query_step {
  ds_query_need need;
  ds_endpoint server;
  int tcp;
  ds_span data; /* SEND; with TCP its two length octets are in it */
  ds_time deadline;
} ds_query_step;

typedef struct ds_query ds_query;

/*
** ds_query_new: name, type, and when all must be over.  config and sys are
** read through the whole query; name is copied.  NULL: out of memory, or a
** name or type that will not do.
*/
ds_query *ds_query_new (const ds_dns_config *c, const ds_sys *sys, ds_span name,
                        unsigned type, ds_time until);
void ds_query_free (ds_query *q);

/*
** ds_query_next: what is needed now.  The same again until it is answered,
** but CLOSE is said once; every connection is closed before the next CONNECT
** and before DONE.  server, tcp and deadline belong to CONNECT, SEND and
** RECEIVE; data lives until the next call.
*/
void ds_query_next (ds_query *q, ds_time now, ds_query_step *step);

/*
** The answers; one that does not fit the need is passed over.  n of sent may
** be short with TCP: the rest is asked for again.  A datagram that does not
** answer the question asks for RECEIVE again, with the same deadline.
*/
void ds_query_connected (ds_query *q, ds_time now);
void ds_query_sent (ds_query *q, ds_time now, size_t n);
/* a datagram, or bytes of the stream; n == 0: the server closed (TCP) */
void ds_query_received (ds_query *q, ds_time now, const void *p, size_t n);
void ds_query_failed (ds_query *q, ds_time now); /* whatever the reason */

/*
** After DONE; both stay the query's.  The status is the first of NOERROR and
** NXDOMAIN that came, else SERVFAIL when any server said anything to the
** question (also: out of memory, no random bytes), else TIMEOUT.  text is one
** line: "example.com MX: 192.0.2.1:53 gave no answer, 192.0.2.2:53 answered
** SERVFAIL".
*/
const ds_dns_answer *ds_query_answer (const ds_query *q);
const char *ds_query_text (const ds_query *q);

#endif
