/*
** connect: which address is next, and what is asked before it is connected to.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

#define CONNECTS 5 /* to one host, where nobody says more or less */

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
  return h->connects >= limit(d->c.connects, CONNECTS) ||
         h->sessions >= limit(d->c.sessions, 2);
}

ds_ip ds_source_for (const ds_delivery *d, const ds_ip *to) {
  ds_ip any = {0};
  size_t i = d->c.source_count;
  while (i-- > 0)
    if (d->c.source[i].family == to->family)
      return d->c.source[i];
  return any;
}

void ds_bind_to (const ds_delivery *d, ds_op *op) {
  op->local = ds_source_for(d, &op->target.ip);
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

int ds_aim (ds_delivery *d) {
  while (d->six_refused && d->address_at < d->address_count &&
         d->addresses[d->address_at].ip.family == 6)
    d->address_at++;
  return d->address_at < d->address_count;
}

static int ask_connect (ds_delivery *d, ds_time now, ds_op *op) {
  const char *key = ds_reuse_key(d);
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

/* the next address, or what is left of them */
static void take_aim (ds_delivery *d, ds_op *op) {
  const host *h = ds_host_of(d);
  ds_target_clear(d);
  d->peer = d->addresses[d->address_at++];
  ds_family_race(d, limit(d->c.connects, CONNECTS) - h->connects, op);
}

/* 1 and a CONNECT, 0: d->phase says what else is to be done */
int ds_connect_step (ds_delivery *d, ds_time now, ds_op *op) {
  host *h = ds_host_of(d);
  if (now >= d->until || (!d->again && ds_host_used_up(d))) {
    d->phase = PH_HOST;
    return 0;
  }
  if (!d->again && !ds_aim(d)) {
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
  d->racers = 1;
  if (!d->again)
    take_aim(d, op);
  d->again = 0;
  h->connects += (unsigned)d->racers;
  return ask_connect(d, now, op);
}

/* whom it was tried to connect to */
static void where (const ds_delivery *d, char *out, size_t size) {
  char text[DS_ENDPOINT_TEXT];
  size_t i, n = 0;
  ds_endpoint_format(&d->peer, text);
  n = (size_t)snprintf(out, size, "%s", text);
  for (i = 1; i < d->racers && n < size; i++) {
    ds_endpoint_format(&d->race[i].to, text);
    n += (size_t)snprintf(out + n, size - n, ", %s", text);
  }
}

void ds_connect_failed (ds_delivery *d, ds_outcome o, ds_kind kind,
                        const char *text) {
  char whom[RACERS * (DS_ENDPOINT_TEXT + 2)];
  where(d, whom, sizeof whom);
  ds_verdict_set(d, o, kind, DS_STAGE_CONNECT, "connect to %s: %s", whom, text);
  ds_release(d);
  d->phase = PH_CONNECT;
}
