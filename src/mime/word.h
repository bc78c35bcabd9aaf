/*
** word: text outside ASCII in a header as encoded words (RFC 2047), each of
** at most 75 characters and whole code points.
*/
#ifndef ds_mime_word_h
#define ds_mime_word_h

#include "util/span.h"

#define DS_WORD_MAX   75
#define DS_WORD_LEAST 24 /* room in which any code point fits */

/* could some of text be taken for an encoded word? */
int ds_word_alike (ds_span text);

/* ds_word_how: 'Q' or 'B', whichever makes text shorter */
int ds_word_how (ds_span text);

/*
** ds_word_next: write the encoded word of as many code points from the front
** of *text as fit in `room` (DS_WORD_LEAST to DS_WORD_MAX) characters; they
** are taken from *text.  `out` has room for DS_WORD_MAX.  How many characters
** were written.  A B word that does not end the text has no padding; where
** that cannot be, a Q word stands instead.  *text must be valid UTF-8 and not empty.  Q words hold only
** what a phrase may hold (RFC 2047 §5 (3)), so they fit everywhere.
*/
size_t ds_word_next (ds_span *text, int how, size_t room, char *out);

#endif
