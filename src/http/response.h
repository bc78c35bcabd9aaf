/*
** response: the answer to one GET as bytes come (RFC 9112): status, media
** type, and a body by length, in chunks or up to the end of the stream.  As
** much of HTTP as a policy host needs: a redirect is a status like others, no
** transfer encoding but "chunked", no content encoding.
*/
#ifndef ds_http_response_h
#define ds_http_response_h

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define DS_HTTP_HEAD 16384 /* octets of status line and fields, 1xx included */
#define DS_HTTP_BODY 65536

typedef enum ds_http_state {
  DS_HTTP_STATUS_LINE,
  DS_HTTP_FIELDS,
  DS_HTTP_SIZED, /* `left` octets of the body are to come */
  DS_HTTP_CHUNK_LINE,
  DS_HTTP_CHUNK,
  DS_HTTP_CHUNK_END,
  DS_HTTP_TRAILERS,
  DS_HTTP_OPEN, /* the body ends where the stream does */
  DS_HTTP_WHOLE
} ds_http_state;

typedef struct ds_http {
  int status;    /* 0: its line has not come */
  char type[64]; /* "text/plain", lower case, without parameters; or "" */
  ds_buf body;   /* of a 200; other bodies are not read */

  ds_http_state state;
  ds_buf line;   /* the unfinished one */
  size_t head;   /* octets of the head, and later of the chunk lines */
  uint64_t left; /* of a sized body or a chunk */
  int sized, chunked, encoded;
} ds_http;

void ds_http_init (ds_http *h);
void ds_http_clear (ds_http *h);

/*
** ds_http_feed: the next bytes.  1: the response is whole (what follows is
** not looked at), 0: more is needed; DS_ERR_PROTOCOL, DS_ERR_LIMIT (a bound
** passed) or DS_ERR_NOMEM, with *e filled.  A status other than 200 is whole
** with its head.
*/
int ds_http_feed (ds_http *h, const void *p, size_t n, ds_error *e);

/*
** ds_http_end: the stream ended, in good order (under TLS: close_notify came)
** or not.  1, or DS_ERR_PROTOCOL and *e: something is missing.
*/
int ds_http_end (ds_http *h, int orderly, ds_error *e);

#endif
