/*
** peer: whom the TLS of a session is for: names, records, what is checked, and
** who may resume it.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

/* what sessions may be shared by, besides what the tls room sees to */
static void key_of (const ds_delivery *d, char *out, size_t size) {
  char to[DS_ENDPOINT_TEXT];
  ds_endpoint_format(&d->peer, to);
  snprintf(out, size, "%s %s %s %s %s", ds_host_of(d)->name, to,
           ds_level_name(d->terms.level), d->terms.policy,
           d->c.hostname != NULL ? d->c.hostname : "-");
}

static int resumed (const ds_delivery *d) {
  size_t i;
  for (i = 0; i < d->c.fresh_count; i++)
    if (ds_host_within(ds_host_of(d)->name, d->c.fresh[i]))
      return 0;
  return d->c.resumption;
}

/* a big receiver's host is verified where anything can be */
static void find_store (ds_delivery *d, ds_time now) {
  ds_error e;
  ds_error_clear(&e);
  if (d->storeless || d->terms.level != DS_LEVEL_VERIFIED ||
      strcmp(d->terms.policy, "trusted") != 0)
    return;
  d->storeless = d->backend->trust_loads(d->ctx, &e) != DS_OK;
  if (d->storeless)
    ds_terms_set(d, now);
}

/* is somebody looked at who need not prove anything: for a policy on trial,
   or because it was verified once */
static int judged (const ds_delivery *d, ds_time now) {
  const ds_sts *p = ds_sts_entry_policy(&d->sts, ds_unix(d, now));
  return (p != NULL && p->mode == DS_STS_TESTING) || ds_best_verified(d);
}

/* RFC 7672 §3.2.2 */
static void dane_peer (const ds_delivery *d, ds_peer *p) {
  size_t n = 0;
  p->tls.tlsa = ds_dane_records(d, &p->tls.tlsa_count);
  p->tls.host = ds_dane_base(d);
  p->names[n++] = ds_host_of(d)->name;
  p->names[n++] = d->c.destination;
  if (d->mx_alias != NULL && d->mx_alias[0] != '\0')
    p->names[n++] = d->mx_alias;
  p->tls.names = p->names;
  p->tls.name_count = n;
}

void ds_peer_of (ds_delivery *d, ds_time now, ds_peer *p) {
  const host *h = ds_host_of(d);
  memset(&p->tls, 0, sizeof p->tls);
  find_store(d, now);
  p->tls.host = h->name;
  if (h->literal.family != 0) { /* a certificate has no brackets */
    ds_ip_format(&h->literal, p->literal);
    p->tls.host = p->literal;
  }
  p->tls.verify = d->terms.level >= DS_LEVEL_VERIFIED ? DS_TLS_VERIFY
                  : judged(d, now)                    ? DS_TLS_JUDGE
                                                      : DS_TLS_ENCRYPT;
  p->tls.time = ds_unix(d, now);
  if (d->terms.level == DS_LEVEL_DANE)
    dane_peer(d, p);
  key_of(d, p->key, sizeof p->key);
  p->tls.session_key = resumed(d) ? p->key : NULL;
  if (d->terms.note[0] != '\0')
    ds_copy_text(d->note, sizeof d->note, d->terms.note);
}
