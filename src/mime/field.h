/*
** field: one header field, folded at 78 characters (RFC 5322 §2.2.3).  What
** could break out of a field (CR, LF, NUL, controls, invalid UTF-8) is refused,
** never repaired; what ASCII cannot say becomes encoded words.
*/
#ifndef ds_mime_field_h
#define ds_mime_field_h

#include <stddef.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/span.h"

#define DS_FIELD_FOLD 78  /* where a line is folded, if it can be */
#define DS_FIELD_LINE 998 /* what no line is longer than */
#define DS_FIELD_NAME 76  /* longest name */

typedef struct ds_field {
  ds_buf *out;
  size_t column; /* of the line being written */
} ds_field;

/* is this fit to be a field's name: ftext (RFC 5322 §2.2), not too long? */
int ds_field_name_ok (ds_span name);

/*
** Writing: begin, then tokens, then end.  The name must be fit.  Memory is
** the buffer's matter (ds_buf_failed at the end).
** ds_field_token: s, at most DS_FIELD_LINE - 1 octets, behind a space or on a
** line of its own.  ds_field_glue: s right behind what stands there.
** ds_field_first: a field's first token, always on the line of its name:
** readers are known that take a line with nothing behind the colon for empty.
** ds_field_fold: what follows, a token, stands on a new line.
** ds_field_words: text as encoded words.
*/
void ds_field_begin (ds_field *f, ds_buf *out, ds_span name);
void ds_field_token (ds_field *f, ds_span s);
void ds_field_first (ds_field *f, ds_span s);
void ds_field_glue (ds_field *f, ds_span s);
void ds_field_fold (ds_field *f);
void ds_field_words (ds_field *f, ds_span text);
void ds_field_end (ds_field *f);

/*
** ds_field_text: write a whole unstructured field.  ASCII that keeps every
** line within `widest` (DS_FIELD_FOLD, or DS_FIELD_LINE for what a machine may
** read: a long address is not to be hidden in encoded words) stands as it is.
** 0, DS_ERR_NOMEM, or DS_ERR_USAGE and *e: the name or the value will not do.
*/
int ds_field_text (ds_buf *out, ds_span name, ds_span value, size_t widest,
                   ds_error *e);

#endif
