/*
** delivery: a feed of messages to one destination, as operations asked of
** whoever owns the sockets.  It opens nothing and reads no clock: it says
** what it needs next and is told what happened.  Every operation is answered
** exactly once, by its own answer or by ds_delivery_failed; CLOSE, KEEP,
** REMEMBER, RELEASE, RESULT, HOST, TRACE and DONE take no answer.
*/
#ifndef ds_delivery_h
#define ds_delivery_h

#include "deliver/level.h"
#include "dns/query.h"
#include "session/session.h"
#include "tls/tls.h"
#include "util/addr.h"
#include "util/source.h"
#include "util/sys.h"

typedef enum ds_family_order {
  DS_IP_4FIRST,
  DS_IP_6FIRST,
  DS_IP_4ONLY,
  DS_IP_6ONLY,
  DS_IP_RACE /* both at once (RFC 8305), where the owner can; else IPv6 first */
} ds_family_order;

/* what an operation can be answered with instead of its own answer */
typedef enum ds_failure {
  DS_FAIL_REFUSED,
  DS_FAIL_UNREACHABLE,
  DS_FAIL_TIMEOUT,
  DS_FAIL_CLOSED,
  DS_FAIL_RESET,
  DS_FAIL_LOCAL,
  DS_FAIL_CANCELLED
} ds_failure;

const char *ds_failure_name (ds_failure f); /* "refused" … */

/* what the owner can do; what it cannot is never asked of it */
#define DS_CAN_RECALL 1u  /* RECALL, REMEMBER */
#define DS_CAN_ADMIT  2u  /* ADMIT, RELEASE */
#define DS_CAN_KEEP   4u  /* KEEP, and `reuse` in CONNECT: `adopted` */
#define DS_CAN_RACE   8u  /* CONNECT with several targets */
#define DS_CAN_REPORT 16u /* REMEMBER in space "tlsrpt", see deliver/tlsrpt.c */

typedef struct ds_delivery_config {
  unsigned can;            /* DS_CAN_… */
  const char *destination; /* a domain; a host or an address when pinned */
  int pinned;              /* deliver to just this host: no MX, any address */
  uint16_t port;
  const char *hostname; /* for EHLO; NULL: the local address as a literal */
  const char *policy;   /* who set the level: "default", "config" */
  ds_level level;       /* the least; policies that are found raise it */
  int mta_sts;          /* find and keep to the destination's MTA-STS policy */
  uint16_t sts_port;    /* where policies are fetched; 0: 443, which is the one
                           there is but for tests */
  const char *const *trusted; /* hosts at or below these names must verify; … */
  size_t trusted_count;       /* … trusted NULL: the big receivers' */
  int resumption;             /* TLS sessions are resumed, … */
  const char *const *fresh;   /* … but not with hosts at or below these */
  size_t fresh_count;
  ds_family_order order;
  ds_dns_config dns;
  ds_timeouts timeouts;
  int allow_private; /* hosts found in the DNS may have any address … */
  const ds_network *allowed; /* … or, when 0, also one of these */
  size_t allowed_count;
  const ds_ip *source; /* local addresses to bind, at most one a family */
  size_t source_count;
  const char *interface; /* NULL, or the device to bind to */
  unsigned connects;     /* most connects to one host (0: 5) … */
  unsigned sessions; /* … and greeted sessions with it (0: 2), not counting
                            the one in clear that a failed STARTTLS leads to */
  size_t max_chunk;  /* most bytes in one SEND or BODY (0: 16 KiB) */
  unsigned window;   /* messages in flight on one connection: see
                        ds_smtp_config; at most 64 */
  size_t recipients; /* most in one transaction (0: 100) */
  unsigned per_connection; /* most messages on one connection (0: what the
                              host's provider is known to take) */
  ds_time idle;     /* how long a session may wait for another message, here or
                   with the owner (0: 10 s here, and it is not kept) */
  ds_time lifetime; /* of a session that is kept (0: 5 min) */
  const ds_auth *auth; /* NULL, or who we are: user, password or token,
                          mechanisms, clear; copied, wiped when done */
  int implicit_tls;    /* TLS before the greeting (RFC 8314); the level is
                          then DS_LEVEL_REQUIRED at least */
  int lmtp;            /* RFC 2033 instead of SMTP */
  int trace;           /* ask for TRACE */
  int plan;            /* resolve only: HOSTs, then DONE; nothing is sent */
  unsigned question;   /* DS_DNS_…: ask just for the destination's records of
                        this type: ANSWER, then DONE */
  ds_sys sys;
} ds_delivery_config;

/* one message and whom it goes to; everything is copied but body and source */
typedef struct ds_envelope {
  ds_span sender; /* wire form, no brackets; empty: the null sender */
  const ds_span *recipients;
  size_t count;
  uint64_t size;          /* octets of the message, CRLF line ends */
  unsigned flags;         /* DS_TXN_… */
  int tls_optional;       /* it says "TLS-Required: No" (RFC 8689 §5): policies
                              that were found do not count */
  ds_dsn_ret ret;         /* wishes for status notifications (RFC 3461) */
  ds_span envid;          /* the same; empty: none */
  const ds_smtp_dsn *dsn; /* NULL, or one for each recipient */
  uint32_t tag;           /* the caller's; in every row */
  const ds_source *source; /* who can read it without asking Lua; or NULL.  At
                              its start, and no other delivery's meanwhile */
  ds_span body;            /* or all its octets (p NULL: no), which stay until
                              its last row is told: no BODY, no REWIND */
} ds_envelope;

/* what became of one recipient */
typedef struct ds_row {
  uint32_t tag;
  size_t recipient; /* index in the envelope */
  ds_outcome outcome;
  ds_kind kind;
  ds_stage stage;
  int temporary;
  int code; /* 0: no reply */
  char enhanced[12];
  char reply[DS_REPLY_TEXT + 1];
  char text[464]; /* why, in words, where it is not the reply */
  uint32_t place; /* not 0; rows of the same place have the same … */
  char host[DS_DNS_NAME];
  ds_endpoint peer;   /* family 0: nothing was connected */
  const char *policy; /* who set the level: "default", "config", "mta-sts",
                         "dane", "trusted" */
  ds_tls_info tls;    /* version "" in clear */
  char note[256];     /* … up to here: what befell TLS, and why */
  char queue_id[80];  /* as far as the last reply tells it */
  int reroute;        /* refused for the way it came: another route may do */
  ds_time taken;      /* since NEXT gave the message */
} ds_row;

/* one host of a plan */
typedef struct ds_plan_host {
  char name[DS_DNS_NAME];
  int preference; /* -1: implicit MX, pinned or a literal */
  const ds_endpoint *addresses;
  size_t count;
  ds_level level; /* that it must reach, and who says so */
  const char *policy;
  ds_outcome outcome; /* DS_PENDING: it would be tried; else what would come */
  ds_kind kind;
  char refused[464]; /* why it would not be tried */
} ds_plan_host;

typedef enum ds_op_kind {
  DS_OP_NONE,    /* nothing new: an answer is awaited */
  DS_OP_CONNECT, /* connected | adopted | failed */
  DS_OP_SEND,    /* sent | failed */
  DS_OP_RECEIVE, /* received | failed */
  DS_OP_CLOSE,
  DS_OP_NEXT,    /* message, n times at most | later | no_more */
  DS_OP_BODY,    /* body | failed */
  DS_OP_REWIND,  /* rewound | failed */
  DS_OP_CONTEXT, /* context | failed: TLS is about to be used */
  DS_OP_RECALL,  /* recalled; failed is as good as nothing */
  DS_OP_ADMIT,   /* admitted | later | failed: out of such connections */
  DS_OP_WAIT,    /* tick, at the deadline or before it */
  DS_OP_REMEMBER,
  DS_OP_RELEASE,
  DS_OP_KEEP,
  DS_OP_RESULT,
  DS_OP_HOST,
  DS_OP_ANSWER,
  DS_OP_TRACE,
  DS_OP_DONE /* nothing is outstanding; the delivery asks no more */
} ds_op_kind;

const char *ds_op_name (ds_op_kind k); /* "connect" … */

/* where to, and from which address (family 0: any) */
typedef struct ds_target {
  ds_endpoint to;
  ds_ip local;
} ds_target;

typedef enum ds_admission {
  DS_ADMIT_CONNECTION, /* before CONNECT to a mail host; RELEASE gives it back */
  DS_ADMIT_MESSAGES    /* before NEXT: a matter of rates, nothing to release */
} ds_admission;

/* a session between two deliveries: its engine, its TLS, whose it is */
typedef struct ds_kept ds_kept;

typedef struct ds_op {
  ds_op_kind op;
  unsigned conn;         /* CONNECT gives it its number; SEND RECEIVE CLOSE */
  ds_time deadline;      /* CONNECT SEND RECEIVE WAIT */
  int tcp;               /* CONNECT: else a connected UDP socket */
  ds_endpoint target;    /* CONNECT */
  ds_ip local;           /* CONNECT: bind to this; family 0: any */
  const char *interface; /* CONNECT: or NULL */
  const ds_target *targets; /* CONNECT: NULL, or several to be raced, the
                               first of which stands in target and local */
  size_t target_count;
  ds_time stagger;   /* CONNECT: from one target to the next (RFC 8305) */
  const char *reuse; /* CONNECT: NULL, or the key of a kept session that will
                        do as well; KEEP: the key to keep it under */
  ds_span data;      /* SEND TRACE: valid until the next call; ANSWER: how
                            the servers failed, in words */
  int fresh;         /* SEND: what is readable now is handed over first: one
                           `received`, then `sent` with 0 */
  int more;          /* SEND: another SEND follows */
  size_t max;        /* RECEIVE BODY: most bytes in the answer */
  int abort;         /* CLOSE: with a reset, no lingering */
  uint32_t tag;      /* BODY REWIND: whose */
  uint64_t offset;   /* BODY */
  const ds_source *source;     /* BODY REWIND: the envelope's, or NULL */
  int verify;                  /* CONTEXT: trust will be needed */
  const ds_row *row;           /* RESULT: valid until the next call */
  int last;                    /* RESULT: all rows of its message are told */
  const ds_plan_host *host;    /* HOST: the same */
  const ds_dns_answer *answer; /* ANSWER: the same; NULL: there is none */
  unsigned question;           /* ANSWER: its type */
  const char *space; /* RECALL REMEMBER: "sts", "tls", "careful", "family" … */
  const char *key;   /* RECALL REMEMBER: within the space */
  ds_span value;     /* REMEMBER: p NULL: forget it */
  int64_t expires;   /* REMEMBER: seconds since 1970, as sys.epoch */
  ds_admission admit;      /* ADMIT: to what */
  const char *destination; /* ADMIT: the delivery's */
  const char *provider; /* ADMIT: the host it is about, NULL: not known yet */
  unsigned n;           /* ADMIT NEXT: how many at most; RELEASE: 1 */
  uint32_t token;       /* RELEASE */
  ds_kept *kept;        /* KEEP: see ds_kept_take */
  ds_time idle_until;   /* KEEP: say farewell then, if nobody took it … */
  ds_time dies_at;      /* … and here whoever has it */
  unsigned uses_left;   /* KEEP: messages it may still carry */
} ds_op;

typedef struct ds_delivery ds_delivery;

/*
** ds_delivery_defaults: zero *c and fill in what a sender who waits for the
** answer wants: port 25, opportunistic TLS, IPv4 first, connect 10 s, DNS
** 10 s, everything up to the end of the body 120 s, its reply 60 s.
** Destination, DNS servers and sys are left to be set.
*/
void ds_delivery_defaults (ds_delivery_config *c);

/* NULL and *e: usage (field named), or memory.  The config is copied. */
ds_delivery *ds_delivery_new (const ds_delivery_config *c, ds_error *e);
void ds_delivery_free (ds_delivery *d);

/* ds_delivery_next: the next operation */
void ds_delivery_next (ds_delivery *d, ds_time now, ds_op *op);

/*
** The answers.  0, or DS_ERR_STATE when no such operation is open.
** `received` may come unasked (a driver that reads while it writes); n == 0:
** the peer closed.  index: which of the targets, 0 where there is one.
*/
int ds_delivery_connected (ds_delivery *d, ds_time now, unsigned conn,
                           size_t index, const ds_ip *local, const ds_ip *peer);
int ds_delivery_sent (ds_delivery *d, ds_time now, unsigned conn, size_t n);
int ds_delivery_received (ds_delivery *d, ds_time now, unsigned conn,
                          const void *p, size_t n);

/* up to n of NEXT's may be given before anything else is asked of d: where
   there are many, that spares as many operations */
int ds_delivery_message (ds_delivery *d, ds_time now, const ds_envelope *m);

int ds_delivery_no_more (ds_delivery *d, ds_time now);
int ds_delivery_body (ds_delivery *d, ds_time now, const void *p, size_t n,
                      int eof);
int ds_delivery_rewound (ds_delivery *d, ds_time now);
int ds_delivery_context (ds_delivery *d, ds_time now, const ds_tls_backend *b,
                         ds_tls_ctx *ctx);

/* value.p NULL: nothing is remembered; copied */
int ds_delivery_recalled (ds_delivery *d, ds_time now, ds_span value);

/* n of ADMIT's (0: all of them); the token is given back by RELEASE, when it
   is not 0 */
int ds_delivery_admitted (ds_delivery *d, ds_time now, uint32_t token,
                          unsigned n);

/* not now: ask again at `when`.  For NEXT and ADMIT */
int ds_delivery_later (ds_delivery *d, ds_time now, ds_time when);
int ds_delivery_tick (ds_delivery *d, ds_time now);

/*
** ds_delivery_adopted: CONNECT is answered with a kept session of its `reuse`
** key, whose connection has the number `conn` from now on.  k is the
** delivery's then; with DS_ERR_STATE it stays the caller's.
*/
int ds_delivery_adopted (ds_delivery *d, ds_time now, unsigned conn,
                         ds_kept *k);

/*
** KEEP: the connection stays open and is its owner's; so is the session, once
** it was taken with ds_kept_take (NULL: no KEEP was told last).  Else the next
** call ends it, and the owner closes the connection.  The TLS context in it
** and what the delivery's `trace` pointed to are used no more, but the context
** must live as long as it does.
** ds_kept_farewell: what is to be sent before the connection is closed, best
** effort; valid until the session is freed.  Whatever the peer sends to a kept
** session, nobody asked for it: close it.
*/
ds_kept *ds_kept_take (ds_delivery *d);
void ds_kept_free (ds_kept *k);
ds_span ds_kept_farewell (ds_kept *k, ds_time now);

/* for any open operation; text (may be NULL) is copied */
int ds_delivery_failed (ds_delivery *d, ds_time now, ds_failure f,
                        const char *text);

/*
** ds_delivery_cancel: at any time.  What is open counts as failed
** (cancelled); CLOSE, RESULTs and DONE follow.
*/
void ds_delivery_cancel (ds_delivery *d, ds_time now);

#endif
