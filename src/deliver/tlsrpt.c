/*
** tlsrpt: what TLS came to, for those who publish a policy and want to be told
** (RFC 8460).  Each result is one line to be remembered; whoever keeps them
** counts those that are alike.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

#define POLICY 4096 /* octets of a policy that are told */
#define KEPT   (8 * 86400)

static const ds_sts *sts_policy (const ds_delivery *d, ds_time now) {
  const ds_sts *p = ds_sts_entry_policy(&d->sts, ds_unix(d, now));
  return p != NULL && p->mode >= DS_STS_TESTING ? p : NULL;
}

/* a field of the line; what ends one is a blank in it */
static void put (ds_buf *b, const char *text) {
  for (; *text != '\0'; text++)
    ds_buf_putc(b, (unsigned char)*text < ' ' ? ' ' : *text);
  ds_buf_putc(b, '\t');
}

static void put_ip (ds_buf *b, const ds_ip *ip) {
  char text[DS_IP_TEXT] = "";
  if (ip->family != 0)
    ds_ip_format(ip, text);
  put(b, text);
}

/* the policy as it is published, its lines parted by '|' */
static void put_sts (ds_buf *b, const ds_sts *p) {
  size_t i, begin = b->len;
  ds_buf_printf(b, "version: STSv1|mode: %s|max_age: %lu",
                p->mode == DS_STS_ENFORCE ? "enforce" : "testing",
                (unsigned long)p->max_age);
  for (i = 0; i < p->count && b->len - begin < POLICY; i++)
    ds_buf_printf(b, "|mx: %s", ds_sts_pattern(p, i));
}

static void put_tlsa (ds_buf *b, const ds_tlsa *r, size_t n) {
  size_t i, k, begin = b->len;
  for (i = 0; i < n && b->len - begin < POLICY; i++) {
    ds_buf_printf(b, "%s%u %u %u ", i > 0 ? "|" : "", r[i].usage, r[i].selector,
                  r[i].matching);
    for (k = 0; k < r[i].data.n && k < POLICY / 2; k++)
      ds_buf_printf(b, "%02x", (unsigned char)r[i].data.p[k]);
  }
}

static void put_policy (ds_delivery *d, ds_time now, ds_buf *b, int tlsa) {
  const ds_sts *p = sts_policy(d, now);
  size_t n;
  const ds_tlsa *r = ds_dane_records(d, &n);
  if (tlsa)
    put_tlsa(b, r, n);
  else if (p != NULL)
    put_sts(b, p);
}

/* whom it is about: nobody while a policy is looked for, and no address before
   one is connected to */
static void put_ends (const ds_delivery *d, ds_buf *b) {
  static const ds_ip none;
  const host *h = d->search == NULL ? ds_host_of(d) : NULL;
  int met = h != NULL && d->peer.ip.family != 0;
  put_ip(b, met ? &d->local : &none);
  put(b, h != NULL ? h->name : "");
  put_ip(b, met ? &d->peer.ip : &none);
}

static void tell (ds_delivery *d, ds_time now, int tlsa, const char *result,
                  const char *reason) {
  ds_buf b;
  if (!(d->c.can & DS_CAN_REPORT))
    return;
  ds_buf_init(&b);
  put(&b, tlsa ? "tlsa" : "sts");
  put(&b, result);
  put_ends(d, &b);
  put(&b, reason);
  put_policy(d, now, &b, tlsa);
  if (!ds_buf_failed(&b))
    ds_remember(d, "tlsrpt", d->c.destination, ds_buf_span(&b),
                ds_unix(d, now) + KEPT);
  ds_buf_clear(&b);
}

static int by_dane (const ds_delivery *d) {
  return d->dane == DS_DANE_USABLE || d->dane == DS_DANE_UNUSABLE;
}

void ds_tlsrpt_session (ds_delivery *d, ds_time now, const char *result,
                        const char *reason) {
  if (by_dane(d) || sts_policy(d, now) != NULL)
    tell(d, now, by_dane(d), result, reason);
}

void ds_tlsrpt_sts (ds_delivery *d, ds_time now, const char *result,
                    const char *reason) {
  tell(d, now, 0, result, reason);
}

void ds_tlsrpt_dane (ds_delivery *d, ds_time now, const char *result,
                     const char *reason) {
  tell(d, now, 1, result, reason);
}
