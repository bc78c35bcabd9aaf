/*
** tags: lists of "name=value;" as signatures and key records are made of (RFC
** 6376 §3.2).
*/
#ifndef ds_dkim_tags_h
#define ds_dkim_tags_h

#include "util/buf.h"
#include "util/span.h"

#define DS_TAGS 64 /* in one list */

typedef struct ds_tag {
  ds_span name, value; /* no white space at either end */
} ds_tag;

typedef struct ds_tags {
  ds_tag list[DS_TAGS];
  size_t count;
} ds_tags;

/* 0, or DS_ERR_PROTOCOL: no such list, a name twice, or too many */
int ds_tags_parse (ds_span text, ds_tags *t);

/* 1 and *value, or 0: there is no such tag */
int ds_tags_find (const ds_tags *t, const char *name, ds_span *value);

/* is `word` an item of a list that ':' parts? */
int ds_tags_lists (ds_span list, const char *word);

/* octets of base64 in which white space may stand, appended.  0, DS_ERR_NOMEM,
   or DS_ERR_PROTOCOL: it is none */
int ds_tags_base64 (ds_span text, ds_buf *out);

#endif
