#include "session/inner.h"

#include <stdio.h>
#include <string.h>

#include "util/mem.h"

#define MAX_CHUNK 16384

ds_session *ds_session_new (const ds_session_config *c) {
  ds_session *s = (ds_session *)ds_calloc(1, sizeof *s);
  if (s == NULL)
    return NULL;
  s->smtp = ds_smtp_new(&c->smtp);
  if (s->smtp == NULL) {
    ds_free(s);
    return NULL;
  }
  s->timeouts = c->timeouts;
  s->until = c->until;
  s->max_chunk = c->max_chunk > 0 ? c->max_chunk : MAX_CHUNK;
  ds_buf_init(&s->wire);
  ds_trace_init(&s->trace, c->trace);
  return s;
}

void ds_session_free (ds_session *s) {
  if (s == NULL)
    return;
  if (s->tls != NULL)
    s->backend->close(s->tls);
  ds_smtp_free(s->smtp);
  ds_session_wipe(s);
  ds_buf_clear(&s->wire);
  ds_trace_clear(&s->trace);
  ds_free(s->peer);
  ds_free(s);
}

void ds_session_until (ds_session *s, ds_time until) {
  s->until = until;
}

size_t ds_session_pending (const ds_session *s) {
  return s->wire.len + ds_smtp_pending(s->smtp);
}

ds_smtp *ds_session_smtp (ds_session *s) {
  return s->smtp;
}

void ds_session_move (ds_session *s, const ds_session_config *c) {
  /* no reply is waited for, and no SEND is late */
  static const ds_timeouts nobodys = {.body = DS_NEVER, .command = DS_NEVER};
  s->timeouts = c != NULL ? c->timeouts : &nobodys;
  s->until = c != NULL ? c->until : DS_NEVER;
  if (c != NULL && c->max_chunk > 0)
    s->max_chunk = c->max_chunk;
  s->trace.to = c != NULL ? c->trace : NULL;
  s->timing = 0;
}

static void die (ds_session *s) {
  s->dead = 1;
  ds_session_wipe(s);
  ds_buf_clear(&s->wire);
}

void ds_session_end (ds_session *s, ds_kind kind, const char *text) {
  die(s);
  ds_smtp_abort(s->smtp, kind, text);
}

void ds_session_doom (ds_session *s, ds_kind kind, const char *text) {
  if (s->dead)
    return;
  die(s);
  s->doomed = 1;
  s->doom = kind;
  snprintf(s->words, sizeof s->words, "%s", text);
}

/* every whole reply has been told */
static void meet_doom (ds_session *s) {
  s->doomed = 0;
  if (s->doom != DS_KIND_NONE)
    ds_smtp_abort(s->smtp, s->doom, s->words);
  else if (ds_smtp_partial(s->smtp))
    ds_smtp_abort(s->smtp, DS_KIND_TLS,
                  "the TLS connection was cut in the middle of a reply");
  else if (!s->confirmed)
    ds_smtp_abort(s->smtp, DS_KIND_TLS,
                  "the server closed the connection after the TLS handshake");
  else
    ds_smtp_receive_data(s->smtp, NULL, 0);
}

static int take_peer (ds_session *s, const ds_tls_backend *b, ds_tls_ctx *ctx,
                      const ds_tls_peer *p) {
  s->peer = ds_tls_peer_copy(p);
  if (s->peer == NULL) {
    ds_session_end(s, DS_KIND_LOCAL, "out of memory");
    return DS_ERR_NOMEM;
  }
  s->backend = b;
  s->ctx = ctx;
  return DS_OK;
}

int ds_session_tls (ds_session *s, const ds_tls_backend *b, ds_tls_ctx *ctx,
                    const ds_tls_peer *p) {
  int r = s->peer == NULL ? ds_smtp_starttls(s->smtp) : DS_ERR_STATE;
  return r == DS_OK ? take_peer(s, b, ctx, p) : r;
}

/* the 220 is in: from here on nothing that comes is plaintext */
static void on_tls_go (ds_session *s, ds_time now) {
  ds_error e;
  ds_error_clear(&e);
  s->tls = s->backend->open(s->ctx, s->peer, &e);
  if (s->tls == NULL) {
    ds_session_end(s, e.kind, e.text);
    return;
  }
  s->shaking = 1;
  ds_session_time_shake(s, now);
  ds_session_shake(s);
}

int ds_session_tls_at_once (ds_session *s, ds_time now, const ds_tls_backend *b,
                            ds_tls_ctx *ctx, const ds_tls_peer *p) {
  int r = take_peer(s, b, ctx, p);
  if (r == DS_OK)
    on_tls_go(s, now);
  return r != DS_OK ? r : s->tls != NULL ? DS_OK : DS_ERR_TLS;
}

static void on_ended (ds_session *s, ds_smtp_event *ev) {
  if (ev->kind == DS_KIND_NONE) {
    s->ended = 1;
    return;
  }
  die(s);
  /* a TLS 1.3 client is done before the server has judged its last flight */
  if (ev->kind == DS_KIND_TLS && s->tls != NULL && !s->confirmed)
    ev->stage = DS_STAGE_HANDSHAKE;
  if (ev->text[0] != '\0')
    ds_trace_note(&s->trace, ev->text);
}

int ds_session_next_event (ds_session *s, ds_time now, ds_smtp_event *ev) {
  for (;;) {
    if (!ds_smtp_next_event(s->smtp, ev)) {
      if (!s->doomed)
        return 0;
      meet_doom(s);
      continue;
    }
    if (ev->event == DS_SMTP_BODY && ev->reply != NULL)
      ds_trace_body(&s->trace);
    else if (ev->event == DS_SMTP_ENDED)
      on_ended(s, ev);
    if (ev->event != DS_SMTP_TLS_GO)
      return 1;
    on_tls_go(s, now);
  }
}

int ds_session_tls_info (const ds_session *s, ds_tls_info *i) {
  memset(i, 0, sizeof *i);
  if (s->tls != NULL)
    s->backend->info(s->tls, i);
  return s->tls != NULL && !s->shaking;
}
