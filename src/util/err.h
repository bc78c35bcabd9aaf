/*
** err: the codes functions return, the words reports use, and the error
** record that carries both to the caller.
*/
#ifndef ds_err_h
#define ds_err_h

#include <stddef.h>

/* what functions return: 0, or one of these */
typedef enum ds_err {
  DS_OK = 0,
  DS_ERR_NOMEM = -1,    /* the allocation hook said no */
  DS_ERR_USAGE = -2,    /* a value from outside will not do */
  DS_ERR_STATE = -3,    /* not now: the call does not fit the state */
  DS_ERR_LIMIT = -4,    /* a bound of the core was reached */
  DS_ERR_PROTOCOL = -5, /* the peer broke the protocol */
  DS_ERR_TLS = -6,      /* handshake, certificate, record layer */
  DS_ERR_CLOSED = -7,   /* the peer ended the stream in good order */
  DS_ERR_LOCAL = -8     /* this machine: a file, the random source … */
} ds_err;

/* kind: the class of a failure as reports name it */
typedef enum ds_kind {
  DS_KIND_NONE,
  DS_KIND_USAGE,
  DS_KIND_POLICY,
  DS_KIND_DNS,
  DS_KIND_CONNECT,
  DS_KIND_TLS,
  DS_KIND_PROTOCOL,
  DS_KIND_REPLY,
  DS_KIND_TIMEOUT,
  DS_KIND_LOCAL
} ds_kind;

/* stage: how far a delivery had come */
typedef enum ds_stage {
  DS_STAGE_NONE,
  DS_STAGE_DNS,
  DS_STAGE_CONNECT,
  DS_STAGE_GREETING,
  DS_STAGE_EHLO,
  DS_STAGE_STARTTLS,
  DS_STAGE_HANDSHAKE,
  DS_STAGE_AUTH,
  DS_STAGE_MAIL,
  DS_STAGE_RCPT,
  DS_STAGE_DATA,
  DS_STAGE_BODY,
  DS_STAGE_FINAL, /* the end of the body is out, its reply awaited */
  DS_STAGE_RSET,
  DS_STAGE_QUIT
} ds_stage;

/* outcome: what became of one recipient's copy */
typedef enum ds_outcome {
  DS_PENDING,
  DS_DELIVERED, /* a complete 2xx after the end of the body */
  DS_DEFERRED,  /* certainly not delivered; later may do */
  DS_FAILED,    /* certainly not delivered; as it is, it never will be */
  DS_UNKNOWN    /* the end was sent and no complete reply came */
} ds_outcome;

const char *ds_kind_name (ds_kind k);       /* "usage" … ; "" for NONE */
const char *ds_stage_name (ds_stage s);     /* "dns" … ; "" for NONE */
const char *ds_outcome_name (ds_outcome o); /* "delivered" … */

/* the record of a failure: what, which field, in words */
typedef struct ds_error {
  ds_err code;
  ds_kind kind;
  char field[48]; /* the option or part at fault, "" where none is */
  char text[464]; /* one line, printable, UTF-8, cut where too long */
} ds_error;

void ds_error_clear (ds_error *e);

/*
** ds_error_set: fill the record unless it holds a failure already (the first
** one is the one to tell).  e may be NULL, field may be NULL.  Control bytes
** in the text become '?'.  Returns code, for `return ds_error_set(…)`.
*/
int ds_error_set (ds_error *e, ds_err code, ds_kind kind, const char *field,
                  const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

/* the two most frequent ones: a value will not do, and why; no memory */
int ds_error_usage (ds_error *e, const char *why);
int ds_error_nomem (ds_error *e);

#endif
