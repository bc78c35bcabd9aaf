/*
** internal: the parts of a delivery as its files share them.  Not for
** others.
*/
#ifndef ds_deliver_internal_h
#define ds_deliver_internal_h

#include "deliver/delivery.h"
#include "deliver/provider.h"
#include "dns/mx.h"

typedef enum phase {
  PH_FEED,    /* nothing in hand: the next message is asked for */
  PH_RESOLVE, /* which hosts take the destination's mail */
  PH_POLICY,  /* what it says of itself, and what is remembered of it */
  PH_HOST,    /* the next host, if there is one */
  PH_ADDRESS, /* its addresses */
  PH_DANE,    /* its TLSA records */
  PH_CONNECT, /* the next of them */
  PH_SESSION, /* SMTP with one of them */
  PH_CLOSE,   /* the connection is to be closed, then d->after */
  PH_SETTLE,  /* no host is left: what is in hand gets its outcome */
  PH_DONE
} phase;

typedef enum rcpt_state {
  RCPT_OPEN,
  RCPT_BEGUN,  /* in a transaction */
  RCPT_PASSED, /* open, but not for this session */
  RCPT_SPLIT,  /* open, when the transaction it was too many in is over: until
                  then its place there tells the others' */
  RCPT_TOLD    /* has its outcome */
} rcpt_state;

typedef struct rcpt {
  uint32_t id; /* of the transaction it is, or was last, in */
  uint8_t state;
} rcpt;

/* one message in hand, and behind it, in the same block, what m points to */
typedef struct work {
  struct work *next;
  ds_envelope m;
  rcpt *rcpt;
  size_t open;      /* recipients without outcome, … */
  size_t todo;      /* … and of these in state OPEN */
  unsigned flights; /* its transactions with this session */
  size_t walk;      /* where settling what is open has come to */
  uint64_t offset;  /* octets of the body given */
  int read;         /* the source has been read from: rewind it first */
  ds_time began;
  int broken;      /* its source failed: no host can help */
  int lasting;     /* no host spoke of a passing trouble with it */
  ds_row *verdict; /* why this one is still open, where that is its own */
} work;

/* a transaction with this session; found by its id, as no two of those in
   flight are FLIGHTS apart */
typedef struct flight {
  uint32_t id;
  work *w;
  size_t first;      /* of its recipients, by their index in the envelope */
  size_t count;      /* of them */
  size_t nth, at;    /* the n-th of them is that of the envelope */
  unsigned accepted; /* by their RCPT */
  uint64_t from;     /* no octet of it left before so many octets did */
} flight;

#define FLIGHTS 64

/* what becomes of a recipient when the engine has spoken */
typedef enum verdict {
  VERDICT_STANDS,
  VERDICT_ELSEWHERE, /* open for another session, here or at another host */
  VERDICT_SPLIT      /* open for another transaction */
} verdict;

typedef struct host {
  char name[DS_DNS_NAME];
  int preference; /* -1: implicit, pinned or literal */
  unsigned connects;
  unsigned sessions;
  unsigned recipients; /* it takes at once, as it was found out; 0: not yet */
  uint8_t careful;     /* no PIPELINING, no CHUNKING: see ds_smtp_config */
  uint8_t recalled;    /* what is remembered of it is known */
  const ds_provider *provider; /* whose it is; NULL: nobody knows */
  ds_ip literal;               /* family 0: to be looked up */
} host;

/* something to be remembered, until it is told */
typedef struct memo {
  struct memo *next;
  const char *space; /* a literal */
  int64_t expires;
  ds_span value; /* within text, behind the key */
  char text[];
} memo;

/* a question that has no phase of its own: whoever asks is asked again when
   the answer is in */
typedef enum asking { ASK_NOTHING, ASK_ASKED, ASK_ANSWERED } asking;

struct ds_kept {
  ds_session *session;
  ds_endpoint peer;
  ds_ip local;
  ds_tls_info tls;
  char note[256];
  ds_time opened;
  unsigned carried;
  size_t secret_n;
  char secret[]; /* password and token it was opened with */
};

/* what rows of one place have in common */
typedef struct place {
  uint32_t serial; /* 0: nothing yet */
  char host[DS_DNS_NAME];
  ds_endpoint peer;
  const char *policy;
  ds_tls_info tls;
  char note[256];
} place;

#define RACERS    8
#define ADDRESSES 64 /* of one host, both families */

/* discover.c: a search for the destination's MTA-STS policy; dane.c: one for
   the TLSA records of a host, and what it found */
typedef struct sts_search sts_search;
typedef struct dane_search dane_search;

/* the best that was had of a destination, as it is remembered */
typedef struct best_level {
  int asked; /* the memory was */
  int rank;  /* 0 clear, 1 encrypted, 2 verified, 3 DANE */
  int64_t since;
} best_level;

struct ds_delivery {
  ds_delivery_config c;
  char *strings; /* what the config's pointers point to */
  size_t strings_size;
  phase phase;
  phase after;     /* PH_CLOSE goes on with this */
  ds_op_kind open; /* the operation that awaits its answer */
  int ended;       /* no more messages will come */
  int cancelled;

  asking recall, admit;
  ds_buf recalled; /* the answer to RECALL, … */
  int remembered;  /* … if there is one */
  char recall_key[DS_DNS_NAME + 64];
  memo *memos; /* REMEMBERs to be told, the first of them told if … */
  int memo_told;
  ds_admission admission; /* the last ADMIT's */
  unsigned admitted;      /* of those asked for with ADMIT */
  uint32_t token;         /* of the connection that is open, 0: none */
  uint32_t released;      /* to be given back */
  ds_time wake;           /* nothing is asked again before that */
  ds_kept *kept;          /* the one the last KEEP was about */
  int reusing;            /* the CONNECT that is open named a kept session */
  ds_buf reuse_key;
  char careful_key[DS_DNS_NAME + 8];

  work *works;    /* in hand, in order … */
  work *last;     /* … up to this one, */
  unsigned hand;  /* so many … */
  unsigned room;  /* … and so many more may be given in answer to NEXT */
  size_t waiting; /* of them with a recipient in state OPEN */
  flight flights[FLIGHTS];
  uint32_t last_id;
  ds_time until; /* for what lies before the end of a body */

  ds_query *query; /* the question being asked, if any */
  unsigned type;   /* its type */
  unsigned conn;   /* number of the last CONNECT */
  int connected;   /* it is open */

  host *hosts;
  size_t host_count;
  size_t host_at; /* index of the one being tried, + 1 */
  int family_at;  /* families of it looked up: 0, 1, 2 */
  ds_endpoint addresses[ADDRESSES];
  size_t address_count;
  size_t address_at; /* the next to try */
  ds_endpoint peer;  /* the one being tried, or the first of … */
  ds_target race[RACERS];
  size_t racers;  /* … so many at once, when more than one */
  int six_asked;  /* what is remembered of IPv6 is known: */
  int six_dead;   /* it led nowhere */
  int six_failed; /* it may just have */
  ds_ip local;
  int found; /* some address came of this host's look-ups */

  int mx_secure;      /* the MX records are (DNSSEC) */
  char *mx_alias;     /* what the destination is an alias of, or NULL */
  ds_sts_entry sts;   /* what is known of its MTA-STS policy */
  sts_search *search; /* … while it is found out */
  dane_search *tlsa;  /* of this host; NULL: none is of use */
  ds_dane dane;       /* what was found out about them … */
  int dane_done;      /* … if it was */
  int storeless;      /* no trust store loads here */
  ds_tls_terms terms; /* for the session with this host */
  int stricter;       /* a message in hand needs more than it has */
  best_level best;

  ds_session *session;
  ds_buf trace;
  ds_buf told;        /* the part of it the last TRACE shows */
  uint64_t sent;      /* octets that may have left, of this session */
  size_t presented;   /* by the last SEND */
  unsigned carried;   /* transactions it began with */
  unsigned settled;   /* recipients whose outcome is its word */
  unsigned delivered; /* recipients it gave a word on of its own */
  ds_time opened;     /* … then */
  ds_time stay;       /* up to then its target is good for another one */
  int died;           /* not by our QUIT */
  int adopted;        /* it was a kept one */
  int stale;          /* one that was kept had died: a new one this time */
  int closing;        /* nothing more is begun with it */
  int careful_due;    /* what it broke off is to be tried again, with care */
  int six_refused;    /* the peer minds our IPv6 address: IPv4 from now on */
  unsigned granted;   /* messages admitted, and not yet asked for */
  int over;           /* the session ended: nothing more but QUIT's bytes */
  int quitting;       /* QUIT is said or queued */
  int clear;          /* this target is spoken to in clear: TLS failed there */
  int again;          /* connect once more to the same target */
  int greeted;        /* this session is past its greeting */
  flight *begun;      /* its envelope is queued, its body not at its end */
  flight *sending;    /* that one, when its body is due */
  int stop;        /* AUTH was refused: the verdict is that of all messages */
  int want_auth;   /* AUTH is due, behind TLS */
  int want_tls;    /* STARTTLS is due as soon as there is a context */
  char note[256];  /* what befell TLS with this target */
  ds_tls_info tls; /* of this session; version "" in clear */
  const ds_tls_backend *backend;
  ds_tls_ctx *ctx;

  place place;
  ds_row row;     /* the RESULT being told */
  ds_row verdict; /* the failure to tell when no host is left */
  int verdicts;   /* failures so far */
  int permanent;  /* all of them for good */
  ds_plan_host plan;
};

#define NO_ADDRESS 2

/* config.c */
int ds_config_check (const ds_delivery_config *c, ds_error *e);
int ds_config_copy (ds_delivery *d, const ds_delivery_config *c);
void ds_config_drop (ds_delivery *d); /* wipes it */

/* delivery.c */
void ds_out_of_memory (ds_delivery *d);

/* seconds since 1970 */
static inline int64_t ds_unix (const ds_delivery *d, ds_time now) {
  return d->c.sys.epoch + now / DS_SECOND;
}

/* answer.c: close the operation that is open, if it is this one */
int ds_answers (ds_delivery *d, ds_op_kind k);

/*
** ask.c.  ds_recall and ds_admit: 1, op asks, and the step that called comes
** back with the same question; 0: it is answered, or the owner cannot.  What
** was remembered is ds_recalled_value until the next question, p NULL: nothing;
** d->admitted tells how many.
*/
int ds_recall (ds_delivery *d, const char *space, const char *key, ds_op *op);
ds_span ds_recalled_value (const ds_delivery *d);
int ds_admit (ds_delivery *d, ds_time now, ds_admission what, unsigned n,
              ds_op *op);
int ds_wait (ds_delivery *d, ds_op *op); /* until d->wake; returns 1 */

/* to be told as soon as may be: key and value are copied, value.p NULL forgets;
   expires in seconds since 1970 */
void ds_remember (ds_delivery *d, const char *space, const char *key,
                  ds_span value, int64_t expires);
void ds_release (ds_delivery *d); /* the connection is over */
void ds_memos_drop (ds_delivery *d);
int ds_tell_owner (ds_delivery *d, ds_op *op); /* 1: a REMEMBER or RELEASE */

/* resolve.c: hosts and addresses.  ds_ask opens a question, ds_ask_step obeys
   it (1 and an operation, 0: it is answered), ds_resolve_end drops it */
int ds_ask (ds_delivery *d, ds_time now, const char *name, unsigned type);
int ds_ask_step (ds_delivery *d, ds_time now, ds_op *op);
int ds_literal_address (ds_span destination, ds_ip *ip);
int ds_resolve_start (ds_delivery *d, ds_time now);
int ds_resolve_step (ds_delivery *d, ds_time now, ds_op *op);
int ds_tell_answer (ds_delivery *d, const ds_dns_answer *a, const char *text,
                    ds_op *op);
int ds_address_step (ds_delivery *d, ds_time now, ds_op *op);
int ds_host_next (ds_delivery *d);
host *ds_host_of (const ds_delivery *d);
void ds_resolve_end (ds_delivery *d);

/* family.c: which family of addresses is asked for n-th (0: there is none),
   and when; the order they are tried in, and what is remembered of them */
unsigned ds_family_type (const ds_delivery *d, int n);
int ds_family_wait (const ds_delivery *d);
void ds_family_sort (ds_delivery *d);
int ds_family_recall (ds_delivery *d, ds_op *op);
void ds_family_failed (ds_delivery *d, ds_failure f);
void ds_family_connected (ds_delivery *d, ds_time now, size_t index);
void ds_family_race (ds_delivery *d, unsigned most, ds_op *op);

/* connect.c, attempt.c: one connection */
int ds_connect_step (ds_delivery *d, ds_time now, ds_op *op);
int ds_host_used_up (const ds_delivery *d);
int ds_attempt_step (ds_delivery *d, ds_time now, ds_op *op);
int ds_attempt_open (ds_delivery *d, ds_time now, const ds_ip *local);
void ds_attempt_adopt (ds_delivery *d, ds_time now, ds_kept *k);
void ds_attempt_forget (ds_delivery *d);
void ds_connect_failed (ds_delivery *d, ds_outcome o, ds_kind kind,
                        const char *text);
void ds_target_clear (ds_delivery *d);
int ds_aim (ds_delivery *d); /* address_at is the next to try; 0: none is */
ds_ip ds_source_for (const ds_delivery *d, const ds_ip *to);
void ds_bind_to (const ds_delivery *d, ds_op *op);

const char *ds_event_reason (const ds_smtp_event *ev);
void ds_host_failed (ds_delivery *d, const ds_smtp_event *ev);

/* feed.c: what a session is given to do.  1: an operation; 0: it was given
   something, see its events; -1: the wire is next */
int ds_feed_step (ds_delivery *d, ds_time now, ds_op *op);
int ds_feed_idle (ds_delivery *d, ds_time now, ds_op *op);
int ds_feed_next (ds_delivery *d, ds_time now, ds_op *op);
void ds_feed_quit (ds_delivery *d);

/* limit.c: what this host takes: recipients in a transaction; their domains
   (0: any), transactions in a session (0: any) */
size_t ds_limit_recipients (const ds_delivery *d);
size_t ds_limit_domains (const ds_delivery *d);
size_t ds_limit_messages (const ds_delivery *d);

/* work.c: messages in hand and what became of their recipients */
work *ds_work_new (const ds_envelope *m, ds_time now);
void ds_work_free (work *w);
void ds_work_add (ds_delivery *d, work *w);
void ds_work_drop (ds_delivery *d, work *w);
work *ds_work_waiting (const ds_delivery *d);
void ds_work_reopen (ds_delivery *d);
void ds_work_pass (ds_delivery *d, work *w);
flight *ds_flight_of (ds_delivery *d, uint32_t id);
void ds_work_begin (ds_delivery *d, work *w);
int ds_work_finished (ds_delivery *d, uint32_t id);
int ds_work_settle (ds_delivery *d, ds_time now, const ds_smtp_event *ev,
                    ds_op *op);
int ds_settle_step (ds_delivery *d, ds_time now, ds_op *op);

/* judge.c: what the engine's word about a recipient of f, already in d->row,
   means; d->row is mended where it says too little or too much */
verdict ds_judge (ds_delivery *d, const flight *f, const ds_smtp_event *ev);
int ds_minds_ipv6 (ds_delivery *d,
                   const ds_row *r); /* … for IPv4 to be tried */

/* kept.c */
int ds_keep_wanted (const ds_delivery *d, ds_time now);
int ds_keep_step (ds_delivery *d, ds_time now, ds_op *op);
const char *ds_reuse_key (ds_delivery *d); /* NULL: none will do */
const char *ds_careful_key (ds_delivery *d);

/* outcome.c: failures and rows */
void ds_copy_text (char *to, size_t size, const char *text);
void ds_row_clear (ds_row *r);
void ds_row_where (ds_delivery *d, ds_row *r);
void ds_row_reply (ds_row *r, const ds_reply *reply);
void ds_row_queue_id (ds_row *r);
void ds_verdict_add (ds_delivery *d, const ds_row *v);
void ds_verdict_set (ds_delivery *d, ds_outcome o, ds_kind kind, ds_stage stage,
                     const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

#include "deliver/security.h"

#endif
