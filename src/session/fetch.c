#include "session/fetch.h"

#include <stdio.h>
#include <string.h>

#include "util/mem.h"

#define MAX_CHUNK 16384

struct ds_fetch {
  const ds_tls_backend *backend;
  ds_tls *tls;
  char *host, *path;
  ds_time until;
  size_t max_chunk;
  ds_buf wire; /* what a SEND presents, until it is gone */
  ds_http http;
  int shaken;
  int whole; /* http is the response */
  ds_error error;
};

static void no_memory (ds_error *e) {
  ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
}

ds_fetch *ds_fetch_new (const ds_fetch_config *c, ds_error *e) {
  ds_fetch *f = (ds_fetch *)ds_calloc(1, sizeof *f);
  ds_tls_peer p;
  memset(&p, 0, sizeof p);
  p.host = c->host;
  p.verify = 1;
  p.time = c->time;
  if (f == NULL) {
    no_memory(e);
    return NULL;
  }
  ds_http_init(&f->http);
  ds_buf_init(&f->wire);
  f->backend = c->backend;
  f->until = c->until;
  f->max_chunk = c->max_chunk > 0 ? c->max_chunk : MAX_CHUNK;
  f->host = ds_strndup(c->host, strlen(c->host));
  f->path = ds_strndup(c->path, strlen(c->path));
  if (f->host == NULL || f->path == NULL)
    no_memory(e);
  else
    f->tls = f->backend->open(c->ctx, &p, e);
  if (f->tls != NULL)
    return f;
  ds_fetch_free(f);
  return NULL;
}

void ds_fetch_free (ds_fetch *f) {
  if (f == NULL)
    return;
  if (f->tls != NULL)
    f->backend->close(f->tls);
  ds_http_clear(&f->http);
  ds_buf_clear(&f->wire);
  ds_free(f->host);
  ds_free(f->path);
  ds_free(f);
}

static int over (const ds_fetch *f) {
  return f->whole || f->error.code != DS_OK;
}

/* "close": nothing is asked of this host again soon, and a body without a
   length then has an end */
static void ask (ds_fetch *f) {
  ds_buf b;
  ds_buf_init(&b);
  ds_buf_printf(&b,
                "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: directsend\r\n"
                "Accept: text/plain\r\nConnection: close\r\n\r\n",
                f->path, f->host);
  if (b.failed)
    no_memory(&f->error);
  else
    f->backend->write(f->tls, ds_buf_data(&b), b.len, &f->error);
  ds_buf_clear(&b);
}

static void shake (ds_fetch *f) {
  if (f->backend->handshake(f->tls, &f->error) <= 0)
    return;
  f->shaken = 1;
  ask(f);
}

static void late (ds_fetch *f) {
  ds_error_set(&f->error, DS_ERR_CLOSED, DS_KIND_TIMEOUT, NULL,
               f->shaken ? "https://%s gave no complete response in time"
                         : "the TLS handshake with %s was not done in time",
               f->host);
}

void ds_fetch_next (ds_fetch *f, ds_time now, ds_session_step *step) {
  memset(step, 0, sizeof *step);
  step->deadline = f->until;
  if (!over(f) && now >= f->until)
    late(f);
  if (!over(f) && !f->shaken)
    shake(f);
  if (over(f))
    return;
  if (f->wire.len == 0)
    ds_buf_swap(&f->wire, f->backend->out(f->tls));
  step->want = f->wire.len > 0 ? DS_WANT_SEND : DS_WANT_RECEIVE;
  step->data = ds_buf_span(&f->wire);
  if (step->data.n > f->max_chunk)
    step->data.n = f->max_chunk;
}

void ds_fetch_sent (ds_fetch *f, size_t n) {
  ds_buf_consume(&f->wire, n < f->wire.len ? n : f->wire.len);
}

/* all that can be deciphered */
static void decipher (ds_fetch *f, int fin) {
  char p[4096];
  ds_error e;
  long n;
  ds_error_clear(&e);
  while (!over(f) && (n = f->backend->read(f->tls, p, sizeof p, &e)) != 0) {
    if (n > 0)
      f->whole = ds_http_feed(&f->http, p, (size_t)n, &f->error) == 1;
    else if (n == DS_ERR_CLOSED || (fin && n == DS_ERR_TLS))
      f->whole = ds_http_end(&f->http, n == DS_ERR_CLOSED, &f->error) == 1;
    else
      f->error = e;
  }
}

void ds_fetch_received (ds_fetch *f, const void *p, size_t n) {
  if (over(f))
    return;
  if (f->backend->feed(f->tls, p, n) == DS_ERR_NOMEM)
    no_memory(&f->error);
  else if (!f->shaken)
    shake(f);
  if (f->shaken)
    decipher(f, n == 0);
}

void ds_fetch_failed (ds_fetch *f, ds_kind kind, const char *text) {
  if (over(f))
    return;
  if (kind == DS_KIND_TIMEOUT)
    late(f);
  ds_error_set(&f->error, DS_ERR_CLOSED, kind, NULL, "https://%s: %s", f->host,
               text);
}

const ds_http *ds_fetch_response (const ds_fetch *f) {
  return f->whole ? &f->http : NULL;
}

const ds_error *ds_fetch_error (const ds_fetch *f) {
  return &f->error;
}

int ds_fetch_shaken (const ds_fetch *f) {
  return f->shaken;
}
