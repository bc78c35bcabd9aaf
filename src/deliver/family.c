/*
** family: IPv4 or IPv6 first: as it is wanted, as it is remembered, or both at
** once (RFC 8305).
*/
#include <string.h>

#include "deliver/internal.h"

#define STAGGER (DS_SECOND / 4)

/* so long, in seconds, a family that led nowhere is the second choice */
#define FORGET (10 * 60)

static ds_family_order order_of (const ds_delivery *d) {
  return d->c.order == DS_IP_6FIRST && d->six_dead ? DS_IP_4FIRST : d->c.order;
}

static int racing (const ds_delivery *d) {
  return d->c.order == DS_IP_RACE;
}

unsigned ds_family_type (const ds_delivery *d, int n) {
  static const unsigned types[][2] = {
      [DS_IP_4FIRST] = {DS_DNS_A, DS_DNS_AAAA},
      [DS_IP_6FIRST] = {DS_DNS_AAAA, DS_DNS_A},
      [DS_IP_4ONLY] = {DS_DNS_A, 0},
      [DS_IP_6ONLY] = {DS_DNS_AAAA, 0},
      [DS_IP_RACE] = {DS_DNS_AAAA, DS_DNS_A},
  };
  return n < 2 ? types[order_of(d)][n] : 0;
}

/* where both families run, the first is not tried before the second is known */
int ds_family_wait (const ds_delivery *d) {
  return racing(d) && ds_family_type(d, d->family_at) != 0;
}

/* the next of that family among those not yet tried, or their end */
static size_t next_of (const ds_delivery *d, size_t from, int family) {
  while (from < d->address_count && d->addresses[from].ip.family != family)
    from++;
  return from;
}

/* the i-th address is put at `to`, those between move up */
static void pull (ds_delivery *d, size_t i, size_t to) {
  ds_endpoint e = d->addresses[i];
  memmove(&d->addresses[to + 1], &d->addresses[to],
          (i - to) * sizeof d->addresses[0]);
  d->addresses[to] = e;
}

/* in turn one of each family (RFC 8305 §4), the one that led nowhere last time
   behind the other */
void ds_family_sort (ds_delivery *d) {
  size_t at = d->address_at, i;
  int family = d->six_dead ? 4 : 6;
  if (!racing(d))
    return;
  for (; at < d->address_count; at++, family = 10 - family) {
    i = next_of(d, at, family);
    if (i == d->address_count)
      i = next_of(d, at, 10 - family);
    pull(d, i, at);
  }
}

/* --------------------------------------------------------------- memory */

/* 1: op asks */
int ds_family_recall (ds_delivery *d, ds_op *op) {
  if (d->six_asked || (d->c.order != DS_IP_6FIRST && !racing(d)))
    return 0;
  if (ds_recall(d, "family", "6", op))
    return 1;
  d->six_asked = 1;
  d->six_dead = ds_recalled_value(d).n > 0;
  return 0;
}

/* a refusal is the host's own; silence, or no way, may be IPv6's */
void ds_family_failed (ds_delivery *d, ds_failure f) {
  if (d->peer.ip.family == 6 &&
      (f == DS_FAIL_TIMEOUT || f == DS_FAIL_UNREACHABLE))
    d->six_failed = 1;
}

/* the index-th of those that ran answered, behind others with a start of it */
void ds_family_connected (ds_delivery *d, ds_time now, size_t index) {
  int six;
  if (index > 0 && index < d->racers) {
    d->six_failed = d->six_failed || d->peer.ip.family == 6;
    d->peer = d->race[index].to;
  }
  d->racers = 1;
  six = d->peer.ip.family == 6;
  if (!six && d->six_failed && !d->six_dead)
    ds_remember(d, "family", "6", ds_span_str("dead"),
                ds_unix(d, now) + FORGET);
  else if (six && d->six_dead)
    ds_remember(d, "family", "6", ds_span_of(NULL, 0), 0);
  else
    return;
  d->six_dead = !six;
  d->six_failed = 0;
}

/* ----------------------------------------------------------------- race */

/* the addresses that are left run against each other, as many as the host may
   be connected to: op says so; d->peer is the first of them */
void ds_family_race (ds_delivery *d, unsigned most, ds_op *op) {
  if (!racing(d) || !(d->c.can & DS_CAN_RACE))
    return;
  if (most > RACERS)
    most = RACERS;
  d->race[0].to = d->peer;
  while (d->racers < most && ds_aim(d))
    d->race[d->racers++].to = d->addresses[d->address_at++];
  if (d->racers < 2)
    return;
  for (most = 0; most < d->racers; most++)
    d->race[most].local = ds_source_for(d, &d->race[most].to.ip);
  op->targets = d->race;
  op->target_count = d->racers;
  op->stagger = STAGGER;
}
