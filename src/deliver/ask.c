/*
** ask: what a delivery asks of its owner besides sockets: what is remembered,
** what is admitted, time.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

/* --------------------------------------------------------------- memory */

int ds_recall (ds_delivery *d, const char *space, const char *key, ds_op *op) {
  if (d->recall == ASK_ANSWERED) {
    d->recall = ASK_NOTHING;
    return 0;
  }
  if (ds_buf_failed(&d->recalled))
    ds_buf_clear(&d->recalled); /* memory may be had again */
  ds_buf_empty(&d->recalled);
  d->remembered = 0;
  if (!(d->c.can & DS_CAN_RECALL))
    return 0;
  snprintf(d->recall_key, sizeof d->recall_key, "%s", key);
  op->op = DS_OP_RECALL;
  op->space = space;
  op->key = d->recall_key;
  d->recall = ASK_ASKED;
  return 1;
}

ds_span ds_recalled_value (const ds_delivery *d) {
  if (!d->remembered)
    return ds_span_of(NULL, 0);
  return d->recalled.len > 0 ? ds_buf_span(&d->recalled) : ds_span_str("");
}

int ds_delivery_recalled (ds_delivery *d, ds_time now, ds_span value) {
  (void)now;
  if (!ds_answers(d, DS_OP_RECALL))
    return DS_ERR_STATE;
  d->recall = ASK_ANSWERED;
  d->remembered =
      value.p != NULL && ds_buf_append(&d->recalled, value.p, value.n) == DS_OK;
  return DS_OK;
}

/* space is a literal; space, key and value lie behind one another */
void ds_remember (ds_delivery *d, const char *space, const char *key,
                  ds_span value, int64_t expires) {
  size_t n = strlen(key) + 1;
  memo *m, **at;
  if (!(d->c.can & DS_CAN_RECALL))
    return;
  m = (memo *)ds_malloc(sizeof *m + n + value.n);
  if (m == NULL)
    return; /* what is not remembered is found out again */
  memcpy(m->text, key, n);
  if (value.n > 0)
    memcpy(m->text + n, value.p, value.n);
  m->next = NULL;
  m->space = space;
  m->expires = expires;
  m->value = value.p != NULL ? ds_span_of(m->text + n, value.n) : value;
  for (at = &d->memos; *at != NULL; at = &(*at)->next)
    ;
  *at = m;
}

static void drop_memo (ds_delivery *d) {
  memo *m = d->memos;
  d->memos = m->next;
  d->memo_told = 0;
  ds_free(m);
}

void ds_memos_drop (ds_delivery *d) {
  while (d->memos != NULL)
    drop_memo(d);
}

static int tell_memo (ds_delivery *d, ds_op *op) {
  const memo *m;
  if (d->memo_told)
    drop_memo(d);
  m = d->memos;
  if (m == NULL)
    return 0;
  d->memo_told = 1;
  op->op = DS_OP_REMEMBER;
  op->space = m->space;
  op->key = m->text;
  op->value = m->value;
  op->expires = m->expires;
  return 1;
}

/* ------------------------------------------------------------ admission */

/* whose limits hold: a provider's for all its hosts */
static const char *provider (const host *h) {
  if (h == NULL)
    return NULL;
  return h->provider != NULL ? h->provider->name : h->name;
}

int ds_admit (ds_delivery *d, ds_time now, ds_admission what, unsigned n,
              ds_op *op) {
  if (!(d->c.can & DS_CAN_ADMIT) || d->admit == ASK_ANSWERED) {
    d->admit = ASK_NOTHING;
    return 0;
  }
  if (now < d->wake)
    return ds_wait(d, op);
  op->op = DS_OP_ADMIT;
  op->admit = d->admission = what;
  op->destination = d->c.destination;
  op->provider = provider(ds_host_of(d));
  op->n = n;
  d->admit = ASK_ASKED;
  d->admitted = n;
  return 1;
}

int ds_delivery_admitted (ds_delivery *d, ds_time now, uint32_t token,
                          unsigned n) {
  (void)now;
  if (!ds_answers(d, DS_OP_ADMIT))
    return DS_ERR_STATE;
  d->admit = ASK_ANSWERED;
  if (n > 0 && n < d->admitted)
    d->admitted = n;
  if (token != 0)
    d->token = token;
  return DS_OK;
}

static int tell_release (ds_delivery *d, ds_op *op) {
  if (d->released == 0)
    return 0;
  op->op = DS_OP_RELEASE;
  op->token = d->released;
  op->n = 1;
  d->released = 0;
  return 1;
}

void ds_release (ds_delivery *d) {
  d->admit = ASK_NOTHING;
  if (d->token == 0)
    return;
  d->released = d->token;
  d->token = 0;
}

/* ----------------------------------------------------------------- time */

int ds_wait (ds_delivery *d, ds_op *op) {
  op->op = DS_OP_WAIT;
  op->deadline = d->wake;
  return 1;
}

int ds_delivery_later (ds_delivery *d, ds_time now, ds_time when) {
  if (!ds_answers(d, DS_OP_NEXT) && !ds_answers(d, DS_OP_ADMIT))
    return DS_ERR_STATE;
  d->admit = ASK_NOTHING;
  d->wake = when > now ? when : now + 1; /* time must pass, or none ever does */
  return DS_OK;
}

int ds_delivery_tick (ds_delivery *d, ds_time now) {
  (void)now;
  return ds_answers(d, DS_OP_WAIT) ? DS_OK : DS_ERR_STATE;
}

/* ------------------------------------------------------ what is not asked */

int ds_tell_owner (ds_delivery *d, ds_op *op) {
  return tell_release(d, op) || tell_memo(d, op);
}
