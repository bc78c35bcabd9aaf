/*
** discover: the MTA-STS policy of the destination (RFC 8461 §3.3, §5.1): what
** is remembered, the record that announces one, and the policy itself over
** HTTPS.  What cannot be found out leaves what was known in force, and its
** failing delays nothing but what it takes.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "session/fetch.h"
#include "util/mem.h"

#define FETCH_TIME (20 * DS_SECOND) /* of it all, connecting included */
#define PATH       "/.well-known/mta-sts.txt"
#define HTTPS      443
#define TRIES      4 /* addresses of one family */
#define HOUR       3600

typedef enum search_at {
  AT_MEMORY,
  AT_RECORD,
  AT_CONTEXT,
  AT_ADDRESS,
  AT_CONNECT,
  AT_FETCH,
  AT_CLOSE,
  AT_END
} search_at;

struct sts_search {
  search_at at;
  char id[DS_STS_ID];     /* announced */
  char host[DS_DNS_NAME]; /* where the policy is */
  ds_time until;
  int family_at; /* families looked up */
  ds_endpoint addresses[TRIES];
  size_t count, tried;
  ds_fetch *fetch;
  char why[464]; /* the policy could not be had */
};

static sts_search *begin (ds_delivery *d) {
  d->search = (sts_search *)ds_calloc(1, sizeof *d->search);
  return d->search;
}

void ds_discover_end (ds_delivery *d) {
  if (d->search != NULL)
    ds_fetch_free(d->search->fetch);
  ds_free(d->search);
  d->search = NULL;
}

/* the user chose other hosts than the domain's, or does without TLS */
static int applies (const ds_delivery *d) {
  ds_ip ip;
  return d->c.mta_sts && d->c.level != DS_LEVEL_OFF && !d->c.pinned &&
         !ds_literal_address(ds_span_str(d->c.destination), &ip);
}

static void give_up (ds_delivery *d, const char *why) {
  sts_search *s = d->search;
  if (s->why[0] == '\0')
    snprintf(s->why, sizeof s->why, "%s", why);
  s->at = AT_CLOSE;
}

/* --------------------------------------------------------------- memory */

static int memory_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_sts_entry e;
  ds_span v;
  int r;
  if (ds_recall(d, "sts", d->c.destination, op))
    return 1;
  v = ds_recalled_value(d);
  r = v.p != NULL ? ds_sts_entry_read(&e, v) : 0;
  if (r < 0)
    return r;
  if (r > 0) {
    ds_sts_entry_clear(&d->sts);
    d->sts = e;
  }
  d->search->at =
      ds_sts_entry_stale(&d->sts, ds_unix(d, now)) ? AT_RECORD : AT_END;
  return 0;
}

static void remember (ds_delivery *d, ds_time now) {
  int64_t ends = ds_sts_entry_ends(&d->sts), least = ds_unix(d, now) + HOUR;
  ds_buf b;
  ds_buf_init(&b);
  if (ds_sts_entry_write(&d->sts, &b) == DS_OK)
    ds_remember(d, "sts", d->c.destination, ds_buf_span(&b),
                ends > least ? ends : least);
  ds_buf_clear(&b);
}

/* --------------------------------------------------------------- record */

/* where no answer came, it is asked again in five minutes: see sts.h */
static void take_record (ds_delivery *d, ds_time now, const ds_dns_answer *a) {
  sts_search *s = d->search;
  ds_sts_entry *e = &d->sts;
  int64_t t = ds_unix(d, now);
  s->at = AT_END;
  e->checked = t;
  if (e->failed_id[0] == '\0')
    e->failed = 0;
  if (a->status != DS_DNS_NOERROR && a->status != DS_DNS_NXDOMAIN) {
    e->failed = t;
    e->failed_id[0] = '\0';
  } else if (ds_sts_record(a->records, a->count, s->id) &&
             ds_sts_entry_wants(e, s->id, t)) {
    s->at = AT_CONTEXT;
    s->until = now + FETCH_TIME < d->until ? now + FETCH_TIME : d->until;
  }
  if (s->at == AT_END)
    remember(d, now);
}

static int record_step (ds_delivery *d, ds_time now, ds_op *op) {
  char name[DS_DNS_NAME + 16];
  sts_search *s = d->search;
  if (d->query == NULL) {
    snprintf(name, sizeof name, "_mta-sts.%s", d->c.destination);
    snprintf(s->host, sizeof s->host, "mta-sts.%s", d->c.destination);
    if (!ds_dns_name_ok(ds_span_str(name), 0)) {
      s->at = AT_END;
      return 0;
    }
    if (ds_ask(d, now, name, DS_DNS_TXT) != DS_OK)
      return DS_ERR_NOMEM;
  }
  if (ds_ask_step(d, now, op))
    return 1;
  take_record(d, now, ds_query_answer(d->query));
  ds_resolve_end(d);
  return 0;
}

/* ----------------------------------------------------------- connection */

static int context_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_error e;
  (void)now;
  ds_error_clear(&e);
  if (d->ctx != NULL) {
    d->search->at = AT_ADDRESS;
    if (d->backend->trust_loads(d->ctx, &e) != DS_OK)
      give_up(d, e.text);
    return 0;
  }
  op->op = DS_OP_CONTEXT;
  op->verify = 1;
  return 1;
}

static void take_addresses (ds_delivery *d) {
  const ds_dns_answer *a = ds_query_answer(d->query);
  sts_search *s = d->search;
  size_t i;
  s->count = s->tried = 0;
  for (i = 0; i < a->count && s->count < TRIES; i++) {
    if (ds_policy_refused(d, &a->records[i].ip) != NULL)
      continue;
    s->addresses[s->count].ip = a->records[i].ip;
    s->addresses[s->count++].port = d->c.sts_port > 0 ? d->c.sts_port : HTTPS;
  }
  if (a->status != DS_DNS_NOERROR)
    snprintf(s->why, sizeof s->why, "%s", ds_query_text(d->query));
}

/* the next family's addresses */
static int address_step (ds_delivery *d, ds_time now, ds_op *op) {
  sts_search *s = d->search;
  if (d->query == NULL) {
    unsigned type = ds_family_type(d, s->family_at);
    if (type == 0 || now >= s->until) {
      give_up(d, "no address that may be connected to");
      return 0;
    }
    s->family_at++;
    if (ds_ask(d, now, s->host, type) != DS_OK)
      return DS_ERR_NOMEM;
  }
  if (ds_ask_step(d, now, op))
    return 1;
  take_addresses(d);
  ds_resolve_end(d);
  if (s->count > 0)
    s->at = AT_CONNECT;
  return 0;
}

static int connect_step (ds_delivery *d, ds_time now, ds_op *op) {
  sts_search *s = d->search;
  ds_time due = now + d->c.timeouts.connect;
  if (s->tried == s->count || now >= s->until) {
    s->at = AT_ADDRESS;
    return 0;
  }
  op->op = DS_OP_CONNECT;
  op->conn = ++d->conn;
  op->tcp = 1;
  op->target = s->addresses[s->tried++];
  op->deadline = due < s->until ? due : s->until;
  ds_bind_to(d, op);
  return 1;
}

void ds_discover_connected (ds_delivery *d, ds_time now, const ds_ip *peer) {
  sts_search *s = d->search;
  ds_fetch_config c;
  ds_error e;
  if (ds_policy_refused(d, peer) != NULL) {
    give_up(d, ds_policy_refused(d, peer));
    return;
  }
  ds_error_clear(&e);
  c.host = s->host;
  c.path = PATH;
  c.backend = d->backend;
  c.ctx = d->ctx;
  c.time = ds_unix(d, now);
  c.until = s->until;
  c.max_chunk = d->c.max_chunk;
  s->fetch = ds_fetch_new(&c, &e);
  s->at = AT_FETCH;
  if (s->fetch == NULL)
    give_up(d, e.text);
}

void ds_discover_sent (ds_delivery *d, size_t n) {
  ds_fetch_sent(d->search->fetch, n);
}

void ds_discover_received (ds_delivery *d, const void *p, size_t n) {
  if (d->search->fetch != NULL)
    ds_fetch_received(d->search->fetch, p, n);
}

void ds_discover_failed (ds_delivery *d, ds_kind kind, const char *text) {
  sts_search *s = d->search;
  if (s->at == AT_FETCH)
    ds_fetch_failed(s->fetch, kind, text);
  else if (s->at == AT_CONNECT)
    snprintf(s->why, sizeof s->why, "%s", text); /* the next address */
  else
    give_up(d, text);
}

/* --------------------------------------------------------------- policy */

static int fetch_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_session_step step;
  ds_fetch_next(d->search->fetch, now, &step);
  op->conn = d->conn;
  op->deadline = step.deadline;
  op->data = step.data;
  op->max = d->c.max_chunk;
  op->op = step.want == DS_WANT_SEND ? DS_OP_SEND : DS_OP_RECEIVE;
  if (step.want != DS_WANT_NOTHING)
    return 1;
  memset(op, 0, sizeof *op);
  d->search->at = AT_CLOSE;
  return 0;
}

/* why this response holds no policy, NULL: *p is it */
static const char *policy_of (const ds_http *h, ds_sts *p, ds_error *e) {
  if (h->status != 200) {
    snprintf(e->text, sizeof e->text, "HTTP status %d", h->status);
    return e->text;
  }
  if (strcmp(h->type, "text/plain") != 0)
    return "its media type is not text/plain";
  if (ds_sts_parse(ds_buf_span(&h->body), p, e) != DS_OK)
    return e->text;
  return NULL;
}

static void take_policy (ds_delivery *d, ds_time now, ds_sts *p) {
  ds_sts_entry *e = &d->sts;
  ds_sts_clear(&e->policy);
  e->policy = *p;
  memcpy(e->id, d->search->id, sizeof e->id);
  e->fetched = ds_unix(d, now);
  e->failed = 0;
  e->failed_id[0] = '\0';
}

/* … as TLS reports call it */
static const char *result_of (const sts_search *s, const ds_http *h) {
  if (h != NULL)
    return h->status == 200 ? "sts-policy-invalid" : "sts-policy-fetch-error";
  return s->fetch != NULL && !ds_fetch_shaken(s->fetch) &&
                 ds_fetch_error(s->fetch)->kind == DS_KIND_TLS
             ? "sts-webpki-invalid"
             : "sts-policy-fetch-error";
}

/* the fetch is over, whatever became of it */
static int judge (ds_delivery *d, ds_time now) {
  sts_search *s = d->search;
  const ds_http *h = s->fetch != NULL ? ds_fetch_response(s->fetch) : NULL;
  const char *why = s->why;
  ds_sts p;
  ds_error e;
  ds_error_clear(&e);
  ds_sts_init(&p);
  if (h != NULL)
    why = policy_of(h, &p, &e);
  else if (s->fetch != NULL)
    why = ds_fetch_error(s->fetch)->text;
  if (why == NULL)
    take_policy(d, now, &p);
  else {
    d->sts.failed = ds_unix(d, now);
    memcpy(d->sts.failed_id, s->id, sizeof s->id);
    ds_note(d, "MTA-STS: no policy from https://%s" PATH ": %s", s->host, why);
    ds_tlsrpt_sts(d, now, result_of(s, h), why);
  }
  remember(d, now);
  s->at = AT_END;
  return e.code == DS_ERR_NOMEM ? DS_ERR_NOMEM : 0;
}

static int close_step (ds_delivery *d, ds_time now, ds_op *op) {
  if (!d->connected)
    return judge(d, now);
  d->connected = 0;
  op->op = DS_OP_CLOSE;
  op->conn = d->conn;
  return 1;
}

static int step (ds_delivery *d, ds_time now, ds_op *op) {
  switch (d->search->at) {
  case AT_MEMORY:
    return memory_step(d, now, op);
  case AT_RECORD:
    return record_step(d, now, op);
  case AT_CONTEXT:
    return context_step(d, now, op);
  case AT_ADDRESS:
    return address_step(d, now, op);
  case AT_CONNECT:
    return connect_step(d, now, op);
  case AT_FETCH:
    return fetch_step(d, now, op);
  default:
    return close_step(d, now, op);
  }
}

int ds_discover_step (ds_delivery *d, ds_time now, ds_op *op) {
  int r = 0;
  if (d->search == NULL) {
    if (!applies(d) || !ds_sts_entry_stale(&d->sts, ds_unix(d, now)))
      return 0;
    if (begin(d) == NULL)
      return DS_ERR_NOMEM;
  }
  while (r == 0 && d->search->at != AT_END)
    r = step(d, now, op);
  if (r != 1)
    ds_discover_end(d);
  return r;
}
