/*
** policy: what may be connected to, and how much TLS is enough.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

/*
** A host that the DNS names must be one the internet could reach, or anybody
** who writes MX records could aim us at this machine's own network.  A pinned
** host was named by the user.
*/
const char *ds_policy_refused (const ds_delivery *d, const ds_ip *ip) {
  const char *special = ds_ip_special(ip);
  size_t i;
  if (special == NULL || d->c.pinned || d->c.allow_private)
    return NULL;
  for (i = 0; i < d->c.allowed_count; i++)
    if (ds_network_contains(&d->c.allowed[i], ip))
      return NULL;
  return special;
}

/*
** tls_on_ready: EHLO is through in clear.  1: the session may go on; 0: it is
** over for lack of TLS, the verdict is set.  With want_tls set STARTTLS is
** to be said first.
*/
int ds_policy_ready (ds_delivery *d, const ds_smtp_ext *x) {
  if (d->c.level == DS_LEVEL_OFF || d->clear)
    return 1;
  if (x->starttls) {
    d->want_tls = 1;
    return 1;
  }
  snprintf(d->note, sizeof d->note, "STARTTLS is not offered");
  if (d->c.level == DS_LEVEL_OPPORTUNISTIC)
    return 1;
  ds_verdict_set(
      d, DS_DEFERRED, DS_KIND_TLS, DS_STAGE_STARTTLS,
      "STARTTLS is not offered, and tls=\"%s\" sends nothing in clear",
      d->c.level == DS_LEVEL_VERIFIED ? "verified" : "required");
  return 0;
}

/*
** tls_failed: STARTTLS or the handshake failed.  1: the same target is to be
** tried again on a new connection in clear (RFC 3207 leaves no other way out
** of a failed handshake, and what was said before it cannot be trusted).
*/
int ds_policy_tls_failed (ds_delivery *d, const char *why) {
  if (d->c.level != DS_LEVEL_OPPORTUNISTIC || d->clear)
    return 0;
  snprintf(d->note, sizeof d->note, "sent in clear, STARTTLS failed: %s", why);
  d->clear = 1;
  return 1;
}

/* TLS cannot be had on this machine; nothing of it was said to the host */
void ds_policy_no_tls (ds_delivery *d, const char *why) {
  d->want_tls = 0;
  snprintf(d->note, sizeof d->note, "no TLS on this side: %s", why);
}
