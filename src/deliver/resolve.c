/*
** resolve: from the destination to hosts, and from a host to addresses, one
** question at a time.  The first host's addresses are asked for only when it
** is its turn, and the second family only when the first has none left.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

host *ds_host_of (const ds_delivery *d) {
  return d->host_at == 0 ? NULL : &d->hosts[d->host_at - 1];
}

void ds_resolve_end (ds_delivery *d) {
  ds_query_free(d->query);
  d->query = NULL;
}

/* ------------------------------------------------------------ questions */

int ds_ask (ds_delivery *d, ds_time now, const char *name, unsigned type) {
  ds_time until = now + d->c.timeouts.dns;
  if (until > d->until)
    until = d->until;
  d->query = ds_query_new(&d->c.dns, &d->c.sys, ds_span_str(name), type, until);
  d->type = type;
  return d->query != NULL ? DS_OK : DS_ERR_NOMEM;
}

int ds_ask_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_query_step s;
  ds_query_next(d->query, now, &s);
  op->deadline = s.deadline;
  switch (s.need) {
  case DS_QUERY_CONNECT:
    op->op = DS_OP_CONNECT;
    op->conn = ++d->conn;
    op->tcp = s.tcp;
    op->target = s.server;
    return 1;
  case DS_QUERY_SEND:
    op->op = DS_OP_SEND;
    op->conn = d->conn;
    op->data = s.data;
    return 1;
  case DS_QUERY_RECEIVE:
    op->op = DS_OP_RECEIVE;
    op->conn = d->conn;
    op->max = DS_DNS_PACKET;
    return 1;
  case DS_QUERY_CLOSE:
    op->op = DS_OP_CLOSE;
    op->conn = d->conn;
    d->connected = 0;
    return 1;
  default:
    return 0;
  }
}

/* ---------------------------------------------------------------- hosts */

static int hosts_alloc (ds_delivery *d, size_t n) {
  d->hosts = (host *)ds_calloc(n, sizeof *d->hosts);
  d->host_count = d->hosts != NULL ? n : 0;
  return d->hosts != NULL ? DS_OK : DS_ERR_NOMEM;
}

static int host_alone (ds_delivery *d, const char *name, const ds_ip *ip) {
  if (hosts_alloc(d, 1) != DS_OK)
    return DS_ERR_NOMEM;
  snprintf(d->hosts[0].name, sizeof d->hosts[0].name, "%s", name);
  d->hosts[0].preference = -1;
  if (ip != NULL)
    d->hosts[0].literal = *ip;
  return DS_OK;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3) */
int ds_literal_address (ds_span s, ds_ip *ip) {
  static const size_t tag = sizeof "[IPv6:" - 1;
  int six;
  if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
    return 0;
  six =
      s.n > tag && ds_span_eqi(ds_span_of(s.p, tag), ds_span_of("[IPv6:", tag));
  s = six ? ds_span_of(s.p + tag, s.n - tag - 1) : ds_span_of(s.p + 1, s.n - 2);
  return ds_ip_parse(s.p, s.n, ip) == DS_OK && (!six || ip->family == 6);
}

static int as_address (const ds_delivery *d, ds_ip *ip) {
  ds_span s = ds_span_str(d->c.destination);
  return ds_literal_address(s, ip) ||
         (d->c.pinned && ds_ip_parse(s.p, s.n, ip) == DS_OK);
}

/* 0, or DS_ERR_NOMEM; with a question open the answer comes first */
int ds_resolve_start (ds_delivery *d, ds_time now) {
  ds_ip ip;
  if (d->c.question != 0)
    return ds_ask(d, now, d->c.destination, d->c.question);
  if (as_address(d, &ip))
    return host_alone(d, d->c.destination, &ip);
  if (d->c.pinned)
    return host_alone(d, d->c.destination, NULL);
  return ds_ask(d, now, d->c.destination, DS_DNS_MX);
}

static int hosts_take (ds_delivery *d, const ds_mx_set *m) {
  size_t i;
  if (hosts_alloc(d, m->count) != DS_OK)
    return DS_ERR_NOMEM;
  for (i = 0; i < m->count; i++) {
    memcpy(d->hosts[i].name, m->hosts[i].name, DS_DNS_NAME);
    d->hosts[i].preference = m->implicit ? -1 : m->hosts[i].preference;
  }
  return DS_OK;
}

static void no_hosts (ds_delivery *d, const ds_mx_set *m) {
  const char *name = d->c.destination;
  if (m->null) {
    ds_verdict_set(d, DS_FAILED, DS_KIND_DNS, DS_STAGE_DNS,
                   "%s takes no mail: it publishes a null MX (RFC 7505)", name);
    memcpy(d->verdict.enhanced, "5.1.10", 7);
  } else
    ds_verdict_set(d, DS_FAILED, DS_KIND_DNS, DS_STAGE_DNS,
                   "the MX records of %s name no usable host", name);
}

static int mx_take (ds_delivery *d, const ds_dns_answer *a) {
  ds_mx_set m;
  int r = ds_mx_from_answer(a, ds_span_str(d->c.destination), &d->c.sys, &m);
  d->mx_secure = a->secure;
  if (r == DS_OK && a->aliases > 0) {
    ds_free(d->mx_alias);
    d->mx_alias = ds_strndup(a->name, strlen(a->name));
    r = d->mx_alias != NULL ? DS_OK : DS_ERR_NOMEM;
  }
  if (r == DS_OK && m.count == 0)
    no_hosts(d, &m);
  else if (r == DS_OK)
    r = hosts_take(d, &m);
  ds_mx_clear(&m);
  return r;
}

/* the answer to the MX question */
static int mx_answer (ds_delivery *d) {
  const ds_dns_answer *a = ds_query_answer(d->query);
  const char *name = d->c.destination;
  switch (a->status) {
  case DS_DNS_NOERROR:
    return mx_take(d, a);
  case DS_DNS_NXDOMAIN:
    ds_verdict_set(d, DS_FAILED, DS_KIND_DNS, DS_STAGE_DNS,
                   "the domain %s does not exist", name);
    memcpy(d->verdict.enhanced, "5.1.2", 6);
    return DS_OK;
  default:
    ds_verdict_set(d, DS_DEFERRED, DS_KIND_DNS, DS_STAGE_DNS,
                   "the MX of %s cannot be looked up now: %s", name,
                   ds_query_text(d->query));
    return DS_OK;
  }
}

int ds_tell_answer (ds_delivery *d, const ds_dns_answer *a, const char *text,
                    ds_op *op) {
  op->op = DS_OP_ANSWER;
  op->answer = a;
  op->data = ds_span_str(text);
  op->question = d->c.question;
  return 1;
}

/* 1 and an operation; 0: the hosts are known, or the verdict is set;
   DS_ERR_NOMEM */
int ds_resolve_step (ds_delivery *d, ds_time now, ds_op *op) {
  int r;
  if (d->query == NULL)
    return 0;
  if (ds_ask_step(d, now, op))
    return 1;
  if (d->c.question != 0) {
    d->phase = PH_DONE;
    return ds_tell_answer(d, ds_query_answer(d->query), ds_query_text(d->query),
                          op);
  }
  r = mx_answer(d);
  ds_resolve_end(d);
  return r;
}

int ds_host_next (ds_delivery *d) {
  if (d->host_at >= d->host_count)
    return 0;
  d->host_at++;
  d->address_count = 0;
  d->address_at = 0;
  d->family_at = 0;
  d->found = 0;
  d->dane_done = 0;
  ds_dane_end(d);
  ds_terms_clear(d);
  ds_target_clear(d);
  return 1;
}

/* ------------------------------------------------------------ addresses */

static void address_add (ds_delivery *d, const ds_ip *ip) {
  const char *why = ds_policy_refused(d, ip);
  char text[DS_IP_TEXT];
  ds_endpoint *e;
  d->found = 1;
  if (why != NULL) {
    ds_ip_format(ip, text);
    ds_verdict_set(d, DS_FAILED, DS_KIND_POLICY, DS_STAGE_CONNECT,
                   "%s is at %s (%s), which no mail host of the internet is; "
                   "allow_private permits it",
                   ds_host_of(d)->name, text, why);
    return;
  }
  if (d->address_count == sizeof d->addresses / sizeof d->addresses[0])
    return;
  e = &d->addresses[d->address_count++];
  e->ip = *ip;
  e->port = d->c.port;
}

static void addresses_take (ds_delivery *d) {
  const ds_dns_answer *a = ds_query_answer(d->query);
  size_t i;
  if (a->status == DS_DNS_NOERROR || a->status == DS_DNS_NXDOMAIN) {
    ds_dane_address(d, a);
    for (i = 0; i < a->count; i++)
      address_add(d, &a->records[i].ip);
    return;
  }
  d->found = 1;
  ds_verdict_set(d, DS_DEFERRED, DS_KIND_DNS, DS_STAGE_DNS,
                 "the address of %s cannot be looked up now: %s",
                 ds_host_of(d)->name, ds_query_text(d->query));
}

static void no_address (ds_delivery *d) {
  static const char *const families[] = {
      [DS_IP_4FIRST] = "address",
      [DS_IP_6FIRST] = "address",
      [DS_IP_RACE] = "address",
      [DS_IP_4ONLY] = "IPv4 address (ip=\"4\")",
      [DS_IP_6ONLY] = "IPv6 address (ip=\"6\")",
  };
  const host *h = ds_host_of(d);
  ds_verdict_set(d, DS_FAILED, DS_KIND_DNS, DS_STAGE_DNS,
                 h->preference >= 0 || d->c.pinned
                     ? "the host %s has no %s"
                     : "%s has no MX record and no %s",
                 h->name, families[d->c.order]);
}

/*
** address_step: look up the next family.  1 and an operation; 0: there are
** addresses to try; NO_ADDRESS: there are none (left); or DS_ERR_NOMEM.
*/
int ds_address_step (ds_delivery *d, ds_time now, ds_op *op) {
  host *h = ds_host_of(d);
  unsigned type;
  if (h->literal.family != 0 && d->family_at == 0) {
    d->family_at = 2;
    address_add(d, &h->literal);
    return d->address_count > 0 ? 0 : NO_ADDRESS;
  }
  for (;;) {
    if (d->query == NULL) {
      type = ds_family_type(d, d->family_at);
      if (type == 0)
        break;
      d->family_at++;
      if (ds_ask(d, now, h->name, type) != DS_OK)
        return DS_ERR_NOMEM;
    }
    if (ds_ask_step(d, now, op))
      return 1;
    addresses_take(d);
    ds_resolve_end(d);
    if (d->address_at < d->address_count && !ds_family_wait(d)) {
      ds_family_sort(d);
      return 0;
    }
  }
  if (!d->found)
    no_address(d);
  return NO_ADDRESS;
}
