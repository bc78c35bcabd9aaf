/*
** work: the messages in hand, which of their recipients are still open, and
** how these are settled.  Settling allocates nothing: it works when memory is
** out.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

void ds_work_free (work *w) {
  if (w == NULL)
    return;
  ds_free(w->text);
  ds_free(w->paths);
  ds_free(w->map);
  ds_free(w->settled);
  ds_free(w->verdict);
  ds_free(w);
}

static char *put (char *to, ds_span s, ds_span *copy) {
  if (s.n > 0)
    memcpy(to, s.p, s.n);
  *copy = ds_span_of(to, s.n);
  return to + s.n;
}

static int work_fill (work *w, const ds_envelope *m) {
  size_t i, total = m->sender.n + 1;
  char *p;
  for (i = 0; i < m->count; i++)
    total += m->recipients[i].n;
  w->text = (char *)ds_malloc(total);
  w->paths = (ds_span *)ds_calloc(m->count, 2 * sizeof *w->paths);
  w->map = (size_t *)ds_calloc(m->count, sizeof *w->map);
  w->settled = (uint8_t *)ds_calloc(m->count, 1);
  if (!w->text || !w->paths || !w->map || !w->settled)
    return DS_ERR_NOMEM;
  w->m = *m;
  p = put(w->text, m->sender, &w->m.sender);
  for (i = 0; i < m->count; i++)
    p = put(p, m->recipients[i], &w->paths[i]);
  w->m.recipients = w->paths;
  w->open = m->count;
  return DS_OK;
}

work *ds_work_new (const ds_envelope *m, ds_time now) {
  work *w = (work *)ds_calloc(1, sizeof *w);
  if (w == NULL || work_fill(w, m) != DS_OK) {
    ds_work_free(w);
    return NULL;
  }
  w->began = now;
  w->lasting = 1;
  return w;
}

void ds_work_drop (ds_delivery *d, work *w) {
  work **at = &d->works;
  while (*at != w)
    at = &(*at)->next;
  *at = w->next;
  if (d->sending == w)
    d->sending = NULL;
  if (d->begun == w)
    d->begun = NULL;
  ds_work_free(w);
}

work *ds_work_by_id (ds_delivery *d, uint32_t id) {
  work *w = d->works;
  while (w != NULL && w->id != id)
    w = w->next;
  return w;
}

/* the first that this session has not begun */
work *ds_work_waiting (ds_delivery *d) {
  return ds_work_by_id(d, 0);
}

/* this recipient stays open for the next host; why is kept with its message,
   as the next message may fare better with this host */
static void keep_open (ds_delivery *d, work *w, ds_row *r) {
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

/* a transaction for the recipients that are still open */
void ds_work_begin (ds_delivery *d, work *w) {
  ds_smtp_transaction t;
  size_t i;
  int r;
  memset(&t, 0, sizeof t);
  for (i = 0; i < w->m.count; i++)
    if (!w->settled[i]) {
      w->map[t.count] = i;
      w->paths[w->m.count + t.count++] = w->paths[i];
    }
  t.id = ++d->last_id;
  t.sender = w->m.sender;
  t.recipients = w->paths + w->m.count;
  t.size = w->m.size;
  t.flags = w->m.flags;
  w->id = t.id;
  w->offset = 0;
  d->begun = w;
  r = ds_smtp_begin(ds_session_smtp(d->session), &t);
  if (r != DS_OK) {
    d->begun = NULL;
    begin_failed(d, w, r);
  }
}

static void tell (ds_delivery *d, ds_time now, work *w, size_t i, ds_op *op) {
  ds_row *r = &d->row;
  r->tag = w->m.tag;
  r->recipient = i;
  r->taken = now - w->began;
  r->temporary = r->outcome == DS_DEFERRED || r->outcome == DS_UNKNOWN;
  w->settled[i] = 1;
  w->open--;
  op->op = DS_OP_RESULT;
  op->row = r;
}

/*
** work_settle: the engine's word about one recipient.  1: it is an outcome,
** op tells it.  0: another host may do better, the recipient stays open.
*/
int ds_work_settle (ds_delivery *d, ds_time now, const ds_smtp_event *ev,
                    ds_op *op) {
  work *w = ds_work_by_id(d, ev->txn);
  ds_row *r = &d->row;
  memset(r, 0, sizeof *r);
  r->outcome = ev->outcome;
  r->kind = ev->outcome == DS_DELIVERED ? DS_KIND_NONE : ev->kind;
  r->stage = ev->stage;
  ds_row_where(d, r);
  ds_row_reply(r, ev->reply);
  snprintf(r->text, sizeof r->text, "%s", ev->text);
  if (ev->lost && !w->broken &&
      (r->outcome == DS_DEFERRED || r->outcome == DS_FAILED)) {
    keep_open(d, w, r);
    return 0;
  }
  if (r->outcome == DS_DELIVERED)
    ds_row_queue_id(r);
  tell(d, now, w, w->map[ev->recipient], op);
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
    while (w->walk < w->m.count && w->settled[w->walk])
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
