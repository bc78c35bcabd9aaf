/*
** text: octets from the other side as text fit to be shown.
*/
#ifndef ds_smtp_text_h
#define ds_smtp_text_h

#include <stddef.h>

#include "util/span.h"

/*
** ds_smtp_utf8: the length of the well-formed UTF-8 sequence (RFC 3629) that
** s (not empty) begins with, its code point in *cp; 0 when there is none.
*/
size_t ds_smtp_utf8 (ds_span s, unsigned long *cp);

/*
** ds_smtp_printable: s as a printable string in to (room > 0 octets with the
** NUL), cut between characters; its length.  Well-formed UTF-8 passes; what
** is not, and controls (C0, C1, bidirectional), become '?', a tab a blank.
*/
size_t ds_smtp_printable (char *to, size_t room, ds_span s);

#endif
