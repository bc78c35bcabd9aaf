/*
** trace: a session's dialogue as lines of printable ASCII.
*/
#ifndef ds_session_trace_h
#define ds_session_trace_h

#include <stdint.h>

#include "util/buf.h"

#define DS_TRACE_BYTES 65536 /* held in `to`; what comes then is left out */
#define DS_TRACE_LINE  1024  /* shown of one line */

typedef struct ds_trace {
  ds_buf *to;      /* NULL: nothing is traced */
  ds_buf line;     /* the server's unfinished line … */
  ds_buf said;     /* … and the client's */
  uint64_t octets; /* of a body, or of a chunk */
  uint64_t left;   /* of a chunk */
  int body;        /* what the client says is a body, up to its final dot */
  int matched;     /* octets of CRLF "." CRLF seen last */
  int secret;      /* what passes is not to be shown, nor kept */
  int hidden;      /* something of this line was not */
} ds_trace;

void ds_trace_init (ds_trace *t, ds_buf *to);
void ds_trace_clear (ds_trace *t);

/* from here on, or no more: of the client only AUTH and its mechanism are shown
   and kept, of the server no challenge */
void ds_trace_secret (ds_trace *t, int on);

/*
** Bytes in any pieces; they appear line by line, when complete.  What follows
** BDAT is only counted, and so is, after ds_trace_body, what the client says
** up to the final dot.
*/
void ds_trace_server (ds_trace *t, ds_span bytes);
void ds_trace_client (ds_trace *t, ds_span bytes);
void ds_trace_body (ds_trace *t);

/* "-- text" */
void ds_trace_note (ds_trace *t, const char *text);

#endif
