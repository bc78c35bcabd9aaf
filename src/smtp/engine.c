#include "smtp/engine_state.h"

#include <string.h>

#include "smtp/command.h"
#include "smtp/text.h"
#include "util/mem.h"

static const unsigned char stage_of[] = {
    [DS_CMD_GREETING] = DS_STAGE_GREETING,
    [DS_CMD_EHLO] = DS_STAGE_EHLO,
    [DS_CMD_HELO] = DS_STAGE_EHLO,
    [DS_CMD_STARTTLS] = DS_STAGE_STARTTLS,
    [DS_CMD_AUTH] = DS_STAGE_AUTH,
    [DS_CMD_MAIL] = DS_STAGE_MAIL,
    [DS_CMD_RCPT] = DS_STAGE_RCPT,
    [DS_CMD_DATA] = DS_STAGE_DATA,
    [DS_CMD_CHUNK] = DS_STAGE_BODY,
    [DS_CMD_EOM] = DS_STAGE_FINAL,
    [DS_CMD_RSET] = DS_STAGE_RSET,
    [DS_CMD_QUIT] = DS_STAGE_QUIT,
};

ds_smtp *ds_smtp_new (const ds_smtp_config *c) {
  const ds_span name = ds_span_str(c->hostname);
  ds_smtp *s;
  if (!ds_smtp_hostname_ok(name))
    return NULL;
  s = (ds_smtp *)ds_calloc(1, sizeof *s);
  if (s == NULL)
    return NULL;
  s->hostname = ds_strndup(name.p, name.n);
  if (s->hostname == NULL) {
    ds_free(s);
    return NULL;
  }
  s->careful = c->careful;
  s->tls = c->tls != 0;
  s->lmtp = c->lmtp != 0;
  s->window = c->window > 0 ? c->window : DS_WINDOW;
  s->ring = s->few;
  s->last = &s->txns;
  ds_buf_init(&s->in);
  ds_buf_init(&s->out);
  ds_buf_init(&s->chunk);
  ds_buf_init(&s->challenge);
  ds_buf_init(&s->first);
  ds_reply_parser_init(&s->parser);
  ds_engine_expect(s, DS_CMD_GREETING, NULL, 0);
  return s;
}

void ds_smtp_free (ds_smtp *s) {
  if (s == NULL)
    return;
  ds_txn_free_all(s);
  ds_engine_end_auth(s);
  ds_engine_wipe(s);
  ds_reply_parser_clear(&s->parser);
  ds_buf_clear(&s->in);
  ds_buf_clear(&s->out);
  ds_buf_clear(&s->chunk);
  if (s->ring != s->few)
    ds_free(s->ring);
  ds_free(s->hostname);
  ds_free(s);
}

const ds_expected *ds_engine_head (const ds_smtp *s) {
  return s->count > 0 ? &s->ring[s->head] : NULL;
}

static size_t ring_size (const ds_smtp *s) {
  return s->ring == s->few ? DS_FEW : DS_RING;
}

int ds_engine_room (ds_smtp *s) {
  ds_expected *ring;
  size_t i;
  if (s->count < ring_size(s))
    return DS_OK;
  ring = (ds_expected *)ds_malloc(DS_RING * sizeof *ring);
  if (ring == NULL)
    return DS_ERR_NOMEM;
  for (i = 0; i < s->count; i++)
    ring[i] = s->ring[(s->head + i) % DS_FEW];
  s->ring = ring;
  s->head = 0;
  return DS_OK;
}

void ds_engine_expect (ds_smtp *s, ds_command cmd, ds_txn *t, size_t rcpt) {
  ds_expected *e = &s->ring[(s->head + s->count) % ring_size(s)];
  e->txn = t;
  e->rcpt = (uint32_t)rcpt;
  e->cmd = (uint8_t)cmd;
  e->stage = cmd == DS_CMD_NOTICE ? (uint8_t)ds_engine_stage(s) : stage_of[cmd];
  /* a notice follows no command of ours */
  e->end = s->taken + (cmd == DS_CMD_NOTICE ? 0 : s->out.len);
  s->count++;
  if (t != NULL)
    t->awaited++;
}

ds_expected ds_engine_pop (ds_smtp *s) {
  ds_expected e = s->ring[s->head];
  s->head = (s->head + 1) % ring_size(s);
  s->count--;
  s->popped++;
  if (e.txn != NULL)
    e.txn->awaited--;
  return e;
}

/* what the oldest awaited reply answers has been handed over, a body with its
   end */
static int head_is_out (const ds_smtp *s) {
  const ds_expected *e = ds_engine_head(s);
  return e != NULL && e->end <= s->taken &&
         (e->cmd != DS_CMD_EOM || ds_txn_ending(s, e->txn));
}

static ds_stage awaited (const ds_smtp *s) {
  const ds_expected *e = ds_engine_head(s);
  if (e->cmd == DS_CMD_EOM && !head_is_out(s))
    return DS_STAGE_BODY;
  return (ds_stage)e->stage;
}

ds_stage ds_smtp_waiting (const ds_smtp *s, uint32_t *serial) {
  ds_stage stage;
  *serial = s->popped * 2 + (uint32_t)head_is_out(s);
  if (s->count == 0)
    return DS_STAGE_NONE;
  stage = awaited(s);
  /* the rest of an unasked 421 wants a deadline too, a short one */
  return stage != DS_STAGE_NONE ? stage : DS_STAGE_RSET;
}

ds_stage ds_engine_stage (ds_smtp *s) {
  const ds_txn *t = ds_txn_unsaid(s);
  if (s->count > 0)
    return awaited(s);
  if (s->phase == DS_PHASE_TLS)
    return DS_STAGE_HANDSHAKE;
  return t != NULL ? t->stage : DS_STAGE_NONE;
}

int ds_smtp_idle (const ds_smtp *s) {
  return !head_is_out(s);
}

int ds_smtp_ending (const ds_smtp *s) {
  const ds_txn *t;
  for (t = s->txns; t != NULL; t = t->next)
    if (t->awaited > 0 && ds_txn_ending(s, t))
      return 1;
  return 0;
}

int ds_smtp_partial (const ds_smtp *s) {
  return ds_reply_partial(&s->parser);
}

void ds_engine_post (ds_smtp *s, ds_smtp_event_kind e, const ds_expected *of,
                     const ds_reply *r) {
  memset(&s->slot, 0, sizeof s->slot);
  s->slot.event = e;
  s->slot.txn = of->txn != NULL ? of->txn->id : 0;
  s->slot.recipient = of->rcpt;
  s->slot.stage = (ds_stage)of->stage;
  s->slot.reply = r;
  s->slot.text = "";
  s->has_slot = 1;
}

static void stop (ds_smtp *s) {
  s->over = 1;
  s->body = NULL;
  s->body_due = 0;
  s->has_slot = 0;
  ds_engine_end_auth(s);
  ds_engine_wipe(s);
  ds_buf_clear(&s->in);
  ds_buf_clear(&s->chunk);
}

void ds_engine_end (ds_smtp *s, ds_kind kind, ds_stage stage, const ds_reply *r,
                    const char *text, ds_end how) {
  if (s->over)
    return;
  stop(s);
  if (s->leaving && how == DS_END_PLAIN) {
    kind = DS_KIND_REPLY;
    stage = s->leaving_stage;
    how = DS_END_ANSWERED;
    text = "";
  } else
    s->end_reply.code = 0;
  s->end_kind = kind;
  s->end_stage = stage;
  if (r != NULL)
    ds_reply_copy(&s->end_reply, r);
  ds_smtp_printable(s->end_text, sizeof s->end_text, ds_span_str(text));
  s->count = 0;
  ds_buf_clear(&s->out);
  ds_txn_conclude(s, how);
}

void ds_engine_no_memory (ds_smtp *s) {
  ds_engine_end(s, DS_KIND_LOCAL, ds_engine_stage(s), NULL, "out of memory",
                DS_END_PLAIN);
}

int ds_smtp_receive_data (ds_smtp *s, const void *p, size_t n) {
  if (s->over) { /* the answer to QUIT, which nobody reads */
    s->count = 0;
    return DS_OK;
  }
  if (s->phase == DS_PHASE_TLS && n > 0)
    return DS_ERR_STATE;
  if (n == 0)
    s->closed = 1;
  s->came += n;
  if (s->unsent > 0) {
    s->early = s->came;
    s->sent = s->taken - s->unsent;
    s->unsent = 0;
  }
  if (ds_buf_append(&s->in, p, n) != DS_OK)
    ds_engine_no_memory(s);
  return s->over ? DS_ERR_NOMEM : DS_OK;
}

/*
** Every reply is in, and what was read holds none too many: what was held may
** be told.  The reply to QUIT says nothing of what went before.
*/
static int sync (ds_smtp *s) {
  const ds_expected *e = ds_engine_head(s);
  if (s->in.len > 0 || s->count > 1 || (e != NULL && e->cmd != DS_CMD_QUIT))
    return 0;
  return ds_txn_release(s);
}

static void on_close (ds_smtp *s) {
  ds_engine_end(s, DS_KIND_CONNECT, ds_engine_stage(s), NULL,
                ds_reply_partial(&s->parser)
                    ? "the server closed the connection within a reply"
                    : "the server closed the connection",
                DS_END_PLAIN);
}

/* an idle session keeps no buffers */
static void rest (ds_smtp *s) {
  if (s->ring != s->few && s->count == 0) {
    ds_free(s->ring);
    s->ring = s->few;
    s->head = 0;
  }
  ds_buf_shrink(&s->in);
  ds_buf_shrink(&s->out);
  ds_buf_shrink(&s->parser.line);
}

/* one step towards the next event; 0: there is none for now */
static int step (ds_smtp *s) {
  if (ds_engine_read(s) || sync(s))
    return 1;
  if (s->quit_said && s->txns == NULL) {
    stop(s);
    return 1;
  }
  if (s->closed) {
    on_close(s);
    return 1;
  }
  ds_engine_send(s);
  if (s->txns == NULL)
    rest(s);
  return s->over || s->body_due;
}

static void tell_slot (ds_smtp *s, ds_smtp_event *ev) {
  *ev = s->slot;
  s->has_slot = 0;
}

static void tell_body (ds_smtp *s, ds_smtp_event *ev) {
  ev->event = DS_SMTP_BODY;
  ev->txn = s->body->id;
  ev->stage = s->body_reply != NULL ? DS_STAGE_DATA : DS_STAGE_BODY;
  ev->reply = s->body_reply;
  s->body_due = 0;
}

static void tell_end (ds_smtp *s, ds_smtp_event *ev) {
  ev->event = DS_SMTP_ENDED;
  ev->kind = s->end_kind;
  ev->stage = s->end_stage;
  ev->reply = s->end_reply.code != 0 ? &s->end_reply : NULL;
  ev->text = s->end_text;
  ev->lost = s->end_kind != DS_KIND_NONE;
  s->over_told = 1;
}

int ds_smtp_next_event (ds_smtp *s, ds_smtp_event *ev) {
  memset(ev, 0, sizeof *ev);
  ev->text = "";
  for (;;) {
    if (ds_txn_tell(s, ev))
      return 1;
    ev->txn = 0;
    if ((s->has_slot || s->body_due) && sync(s))
      continue;
    if (s->has_slot) {
      tell_slot(s, ev);
      return 1;
    }
    if (s->body_due) {
      tell_body(s, ev);
      return 1;
    }
    if (s->over && !s->over_told) {
      tell_end(s, ev);
      return 1;
    }
    if (s->over || !step(s))
      return 0;
  }
}

void ds_smtp_taken (ds_smtp *s, size_t n) {
  if (n > s->out.len)
    n = s->out.len;
  ds_buf_consume(&s->out, n);
  s->taken += n;
  if (s->out.len == 0)
    ds_engine_wipe(s);
}

int ds_smtp_take (ds_smtp *s, ds_buf *to, size_t max) {
  const ds_span out = ds_smtp_output(s);
  const size_t n = out.n < max ? out.n : max;
  if (to->len == 0 && n == s->out.len) {
    ds_buf_swap(&s->out, to);
    s->taken += n;
    s->secret = 0; /* it is *to's now */
    return DS_OK;
  }
  if (ds_buf_append(to, out.p, n) != DS_OK)
    return DS_ERR_NOMEM;
  ds_smtp_taken(s, n);
  return DS_OK;
}

void ds_smtp_unsent (ds_smtp *s, size_t n) {
  s->unsent = n < s->taken ? n : (size_t)s->taken;
}

int ds_smtp_starttls (ds_smtp *s) {
  if (s->over || s->phase != DS_PHASE_READY || !s->ext.starttls ||
      s->txns != NULL || s->quit_asked)
    return DS_ERR_STATE;
  s->phase = DS_PHASE_TLS_DUE;
  ds_engine_send(s);
  return DS_OK;
}

int ds_smtp_tls_started (ds_smtp *s) {
  if (s->over || s->phase != DS_PHASE_TLS)
    return DS_ERR_STATE;
  s->tls = 1;
  s->phase = DS_PHASE_EHLO_DUE;
  ds_engine_send(s);
  return DS_OK;
}

int ds_smtp_quit (ds_smtp *s) {
  if (s->over)
    return DS_ERR_STATE;
  s->quit_asked = 1;
  ds_engine_send(s);
  return DS_OK;
}

void ds_smtp_abort (ds_smtp *s, ds_kind kind, const char *text) {
  ds_engine_end(s, kind, ds_engine_stage(s), NULL, text, DS_END_PLAIN);
}

const ds_smtp_ext *ds_smtp_extensions (const ds_smtp *s) {
  return &s->ext;
}

const char *ds_smtp_greeting (const ds_smtp *s) {
  return s->greeting;
}

const char *ds_smtp_ehlo_line (const ds_smtp *s) {
  return s->ehlo_line;
}
