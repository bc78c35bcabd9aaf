/*
** work: the messages in hand, which of their recipients are in which
** transaction, and how these are settled.  Settling allocates nothing: it
** works when memory is out.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

/* ------------------------------------------------------------- messages */

void ds_work_free (work *w) {
  if (w == NULL)
    return;
  ds_free(w->verdict);
  ds_free(w);
}

static size_t put (char *to, ds_span s, ds_span *copy) {
  if (s.n > 0)
    memcpy(to, s.p, s.n);
  *copy = ds_span_of(to, s.n);
  return s.n;
}

static size_t text_size (const ds_envelope *m) {
  size_t i, n = m->sender.n + m->envid.n;
  for (i = 0; i < m->count; i++)
    n += m->recipients[i].n + (m->dsn != NULL ? m->dsn[i].orcpt.n : 0);
  return n;
}

/* what the envelope points to, behind the work: what is widest first */
static void work_fill (work *w, const ds_envelope *m) {
  size_t i, n = m->count;
  ds_span *paths = (ds_span *)(void *)(w + 1);
  ds_smtp_dsn *dsn = (ds_smtp_dsn *)(void *)(paths + n);
  char *p = (char *)(dsn + (m->dsn != NULL ? n : 0));
  w->m = *m;
  w->m.recipients = paths;
  w->m.dsn = m->dsn != NULL ? dsn : NULL;
  w->rcpt = (rcpt *)(void *)p;
  p += n * sizeof *w->rcpt;
  p += put(p, m->sender, &w->m.sender);
  p += put(p, m->envid, &w->m.envid);
  for (i = 0; i < n; i++) {
    p += put(p, m->recipients[i], &paths[i]);
    w->rcpt[i].id = 0;
    w->rcpt[i].state = RCPT_OPEN;
    if (m->dsn == NULL)
      continue;
    dsn[i].notify = m->dsn[i].notify;
    p += put(p, m->dsn[i].orcpt, &dsn[i].orcpt);
  }
}

work *ds_work_new (const ds_envelope *m, ds_time now) {
  size_t each = sizeof(ds_span) + sizeof(rcpt) +
                (m->dsn != NULL ? sizeof(ds_smtp_dsn) : 0);
  work *w = (work *)ds_malloc(sizeof *w + m->count * each + text_size(m));
  if (w == NULL)
    return NULL;
  memset(w, 0, sizeof *w);
  work_fill(w, m);
  w->open = w->todo = m->count;
  w->began = now;
  w->lasting = 1;
  return w;
}

void ds_work_add (ds_delivery *d, work *w) {
  work **at = d->last != NULL ? &d->last->next : &d->works;
  *at = w;
  d->last = w;
  d->hand++;
  d->waiting++;
}

void ds_work_drop (ds_delivery *d, work *w) {
  work **at = &d->works, *before = NULL;
  while (*at != w) {
    before = *at;
    at = &before->next;
  }
  *at = w->next;
  if (d->last == w)
    d->last = before;
  d->hand--;
  d->waiting -= w->todo > 0;
  ds_work_free(w);
}

/* the first of which this session has recipients to begin with */
work *ds_work_waiting (const ds_delivery *d) {
  work *w = d->waiting > 0 ? d->works : NULL;
  while (w != NULL && w->todo == 0)
    w = w->next;
  return w;
}

static void todo (ds_delivery *d, work *w, size_t n) {
  d->waiting += w->todo == 0 && n > 0;
  w->todo += n;
}

static void less_todo (ds_delivery *d, work *w, size_t n) {
  w->todo -= n;
  d->waiting -= w->todo == 0 && n > 0;
}

/* this session is not for it */
void ds_work_pass (ds_delivery *d, work *w) {
  size_t i;
  for (i = 0; i < w->m.count; i++)
    if (w->rcpt[i].state == RCPT_OPEN)
      w->rcpt[i].state = RCPT_PASSED;
  less_todo(d, w, w->todo);
}

/* another session: whom the last one left open is open again */
void ds_work_reopen (ds_delivery *d) {
  work *w;
  size_t i;
  for (w = d->works; w != NULL; w = w->next) {
    for (i = 0; i < w->m.count; i++)
      if (w->rcpt[i].state != RCPT_TOLD)
        w->rcpt[i].state = RCPT_OPEN;
    todo(d, w, w->open - w->todo);
    w->flights = 0;
  }
}

/* --------------------------------------------------------- transactions */

flight *ds_flight_of (ds_delivery *d, uint32_t id) {
  return &d->flights[id % FLIGHTS];
}

static ds_span domain_of (ds_span path) {
  size_t n = path.n;
  while (n > 0 && path.p[n - 1] != '@')
    n--;
  return ds_span_of(path.p + n, path.n - n);
}

/* is it of one of the domains of the first n of these? */
static int known_domain (const ds_span *paths, size_t n, ds_span path) {
  size_t i;
  for (i = 0; i < n; i++)
    if (ds_span_eqi(domain_of(paths[i]), domain_of(path)))
      return 1;
  return 0;
}

/* the recipients of one transaction, at most f->count, into f, paths and dsn */
static void choose (ds_delivery *d, work *w, flight *f, ds_span *paths,
                    ds_smtp_dsn *dsn) {
  size_t i, n = 0, domains = 0;
  const size_t most = ds_limit_domains(d);
  for (i = f->first; i < w->m.count && n < f->count; i++) {
    rcpt *r = &w->rcpt[i];
    if (r->state != RCPT_OPEN)
      continue;
    if (most > 0 && !known_domain(paths, n, w->m.recipients[i]) &&
        domains++ == most)
      break;
    r->state = RCPT_BEGUN;
    r->id = f->id;
    if (dsn != NULL)
      dsn[n] = w->m.dsn[i];
    paths[n++] = w->m.recipients[i];
  }
  f->count = n;
}

static void flight_new (ds_delivery *d, work *w, flight *f) {
  size_t i = 0, most = ds_limit_recipients(d);
  while (w->rcpt[i].state != RCPT_OPEN)
    i++;
  f->id = d->last_id;
  f->w = w;
  f->first = f->at = i;
  f->nth = f->accepted = 0;
  f->count = w->todo < most ? w->todo : most;
  f->from = d->sent + ds_session_pending(d->session);
}

static int begin (ds_delivery *d, work *w, flight *f, ds_span *paths,
                  ds_smtp_dsn *dsn) {
  ds_smtp_transaction t;
  memset(&t, 0, sizeof t);
  choose(d, w, f, paths, dsn);
  t.id = f->id;
  t.sender = w->m.sender;
  t.recipients = paths;
  t.count = f->count;
  t.size = w->m.size;
  t.flags = w->m.flags;
  t.ret = w->m.ret;
  t.envid = w->m.envid;
  t.dsn = dsn;
  less_todo(d, w, f->count);
  w->flights++;
  w->offset = 0;
  d->begun = f;
  d->carried++;
  return ds_smtp_begin(ds_session_smtp(d->session), &t);
}

/* this recipient stays open for another session; why is kept with its message,
   as the next message may fare better with this host */
static void keep_open (ds_delivery *d, work *w, const ds_row *r) {
  w->lasting = w->lasting && r->outcome == DS_FAILED;
  if (w->verdict == NULL)
    w->verdict = (ds_row *)ds_malloc(sizeof *w->verdict);
  else if (w->verdict->stage > r->stage)
    return;
  if (w->verdict != NULL)
    *w->verdict = *r;
  else
    ds_verdict_add(d, r);
}

/* the session would not have it; no event will tell */
static void begin_failed (ds_delivery *d, work *w, int error) {
  ds_row r;
  d->begun = NULL;
  w->flights--;
  if (error != DS_ERR_USAGE) {
    ds_smtp_abort(ds_session_smtp(d->session), DS_KIND_LOCAL, "out of memory");
    return;
  }
  memset(&r, 0, sizeof r);
  r.outcome = DS_FAILED;
  r.kind = DS_KIND_USAGE;
  r.stage = DS_STAGE_MAIL;
  ds_row_where(d, &r);
  snprintf(r.text, sizeof r.text, "an address is not fit to be said in SMTP");
  keep_open(d, w, &r);
}

/* one transaction for recipients that are still open, as many as the host
   takes at once */
void ds_work_begin (ds_delivery *d, work *w) {
  flight *f = ds_flight_of(d, ++d->last_id);
  ds_span one;
  ds_smtp_dsn one_dsn;
  void *room;
  int r = DS_ERR_NOMEM;
  flight_new(d, w, f);
  if (f->count == 1)
    r = begin(d, w, f, &one, w->m.dsn != NULL ? &one_dsn : NULL);
  else {
    room = ds_malloc(f->count * (sizeof one + sizeof one_dsn));
    if (room != NULL)
      r = begin(d, w, f, (ds_span *)room,
                w->m.dsn != NULL
                    ? (ds_smtp_dsn *)(void *)((ds_span *)room + f->count)
                    : NULL);
    else
      w->flights++;
    ds_free(room);
  }
  if (r != DS_OK)
    begin_failed(d, w, r);
}

/* the recipient of the envelope that is the n-th of the transaction; they are
   told in order, mostly */
static size_t recipient_of (flight *f, size_t n) {
  if (n < f->nth) {
    f->at = f->first;
    f->nth = 0;
  }
  for (;;) {
    while (f->w->rcpt[f->at].id != f->id)
      f->at++;
    if (f->nth == n)
      return f->at;
    f->at++;
    f->nth++;
  }
}

/* ------------------------------------------------------------- outcomes */

static void tell (ds_delivery *d, ds_time now, work *w, size_t i, ds_op *op) {
  ds_row *r = &d->row;
  r->tag = w->m.tag;
  r->recipient = i;
  r->taken = now - w->began;
  r->temporary = r->outcome == DS_DEFERRED || r->outcome == DS_UNKNOWN;
  if (w->rcpt[i].state == RCPT_OPEN)
    less_todo(d, w, 1);
  w->rcpt[i].state = RCPT_TOLD;
  w->open--;
  op->op = DS_OP_RESULT;
  op->row = r;
  op->last = w->open == 0;
}

static void row_of (ds_delivery *d, const ds_smtp_event *ev) {
  ds_row *r = &d->row;
  ds_row_clear(r);
  r->outcome = ev->outcome;
  r->kind = ev->outcome == DS_DELIVERED ? DS_KIND_NONE : ev->kind;
  r->stage = ev->stage;
  ds_row_where(d, r);
  ds_row_reply(r, ev->reply);
  ds_copy_text(r->text, sizeof r->text, ev->text);
  if (r->outcome == DS_DELIVERED)
    ds_row_queue_id(r);
}

/*
** work_settle: the engine's word about one recipient.  1: it is an outcome,
** op tells it.  0: it stays open, for this session (a recipient too many) or
** another one.
*/
int ds_work_settle (ds_delivery *d, ds_time now, const ds_smtp_event *ev,
                    ds_op *op) {
  flight *f = ds_flight_of(d, ev->txn);
  work *w = f->w;
  size_t i = recipient_of(f, ev->recipient);
  verdict what;
  row_of(d, ev);
  what = ds_judge(d, f, ev);
  if (d->row.outcome == DS_DELIVERED)
    ds_best_keep(d, now);
  if (what == VERDICT_STANDS || w->broken) {
    tell(d, now, w, i, op);
    return 1;
  }
  w->rcpt[i].state = what == VERDICT_SPLIT ? RCPT_SPLIT : RCPT_PASSED;
  if (what == VERDICT_ELSEWHERE)
    keep_open(d, w, &d->row);
  return 0;
}

/* those that were too many in it may be in another one */
static void open_split (ds_delivery *d, const flight *f) {
  work *w = f->w;
  size_t i;
  for (i = f->first; i < w->m.count; i++)
    if (w->rcpt[i].id == f->id && w->rcpt[i].state == RCPT_SPLIT) {
      w->rcpt[i].state = RCPT_OPEN;
      todo(d, w, 1);
    }
}

/* 1: it has no recipient left and is gone */
int ds_work_finished (ds_delivery *d, uint32_t id) {
  flight *f = ds_flight_of(d, id);
  work *w = f->w;
  if (d->begun == f)
    d->sending = d->begun = NULL;
  w->flights--;
  open_split(d, f);
  if (w->open > 0 || w->flights > 0)
    return 0;
  ds_work_drop(d, w);
  return 1;
}

/* what no host took: its own reason where it has one, else the delivery's */
static void last_word (ds_delivery *d, const work *w) {
  const ds_row *v = &d->verdict;
  int lasting = w->lasting && (d->verdicts == 0 || d->permanent);
  if (w->verdict != NULL && (d->verdicts == 0 || w->verdict->stage >= v->stage))
    v = w->verdict;
  d->row = *v;
  d->row.outcome = lasting ? DS_FAILED : DS_DEFERRED;
}

/*
** settle_step: no host is left.  1 and the next RESULT; 0 when nothing is in
** hand any more.
*/
int ds_settle_step (ds_delivery *d, ds_time now, ds_op *op) {
  while (d->works != NULL) {
    work *w = d->works;
    while (w->walk < w->m.count && w->rcpt[w->walk].state == RCPT_TOLD)
      w->walk++;
    if (w->walk < w->m.count) {
      last_word(d, w);
      tell(d, now, w, w->walk, op);
      return 1;
    }
    ds_work_drop(d, w);
  }
  return 0;
}
