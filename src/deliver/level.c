#include "deliver/level.h"

#include <string.h>

static const char *const level_names[] = {"off", "opportunistic", "required",
                                          "verified", "dane"};

const char *ds_level_name (ds_level l) {
  return level_names[l];
}

static void raise_to (ds_tls_terms *t, ds_level level, const char *policy) {
  if (level <= t->level)
    return;
  t->level = level;
  t->policy = policy;
}

/* the first reason is the one to tell */
static void refuse (ds_tls_terms *t, ds_outcome o, const char *enhanced,
                    const char *why) {
  if (t->refused != DS_PENDING)
    return;
  t->refused = o;
  t->enhanced = enhanced;
  t->why = why;
}

static void dane_says (const ds_tls_facts *f, ds_tls_terms *t) {
  if (f->dane == DS_DANE_FAILED)
    refuse(t, DS_DEFERRED, "",
           "its TLSA records cannot be looked up, and without them nothing is "
           "sent to it (RFC 7672)");
  if (f->dane == DS_DANE_USABLE)
    raise_to(t, DS_LEVEL_DANE, "dane");
  if (f->dane == DS_DANE_UNUSABLE)
    raise_to(t, DS_LEVEL_REQUIRED, "dane");
}

static void sts_says (const ds_tls_facts *f, ds_tls_terms *t) {
  if (f->sts != DS_STS_ENFORCE)
    return;
  raise_to(t, DS_LEVEL_VERIFIED, "mta-sts");
  if (!f->listed)
    refuse(t, DS_DEFERRED, "",
           "the domain's MTA-STS policy does not name this host");
}

/* a router without a trust store, or with a clock of 1970, must still send */
static void trusted_says (const ds_tls_facts *f, ds_tls_terms *t) {
  if (!f->trusted)
    return;
  if (f->store && f->clock) {
    raise_to(t, DS_LEVEL_VERIFIED, "trusted");
    return;
  }
  raise_to(t, DS_LEVEL_REQUIRED, "trusted");
  if (t->level < DS_LEVEL_VERIFIED)
    t->note = f->clock ? "not verified: no trust store loads here"
                       : "not verified: the clock here is wrong";
}

/* RFC 8689 §4.2.1: the host's name and its certificate must both be sure */
static void message_says (const ds_tls_facts *f, ds_tls_terms *t) {
  int sure = f->sure || (f->sts == DS_STS_ENFORCE && f->listed);
  if (!f->require)
    return;
  if (t->level == DS_LEVEL_OFF)
    refuse(t, DS_FAILED, "5.7.30",
           "the message requires TLS, and tls=\"off\" does without");
  else if (!sure)
    refuse(t, DS_FAILED, "5.7.30",
           "the message requires TLS, and neither DNSSEC nor MTA-STS says that "
           "this host is the domain's");
  else
    raise_to(t, DS_LEVEL_VERIFIED, "config");
}

static void config_says (const ds_tls_facts *f, ds_tls_terms *t) {
  if (f->level != DS_LEVEL_DANE || f->dane == DS_DANE_USABLE)
    return;
  refuse(t, DS_DEFERRED, "",
         f->dane == DS_DANE_FAILED
             ? "its TLSA records cannot be looked up, and tls=\"dane\" needs "
               "them"
         : f->dane == DS_DANE_UNUSABLE
             ? "none of its TLSA records can be used, and tls=\"dane\" needs "
               "one"
         : f->dane == DS_DANE_ABSENT
             ? "it publishes no TLSA records, and tls=\"dane\" needs them"
             : "the DNS on the way to it is not secure, and tls=\"dane\" "
               "needs it");
}

void ds_tls_terms_of (const ds_tls_facts *f, ds_tls_terms *t) {
  memset(t, 0, sizeof *t);
  t->level = f->level;
  t->policy = f->policy;
  t->enhanced = t->why = t->note = "";
  if (f->level != DS_LEVEL_OFF && !f->optional) {
    dane_says(f, t);
    sts_says(f, t);
    trusted_says(f, t);
  }
  message_says(f, t);
  config_says(f, t);
}

int ds_host_within (const char *host, const char *name) {
  size_t h = strlen(host), n = strlen(name);
  if (h < n || (h > n && host[h - n - 1] != '.'))
    return 0;
  return ds_span_eqi(ds_span_of(host + h - n, n), ds_span_of(name, n));
}

int ds_host_trusted (const char *host, const char *const *names, size_t n) {
  static const char *const big[] = {"mail.protection.outlook.com",
                                    "mx.microsoft", "google.com"};
  size_t i;
  if (names == NULL) {
    names = big;
    n = sizeof big / sizeof big[0];
  }
  for (i = 0; i < n; i++)
    if (ds_host_within(host, names[i]))
      return 1;
  return 0;
}
