/*
** best: the best level of TLS a destination had, so that no later mail to it
** goes with less and does not say so.  It asks nobody to be better: a policy
** does.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

#define DAY  86400
#define KEPT (30 * DAY)

static const char *const ranks[] = {"none", "encrypted", "verified", "dane"};

static int rank_of (const ds_delivery *d) {
  return d->tls.version[0] == '\0' ? 0
         : d->tls.dane             ? 3
         : d->tls.verified         ? 2
                                   : 1;
}

/* "verified 1795392000": what, and since when it is remembered */
static void read_value (best_level *b, ds_span s) {
  int i;
  for (i = 1; i <= 3; i++) {
    size_t n = strlen(ranks[i]), at;
    if (s.n <= n + 1 || memcmp(s.p, ranks[i], n) != 0 || s.p[n] != ' ')
      continue;
    b->rank = i;
    for (at = n + 1; at < s.n && at < n + 16; at++)
      if (ds_is_digit((unsigned char)s.p[at]))
        b->since = b->since * 10 + (s.p[at] - '0');
  }
}

int ds_best_step (ds_delivery *d, ds_op *op) {
  ds_span v;
  if (d->best.asked)
    return 0;
  if (ds_recall(d, "tls", d->c.destination, op))
    return 1;
  d->best.asked = 1;
  v = ds_recalled_value(d);
  if (v.p != NULL)
    read_value(&d->best, v);
  return 0;
}

int ds_best_verified (const ds_delivery *d) {
  return d->best.rank >= 2;
}

void ds_best_session (ds_delivery *d) {
  size_t n = strlen(d->note);
  if (rank_of(d) >= d->best.rank)
    return;
  snprintf(d->note + n, sizeof d->note - n,
           "%sless than before: this destination was %s once%s%s",
           n > 0 ? "; " : "",
           d->best.rank == 3 ? "authenticated by DANE" : ranks[d->best.rank],
           d->tls.unverified[0] != '\0' ? ", now " : "", d->tls.unverified);
}

void ds_best_keep (ds_delivery *d, ds_time now) {
  int64_t t = ds_unix(d, now);
  int rank = rank_of(d);
  char value[32];
  if (rank == 0 || rank < d->best.rank ||
      (rank == d->best.rank && t - d->best.since < DAY))
    return;
  d->best.rank = rank;
  d->best.since = t;
  snprintf(value, sizeof value, "%s %lld", ranks[rank], (long long)t);
  ds_remember(d, "tls", d->c.destination, ds_span_str(value), t + KEPT);
}
