/*
** stream: a reader of a layout, one of any number: the message as it goes on
** the wire, the same octets on every pass.  A body is read piece by piece.
*/
#ifndef ds_mime_stream_h
#define ds_mime_stream_h

#include "mime/encode.h"
#include "mime/layout.h"
#include "util/source.h"

typedef struct ds_stream {
  const ds_layout *layout;
  size_t segment; /* being read; layout->count: the text behind the last */
  size_t text;    /* octets of the layout's text given */
  int in_body;    /* the segment's body is open */
  uint64_t at;    /* octets of its content read */
  uint64_t made;  /* octets they became */
  uint64_t given; /* octets of the whole read so far */
  ds_encoder encoder;
  char *chunk; /* of its content; both are freed where the pass ends */
  ds_buf out;
  ds_error error; /* the first failure; rewinding forgets it */
} ds_stream;

/* the layout must stay as it is; nothing is allocated before the first read,
   and clear leaves it so again */
void ds_stream_init (ds_stream *s, const ds_layout *l);
void ds_stream_clear (ds_stream *s);

/*
** ds_stream_source: the stream as a source.  A body that makes more or fewer
** octets than the layout says is DS_ERR_LOCAL.
*/
ds_source ds_stream_source (ds_stream *s);

/*
** ds_stream_content: the stream as what another part is: that one alone reads
** it, in order or again from its start.
*/
ds_content ds_stream_content (ds_stream *s);

#endif
