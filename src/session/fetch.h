/*
** fetch: one HTTPS GET over a connection that has just been made: TLS that
** must prove the host's name, the request, its response.  Sans-I/O, like
** session, and with the same steps.
*/
#ifndef ds_fetch_h
#define ds_fetch_h

#include "http/response.h"
#include "session/session.h"

typedef struct ds_fetch_config {
  const char *host; /* in the request, as SNI and in the certificate */
  const char *path; /* "/.well-known/mta-sts.txt" */
  const ds_tls_backend *backend; /* used until the fetch is freed … */
  ds_tls_ctx *ctx;               /* … and so is this */
  int64_t time;                  /* Unix time the certificate is judged at */
  ds_time until;                 /* of it all */
  size_t max_chunk;              /* most bytes in one SEND or RECEIVE */
} ds_fetch_config;

typedef struct ds_fetch ds_fetch;

/* NULL and *e: memory, no trust store, a host that will not do; host and path
   are copied */
ds_fetch *ds_fetch_new (const ds_fetch_config *c, ds_error *e);
void ds_fetch_free (ds_fetch *f);

/* ds_fetch_next: what the wire is to do now; NOTHING: it is over */
void ds_fetch_next (ds_fetch *f, ds_time now, ds_session_step *step);

/* what the wire did, as ds_session_sent and the like */
void ds_fetch_sent (ds_fetch *f, size_t n);
void ds_fetch_received (ds_fetch *f, const void *p, size_t n);
void ds_fetch_failed (ds_fetch *f, ds_kind kind, const char *text);

/* when it is over: the response, NULL when there is none; why, and whether the
   handshake was done */
const ds_http *ds_fetch_response (const ds_fetch *f);
const ds_error *ds_fetch_error (const ds_fetch *f);
int ds_fetch_shaken (const ds_fetch *f);

#endif
