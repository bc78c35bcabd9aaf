/*
** engine: one SMTP or LMTP client session (RFC 5321, RFC 2033) as bytes in,
** bytes out and events.  It opens nothing, waits for nothing and decides
** nothing about policy: it tells what happened.  Commands are queued as
** {command, transaction, recipient}; each whole reply pops one.
*/
#ifndef ds_smtp_engine_h
#define ds_smtp_engine_h

#include <stddef.h>
#include <stdint.h>

#include "smtp/auth.h"
#include "smtp/dsn.h"
#include "smtp/ext.h"
#include "smtp/reply.h"
#include "util/err.h"
#include "util/span.h"

typedef struct ds_smtp ds_smtp;

typedef struct ds_smtp_config {
  const char *hostname; /* EHLO argument: a host name or an address literal */
  int careful;          /* no PIPELINING, no CHUNKING: a host that once broke */
  int lmtp;             /* RFC 2033: LHLO, a final reply for each recipient */
  int tls;              /* the wire is TLS from its first octet (RFC 8314) */
  unsigned window; /* most transactions in flight; 0: 32, 1: one at a time */
} ds_smtp_config;

/* what a transaction needs of the path; a host lacking it is refused */
#define DS_TXN_8BIT       1u /* RFC 6152: MAIL … BODY=8BITMIME */
#define DS_TXN_UTF8       2u /* RFC 6531: MAIL … SMTPUTF8 */
#define DS_TXN_REQUIRETLS 4u /* RFC 8689: MAIL … REQUIRETLS, only under TLS */

#define DS_SMTP_RECIPIENTS 1000 /* in one transaction */

typedef struct ds_smtp_transaction {
  uint32_t id;    /* the caller's, echoed in events; unique in flight */
  ds_span sender; /* local@domain in wire form, no brackets; empty: <> */
  const ds_span *recipients; /* the same form, 1 … 1,000; copied */
  size_t count;
  uint64_t size; /* octets before dot-stuffing, 0: not known (RFC 1870) */
  unsigned flags;

  /* a wish, said to hosts that offer DSN and to no others (ds_smtp_ext.dsn
     tells which) */
  ds_dsn_ret ret;
  ds_span envid;          /* before encoding; empty: not said */
  const ds_smtp_dsn *dsn; /* NULL, or one for each recipient; copied */
} ds_smtp_transaction;

typedef enum ds_smtp_event_kind {
  DS_SMTP_NONE,
  DS_SMTP_READY,    /* EHLO (or HELO) is through: extensions are known */
  DS_SMTP_TLS_GO,   /* 220 to STARTTLS and nothing behind it: handshake now */
  DS_SMTP_TLS_NO,   /* STARTTLS was refused (reply); the session goes on */
  DS_SMTP_ACCEPTED, /* this recipient was accepted (reply); not yet an outcome */
  DS_SMTP_BODY,     /* the body of this transaction may be given now: behind
                       DATA (reply: the 354), or behind BDAT (NULL) */
  DS_SMTP_SETTLED,  /* the outcome of one recipient; each exactly once */
  DS_SMTP_FINISHED, /* every recipient of this transaction has its outcome */
  DS_SMTP_AUTH_OK,  /* after ds_smtp_auth: who we are is known now */
  DS_SMTP_AUTH_NO,  /* it is not: the reply, or text and kind policy where
                       nothing was said: no mechanism fits, or no TLS */
  DS_SMTP_ENDED     /* the session is over: see kind; comes once, last */
} ds_smtp_event_kind;

typedef struct ds_smtp_event {
  ds_smtp_event_kind event;
  uint32_t txn;
  size_t recipient;   /* index into the transaction's recipients */
  ds_outcome outcome; /* SETTLED */
  ds_stage stage;     /* where: SETTLED, TLS_NO, AUTH_NO, ENDED */
  ds_kind kind; /* reply, protocol, connect, timeout …; NONE: ended by QUIT */
  int lost;     /* SETTLED: not this recipient's fault, the session's
                           (421, closed, broken protocol, a missing extension):
                           another host may be tried; kind protocol and
                           outcome deferred: this one, too, when careful */
  int split;    /* SETTLED: one recipient too many, the host would take it in
                   another transaction (RFC 5321 §4.5.3.1.10) */
  const ds_reply *reply; /* NULL where none; valid until the next call */
  const char *text; /* what went wrong in words, "" where the reply says it */
} ds_smtp_event;

/* NULL: out of memory, or a hostname that will not do (ds_smtp_hostname_ok) */
ds_smtp *ds_smtp_new (const ds_smtp_config *c);
void ds_smtp_free (ds_smtp *s);

/*
** ds_smtp_hostname_ok: is this fit to be said in EHLO (RFC 5321 §4.1.1.1)? A
** domain of LDH labels (1-63 octets, 255 in all; one label is legal here) or
** an address literal.
*/
int ds_smtp_hostname_ok (ds_span name);

/*
** ds_smtp_receive_data: give the engine bytes that came from the server.
** The bytes are copied; nothing is interpreted until ds_smtp_next_event.
** n == 0 means the server closed.  DS_ERR_STATE between the 220 to STARTTLS
** and ds_smtp_tls_started: plaintext must not follow (RFC 3207).
*/
int ds_smtp_receive_data (ds_smtp *s, const void *p, size_t n);

/*
** ds_smtp_next_event: 1 and an event, or 0: nothing until more bytes, a
** command or ds_smtp_abort.  Out of memory ends the session (kind local);
** recipients settle all the same.
**
** An outcome is told at the next sync point: when no reply but QUIT's is
** outstanding and all that was received is read.  A reply too many, one
** before its command was taken, or one whose class does not fit (a 421 may
** come at any time, RFC 5321 §3.8, and is none of these) shows that
** replies and commands can no longer be paired: what was not yet told is then
** UNKNOWN (end of body taken) or DEFERRED.  The end of the stream, a deadline
** or a 421 leave a complete 2xx after the body DELIVERED.
*/
int ds_smtp_next_event (ds_smtp *s, ds_smtp_event *ev);

/*
** ds_smtp_output: bytes waiting for the server (a view, valid until the next
** call); ds_smtp_taken: n of them have been handed to the wire.  From the
** moment the final dot of a body is taken its recipients may become UNKNOWN.
** Nothing waits after ENDED, but for QUIT where the session ended by it.
*/
ds_span ds_smtp_output (ds_smtp *s);
void ds_smtp_taken (ds_smtp *s, size_t n);

/* both in one: up to max octets of the output to the end of *to, without a copy
   where it is empty and takes all; 0 or DS_ERR_NOMEM */
int ds_smtp_take (ds_smtp *s, ds_buf *to, size_t max);

/* of the octets taken the last n have not left: what ds_smtp_receive_data gives
   next cannot answer them */
void ds_smtp_unsent (ds_smtp *s, size_t n);

/* after READY: 0, or DS_ERR_STATE (not offered, already on, AUTH or a
   transaction open) */
int ds_smtp_starttls (ds_smtp *s);

/* the handshake is done: forget all extensions, say EHLO again */
int ds_smtp_tls_started (ds_smtp *s);

/*
** ds_smtp_auth: after READY, before any transaction: say who we are (RFC
** 4954) by the strongest mechanism that is offered, allowed, and has what it
** needs; none weaker is tried after it.  *a is copied, and wiped when
** done.  AUTH_OK or AUTH_NO follows, or ENDED: with kind protocol also where
** the server could not prove (SCRAM) that it knows the password.
** DS_ERR_STATE (not now), DS_ERR_USAGE (*a will not do: see auth.h),
** DS_ERR_NOMEM (as if not called).
*/
int ds_smtp_auth (ds_smtp *s, const ds_auth *a);

/* what ds_smtp_output holds, or the server's next words, are part of a secret
   and not to be shown (nor kept: wipe what is copied) */
int ds_smtp_secret (const ds_smtp *s);

/*
** ds_smtp_begin: queue a transaction, as far ahead as the session allows.
** Every path is checked again for CR, LF, NUL, controls and length, and so is
** what DSN would say (DS_ERR_USAGE; the second gate).  DS_ERR_STATE unless ds_smtp_can_begin.
** DS_ERR_NOMEM: as if not called.  A transaction the host cannot take (SIZE,
** 8BITMIME, SMTPUTF8, REQUIRETLS) is accepted here and settles at once
** (failed, policy, lost), nothing sent.
**
** Without PIPELINING: one at a time, one command at a time.  With it MAIL,
** RCPT… and DATA go in one group (RFC 2920 §3.1), and the next transaction
** may be begun besides, so that its group leaves in one write with the end of
** the body before it.
** With PIPELINING and CHUNKING (RFC 3030), unless careful: a body of known
** size up to 64 KiB follows MAIL and RCPT… at once as BDAT n LAST, others
** when all recipients are answered and one is accepted.  Transactions
** are queued behind one another (RSET between, so that no refusal touches the
** next) while the batch is open: fewer than `window` and less than 64 KiB of
** bodies, few enough replies awaited, none of them read yet.  So a batch
** fills, goes out, and drains; its outcomes are told when all replies are
** in, and the next is open.
*/
int ds_smtp_can_begin (const ds_smtp *s);
int ds_smtp_begin (ds_smtp *s, const ds_smtp_transaction *t);

/*
** ds_smtp_body: octets of the transaction whose BODY event came last, with
** CRLF line ends; dots are stuffed here, whatever the chunking.  BODY comes in
** the order of begin, for each when the one before has its end; not for those
** that are refused before their body is due.  DS_ERR_USAGE: a CR or an LF
** stands alone (RFC 5321 §2.3.8), nothing of this piece was queued;
** DS_ERR_STATE: no body is due; DS_ERR_NOMEM: the session has ended.
** ds_smtp_body_end: that was all.  A body nobody takes any more (its
** recipients settle before) is swallowed, and may end anywhere.  Behind DATA it adds the missing CRLF, if
** any, and the final dot; the same errors.
** A body that goes as BDAT n LAST has exactly the octets its size says: one
** too many, or its end too early, and it is cut (DS_ERR_USAGE).
** ds_smtp_body_cut: the body cannot be finished: ends the session without
** its end (recipients deferred, kind local, text).
*/
int ds_smtp_body (ds_smtp *s, const void *p, size_t n);
int ds_smtp_body_end (ds_smtp *s);
void ds_smtp_body_cut (ds_smtp *s, const char *text);

/* octets that wait for the wire: the output, and a chunk still being filled.
   A body is given while this is small */
size_t ds_smtp_pending (const ds_smtp *s);

/*
** ds_smtp_quit: say QUIT after whatever is queued: at once where PIPELINING
** allows it, else when the open replies are in.  ENDED (kind NONE) comes when
** all outcomes are settled; the reply to QUIT need not be waited for (who
** does finds ds_smtp_waiting at DS_STAGE_QUIT until something comes).
*/
int ds_smtp_quit (ds_smtp *s);

/*
** ds_smtp_abort: the wire failed, or a deadline passed.  Recipients without
** outcome become unknown (end of body taken) or deferred, held results of
** complete replies stand; then ENDED.  text is copied.
*/
void ds_smtp_abort (ds_smtp *s, ds_kind kind, const char *text);

/*
** ds_smtp_waiting: the stage of the oldest reply awaited, DS_STAGE_NONE when
** none is; DS_STAGE_BODY while the end of a body is queued but not taken.
** *serial changes whenever another reply becomes the awaited one, and when
** its command has been taken, so that one deadline covers one whole reply.
*/
ds_stage ds_smtp_waiting (const ds_smtp *s, uint32_t *serial);

/* the end of some body is out and its reply not in: to give up now is to not
   know */
int ds_smtp_ending (const ds_smtp *s);

/* no command is out whose reply is not in: what arrives now was not asked for */
int ds_smtp_idle (const ds_smtp *s);

/* what was read last is a piece of a reply */
int ds_smtp_partial (const ds_smtp *s);

/* what the last EHLO offered; all zero before READY and after TLS_GO */
const ds_smtp_ext *ds_smtp_extensions (const ds_smtp *s);

/* the greeting's text and that of the first line of the reply to EHLO, without
   codes, cut at 255 octets, "" before (for the doctor, and to learn how the
   server sees this address) */
const char *ds_smtp_greeting (const ds_smtp *s);
const char *ds_smtp_ehlo_line (const ds_smtp *s);

#endif
