/*
** delivery: the operation machine.  Phases lead from one to the next until
** one of them asks for an operation; each answer goes to whom it belongs.
*/
#include "deliver/delivery.h"

#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

static const char *const op_names[] = {
    "none",   "connect", "send",   "receive", "close", "next",     "body",
    "rewind", "context", "recall", "admit",   "wait",  "remember", "release",
    "keep",   "result",  "host",   "answer",  "trace", "done",
};

static const char *const failure_names[] = {
    "connection refused", "unreachable",      "timed out",
    "connection closed",  "connection reset", "failed on this machine",
    "cancelled",
};

const char *ds_op_name (ds_op_kind k) {
  return op_names[k];
}

const char *ds_failure_name (ds_failure f) {
  return failure_names[f];
}

/* --------------------------------------------------------- construction */

ds_delivery *ds_delivery_new (const ds_delivery_config *c, ds_error *e) {
  ds_delivery *d;
  if (ds_config_check(c, e) != DS_OK)
    return NULL;
  d = (ds_delivery *)ds_calloc(1, sizeof *d);
  if (d == NULL || ds_config_copy(d, c) != DS_OK) {
    ds_free(d);
    ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
    return NULL;
  }
  ds_buf_init(&d->trace);
  ds_buf_init(&d->told);
  ds_buf_init(&d->recalled);
  ds_buf_init(&d->reuse_key);
  ds_sts_entry_init(&d->sts);
  ds_terms_clear(d);
  d->phase = PH_FEED;
  return d;
}

void ds_delivery_free (ds_delivery *d) {
  if (d == NULL)
    return;
  ds_attempt_forget(d);
  ds_resolve_end(d);
  ds_discover_end(d);
  ds_dane_end(d);
  ds_sts_entry_clear(&d->sts);
  ds_free(d->mx_alias);
  while (d->works != NULL)
    ds_work_drop(d, d->works);
  ds_free(d->hosts);
  ds_config_drop(d);
  ds_buf_clear(&d->trace);
  ds_buf_clear(&d->told);
  ds_buf_clear(&d->recalled);
  ds_buf_clear(&d->reuse_key);
  ds_memos_drop(d);
  ds_kept_free(d->kept);
  ds_free(d);
}

/* --------------------------------------------------------------- phases */

void ds_out_of_memory (ds_delivery *d) {
  ds_verdict_set(d, DS_DEFERRED, DS_KIND_LOCAL, DS_STAGE_NONE, "out of memory");
  d->phase = PH_SETTLE;
}

/* the hosts from the first one on, for a message that has tried none */
static void start_over (ds_delivery *d) {
  size_t i;
  d->host_at = 0;
  d->six_refused = 0;
  d->verdicts = 0;
  memset(&d->verdict, 0, sizeof d->verdict);
  for (i = 0; i < d->host_count; i++)
    d->hosts[i].connects = d->hosts[i].sessions = 0;
}

static int feed_phase (ds_delivery *d, ds_time now, ds_op *op) {
  if (d->works == NULL && d->ended && !d->c.plan) {
    d->phase = PH_DONE;
    return 0;
  }
  if (d->works == NULL && !d->c.plan) {
    if (now < d->wake)
      return ds_wait(d, op);
    return ds_feed_next(d, now, op);
  }
  if (d->stop) {
    d->phase = PH_SETTLE;
    return 0;
  }
  if (now < d->stay) {
    d->again = 1;
    d->phase = PH_CONNECT;
    return 0;
  }
  start_over(d);
  d->phase = d->hosts == NULL ? PH_RESOLVE : PH_POLICY;
  return 0;
}

static int resolve_phase (ds_delivery *d, ds_time now, ds_op *op) {
  int r = DS_OK;
  if (d->c.plan && d->until == 0)
    d->until = now + d->c.timeouts.total;
  if (d->query == NULL)
    r = ds_resolve_start(d, now);
  if (r == DS_OK)
    r = ds_resolve_step(d, now, op);
  if (r == 0)
    d->phase = d->hosts != NULL ? PH_POLICY : PH_SETTLE;
  else if (r < 0)
    ds_out_of_memory(d);
  return r > 0;
}

/* what holds for all of the destination's hosts */
static int policy_phase (ds_delivery *d, ds_time now, ds_op *op) {
  int r = ds_best_step(d, op);
  if (r == 0)
    r = ds_discover_step(d, now, op);
  if (r < 0)
    ds_out_of_memory(d);
  else if (r == 0)
    d->phase = PH_HOST;
  return r > 0;
}

/* a plan tells all hosts: what is looked up when time is over fails at once */
static void host_phase (ds_delivery *d, ds_time now) {
  int late = now >= d->until && !d->c.plan;
  if (late)
    ds_verdict_set(d, DS_DEFERRED, DS_KIND_TIMEOUT, DS_STAGE_NONE,
                   "the time for it all is over (timeout.total)");
  d->again = 0;
  ds_release(d); /* admitted, but it has become too late */
  d->phase = !late && !d->cancelled && ds_host_next(d) ? PH_ADDRESS : PH_SETTLE;
}

/* one host of the plan, when all its addresses are known */
static int plan_step (ds_delivery *d, ds_op *op) {
  const host *h = ds_host_of(d);
  ds_plan_host *p = &d->plan;
  memset(p, 0, sizeof *p);
  snprintf(p->name, sizeof p->name, "%s",
           h != NULL ? h->name : d->c.destination);
  p->preference = h != NULL ? h->preference : -1;
  p->addresses = d->addresses;
  p->count = d->address_count;
  p->level = d->terms.level;
  p->policy = d->terms.policy;
  if (p->count == 0 || d->terms.refused != DS_PENDING) {
    p->outcome = d->permanent ? DS_FAILED : DS_DEFERRED;
    p->kind = d->verdict.kind;
    snprintf(p->refused, sizeof p->refused, "%s", d->verdict.text);
  }
  d->verdicts = 0;
  op->op = DS_OP_HOST;
  op->host = p;
  return 1;
}

static int address_phase (ds_delivery *d, ds_time now, ds_op *op) {
  int r = ds_family_recall(d, op);
  if (r == 0)
    r = ds_address_step(d, now, op);
  if (r == 1)
    return 1;
  if (r < 0)
    ds_out_of_memory(d);
  else if (d->c.plan && r == 0)
    d->address_at = d->address_count; /* not to be tried: the other family */
  else
    d->phase = r == NO_ADDRESS && !d->c.plan ? PH_HOST : PH_DANE;
  return 0;
}

static int dane_phase (ds_delivery *d, ds_time now, ds_op *op) {
  int r = ds_dane_step(d, now, op);
  if (r > 0)
    return 1;
  if (r < 0)
    ds_out_of_memory(d);
  else if (d->c.plan) {
    ds_terms_set(d, now);
    d->phase = PH_HOST;
    return plan_step(d, op);
  } else
    d->phase = PH_CONNECT;
  return 0;
}

static int close_phase (ds_delivery *d, ds_op *op) {
  d->phase = d->cancelled ? PH_SETTLE : d->after;
  ds_release(d);
  if (!d->connected)
    return 0;
  d->connected = 0;
  op->op = DS_OP_CLOSE;
  op->conn = d->conn;
  op->abort = d->cancelled;
  return 1;
}

static int settle_phase (ds_delivery *d, ds_time now, ds_op *op) {
  if (d->c.question != 0) {
    d->phase = PH_DONE;
    return ds_tell_answer(d, NULL, d->verdict.text, op);
  }
  if (d->c.plan && d->verdicts > 0)
    return plan_step(d, op);
  if (ds_settle_step(d, now, op))
    return 1;
  d->phase = d->cancelled || d->c.plan ? PH_DONE : PH_FEED;
  return 0;
}

static int run (ds_delivery *d, ds_time now, ds_op *op) {
  switch (d->phase) {
  case PH_FEED:
    return feed_phase(d, now, op);
  case PH_RESOLVE:
    return resolve_phase(d, now, op);
  case PH_POLICY:
    return policy_phase(d, now, op);
  case PH_HOST:
    host_phase(d, now);
    return 0;
  case PH_ADDRESS:
    return address_phase(d, now, op);
  case PH_DANE:
    return dane_phase(d, now, op);
  case PH_CONNECT:
    return ds_connect_step(d, now, op);
  case PH_SESSION:
    return ds_attempt_step(d, now, op);
  case PH_CLOSE:
    return close_phase(d, op);
  case PH_SETTLE:
    return settle_phase(d, now, op);
  default:
    op->op = DS_OP_DONE;
    return 1;
  }
}

static int tell_trace (ds_delivery *d, ds_op *op) {
  if (d->trace.len == 0)
    return 0;
  ds_buf_empty(&d->told);
  ds_buf_swap(&d->trace, &d->told);
  op->op = DS_OP_TRACE;
  op->data = ds_buf_span(&d->told);
  return 1;
}

static int wants_answer (ds_op_kind k) {
  return k >= DS_OP_CONNECT && k <= DS_OP_WAIT && k != DS_OP_CLOSE;
}

void ds_delivery_next (ds_delivery *d, ds_time now, ds_op *op) {
  memset(op, 0, sizeof *op);
  if (d->open != DS_OP_NONE)
    return;
  ds_kept_free(ds_kept_take(d)); /* nobody wanted it */
  d->room = 0;
  if (!tell_trace(d, op) && !ds_tell_owner(d, op))
    while (!run(d, now, op))
      ;
  d->open = wants_answer(op->op) ? op->op : DS_OP_NONE;
}
