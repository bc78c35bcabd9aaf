/*
** inner: what the files of the session room share: session.c the calls and
** the events, wire.c the bytes, limit.c the deadlines.
*/
#ifndef ds_session_inner_h
#define ds_session_inner_h

#include "session/session.h"
#include "session/trace.h"

/* what the wire was last asked for */
typedef enum ds_asked {
  DS_ASKED_NOTHING,
  DS_ASKED_SEND,
  DS_ASKED_REPLY
} ds_asked;

struct ds_session {
  ds_smtp *smtp;
  const ds_timeouts *timeouts;
  ds_time until;
  size_t max_chunk;
  ds_trace trace;

  ds_buf wire; /* what a SEND presents, until it is gone */
  int secret;  /* it is to be wiped */
  int fresh;   /* nothing of it has gone, and nothing was asked before it */

  const ds_tls_backend *backend;
  ds_tls_ctx *ctx;
  ds_tls_peer *peer; /* NULL: STARTTLS has not been asked for */
  ds_tls *tls;
  int shaking;   /* tls is there, its handshake not done */
  int confirmed; /* a byte of plaintext came out of it */

  ds_asked asked;
  uint32_t serial;  /* of the reply that reply_due is for, … */
  int timing;       /* … if it is for any */
  ds_time send_due; /* for what is in wire */
  ds_time reply_due;
  ds_time shake_due;

  int ended;       /* by QUIT: what follows changes nothing */
  int dead;        /* nothing more is sent or read */
  int doomed;      /* ends once the replies that came are told: */
  ds_kind doom;    /* NONE: as closed by the server */
  char words[464]; /* why */
};

/* session.c: end the session as soon as whole replies are told */
void ds_session_doom (ds_session *s, ds_kind kind, const char *text);
/* … now */
void ds_session_end (ds_session *s, ds_kind kind, const char *text);

/* wire.c: nothing secret stays in wire, which is to be emptied */
void ds_session_wipe (ds_session *s);

/* wire.c: the handshake goes on, or is done */
void ds_session_shake (ds_session *s);

/* limit.c: begin to time what has just been put into wire */
void ds_session_time_send (ds_session *s, ds_time now);
void ds_session_time_shake (ds_session *s, ds_time now);

/* when that must be over; for a reply its time begins when it is first asked
   for */
ds_time ds_session_send_deadline (const ds_session *s);
ds_time ds_session_reply_deadline (ds_session *s, ds_time now);

/* what was waited for in vain, in words */
void ds_session_timed_out (const ds_session *s, char *out, size_t size);

#endif
