/*
** judge: what the engine's word about a recipient means for the delivery: an
** outcome, or another try, and where.
*/
#include <string.h>

#include "deliver/internal.h"

/*
** What receivers ask of IPv6 and not of IPv4: a name for the address (Google
** 5.7.25), a message that is authenticated (Google and Microsoft 4.7.26,
** Microsoft 5.7.510).
*/
static int minds_ipv6 (const ds_delivery *d, const ds_row *r) {
  static const char *const codes[] = {"4.7.26", "5.7.25", "5.7.510"};
  size_t i;
  if (d->peer.ip.family != 6 || d->c.order == DS_IP_6ONLY)
    return 0;
  for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
    if (strcmp(r->enhanced, codes[i]) == 0)
      return 1;
  return 0;
}

int ds_minds_ipv6 (ds_delivery *d, const ds_row *r) {
  if (!minds_ipv6(d, r))
    return 0;
  d->six_refused = d->closing = 1;
  return 1;
}

/* commands and bodies went ahead of replies, and the host lost count: a
   sequence it calls bad, or replies that do not pair */
static int out_of_step (const ds_delivery *d, const ds_smtp_event *ev) {
  if (ds_host_of(d)->careful || ev->outcome == DS_UNKNOWN ||
      !ds_smtp_extensions(ds_session_smtp(d->session))->pipelining)
    return 0;
  return ev->reply != NULL ? ev->reply->code == 503 && !ev->lost
                           : ev->lost && ev->kind == DS_KIND_PROTOCOL;
}

/* not an octet of it left: the session died before */
static int unsaid (const ds_delivery *d, const flight *f, const ds_row *r) {
  return r->outcome == DS_UNKNOWN && d->sent <= f->from;
}

static verdict elsewhere (ds_delivery *d, const flight *f,
                          const ds_smtp_event *ev) {
  ds_row *r = &d->row;
  if (unsaid(d, f, r)) {
    r->outcome = DS_DEFERRED;
    return VERDICT_ELSEWHERE;
  }
  if (r->outcome == DS_UNKNOWN)
    return VERDICT_STANDS;
  if (out_of_step(d, ev)) {
    d->careful_due = d->closing = 1;
    return VERDICT_ELSEWHERE;
  }
  return ev->lost || ds_minds_ipv6(d, r) ? VERDICT_ELSEWHERE : VERDICT_STANDS;
}

/* one too many for this host: it takes as many as it took */
static verdict split (ds_delivery *d, const flight *f) {
  host *h = ds_host_of(d);
  if (h->recipients == 0 || f->accepted < h->recipients)
    h->recipients = f->accepted;
  return VERDICT_SPLIT;
}

verdict ds_judge (ds_delivery *d, const flight *f, const ds_smtp_event *ev) {
  verdict v = VERDICT_STANDS;
  if (ev->outcome != DS_DELIVERED)
    v = ev->split && f->accepted > 0 ? split(d, f) : elsewhere(d, f, ev);
  d->settled += v == VERDICT_STANDS;
  d->delivered += ev->outcome == DS_DELIVERED;
  return v;
}
