#include "smtp/engine_state.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util/mem.h"

static ds_span orcpt_of (const ds_smtp_transaction *t, size_t i) {
  return t->dsn != NULL ? t->dsn[i].orcpt : ds_span_of(NULL, 0);
}

static size_t paths_size (const ds_smtp_transaction *t) {
  size_t i, n = t->sender.n + t->envid.n;
  for (i = 0; i < t->count; i++)
    n += t->recipients[i].n + orcpt_of(t, i).n;
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
  c->envid_n = put(c->paths + at, t->envid);
  at += c->envid_n;
  for (i = 0; i < t->count; i++) {
    ds_rcpt *r = &c->rcpt[i];
    r->path = (uint32_t)at;
    r->path_n = (uint16_t)put(c->paths + at, t->recipients[i]);
    r->orcpt_n = (uint16_t)put(c->paths + at + r->path_n, orcpt_of(t, i));
    r->notify = t->dsn != NULL ? (uint8_t)t->dsn[i].notify : 0;
    at += (size_t)r->path_n + r->orcpt_n;
  }
}

/* counts and lengths are bounded before: at most 1,000 of 254 and 500 octets */
ds_txn *ds_txn_new (ds_smtp *s, const ds_smtp_transaction *t) {
  const size_t head = sizeof(ds_txn) + t->count * sizeof(ds_rcpt);
  ds_txn *c = (ds_txn *)ds_malloc(head + paths_size(t));
  if (c == NULL)
    return NULL;
  memset(c, 0, offsetof(ds_txn, reply));
  memset(c->rcpt, 0, t->count * sizeof(ds_rcpt));
  c->id = t->id;
  c->flags = t->flags;
  c->size = t->size;
  c->ret = t->ret;
  c->stage = DS_STAGE_MAIL;
  c->count = t->count;
  c->paths = (char *)c + head;
  copy_paths(c, t);
  c->early = ds_engine_chunking(s) && t->size > 0 && t->size <= DS_EARLY;
  s->octets += c->early ? t->size : 0;
  *s->last = c;
  s->last = &c->next;
  s->txn_count++;
  if (s->unsaid == NULL)
    s->unsaid = c;
  return c;
}

static void free_first (ds_smtp *s, ds_txn **at) {
  ds_txn *t = *at;
  size_t i;
  *at = t->next;
  if (s->last == &t->next)
    s->last = at;
  if (s->unsaid == t)
    s->unsaid = t->next;
  if (t->early)
    s->octets -= t->size;
  s->txn_count--;
  for (i = 0; i < t->count; i++)
    ds_free(t->rcpt[i].word);
  ds_free(t);
}

void ds_txn_free_all (ds_smtp *s) {
  while (s->txns != NULL)
    free_first(s, &s->txns);
}

ds_txn *ds_txn_unsaid (ds_smtp *s) {
  while (s->unsaid != NULL && s->unsaid->step == DS_STEP_DONE)
    s->unsaid = s->unsaid->next;
  return s->unsaid;
}

ds_span ds_txn_sender (const ds_txn *t) {
  return ds_span_of(t->paths, t->sender_n);
}

ds_span ds_txn_envid (const ds_txn *t) {
  return ds_span_of(t->paths + t->sender_n, t->envid_n);
}

ds_span ds_txn_orcpt (const ds_txn *t, size_t i) {
  const ds_rcpt *r = &t->rcpt[i];
  return ds_span_of(t->paths + r->path + r->path_n, r->orcpt_n);
}

ds_span ds_txn_recipient (const ds_txn *t, size_t i) {
  return ds_span_of(t->paths + t->rcpt[i].path, t->rcpt[i].path_n);
}

int ds_txn_ending (const ds_smtp *s, const ds_txn *t) {
  return t->ended && s->taken >= t->end;
}

static void decide (ds_txn *t, ds_rcpt *r, ds_by by, ds_finding f) {
  r->by = (uint8_t)by;
  r->found = f;
  r->state = DS_RCPT_HELD;
  t->held++;
}

void ds_txn_settle (ds_txn *t, ds_finding f, const ds_reply *r) {
  size_t i;
  if (t->held + t->due + t->told == t->count)
    return;
  ds_reply_copy(&t->reply, r);
  for (i = 0; i < t->count; i++)
    if (t->rcpt[i].state <= DS_RCPT_ACCEPTED)
      decide(t, &t->rcpt[i], DS_BY_TXN, f);
}

int ds_txn_settle_one (ds_txn *t, size_t i, ds_finding f, const ds_reply *r) {
  const size_t n = strlen(r->text) + 1;
  ds_word *w = (ds_word *)ds_malloc(sizeof *w + n);
  if (w == NULL)
    return DS_ERR_NOMEM;
  w->code = r->code;
  w->lines = r->lines;
  memcpy(w->enhanced, r->enhanced, sizeof w->enhanced);
  memcpy(w->text, r->text, n);
  t->rcpt[i].word = w;
  decide(t, &t->rcpt[i], DS_BY_WORD, f);
  return DS_OK;
}

void ds_txn_settle_next (ds_txn *t, ds_finding f, const ds_reply *r) {
  size_t i;
  if (t->finals++ >= t->accepted)
    return;
  while (t->rcpt[t->final_at].state != DS_RCPT_ACCEPTED)
    t->final_at++;
  i = t->final_at++;
  t->stage = DS_STAGE_FINAL;
  if (ds_txn_settle_one(t, i, f, r) == DS_OK)
    return;
  ds_reply_copy(&t->reply, r);
  decide(t, &t->rcpt[i], DS_BY_TXN, f);
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
  t->cursor = 0;
}

int ds_txn_release (ds_smtp *s) {
  int any = 0;
  ds_txn *t;
  for (t = s->txns; t != NULL; t = t->next) {
    any |= t->held > 0;
    release(t);
  }
  s->news |= any;
  return any;
}

void ds_txn_lack (ds_smtp *s, ds_txn *t, ds_lack lacks) {
  const ds_finding f = {DS_FAILED, DS_STAGE_MAIL, 0, 0};
  size_t i;
  t->lacks = lacks;
  t->step = DS_STEP_DONE;
  s->octets -= t->early ? t->size : 0;
  t->early = 0;
  for (i = 0; i < t->count; i++)
    decide(t, &t->rcpt[i], DS_BY_TXN, f);
  release(t);
  s->news = 1;
}

static void conclude (const ds_smtp *s, ds_txn *t, ds_end how) {
  const int ending = how != DS_END_ANSWERED && ds_txn_ending(s, t);
  const int revoked = how == DS_END_SHIFTED ? DS_RCPT_HELD : DS_RCPT_ACCEPTED;
  ds_finding f = {DS_DEFERRED, 0, 0, 0};
  size_t i;
  f.stage = (uint8_t)t->stage;
  if (ending) {
    f.outcome = DS_UNKNOWN;
    f.stage = DS_STAGE_FINAL;
  }
  if (how == DS_END_SHIFTED)
    t->held = 0;
  for (i = 0; i < t->count; i++)
    if (t->rcpt[i].state <= revoked)
      decide(t, &t->rcpt[i], DS_BY_SESSION, f);
  t->step = DS_STEP_DONE;
  t->awaited = 0;
  release(t);
}

void ds_txn_conclude (ds_smtp *s, ds_end how) {
  ds_txn *t;
  for (t = s->txns; t != NULL; t = t->next)
    conclude(s, t, how);
  s->news = 1;
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
  case DS_LACK_REQUIRETLS:
    snprintf(to, n,
             "the message asks for TLS all the way, and %s REQUIRETLS (RFC "
             "8689)",
             s->tls ? "the server does not offer" : "without TLS there is no");
    break;
  case DS_LACK_NOTHING:
    to[0] = '\0';
    break;
  }
}

static void tell_word (ds_smtp *s, const ds_word *w) {
  s->told.code = w->code;
  s->told.lines = w->lines;
  memcpy(s->told.enhanced, w->enhanced, sizeof s->told.enhanced);
  memcpy(s->told.text, w->text, strlen(w->text) + 1);
}

static void tell_session (const ds_smtp *s, ds_smtp_event *ev) {
  ev->kind = s->end_kind;
  ev->lost = 1;
  ev->reply = s->end_reply.code != 0 ? &s->end_reply : NULL;
  ev->text = s->end_text;
}

static void tell_reply (const ds_reply *r, ds_finding f, ds_smtp_event *ev) {
  ev->kind = f.confused       ? DS_KIND_PROTOCOL
             : r->code >= 400 ? DS_KIND_REPLY
                              : DS_KIND_NONE;
  ev->lost = f.confused || r->code == 421;
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
  ev->outcome = (ds_outcome)r->found.outcome;
  ev->stage = (ds_stage)r->found.stage;
  ev->split = r->found.split;
  if (r->by == DS_BY_SESSION)
    tell_session(s, ev);
  else if (t->lacks != DS_LACK_NOTHING)
    tell_lack(s, t, ev);
  else if (r->by == DS_BY_TXN)
    tell_reply(&t->reply, r->found, ev);
  else {
    tell_word(s, r->word);
    tell_reply(&s->told, r->found, ev);
  }
  r->state = DS_RCPT_TOLD;
  t->due--;
  t->told++;
}

static size_t first_due (ds_txn *t) {
  while (t->rcpt[t->cursor].state != DS_RCPT_DUE)
    t->cursor++;
  return t->cursor;
}

int ds_txn_tell (ds_smtp *s, ds_smtp_event *ev) {
  ds_txn **at;
  for (at = &s->txns; s->news && *at != NULL; at = &(*at)->next) {
    ds_txn *t = *at;
    ev->txn = t->id;
    if (t->due > 0) {
      tell_one(s, t, first_due(t), ev);
      return 1;
    }
    if (t->told == t->count && t->awaited == 0 && t->step == DS_STEP_DONE) {
      ev->event = DS_SMTP_FINISHED;
      free_first(s, at);
      return 1;
    }
  }
  s->news = 0;
  return 0;
}
