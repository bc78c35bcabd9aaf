/*
** engine_state: what the engine's files share: engine.c the calls and the
** order of events, engine_send.c what we say, engine_reply.c what a reply
** means, engine_txn.c what becomes of recipients.
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
** Replies awaited at most: 8 KiB at 80 octets each, so that neither side ever
** stands with both buffers full (RFC 2920 §3.1).  The ring has room besides
** for what is not sent ahead.
*/
#define DS_AHEAD 102
#define DS_RING  128

/* transactions in flight: one, and the next whose MAIL … DATA follows its
   final dot */
#define DS_WINDOW 2

typedef enum ds_command {
  DS_CMD_GREETING, /* not said, but answered like a command */
  DS_CMD_EHLO,
  DS_CMD_HELO,
  DS_CMD_STARTTLS,
  DS_CMD_MAIL,
  DS_CMD_RCPT,
  DS_CMD_DATA,
  DS_CMD_EOM, /* the end of the body */
  DS_CMD_RSET,
  DS_CMD_QUIT,
  DS_CMD_NOTICE /* nothing: a 421 may come unasked (RFC 5321 §3.8) */
} ds_command;

typedef enum ds_phase {
  DS_PHASE_GREETING, /* EHLO, HELO or the greeting is awaited */
  DS_PHASE_EHLO_DUE,
  DS_PHASE_HELO_DUE,
  DS_PHASE_READY,
  DS_PHASE_TLS_DUE,
  DS_PHASE_TLS_ASKED,
  DS_PHASE_TLS /* between the 220 and the handshake's end: the wall */
} ds_phase;

/* the next thing to say in a transaction */
typedef enum ds_step {
  DS_STEP_MAIL,
  DS_STEP_RCPT,
  DS_STEP_DATA,
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
typedef enum ds_by { DS_BY_SESSION, DS_BY_TXN, DS_BY_REFUSAL } ds_by;

/* what a transaction asked for and the host has not */
typedef enum ds_lack {
  DS_LACK_NOTHING,
  DS_LACK_SIZE,
  DS_LACK_8BIT,
  DS_LACK_UTF8
} ds_lack;

typedef struct ds_refusal { /* a reply to RCPT, no longer than it is */
  int code;
  int lines;
  char enhanced[12];
  char text[];
} ds_refusal;

typedef struct ds_rcpt {
  ds_refusal *refusal; /* owned, or NULL */
  uint32_t path;       /* offset into paths */
  uint16_t path_n;
  uint8_t state, by, outcome, stage;
} ds_rcpt;

typedef struct ds_txn {
  struct ds_txn *next;
  uint32_t id;
  unsigned flags;
  uint64_t size;
  ds_step step;
  ds_stage stage; /* how far it has come, but for FINAL: see ds_txn_ending */
  ds_lack lacks;
  int mail_refused;
  size_t said, answered, accepted; /* recipients */
  size_t awaited;                  /* replies */
  size_t held, due, told;          /* recipients, by state */
  int ended;                       /* the final dot is written, */
  uint64_t dot;                    /* and ends at this offset of the output */
  ds_reply reply;                  /* to MAIL, DATA or the end: BY_TXN */
  size_t sender_n;                 /* paths begins with the sender */
  char *paths;
  size_t count;
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
  ds_phase phase;
  unsigned tls : 1, full : 1, dirty : 1, quit_asked : 1, quit_said : 1;
  unsigned closed : 1, over : 1, over_told : 1, has_slot : 1;
  ds_buf in, out;
  uint64_t taken; /* octets of output the wire has had */
  ds_reply_parser parser;
  ds_expected ring[DS_RING];
  size_t head, count;
  uint32_t popped;
  ds_smtp_ext ext, ext_new;
  ds_txn *txns; /* in the order of their begin */
  ds_txn *body; /* whose octets are due */
  ds_body body_state;
  ds_smtp_event slot; /* the one event a reply may give besides outcomes */
  ds_kind end_kind;
  ds_stage end_stage;
  ds_reply end_reply; /* code 0: none */
  char end_text[256];
  ds_reply told; /* the reply, or in its text the words, of what is told */
  char greeting[256], ehlo_line[256];
};

/* ---- engine.c ---- */

/*
** ds_engine_end: the session is over, every outcome is due.  shifted: replies
** and commands can no longer be paired, so held outcomes fall too.  Needs no
** memory.  The first end is the one that counts.
*/
void ds_engine_end (ds_smtp *s, ds_kind kind, ds_stage stage, const ds_reply *r,
                    const char *text, int shifted);

void ds_engine_no_memory (ds_smtp *s);

/* where the session stands: what is awaited, else what is due */
ds_stage ds_engine_stage (const ds_smtp *s);

/* the oldest awaited reply, or NULL */
const ds_expected *ds_engine_head (const ds_smtp *s);

void ds_engine_expect (ds_smtp *s, ds_command cmd, ds_txn *t, size_t rcpt);
ds_expected ds_engine_pop (ds_smtp *s);

/* the event besides outcomes */
void ds_engine_post (ds_smtp *s, ds_smtp_event_kind e, const ds_expected *of,
                     const ds_reply *r);

/* ---- engine_send.c ---- */

/* say what may be said now */
void ds_engine_send (ds_smtp *s);
int ds_engine_pipelining (const ds_smtp *s);

/* the end of t's body is in the output */
void ds_engine_ended (ds_smtp *s, ds_txn *t);

/* ---- engine_reply.c ---- */

/* read what has come: 1, something changed; 0, all of it is read */
int ds_engine_read (ds_smtp *s);

/* ---- engine_txn.c ---- */

/* a copy of what the caller gave, at the end of the table; NULL: no memory */
ds_txn *ds_txn_new (ds_smtp *s, const ds_smtp_transaction *t);
void ds_txn_free_all (ds_smtp *s);

ds_txn *ds_txn_unsaid (const ds_smtp *s); /* the first not yet said, or NULL */
ds_span ds_txn_sender (const ds_txn *t);
ds_span ds_txn_recipient (const ds_txn *t, size_t i);

/* the final dot has been handed over: no reply now means unknown */
int ds_txn_ending (const ds_smtp *s, const ds_txn *t);

/* an outcome by this reply, held: for all that have none; for one refused (0,
   or DS_ERR_NOMEM) */
void ds_txn_settle (ds_txn *t, ds_outcome o, ds_stage stage, const ds_reply *r);
int ds_txn_refuse (ds_txn *t, size_t i, ds_outcome o, const ds_reply *r);

/* the host lacks what t needs: all fail, due at once */
void ds_txn_lack (ds_txn *t, ds_lack lacks);

/* a sync point: what is held is due; 1 when there was any */
int ds_txn_release (ds_smtp *s);

/* the session is over: what has no outcome gets it */
void ds_txn_conclude (ds_smtp *s, int shifted);

/* 1 and the next SETTLED or FINISHED that is due */
int ds_txn_tell (ds_smtp *s, ds_smtp_event *ev);

#endif
