/*
** engine_state: what the engine's files share: engine.c the calls and the
** order of events, engine_auth.c who we are, engine_begin.c which transactions may begin, engine_send.c
** what we say, engine_body.c bodies, engine_reply.c what a reply means,
** engine_txn.c what becomes of recipients.
*/
#ifndef ds_smtp_engine_state_h
#define ds_smtp_engine_state_h

#include <stddef.h>
#include <stdint.h>

#include "smtp/body.h"
#include "smtp/engine.h"
#include "smtp/ext.h"
#include "smtp/reply.h"
#include "util/buf.h"

/*
** Replies awaited at most: 8 KiB at 64 octets each, so that neither side ever
** stands with both buffers full (RFC 2920 §3.1).  A ring has room besides for
** what is not sent ahead; an idle session makes do with a small one.
*/
#define DS_AHEAD 128
#define DS_RING  144
#define DS_FEW   4

/* transactions in flight: MAIL RCPT BDAT and RSET of so many are DS_AHEAD
   replies; behind DATA there is one, and the next whose MAIL … DATA follows
   its final dot */
#define DS_WINDOW      32
#define DS_WINDOW_DATA 2

/* octets of a body that is sent before its recipients are answered, and of
   all such bodies before no more are begun */
#define DS_EARLY 65536

/* a chunk of a body whose size is not known */
#define DS_CHUNK 16384

typedef enum ds_command {
  DS_CMD_GREETING, /* not said, but answered like a command */
  DS_CMD_EHLO,
  DS_CMD_HELO,
  DS_CMD_STARTTLS,
  DS_CMD_AUTH, /* or an answer within it */
  DS_CMD_MAIL,
  DS_CMD_RCPT,
  DS_CMD_DATA,
  DS_CMD_CHUNK, /* BDAT, and more behind it */
  DS_CMD_EOM,   /* the end of the body: the final dot, or BDAT LAST */
  DS_CMD_RSET,
  DS_CMD_QUIT,
  DS_CMD_NOTICE /* nothing: a 421 may come unasked (RFC 5321 §3.8) */
} ds_command;

typedef enum ds_phase {
  DS_PHASE_GREETING, /* EHLO, HELO or the greeting is awaited */
  DS_PHASE_EHLO_DUE,
  DS_PHASE_HELO_DUE,
  DS_PHASE_READY,
  DS_PHASE_AUTH, /* until who we are is known, or not */
  DS_PHASE_TLS_DUE,
  DS_PHASE_TLS_ASKED,
  DS_PHASE_TLS /* between the 220 and the handshake's end: the wall */
} ds_phase;

/* the next thing to say in a transaction */
typedef enum ds_step {
  DS_STEP_MAIL,
  DS_STEP_RCPT,
  DS_STEP_DATA,  /* or BDAT */
  DS_STEP_ASKED, /* nothing until DATA is answered */
  DS_STEP_BODY,  /* the caller's octets */
  DS_STEP_DOT,   /* 354 with no recipient: the end alone */
  DS_STEP_DONE
} ds_step;

typedef enum ds_rcpt_state {
  DS_RCPT_OPEN,
  DS_RCPT_ACCEPTED,
  DS_RCPT_HELD, /* has an outcome that a counted shift may still revoke */
  DS_RCPT_DUE,  /* has its outcome, to be told */
  DS_RCPT_TOLD
} ds_rcpt_state;

/* where an outcome's reply and text stand */
typedef enum ds_by { DS_BY_SESSION, DS_BY_TXN, DS_BY_WORD } ds_by;

typedef struct ds_finding {
  uint8_t outcome, stage;
  uint8_t confused; /* nobody was refused, a command was not understood */
  uint8_t split;
} ds_finding;

/* how a session ends */
typedef enum ds_end {
  DS_END_PLAIN,
  DS_END_SHIFTED, /* replies and commands can no longer be paired */
  DS_END_ANSWERED /* by a reply: what it leaves unanswered was not done */
} ds_end;

/* what a transaction asked for and the host has not */
typedef enum ds_lack {
  DS_LACK_NOTHING,
  DS_LACK_SIZE,
  DS_LACK_8BIT,
  DS_LACK_UTF8,
  DS_LACK_REQUIRETLS
} ds_lack;

typedef struct ds_word { /* a reply to one recipient, no longer than it is */
  int code;
  int lines;
  char enhanced[12];
  char text[];
} ds_word;

typedef struct ds_rcpt {
  ds_word *word;            /* owned, or NULL */
  uint32_t path;            /* offset into paths */
  uint16_t path_n, orcpt_n; /* one behind the other */
  uint8_t notify, state, by;
  ds_finding found;
} ds_rcpt;

typedef struct ds_txn {
  struct ds_txn *next;
  uint32_t id;
  unsigned flags;
  uint64_t size;
  ds_step step;
  ds_stage stage; /* how far it has come, but for FINAL: see ds_txn_ending */
  ds_lack lacks;
  int early; /* BDAT LAST does not wait for the recipients' replies */
  int bdat;  /* the body goes by BDAT */
  int mail_refused;
  size_t said, answered, accepted; /* recipients */
  size_t finals, final_at;         /* in LMTP: replies to the end, whose */
  size_t awaited;                  /* replies */
  size_t held, due, told;          /* recipients, by state */
  size_t cursor;                   /* none before it is due */
  int ended;                       /* the end of the body is written, */
  uint64_t end;                    /* and is at this offset of the output */
  ds_dsn_ret ret;
  size_t sender_n, envid_n; /* paths begins with sender and ENVID */
  char *paths;
  size_t count;
  ds_reply reply; /* to MAIL, DATA or the end: BY_TXN; not zeroed */
  ds_rcpt rcpt[];
} ds_txn;

typedef struct ds_expected {
  ds_txn *txn;  /* or NULL */
  uint64_t end; /* the output offset behind the command */
  uint32_t rcpt;
  uint8_t cmd, stage;
} ds_expected;

struct ds_smtp {
  char *hostname;
  int careful;
  unsigned window;
  ds_phase phase;
  unsigned authed : 1; /* who we are is known */
  unsigned secret : 1; /* out holds what is to be wiped */
  unsigned lmtp : 1, tls : 1, full : 1, dirty : 1, quit_asked : 1,
      quit_said : 1;
  unsigned closed : 1, over : 1, over_told : 1, has_slot : 1;
  unsigned leaving : 1;   /* it said 421, and nothing since */
  unsigned draining : 1;  /* a reply of the batch was read, not yet all */
  unsigned news : 1;      /* a transaction may have something to tell */
  unsigned body_due : 1;  /* its BODY is to be told */
  unsigned body_sunk : 1; /* nobody takes it, up to its end */
  ds_buf in, out;
  ds_buf chunk;   /* of a body whose size is not known, being filled */
  uint64_t taken; /* octets of output the wire has had */
  size_t unsent;  /* … and has still, as far as is known */
  uint64_t came;  /* octets of input */
  uint64_t early; /* of these so many came when no more than … */
  uint64_t sent;  /* … so many of the output had left */
  ds_reply_parser parser;
  ds_expected few[DS_FEW], *ring; /* few, or a block of DS_RING */
  size_t head, count;
  uint32_t popped;
  ds_smtp_ext ext, ext_new;
  ds_txn *txns, **last; /* in the order of their begin */
  ds_txn *unsaid;       /* none before it has something to say */
  size_t txn_count;
  uint64_t octets; /* of early bodies */
  ds_txn *body;    /* whose octets are due */
  ds_body body_state;
  ds_sasl *sasl;              /* in PHASE_AUTH */
  ds_buf challenge;           /* what the server asks there */
  ds_buf first;               /* an answer that waits to be asked for */
  uint64_t left;              /* of a body whose size is known */
  const ds_reply *body_reply; /* that asked for it, until told; or NULL */
  ds_smtp_event slot; /* the one event a reply may give besides outcomes */
  ds_kind end_kind;
  ds_stage end_stage;
  ds_stage leaving_stage;
  ds_reply end_reply; /* code 0: none; while leaving, what it said */
  char end_text[256];
  ds_reply told; /* the reply, or in its text the words, of what is told */
  char greeting[256], ehlo_line[256];
};

/* ---- engine.c ---- */

/*
** ds_engine_end: the session is over, every outcome is due.  Where replies are
** shifted held outcomes fall too.  Needs no memory.  The first end is the one
** that counts.
*/
void ds_engine_end (ds_smtp *s, ds_kind kind, ds_stage stage, const ds_reply *r,
                    const char *text, ds_end how);

void ds_engine_no_memory (ds_smtp *s);

/* where the session stands: what is awaited, else what is due */
ds_stage ds_engine_stage (ds_smtp *s);

/* the oldest awaited reply, or NULL */
const ds_expected *ds_engine_head (const ds_smtp *s);

/* room for one more, before anything is written that asks for it: 0, or
   DS_ERR_NOMEM */
int ds_engine_room (ds_smtp *s);
void ds_engine_expect (ds_smtp *s, ds_command cmd, ds_txn *t, size_t rcpt);
ds_expected ds_engine_pop (ds_smtp *s);

/* the event besides outcomes */
void ds_engine_post (ds_smtp *s, ds_smtp_event_kind e, const ds_expected *of,
                     const ds_reply *r);

/* ---- engine_send.c ---- */

/* say what may be said now */
void ds_engine_send (ds_smtp *s);
int ds_engine_pipelining (const ds_smtp *s);
int ds_engine_chunking (const ds_smtp *s);

/* rc: what writing cmd gave, or no memory: 0, the session is over */
int ds_engine_said (ds_smtp *s, int rc, ds_command cmd, ds_txn *t, size_t rcpt);

/* more may be said before a reply is in */
int ds_engine_may_say (ds_smtp *s);

/* ---- engine_auth.c ---- */

/* a reply to AUTH: what is said next, or the end of it */
void ds_engine_on_auth (ds_smtp *s, const ds_expected *e, const ds_reply *r);

/* out holds nothing any more, or is about to: no secret stays */
void ds_engine_wipe (ds_smtp *s);
void ds_engine_end_auth (ds_smtp *s);

/* ---- engine_body.c ---- */

/* t's body is due now: by DATA (r: the 354), or by BDAT */
void ds_engine_body (ds_smtp *s, ds_txn *t, const ds_reply *r);

/* each 1: something was said.  BDAT n LAST where it is time; the dot of a body
   nobody takes; a chunk that is full, or that nothing is before */
int ds_engine_say_bdat (ds_smtp *s, ds_txn *t);
int ds_engine_say_dot (ds_smtp *s, ds_txn *t);
int ds_engine_say_chunk (ds_smtp *s);

/* the rest of t's body, if it is due, is not wanted */
void ds_engine_sink_body (ds_smtp *s, ds_txn *t);

/* ---- engine_reply.c ---- */

/* read what has come: 1, something changed; 0, all of it is read */
int ds_engine_read (ds_smtp *s);

/* ---- engine_txn.c ---- */

/* a copy of what the caller gave, at the end of the table; NULL: no memory */
ds_txn *ds_txn_new (ds_smtp *s, const ds_smtp_transaction *t);
void ds_txn_free_all (ds_smtp *s);

ds_txn *ds_txn_unsaid (ds_smtp *s); /* the first not yet said, or NULL */
ds_span ds_txn_sender (const ds_txn *t);
ds_span ds_txn_envid (const ds_txn *t);
ds_span ds_txn_recipient (const ds_txn *t, size_t i);
ds_span ds_txn_orcpt (const ds_txn *t, size_t i);

/* the end of the body has been handed over: no reply now means unknown */
int ds_txn_ending (const ds_smtp *s, const ds_txn *t);

/* an outcome by this reply, held: for all that have none; for one (0, or
   DS_ERR_NOMEM) */
void ds_txn_settle (ds_txn *t, ds_finding f, const ds_reply *r);
int ds_txn_settle_one (ds_txn *t, size_t i, ds_finding f, const ds_reply *r);

/* for the first accepted that has none.  Needs no memory, though without it
   the words may become another's */
void ds_txn_settle_next (ds_txn *t, ds_finding f, const ds_reply *r);

/* the host lacks what t needs: all fail, due at once */
void ds_txn_lack (ds_smtp *s, ds_txn *t, ds_lack lacks);

/* a sync point: what is held is due; 1 when there was any */
int ds_txn_release (ds_smtp *s);

/* the session is over: what has no outcome gets it */
void ds_txn_conclude (ds_smtp *s, ds_end how);

/* 1 and the next SETTLED or FINISHED that is due */
int ds_txn_tell (ds_smtp *s, ds_smtp_event *ev);

#endif
