/*
** layout: a finished message as one text with bodies standing in it.
*/
#ifndef ds_mime_layout_h
#define ds_mime_layout_h

#include "mime/part.h"

typedef struct ds_segment {
  size_t until;        /* the text up to here, then … */
  const ds_part *leaf; /* … the body of this part */
} ds_segment;

typedef struct ds_layout {
  ds_buf text;
  ds_segment *segments;
  size_t count;
  uint64_t bodies; /* octets of them all */
} ds_layout;

void ds_layout_clear (ds_layout *l);

/* octets of text and bodies */
uint64_t ds_layout_size (const ds_layout *l);

/*
** ds_layout_add: append the part: its fields, a blank line, its octets or the
** parts in it.  0, DS_ERR_NOMEM, or DS_ERR_LIMIT: more than DS_DEPTH deep.
** The parts must stay.
*/
int ds_layout_add (ds_layout *l, const ds_part *p);

/* ds_layout_prefix: put this text in front of it all.  0 or DS_ERR_NOMEM, and
   then nothing has changed.  Who reads the layout must begin again. */
int ds_layout_prefix (ds_layout *l, ds_span text);

/* ds_layout_body: append just a leaf's octets */
int ds_layout_body (ds_layout *l, const ds_part *leaf);

#endif
