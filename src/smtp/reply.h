/*
** reply: bytes -> replies (RFC 5321 §4.2), bounded: 100 lines, 64 KiB in
** all, 2,048 octets kept of a line.  LF alone ends a line too, CR CR LF does,
** CR alone does not.  A code may stand without text and without a blank.
*/
#ifndef ds_smtp_reply_h
#define ds_smtp_reply_h

#include <stddef.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/span.h"

#define DS_REPLY_LINES 100
#define DS_REPLY_BYTES 65536
#define DS_REPLY_LINE  2048
#define DS_REPLY_TEXT  512

typedef struct ds_reply {
  int code; /* 200 … 599 */
  int lines;
  char enhanced[12]; /* "5.7.68" (RFC 3463), first digit as the code's; or "" */
  char text[DS_REPLY_TEXT + 1]; /* the whole reply as one printable line with
                                   its code: "550 5.1.1 no such user"; lines
                                   joined by " ", controls as '?' */
} ds_reply;

/* how the lines of an EHLO reply are shown to the caller of ds_reply_feed */
typedef void (*ds_reply_line_fn)(void *ud, int index, ds_span text);

typedef struct ds_reply_parser {
  ds_buf line;  /* the unfinished line */
  size_t total; /* octets of this reply */
  int lines;
  int code;
  ds_reply reply; /* being assembled; the finished one after a 1 */
} ds_reply_parser;

void ds_reply_parser_init (ds_reply_parser *r);
void ds_reply_parser_clear (ds_reply_parser *r);

/*
** ds_reply_feed: take bytes from in up to the end of one reply.
** 1: r->reply is complete and just its bytes are gone from in; 0: all of in
** was taken, more is needed; DS_ERR_PROTOCOL (not [2-5]dd, codes that differ,
** a bound passed): r->line holds the line, as far as memory allows;
** DS_ERR_NOMEM.  on_line (may be NULL) sees each line's text
** as it is finished.
*/
int ds_reply_feed (ds_reply_parser *r, ds_buf *in, ds_reply_line_fn on_line,
                   void *ud);

/* a copy, of the text only what is there */
void ds_reply_copy (ds_reply *to, const ds_reply *from);

/* something of a reply has come, but not all */
int ds_reply_partial (const ds_reply_parser *r);

#endif
