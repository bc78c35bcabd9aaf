/*
** part: a tree of parts (RFC 2045, RFC 2046), each a header and either octets
** or further parts.
*/
#ifndef ds_mime_part_h
#define ds_mime_part_h

#include "mime/ident.h"
#include "mime/scan.h"
#include "util/buf.h"
#include "util/content.h"

#define DS_PARTS 1000 /* in one message */
#define DS_DEPTH 20   /* of parts in parts */

typedef struct ds_part ds_part;
struct ds_part {
  ds_part *next;         /* in the same multipart */
  ds_part *first, *last; /* of a multipart: what is in it */
  const char *multi;     /* its subtype; NULL: a leaf */
  char boundary[DS_BOUNDARY];
  ds_buf head;    /* a leaf's fields, each with its CRLF */
  unsigned depth; /* of the parts of the message that a leaf is */
  /* a leaf's octets, and how they go on the wire */
  ds_content content;
  ds_encoding how;
  int text;      /* line ends become CRLF */
  int fragile;   /* it goes as it is, and gateways may change it: see ds_scan */
  uint64_t skip; /* encoded octets that are left out at the front */
  uint64_t size; /* encoded octets that are sent */
};

typedef struct ds_attachment {
  ds_content content;
  const ds_scan *seen; /* what a scan of it found, or NULL */
  ds_span name;        /* a path; its last part is told, empty: none */
  ds_span type;        /* empty: by the name */
  ds_span cid;         /* empty: none */
  int shown;           /* disposition inline; else attachment */
} ds_attachment;

/*
** The makers: NULL and *e: a value that will not do (*e says which one by
** field: "name", "type", "cid"), the content cannot be read, or memory.
** ds_part_text: text/subtype, which may have parameters, in the encoding that
** a scan of the content tells; without one (NULL) the content is read once.
** ds_part_attachment: octet for octet, in base64; but a message/… that may go
** as it is does so, being forbidden any encoding (RFC 2046 §5.2.1), and one
** that may not is sent as application/octet-stream.
*/
ds_part *ds_part_text (const char *subtype, const ds_content *c,
                       const ds_scan *seen, ds_care care, ds_error *e);
ds_part *ds_part_attachment (const ds_attachment *a, ds_care care, ds_error *e);

/*
** ds_part_message: message/rfc822, or message/global (RFC 6532 §3.7), octet for
** octet: content of 7bit or 8bit with CRLF line ends; NULL and *e: memory, or
** the name will not do.  Of the attachment its content, name and `shown` count.
*/
ds_part *ds_part_message (const ds_attachment *a, int eight, int global,
                          ds_error *e);

/* ds_part_multi: subtype is not copied, and its first letter marks the
   boundary; empty until ds_part_add */
ds_part *ds_part_multi (const char *subtype, ds_random_fn random, void *ud,
                        ds_error *e);
void ds_part_add (ds_part *multi, ds_part *p); /* multi owns it now */

void ds_part_free (ds_part *p); /* and all that is in it; NULL is fine */

/* how many levels it has, itself and those of messages in it included */
unsigned ds_part_depth (const ds_part *p);

/* does some leaf in it go as 8bit? */
int ds_part_8bit (const ds_part *p);

#endif
