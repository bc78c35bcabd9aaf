/*
** session: one connection's SMTP life: the engine's bytes over a wire that
** may become TLS, its deadlines, and its transcript.  Sans-I/O, like all.
*/
#ifndef ds_session_h
#define ds_session_h

#include "smtp/engine.h"
#include "tls/tls.h"
#include "util/buf.h"
#include "util/sys.h"

typedef struct ds_timeouts { /* each for one whole reply, or one step */
  ds_time connect;
  ds_time greeting;
  ds_time command; /* EHLO, STARTTLS, MAIL, RCPT, RSET */
  ds_time handshake;
  ds_time data;  /* the 354 */
  ds_time body;  /* for each piece of it to be sent */
  ds_time final; /* the reply to the end of the body */
  ds_time quit;  /* 0: said, not waited for */
  ds_time dns;
  ds_time total; /* of everything before the end of the body is sent */
} ds_timeouts;

typedef struct ds_session_config {
  ds_smtp_config smtp;
  const ds_timeouts *timeouts; /* read throughout */
  ds_time until;               /* nothing before the final dot goes beyond */
  size_t max_chunk;            /* most bytes in one SEND */
  ds_buf *trace; /* NULL, or where the dialogue is written: lines "S: …",
                    "C: …", "-- TLSv1.3 …", each ended by LF; a body is told
                    as its octet count, not shown; bounded to 64 KiB */
} ds_session_config;

typedef enum ds_want {
  DS_WANT_NOTHING, /* no bytes either way: an event or a command is due */
  DS_WANT_SEND,
  DS_WANT_RECEIVE
} ds_want;

typedef struct ds_session_step {
  ds_want want;
  ds_span data; /* SEND: valid until the next call */
  int fresh;    /* SEND: no reply is outstanding: what is readable now was not
                   asked for, and is to be handed over first */
  int more;     /* SEND: more bytes follow at once */
  ds_time deadline;
} ds_session_step;

typedef struct ds_session ds_session;

/* the session of a connection that has just been made; NULL: see ds_smtp_new */
ds_session *ds_session_new (const ds_session_config *c);
void ds_session_free (ds_session *s);

/*
** ds_session_next: what the wire is to do now.  Drain the events first
** (ds_session_next_event): what a session wants may depend on them.  What a
** SEND presents counts as said, also when it then fails.  A deadline that has
** passed ends the session (kind timeout, "no complete reply to MAIL within
** 300 s"); that of a reply covers all of it, and begins when it is the
** awaited one and what asked for it is sent.  After ENDED by QUIT there may be
** a last SEND, and a RECEIVE when timeouts.quit is not 0.
*/
void ds_session_next (ds_session *s, ds_time now, ds_session_step *step);

/* ds_session_until: another message, another end of its time */
void ds_session_until (ds_session *s, ds_time until);

/*
** ds_session_move: it goes on with these timeouts, this end, chunk and trace;
** what c->smtp says stands as it was.  NULL: it is nobody's for now, and needs
** nothing of the last owner's.
*/
void ds_session_move (ds_session *s, const ds_session_config *c);

/*
** What the wire did; n of sent may be short, 0 too; n == 0 of received: the
** peer closed.  Under TLS a FIN without close_notify is a close between
** replies, and an error (kind tls) within one.  A failure of kind timeout is
** told in the session's words, others in those given; whole replies that came
** before count.
*/
void ds_session_sent (ds_session *s, ds_time now, size_t n);
void ds_session_received (ds_session *s, ds_time now, const void *p, size_t n);
void ds_session_failed (ds_session *s, ds_time now, ds_kind kind,
                        const char *text);

/*
** ds_session_next_event: the engine's events; TLS_GO is kept here.  After
** ds_session_tls the second READY comes, or TLS_NO, or ENDED: with stage
** handshake when TLS failed, also when the server breaks it off before it says
** anything over it.
*/
int ds_session_next_event (ds_session *s, ds_time now, ds_smtp_event *ev);

/*
** ds_session_tls: say STARTTLS now and open TLS with these when the 220 comes
** (p is copied; b and ctx are used until then).  0, DS_ERR_STATE (not offered,
** asked before), or DS_ERR_NOMEM, which has ended the session.
*/
int ds_session_tls (ds_session *s, const ds_tls_backend *b, ds_tls_ctx *ctx,
                    const ds_tls_peer *p);

/* ds_session_tls_at_once: the wire is TLS from its first octet (RFC 8314; say
   so in smtp.tls, too); before anything else.  0, or an error that has ended the
   session */
int ds_session_tls_at_once (ds_session *s, ds_time now, const ds_tls_backend *b,
                            ds_tls_ctx *ctx, const ds_tls_peer *p);

/* 1 and *i when the session runs over TLS; else 0, and *i tells at most of a
   handshake that failed */
int ds_session_tls_info (const ds_session *s, ds_tls_info *i);

/* bytes the wire has not taken yet: a body is fed while this is small */
size_t ds_session_pending (const ds_session *s);

/* for begin, body, body_end, quit, can_begin, extensions */
ds_smtp *ds_session_smtp (ds_session *s);

#endif
