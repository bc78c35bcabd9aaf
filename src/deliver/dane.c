/*
** dane: the TLSA records of a host, as far as they may be believed (RFC 7672
** §2.2): the resolver is trusted to tell what is secure, and every name on the
** way from the destination to the records is.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

typedef enum dane_at {
  AT_NAMES, /* where the records may be */
  AT_ALIAS, /* is the host's own alias secure, when what it leads to is not? */
  AT_RECORDS
} dane_at;

struct dane_search {
  dane_at at;
  int known; /* an answer with addresses came: */
  int secure, aliased;
  char alias[DS_DNS_NAME];    /* what the host's name leads to */
  char names[2][DS_DNS_NAME]; /* base domains, in the order they are tried */
  size_t count, tried;
  ds_query *found; /* keeps the records' octets */
  ds_tlsa *records;
  size_t record_count;
};

/* a literal has no name, and who set "off" does not ask */
static int applies (const ds_delivery *d) {
  const host *h = ds_host_of(d);
  return d->c.dns.trust_ad && d->c.level != DS_LEVEL_OFF &&
         h->literal.family == 0 && (h->preference < 0 || d->mx_secure);
}

void ds_dane_end (ds_delivery *d) {
  dane_search *s = d->tlsa;
  d->tlsa = NULL;
  d->dane = DS_DANE_UNASKED;
  if (s == NULL)
    return;
  ds_query_free(s->found);
  ds_free(s->records);
  ds_free(s);
}

/* the first family that has addresses tells; both have the same owner */
void ds_dane_address (ds_delivery *d, const ds_dns_answer *a) {
  dane_search *s = d->tlsa;
  if (!applies(d) || a->count == 0)
    return;
  if (s == NULL)
    d->tlsa = s = (dane_search *)ds_calloc(1, sizeof *s);
  if (s == NULL || s->known)
    return;
  s->known = 1;
  s->secure = a->secure;
  s->aliased = a->aliases > 0;
  memcpy(s->alias, a->name, sizeof s->alias);
}

static void add_name (dane_search *s, const char *name) {
  snprintf(s->names[s->count++], DS_DNS_NAME, "%s", name);
}

/* an insecure name that is no alias ends it */
static void names_step (ds_delivery *d) {
  dane_search *s = d->tlsa;
  s->at = AT_RECORDS;
  if (!s->secure && s->aliased)
    s->at = AT_ALIAS;
  else if (s->secure) {
    if (s->aliased && ds_dns_name_ok(ds_span_str(s->alias), 1))
      add_name(s, s->alias);
    add_name(s, ds_host_of(d)->name);
  }
}

static int failed (const ds_dns_answer *a) {
  return a->status != DS_DNS_NOERROR && a->status != DS_DNS_NXDOMAIN;
}

/* what cannot be looked up may be what an attacker keeps from us */
static void no_answer (ds_delivery *d, ds_time now) {
  d->dane = DS_DANE_FAILED;
  ds_note(d, "DANE: %s", ds_query_text(d->query));
  ds_tlsrpt_dane(d, now, "dnssec-invalid", ds_query_text(d->query));
}

static int alias_step (ds_delivery *d, ds_time now, ds_op *op) {
  dane_search *s = d->tlsa;
  const ds_dns_answer *a;
  if (d->query == NULL &&
      ds_ask(d, now, ds_host_of(d)->name, DS_DNS_CNAME) != DS_OK)
    return DS_ERR_NOMEM;
  if (ds_ask_step(d, now, op))
    return 1;
  a = ds_query_answer(d->query);
  s->at = AT_RECORDS;
  if (failed(a))
    no_answer(d, now);
  else if (a->secure && a->count > 0)
    add_name(s, ds_host_of(d)->name);
  ds_resolve_end(d);
  return 0;
}

/* these are secure: whatever they are, no other name is asked for */
static int take_records (ds_delivery *d, ds_time now, const ds_dns_answer *a) {
  dane_search *s = d->tlsa;
  size_t i;
  s->records = (ds_tlsa *)ds_calloc(a->count, sizeof *s->records);
  if (s->records == NULL)
    return DS_ERR_NOMEM;
  for (i = 0; i < a->count; i++) {
    const ds_dns_record *r = &a->records[i];
    s->records[i].usage = r->usage;
    s->records[i].selector = r->selector;
    s->records[i].matching = r->matching;
    s->records[i].data = ds_span_of((const char *)r->data, r->size);
  }
  s->record_count = a->count;
  s->found = d->query;
  d->query = NULL;
  d->dane = ds_tls_tlsa_usable(s->records, s->record_count) > 0
                ? DS_DANE_USABLE
                : DS_DANE_UNUSABLE;
  if (d->dane == DS_DANE_UNUSABLE)
    ds_tlsrpt_dane(d, now, "tlsa-invalid", "");
  return 0;
}

static int records_step (ds_delivery *d, ds_time now, ds_op *op) {
  char name[DS_DNS_NAME + 16];
  dane_search *s = d->tlsa;
  const ds_dns_answer *a;
  int r = 0;
  snprintf(name, sizeof name, "_%u._tcp.%s", (unsigned)d->c.port,
           s->names[s->tried]);
  if (d->query == NULL) {
    if (!ds_dns_name_ok(ds_span_str(name), 0)) {
      s->tried++; /* too long: nothing can be there */
      return 0;
    }
    if (ds_ask(d, now, name, DS_DNS_TLSA) != DS_OK)
      return DS_ERR_NOMEM;
  }
  if (ds_ask_step(d, now, op))
    return 1;
  a = ds_query_answer(d->query);
  if (failed(a))
    no_answer(d, now);
  else if (a->secure && a->count > 0)
    r = take_records(d, now, a);
  else
    s->tried++;
  ds_resolve_end(d);
  return r;
}

static int search (ds_delivery *d, ds_time now, ds_op *op) {
  dane_search *s = d->tlsa;
  int r = 0;
  d->dane = DS_DANE_UNASKED;
  if (s->at == AT_NAMES)
    names_step(d);
  if (s->at == AT_ALIAS)
    r = alias_step(d, now, op);
  while (r == 0 && s->at == AT_RECORDS && d->dane == DS_DANE_UNASKED &&
         s->tried < s->count)
    r = records_step(d, now, op);
  if (r == 0 && d->dane == DS_DANE_UNASKED && s->count > 0)
    d->dane = DS_DANE_ABSENT;
  return r;
}

int ds_dane_step (ds_delivery *d, ds_time now, ds_op *op) {
  int r;
  if (d->dane_done || !applies(d) || d->address_count == 0)
    return 0;
  if (d->tlsa == NULL)
    return DS_ERR_NOMEM;
  r = search(d, now, op);
  if (r == 0)
    d->dane_done = 1;
  return r;
}

const char *ds_dane_base (const ds_delivery *d) {
  return d->tlsa->names[d->tlsa->tried];
}

const ds_tlsa *ds_dane_records (const ds_delivery *d, size_t *n) {
  *n = d->tlsa != NULL ? d->tlsa->record_count : 0;
  return d->tlsa != NULL ? d->tlsa->records : NULL;
}
