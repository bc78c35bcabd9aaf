/*
** policy: what may be connected to, and how much TLS is enough.
*/
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

/* A clock before this is wrong: no certificate can be judged by it. */
#define BUILT INT64_C(1793491200) /* 2026-11-01 */

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

/* a line of the trace that is none of the dialogue's */
void ds_note (ds_delivery *d, const char *fmt, ...) {
  char text[512];
  va_list ap;
  if (!d->c.trace)
    return;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  ds_buf_printf(&d->trace, "-- %s\n", text);
}

/* ---------------------------------------------------------------- terms */

void ds_terms_clear (ds_delivery *d) {
  memset(&d->terms, 0, sizeof d->terms);
  d->terms.level = d->c.level;
  d->terms.policy = d->c.policy;
  d->terms.why = d->terms.enhanced = d->terms.note = "";
}

/* the terms for a message that asks for this */
static void terms_of (const ds_delivery *d, ds_time now, int require,
                      int optional, ds_tls_terms *t) {
  const host *h = ds_host_of(d);
  const ds_sts *p = ds_sts_entry_policy(&d->sts, ds_unix(d, now));
  ds_tls_facts f;
  memset(&f, 0, sizeof f);
  f.level = d->c.level;
  f.policy = d->c.policy;
  f.dane = d->dane;
  f.sts = p != NULL ? p->mode : DS_STS_UNKNOWN;
  f.listed = p != NULL && ds_sts_lists(p, h->name);
  f.trusted = ds_host_trusted(h->name, d->c.trusted, d->c.trusted_count);
  f.store = !d->storeless;
  f.clock = ds_unix(d, now) >= BUILT;
  f.sure = h->preference < 0 || d->mx_secure;
  f.require = require;
  f.optional = optional;
  ds_tls_terms_of(&f, t);
}

static int requires(const work *w) {
  return (w->m.flags & DS_TXN_REQUIRETLS) != 0;
}

/*
** Of messages that wait the one that asks for least sets the terms; those that
** need more have a session of their own when it is done, and fail alone.
*/
static void least_terms (const ds_delivery *d, ds_time now, ds_tls_terms *t) {
  const work *w;
  int require = 1, optional = 0, any = 0;
  for (w = d->works; w != NULL; w = w->next)
    if (w->todo > 0) {
      any = 1;
      require = require && requires(w);
      optional = optional || w->m.tls_optional;
    }
  terms_of(d, now, any && require, optional, t);
}

static void refused (ds_delivery *d, ds_time now) {
  const ds_tls_terms *t = &d->terms;
  ds_row v;
  memset(&v, 0, sizeof v);
  v.outcome = t->refused;
  v.kind = DS_KIND_POLICY;
  v.stage = DS_STAGE_DNS;
  ds_row_where(d, &v);
  snprintf(v.enhanced, sizeof v.enhanced, "%s", t->enhanced);
  snprintf(v.text, sizeof v.text, "%s: %s", ds_host_of(d)->name, t->why);
  ds_verdict_add(d, &v);
  if (strcmp(t->policy, "mta-sts") == 0)
    ds_tlsrpt_sts(d, now, "validation-failure", t->why);
}

int ds_terms_set (ds_delivery *d, ds_time now) {
  least_terms(d, now, &d->terms);
  if (d->terms.refused == DS_PENDING)
    return 1;
  refused(d, now);
  return 0;
}

static ds_level level_of (const ds_delivery *d) {
  return d->tls.version[0] == '\0' ? DS_LEVEL_OPPORTUNISTIC
         : d->tls.dane             ? DS_LEVEL_DANE
         : d->tls.verified         ? DS_LEVEL_VERIFIED
                                   : DS_LEVEL_REQUIRED;
}

int ds_terms_fit (const ds_delivery *d, ds_time now, const work *w) {
  ds_tls_terms t;
  terms_of(d, now, requires(w), w->m.tls_optional, &t);
  return t.refused == DS_PENDING && t.level <= level_of(d);
}

void ds_policy_aside (ds_delivery *d) {
  d->stricter = 1;
  ds_verdict_set(d, DS_DEFERRED, DS_KIND_TLS, DS_STAGE_STARTTLS,
                 "the session with %s has less TLS than the message needs",
                 ds_host_of(d)->name);
}

/* ------------------------------------------------------------- STARTTLS */

/* who will not have it in clear */
static const char *who (const ds_delivery *d) {
  static const char *const words[][2] = {
      {"mta-sts", "the domain has an MTA-STS policy"},
      {"dane", "it publishes TLSA records"},
      {"trusted", "it is one of trusted_hosts"},
  };
  size_t i;
  for (i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(d->terms.policy, words[i][0]) == 0)
      return words[i][1];
  return d->c.level < d->terms.level           ? "the message requires TLS"
         : d->terms.level == DS_LEVEL_DANE     ? "tls=\"dane\""
         : d->terms.level == DS_LEVEL_VERIFIED ? "tls=\"verified\""
                                               : "tls=\"required\"";
}

/*
** ready: EHLO is through in clear.  1: the session may go on; 0: it is over
** for lack of TLS, the verdict is set.  With want_tls set STARTTLS is to be
** said first.
*/
int ds_policy_ready (ds_delivery *d, ds_time now, const ds_smtp_ext *x) {
  if (d->terms.level == DS_LEVEL_OFF ||
      (d->clear && d->terms.level == DS_LEVEL_OPPORTUNISTIC))
    return 1;
  if (x->starttls) {
    d->want_tls = 1;
    return 1;
  }
  snprintf(d->note, sizeof d->note, "STARTTLS is not offered");
  ds_tlsrpt_session(d, now, "starttls-not-supported", "");
  if (d->terms.level == DS_LEVEL_OPPORTUNISTIC)
    return 1;
  ds_verdict_set(d, DS_DEFERRED, DS_KIND_TLS, DS_STAGE_STARTTLS,
                 "STARTTLS is not offered, and nothing is sent in clear: %s",
                 who(d));
  return 0;
}

/*
** tls_failed: STARTTLS or the handshake failed.  1: the same target is to be
** tried again on a new connection in clear (RFC 3207 leaves no other way out
** of a failed handshake, and what was said before it cannot be trusted).
*/
int ds_policy_tls_failed (ds_delivery *d, const char *why) {
  if (d->terms.level != DS_LEVEL_OPPORTUNISTIC || d->clear)
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

/* the session has the level it will have: is there something to be said? */
void ds_policy_session (ds_delivery *d, ds_time now) {
  const ds_sts *p = ds_sts_entry_policy(&d->sts, ds_unix(d, now));
  size_t n = strlen(d->note);
  const char *why = d->tls.unverified, *result = d->tls.failure;
  if (result == NULL)
    result = "success";
  if (p != NULL && p->mode == DS_STS_TESTING) {
    if (!ds_sts_lists(p, ds_host_of(d)->name)) {
      why = "it does not name this host";
      result = "validation-failure";
    }
    if (d->tls.version[0] == '\0')
      why = "sent in clear";
    if (why[0] != '\0')
      snprintf(
          d->note + n, sizeof d->note - n,
          "%sthe domain's MTA-STS policy is not kept to (mode testing): %s",
          n > 0 ? "; " : "", why);
  }
  if (d->tls.version[0] != '\0')
    ds_tlsrpt_session(d, now, result, why);
  ds_best_session(d);
}
