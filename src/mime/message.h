/*
** message: header fields in the order they are given, bodies by their role,
** and, once finished, what goes on the wire: fixed, the same on every pass.
*/
#ifndef ds_mime_message_h
#define ds_mime_message_h

#include "mime/layout.h"
#include "mime/mailbox.h"
#include "mime/part.h"
#include "mime/raw.h"

#define DS_HEADERS      1000   /* fields of a message */
#define DS_HEADER_BLOCK 262144 /* octets of them all */

/* what it needs of the path it travels */
#define DS_MESSAGE_8BIT 1u
#define DS_MESSAGE_UTF8 2u /* its header is not ASCII: an address, or raw */

/* and what it does not stand: gateways may change some line, see ds_scan */
#define DS_MESSAGE_FRAGILE 4u

typedef struct ds_message {
  ds_care care; /* of text; set before the first body */
  ds_buf head;  /* raw: as it came, Bcc and all */
  size_t fields;
  ds_part *plain;
  ds_part *html;
  ds_part *calendar;
  ds_part inlines; /* no parts themselves: they just hold some */
  ds_part files;
  size_t parts;
  unsigned depth; /* of parts in parts, after finish */
  unsigned flags; /* DS_MESSAGE_…, after finish */
  ds_layout layout;
} ds_message;

void ds_message_init (ds_message *m);
void ds_message_clear (ds_message *m);

/*
** Header fields.  The names must be fit (ds_field_name_ok).  0, DS_ERR_NOMEM,
** or *e and DS_ERR_USAGE (a value that will not do), DS_ERR_LIMIT.
** ds_message_text: unstructured, see ds_field_text.
** ds_message_mailboxes: count ≥ 1.
** ds_message_idents: Message-IDs without < >; count ≥ 1.
** ds_message_date: see ds_date_format.
** ds_message_list: List-Id (RFC 2919): a name, which may be empty, and a
** dot-atom with a dot inside, in ASCII.
*/
int ds_message_text (ds_message *m, ds_span name, ds_span value, size_t widest,
                     ds_error *e);
int ds_message_mailboxes (ds_message *m, ds_span name, const ds_mailbox *list,
                          size_t count, ds_error *e);
int ds_message_idents (ds_message *m, ds_span name, const ds_span *list,
                       size_t count, ds_error *e);
int ds_message_date (ds_message *m, int64_t seconds, long offset, ds_error *e);
int ds_message_list (ds_message *m, ds_span name, ds_span id, ds_error *e);

/*
** Bodies.  Contents must stay.  0 or an error as the makers in part.h have.
** ds_message_plain, ds_message_html: once each; `seen` as ds_part_text has it.
** ds_message_calendar: once; an alternative with the method (RFC 6047), and an
** attachment.  An empty method: the calendar's own; any other must be that.
** ds_message_inline: what the html shows; ds_message_attach: what hangs on.
** ds_message_nest: a finished message hangs on, a->content being its octets.
** DS_ERR_USAGE when it has what m->care forbids: nothing encodes a message
** again.
*/
int ds_message_plain (ds_message *m, const ds_content *c, const ds_scan *seen,
                      ds_error *e);
int ds_message_html (ds_message *m, const ds_content *c, const ds_scan *seen,
                     ds_error *e);
int ds_message_calendar (ds_message *m, const ds_content *c, ds_span method,
                         ds_error *e);
int ds_message_inline (ds_message *m, const ds_attachment *a, ds_error *e);
int ds_message_attach (ds_message *m, const ds_attachment *a, ds_error *e);
int ds_message_nest (ds_message *m, const ds_message *inner,
                     const ds_attachment *a, ds_error *e);

/*
** ds_message_raw: instead of all the above: a message that is finished but for
** its line ends and its Bcc.  Refused are NUL, lines over 998 octets and a
** header that is none.  `seen`: all of it was taken into that already, which is
** emptied here; else (NULL) the content is read once.  m->head holds its
** fields.
*/
int ds_message_raw (ds_message *m, const ds_content *c, ds_raw *seen,
                    ds_error *e);

/*
** ds_message_wrap: instead of bodies: a finished message as it is, its octets
** being *c, so that something can be put in front of them here alone.  Fields
** that were given before stand in place of those of its header that have their
** names.  0, or *e: DS_ERR_NOMEM, DS_ERR_LIMIT (too many fields).
*/
int ds_message_wrap (ds_message *m, const ds_message *inner,
                     const ds_content *c, ds_error *e);

/*
** ds_message_finish: fix it all: mixed( alternative( plain, related( html,
** inlines), calendar), files), what has just one part being that part.  There must be a
** body.  After a failure only clear is left.
*/
int ds_message_finish (ds_message *m, ds_random_fn random, void *ud,
                       ds_error *e);

/* octets on the wire, after finish; readers: ds_stream_init(&s, &m->layout) */
uint64_t ds_message_size (const ds_message *m);

#endif
