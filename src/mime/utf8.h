/*
** utf8: whole code points (RFC 3629).
*/
#ifndef ds_mime_utf8_h
#define ds_mime_utf8_h

#include "util/span.h"

/* octets of the code point that s begins with; 0: there is none */
size_t ds_utf8_next (ds_span s);

/* is all of s well-formed? */
int ds_utf8_ok (ds_span s);

/* is s well-formed and free of NUL, CR, LF and other controls (C0, DEL)? */
int ds_utf8_line (ds_span s);

/* is all of s below 0x80? */
int ds_utf8_ascii (ds_span s);

#endif
