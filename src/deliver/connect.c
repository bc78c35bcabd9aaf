/*
** connect: which address is next, and what is asked before it is connected to.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

/* what is known of the target that was tried does not hold for the next */
void ds_target_clear (ds_delivery *d) {
  memset(&d->peer, 0, sizeof d->peer);
  memset(&d->tls, 0, sizeof d->tls);
  d->note[0] = '\0';
  d->clear = 0;
  d->stay = 0;
}

static unsigned limit (unsigned n, unsigned standard) {
  return n > 0 ? n : standard;
}

int ds_host_used_up (const ds_delivery *d) {
  const host *h = ds_host_of(d);
  return h->connects >= limit(d->c.connects, 5) ||
         h->sessions >= limit(d->c.sessions, 2);
}

void ds_bind_to (const ds_delivery *d, ds_op *op) {
  size_t i;
  for (i = 0; i < d->c.source_count; i++)
    if (d->c.source[i].family == op->target.ip.family)
      op->local = d->c.source[i];
  op->interface = d->c.interface;
}

static ds_time sooner (ds_time a, ds_time b) {
  return a < b ? a : b;
}

/* what is known of a host before it is spoken to: 1 and a question */
static int know (ds_delivery *d, ds_op *op) {
  host *h = ds_host_of(d);
  if (h->recalled)
    return 0;
  if (ds_recall(d, "careful", ds_careful_key(d), op))
    return 1;
  h->careful = h->careful || ds_recalled_value(d).n > 0;
  h->provider = ds_provider_of(h->name);
  h->recalled = 1;
  return 0;
}

/* the next address; 0: there is none */
static int aim (ds_delivery *d) {
  if (d->again)
    return 1;
  while (d->six_refused && d->address_at < d->address_count &&
         d->addresses[d->address_at].ip.family == 6)
    d->address_at++;
  return d->address_at < d->address_count;
}

static int ask_connect (ds_delivery *d, ds_time now, ds_op *op) {
  const char *key = ds_reuse_key(d);
  ds_host_of(d)->connects++;
  op->op = DS_OP_CONNECT;
  op->conn = ++d->conn;
  op->tcp = 1;
  op->target = d->peer;
  op->deadline = sooner(now + d->c.timeouts.connect, d->until);
  op->reuse = d->stale ? NULL : key;
  d->reusing = op->reuse != NULL;
  d->stale = 0;
  ds_bind_to(d, op);
  return 1;
}

/* 1 and a CONNECT, 0: d->phase says what else is to be done */
int ds_connect_step (ds_delivery *d, ds_time now, ds_op *op) {
  if (now >= d->until || (!d->again && ds_host_used_up(d))) {
    d->phase = PH_HOST;
    return 0;
  }
  if (!aim(d)) {
    d->phase = PH_ADDRESS;
    return 0;
  }
  if (!ds_terms_set(d, now)) {
    d->again = 0;
    d->phase = PH_HOST;
    return 0;
  }
  if (ds_secure_early(d, op) || know(d, op) ||
      ds_admit(d, now, DS_ADMIT_CONNECTION, 1, op))
    return 1;
  if (!d->again) {
    ds_target_clear(d);
    d->peer = d->addresses[d->address_at++];
  }
  d->again = 0;
  return ask_connect(d, now, op);
}

void ds_connect_failed (ds_delivery *d, ds_outcome o, ds_kind kind,
                        const char *text) {
  char where[DS_ENDPOINT_TEXT];
  ds_endpoint_format(&d->peer, where);
  ds_verdict_set(d, o, kind, DS_STAGE_CONNECT, "connect to %s: %s", where,
                 text);
  ds_release(d);
  d->phase = PH_CONNECT;
}
