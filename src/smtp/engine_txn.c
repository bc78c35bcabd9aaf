#include "smtp/engine_state.h"

#include <stdio.h>
#include <string.h>

#include "util/mem.h"

static size_t paths_size (const ds_smtp_transaction *t) {
  size_t i, n = t->sender.n;
  for (i = 0; i < t->count; i++)
    n += t->recipients[i].n;
  return n;
}

static size_t put (char *at, ds_span s) {
  if (s.n > 0)
    memcpy(at, s.p, s.n);
  return s.n;
}

static void copy_paths (ds_txn *c, const ds_smtp_transaction *t) {
  size_t i, at = put(c->paths, t->sender);
  c->sender_n = at;
  for (i = 0; i < t->count; i++) {
    c->rcpt[i].path = (uint32_t)at;
    c->rcpt[i].path_n = (uint16_t)t->recipients[i].n;
    at += put(c->paths + at, t->recipients[i]);
  }
}

/* counts and lengths are bounded before: at most 1,000 of 254 octets */
ds_txn *ds_txn_new (ds_smtp *s, const ds_smtp_transaction *t) {
  const size_t head = sizeof(ds_txn) + t->count * sizeof(ds_rcpt);
  ds_txn *c = (ds_txn *)ds_calloc(1, head + paths_size(t));
  ds_txn **at = &s->txns;
  if (c == NULL)
    return NULL;
  c->id = t->id;
  c->flags = t->flags;
  c->size = t->size;
  c->stage = DS_STAGE_MAIL;
  c->count = t->count;
  c->paths = (char *)c + head;
  copy_paths(c, t);
  while (*at != NULL)
    at = &(*at)->next;
  *at = c;
  return c;
}

static void free_first (ds_txn **at) {
  ds_txn *t = *at;
  size_t i;
  *at = t->next;
  for (i = 0; i < t->count; i++)
    ds_free(t->rcpt[i].refusal);
  ds_free(t);
}

void ds_txn_free_all (ds_smtp *s) {
  while (s->txns != NULL)
    free_first(&s->txns);
}

ds_txn *ds_txn_unsaid (const ds_smtp *s) {
  ds_txn *t = s->txns;
  while (t != NULL && t->step == DS_STEP_DONE)
    t = t->next;
  return t;
}

ds_span ds_txn_sender (const ds_txn *t) {
  return ds_span_of(t->paths, t->sender_n);
}

ds_span ds_txn_recipient (const ds_txn *t, size_t i) {
  return ds_span_of(t->paths + t->rcpt[i].path, t->rcpt[i].path_n);
}

int ds_txn_ending (const ds_smtp *s, const ds_txn *t) {
  return t->ended && s->taken >= t->dot;
}

static void decide (ds_txn *t, ds_rcpt *r, ds_by by, ds_outcome o,
                    ds_stage stage) {
  r->by = (uint8_t)by;
  r->outcome = (uint8_t)o;
  r->stage = (uint8_t)stage;
  r->state = DS_RCPT_HELD;
  t->held++;
}

void ds_txn_settle (ds_txn *t, ds_outcome o, ds_stage stage,
                    const ds_reply *r) {
  size_t i;
  for (i = 0; i < t->count; i++)
    if (t->rcpt[i].state <= DS_RCPT_ACCEPTED) {
      t->reply = *r;
      decide(t, &t->rcpt[i], DS_BY_TXN, o, stage);
    }
}

int ds_txn_refuse (ds_txn *t, size_t i, ds_outcome o, const ds_reply *r) {
  const size_t n = strlen(r->text) + 1;
  ds_refusal *c = (ds_refusal *)ds_malloc(sizeof *c + n);
  if (c == NULL)
    return DS_ERR_NOMEM;
  c->code = r->code;
  c->lines = r->lines;
  memcpy(c->enhanced, r->enhanced, sizeof c->enhanced);
  memcpy(c->text, r->text, n);
  t->rcpt[i].refusal = c;
  decide(t, &t->rcpt[i], DS_BY_REFUSAL, o, DS_STAGE_RCPT);
  return DS_OK;
}

static void release (ds_txn *t) {
  size_t i;
  if (t->held == 0)
    return;
  for (i = 0; i < t->count; i++)
    if (t->rcpt[i].state == DS_RCPT_HELD)
      t->rcpt[i].state = DS_RCPT_DUE;
  t->due += t->held;
  t->held = 0;
}

int ds_txn_release (ds_smtp *s) {
  int any = 0;
  ds_txn *t;
  for (t = s->txns; t != NULL; t = t->next) {
    any |= t->held > 0;
    release(t);
  }
  return any;
}

void ds_txn_lack (ds_txn *t, ds_lack lacks) {
  size_t i;
  t->lacks = lacks;
  t->step = DS_STEP_DONE;
  for (i = 0; i < t->count; i++)
    decide(t, &t->rcpt[i], DS_BY_TXN, DS_FAILED, DS_STAGE_MAIL);
  release(t);
}

static void conclude (const ds_smtp *s, ds_txn *t, int shifted) {
  const int ending = ds_txn_ending(s, t);
  const int revoked = shifted ? DS_RCPT_HELD : DS_RCPT_ACCEPTED;
  size_t i;
  if (shifted)
    t->held = 0;
  for (i = 0; i < t->count; i++)
    if (t->rcpt[i].state <= revoked)
      decide(t, &t->rcpt[i], DS_BY_SESSION, ending ? DS_UNKNOWN : DS_DEFERRED,
             ending ? DS_STAGE_FINAL : t->stage);
  t->step = DS_STEP_DONE;
  t->awaited = 0;
  release(t);
}

void ds_txn_conclude (ds_smtp *s, int shifted) {
  ds_txn *t;
  for (t = s->txns; t != NULL; t = t->next)
    conclude(s, t, shifted);
}

static void lack_text (const ds_smtp *s, const ds_txn *t, char *to, size_t n) {
  switch (t->lacks) {
  case DS_LACK_SIZE:
    snprintf(to, n,
             "the server takes messages of at most %llu octets (SIZE), this "
             "one has %llu: make it smaller, or send a link",
             (unsigned long long)s->ext.size_limit,
             (unsigned long long)t->size);
    break;
  case DS_LACK_8BIT:
    snprintf(to, n,
             "the server does not offer 8BITMIME (RFC 6152): send the "
             "message 7-bit clean");
    break;
  case DS_LACK_UTF8:
    snprintf(to, n,
             "the server does not offer SMTPUTF8 (RFC 6531): use "
             "addresses in ASCII");
    break;
  case DS_LACK_NOTHING:
    to[0] = '\0';
    break;
  }
}

static void tell_refusal (ds_smtp *s, const ds_refusal *c) {
  memset(&s->told, 0, sizeof s->told);
  s->told.code = c->code;
  s->told.lines = c->lines;
  memcpy(s->told.enhanced, c->enhanced, sizeof s->told.enhanced);
  memcpy(s->told.text, c->text, strlen(c->text));
}

static void tell_session (const ds_smtp *s, ds_smtp_event *ev) {
  ev->kind = s->end_kind;
  ev->lost = 1;
  ev->reply = s->end_reply.code != 0 ? &s->end_reply : NULL;
  ev->text = s->end_text;
}

static void tell_reply (const ds_reply *r, ds_smtp_event *ev) {
  ev->kind = r->code >= 400 ? DS_KIND_REPLY : DS_KIND_NONE;
  ev->lost = r->code == 421;
  ev->reply = r;
}

static void tell_lack (ds_smtp *s, const ds_txn *t, ds_smtp_event *ev) {
  lack_text(s, t, s->told.text, sizeof s->told.text);
  ev->kind = DS_KIND_POLICY;
  ev->lost = 1;
  ev->text = s->told.text;
}

static void tell_one (ds_smtp *s, ds_txn *t, size_t i, ds_smtp_event *ev) {
  ds_rcpt *r = &t->rcpt[i];
  ev->event = DS_SMTP_SETTLED;
  ev->recipient = i;
  ev->outcome = (ds_outcome)r->outcome;
  ev->stage = (ds_stage)r->stage;
  if (r->by == DS_BY_SESSION)
    tell_session(s, ev);
  else if (t->lacks != DS_LACK_NOTHING)
    tell_lack(s, t, ev);
  else if (r->by == DS_BY_TXN)
    tell_reply(&t->reply, ev);
  else {
    tell_refusal(s, r->refusal);
    tell_reply(&s->told, ev);
  }
  r->state = DS_RCPT_TOLD;
  t->due--;
  t->told++;
}

static size_t first_due (const ds_txn *t) {
  size_t i = 0;
  while (t->rcpt[i].state != DS_RCPT_DUE)
    i++;
  return i;
}

int ds_txn_tell (ds_smtp *s, ds_smtp_event *ev) {
  ds_txn **at;
  for (at = &s->txns; *at != NULL; at = &(*at)->next) {
    ds_txn *t = *at;
    ev->txn = t->id;
    if (t->due > 0) {
      tell_one(s, t, first_due(t), ev);
      return 1;
    }
    if (t->told == t->count && t->awaited == 0 && t->step == DS_STEP_DONE) {
      ev->event = DS_SMTP_FINISHED;
      free_first(at);
      return 1;
    }
  }
  return 0;
}
