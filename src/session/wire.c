#include "session/inner.h"

#include <stdio.h>

#include "util/mem.h"

/* what a TLS record adds, generously, so that a SEND of whole records is not
   cut for a few octets */
#define RECORD_BYTES 16384
#define RECORD_EXTRA 64

/* an idle session keeps no buffer beyond this */
#define IDLE_BYTES 4096

static size_t least (size_t a, size_t b) {
  return a < b ? a : b;
}

static void no_memory (ds_session *s) {
  ds_session_end(s, DS_KIND_LOCAL, "out of memory");
}

static void trace (ds_session *s, ds_span said) {
  ds_trace_secret(&s->trace, ds_smtp_secret(s->smtp));
  ds_trace_client(&s->trace, said);
}

void ds_session_wipe (ds_session *s) {
  if (s->secret && s->wire.block != NULL)
    ds_wipe(s->wire.block, s->wire.size);
  s->secret = 0;
}

/* what the engine says is taken from it when it is presented, and not before:
   from then on the server may have it */
static void fill_plain (ds_session *s) {
  s->secret |= ds_smtp_secret(s->smtp);
  if (ds_smtp_take(s->smtp, &s->wire, s->max_chunk) != DS_OK)
    no_memory(s);
  else
    trace(s, ds_buf_span(&s->wire));
}

static size_t plaintext_room (size_t max_chunk) {
  size_t extra = (max_chunk / RECORD_BYTES + 1) * RECORD_EXTRA;
  return max_chunk > 2 * extra ? max_chunk - extra : max_chunk;
}

/* close_notify goes with QUIT, but only when every outcome is known and the
   answer is not waited for: a peer may drop what it has not yet said */
static int last_words (const ds_session *s) {
  return s->ended && s->timeouts->quit == 0 && ds_smtp_output(s->smtp).n == 0;
}

static void fill_tls (ds_session *s) {
  ds_span out = ds_smtp_output(s->smtp);
  size_t n = least(out.n, plaintext_room(s->max_chunk));
  ds_error e;
  ds_error_clear(&e);
  if (!s->shaking && n > 0) {
    if (s->backend->write(s->tls, out.p, n, &e) != DS_OK) {
      ds_session_doom(s, e.kind, e.text);
      return;
    }
    trace(s, ds_span_of(out.p, n));
    ds_smtp_taken(s->smtp, n);
    if (last_words(s))
      s->backend->shutdown(s->tls);
  }
  ds_buf_swap(&s->wire, s->backend->out(s->tls));
}

static void fill (ds_session *s, ds_time now) {
  int fresh = ds_smtp_idle(s->smtp);
  if (s->tls != NULL)
    fill_tls(s);
  else
    fill_plain(s);
  s->fresh = fresh;
  if (s->wire.len > 0)
    ds_session_time_send(s, now);
}

static void shrink (ds_buf *b) {
  if (b->size > IDLE_BYTES)
    ds_buf_shrink(b);
}

/* only here, where an answer is awaited, and not between the pieces of a
   body, which would be allocated anew each time */
static void rest (ds_session *s) {
  shrink(&s->wire);
  if (s->tls != NULL)
    shrink(s->backend->out(s->tls));
}

static int awaits (const ds_session *s) {
  uint32_t serial;
  if (s->ended && s->timeouts->quit == 0)
    return 0;
  return s->shaking || ds_smtp_waiting(s->smtp, &serial) != DS_STAGE_NONE;
}

static void want_send (ds_session *s, ds_session_step *step) {
  ds_span all = ds_buf_span(&s->wire);
  step->want = DS_WANT_SEND;
  step->data = ds_span_of(all.p, least(all.n, s->max_chunk));
  step->fresh = s->fresh;
  step->more = ds_session_pending(s) > step->data.n;
  step->deadline = ds_session_send_deadline(s);
  s->asked = DS_ASKED_SEND;
}

static void want_reply (ds_session *s, ds_time now, ds_session_step *step) {
  rest(s);
  step->want = DS_WANT_RECEIVE;
  step->deadline = ds_session_reply_deadline(s, now);
  s->asked = DS_ASKED_REPLY;
}

void ds_session_next (ds_session *s, ds_time now, ds_session_step *step) {
  char words[128];
  memset(step, 0, sizeof *step);
  step->deadline = DS_NEVER;
  s->asked = DS_ASKED_NOTHING;
  if (!s->dead && s->wire.len == 0)
    fill(s, now);
  if (s->dead)
    return;
  if (s->wire.len > 0)
    want_send(s, step);
  else if (awaits(s))
    want_reply(s, now, step);
  if (now < step->deadline)
    return;
  ds_session_timed_out(s, words, sizeof words);
  ds_session_end(s, DS_KIND_TIMEOUT, words);
  memset(step, 0, sizeof *step);
  step->deadline = DS_NEVER;
}

void ds_session_sent (ds_session *s, ds_time now, size_t n) {
  (void)now;
  if (n == 0)
    return;
  s->fresh = 0;
  ds_buf_consume(&s->wire, least(n, s->wire.len));
  if (s->wire.len == 0)
    ds_session_wipe(s);
}

static void plaintext (ds_session *s, const char *p, size_t n) {
  ds_trace_secret(&s->trace, ds_smtp_secret(s->smtp));
  ds_trace_server(&s->trace, ds_span_of(p, n));
  ds_smtp_receive_data(s->smtp, p, n);
}

static void shaken (ds_session *s) {
  char words[160];
  ds_tls_info i;
  s->shaking = 0;
  s->backend->info(s->tls, &i);
  snprintf(words, sizeof words, "%s %s, %s%s", i.version, i.cipher,
           i.dane       ? "verified by DANE"
           : i.verified ? "verified"
                        : "not verified",
           i.resumed ? ", resumed" : "");
  ds_trace_note(&s->trace, words);
  ds_smtp_tls_started(s->smtp);
}

void ds_session_shake (ds_session *s) {
  ds_error e;
  int done;
  ds_error_clear(&e);
  done = s->backend->handshake(s->tls, &e);
  if (done < 0)
    ds_session_end(s, e.kind, e.text);
  else if (done > 0)
    shaken(s);
}

/* all that can be deciphered; what ends the stream waits for the replies that
   came before it.  A FIN without close_notify is a close where nothing is cut
   in two */
static void decipher (ds_session *s, int fin) {
  char p[4096];
  ds_error e;
  long n;
  ds_error_clear(&e);
  while ((n = s->backend->read(s->tls, p, sizeof p, &e)) > 0) {
    s->confirmed = 1;
    plaintext(s, p, (size_t)n);
  }
  if (n == DS_ERR_CLOSED)
    ds_smtp_receive_data(s->smtp, NULL, 0);
  else if (n < 0 && fin && e.code == DS_ERR_TLS)
    ds_session_doom(s, DS_KIND_NONE, "");
  else if (n < 0)
    ds_session_doom(s, e.kind, e.text);
}

static void received_tls (ds_session *s, const void *p, size_t n) {
  if (s->backend->feed(s->tls, p, n) == DS_ERR_NOMEM)
    no_memory(s);
  if (s->shaking && !s->dead)
    ds_session_shake(s);
  if (!s->shaking && !s->dead)
    decipher(s, n == 0);
}

/* what a SEND presents counts as said; but while some of it lies here no reply
   can be to its end.  Of TLS records only the last octet is known to */
static size_t unsent (const ds_session *s) {
  return s->tls == NULL ? s->wire.len : s->wire.len > 0;
}

void ds_session_received (ds_session *s, ds_time now, const void *p, size_t n) {
  (void)now;
  ds_smtp_unsent(s->smtp, unsent(s));
  if (n == 0 && s->ended)
    s->dead = 1;
  if (s->dead)
    return;
  if (s->tls != NULL)
    received_tls(s, p, n);
  else
    plaintext(s, (const char *)p, n);
}

void ds_session_failed (ds_session *s, ds_time now, ds_kind kind,
                        const char *text) {
  char words[128];
  (void)now;
  if (kind == DS_KIND_TIMEOUT && s->asked != DS_ASKED_NOTHING) {
    ds_session_timed_out(s, words, sizeof words);
    text = words;
  }
  ds_session_doom(s, kind, text);
}
