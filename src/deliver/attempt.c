/*
** attempt: one connection to one address, from CONNECT to CLOSE: which
** address is next, what the session's events mean for the delivery, and what
** it asks of the driver.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

/* ----------------------------------------------------------- connecting */

/* what is known of the target that was tried does not hold for the next */
void ds_target_clear (ds_delivery *d) {
  memset(&d->peer, 0, sizeof d->peer);
  memset(&d->tls, 0, sizeof d->tls);
  d->note[0] = '\0';
  d->clear = 0;
}

static unsigned limit (unsigned n, unsigned standard) {
  return n > 0 ? n : standard;
}

static int host_used_up (const ds_delivery *d) {
  const host *h = ds_host_of(d);
  return h->connects >= limit(d->c.connects, 5) ||
         h->sessions >= limit(d->c.sessions, 2);
}

static void bind_to (const ds_delivery *d, ds_op *op) {
  size_t i;
  for (i = 0; i < d->c.source_count; i++)
    if (d->c.source[i].family == op->target.ip.family)
      op->local = d->c.source[i];
  op->interface = d->c.interface;
}

static ds_time sooner (ds_time a, ds_time b) {
  return a < b ? a : b;
}

/* 1 and a CONNECT, 0: d->phase says what else is to be done */
int ds_connect_step (ds_delivery *d, ds_time now, ds_op *op) {
  if (now >= d->until || (!d->again && host_used_up(d))) {
    d->phase = PH_HOST;
    return 0;
  }
  if (!d->again && d->address_at == d->address_count) {
    d->phase = PH_ADDRESS;
    return 0;
  }
  if (ds_admit(d, now, DS_ADMIT_CONNECTION, 1, op))
    return 1;
  if (!d->again) {
    ds_target_clear(d);
    d->peer = d->addresses[d->address_at++];
  }
  d->again = 0;
  ds_host_of(d)->connects++;
  op->op = DS_OP_CONNECT;
  op->conn = ++d->conn;
  op->tcp = 1;
  op->target = d->peer;
  op->deadline = sooner(now + d->c.timeouts.connect, d->until);
  bind_to(d, op);
  return 1;
}

void ds_connect_failed (ds_delivery *d, ds_outcome o, ds_kind kind,
                        const char *text) {
  char where[DS_ENDPOINT_TEXT];
  ds_endpoint_format(&d->peer, where);
  ds_verdict_set(d, o, kind, DS_STAGE_CONNECT, "connect to %s: %s", where,
                 text);
  ds_release(d);
  d->phase = PH_CONNECT;
}

/* -------------------------------------------------------------- session */

static void address_literal (const ds_ip *ip, char *out, size_t size) {
  char text[DS_IP_TEXT];
  ds_ip_format(ip, text);
  snprintf(out, size, ip->family == 6 ? "[IPv6:%s]" : "[%s]", text);
}

static void configure (ds_delivery *d, ds_session_config *c) {
  memset(c, 0, sizeof *c);
  c->timeouts = &d->c.timeouts;
  c->until = d->until;
  c->max_chunk = d->c.max_chunk;
  c->trace = d->c.trace ? &d->trace : NULL;
}

int ds_attempt_open (ds_delivery *d, const ds_ip *local) {
  char literal[DS_IP_TEXT + 8];
  ds_session_config c;
  configure(d, &c);
  address_literal(local, literal, sizeof literal);
  c.smtp.hostname = d->c.hostname != NULL ? d->c.hostname : literal;
  d->session = ds_session_new(&c);
  d->over = d->quitting = d->greeted = d->want_tls = 0;
  d->phase = PH_SESSION;
  return d->session != NULL ? DS_OK : DS_ERR_NOMEM;
}

/* a kept session goes on here; its greeting was another delivery's */
void ds_attempt_adopt (ds_delivery *d, ds_kept *k) {
  ds_session_config c;
  configure(d, &c);
  d->session = k->session;
  ds_session_move(d->session, &c);
  d->peer = k->peer;
  d->local = k->local;
  d->tls = k->tls;
  memcpy(d->note, k->note, sizeof d->note);
  k->session = NULL;
  ds_kept_free(k);
  d->over = d->quitting = d->want_tls = 0;
  d->greeted = 1;
  d->phase = PH_SESSION;
}

void ds_attempt_forget (ds_delivery *d) {
  work *w;
  ds_session_free(d->session);
  d->session = NULL;
  d->sending = d->begun = NULL;
  for (w = d->works; w != NULL; w = w->next)
    w->id = 0;
}

static void quit (ds_delivery *d) {
  d->quitting = 1;
  d->want_tls = 0;
  ds_smtp_quit(ds_session_smtp(d->session));
}

static void greeted (ds_delivery *d) {
  if (!d->greeted)
    ds_host_of(d)->sessions++;
  d->greeted = 1;
}

static void on_ready (ds_delivery *d) {
  greeted(d);
  if (ds_session_tls_info(d->session, &d->tls))
    return;
  if (!ds_policy_ready(d, ds_smtp_extensions(ds_session_smtp(d->session))))
    quit(d);
}

static const char *reason (const ds_smtp_event *ev) {
  return ev->reply != NULL && ev->text[0] == '\0' ? ev->reply->text : ev->text;
}

/* a failure of this host, not of one recipient.  A 5xx at the door is for
   good if every host says so (RFC 5321 §3.1) */
static void host_failed (ds_delivery *d, const ds_smtp_event *ev) {
  ds_row v;
  int refused = ev->reply != NULL && ev->reply->code >= 500 &&
                (ev->stage == DS_STAGE_GREETING || ev->stage == DS_STAGE_EHLO);
  memset(&v, 0, sizeof v);
  v.outcome = refused ? DS_FAILED : DS_DEFERRED;
  v.kind = ev->kind;
  v.stage = ev->stage;
  ds_row_where(d, &v);
  ds_row_reply(&v, ev->reply);
  snprintf(v.text, sizeof v.text, "%s", ev->text);
  ds_verdict_add(d, &v);
}

static int handshake_failed (const ds_smtp_event *ev) {
  return ev->stage == DS_STAGE_HANDSHAKE ||
         (ev->stage == DS_STAGE_STARTTLS && ev->kind != DS_KIND_PROTOCOL);
}

static void on_tls_no (ds_delivery *d, const ds_smtp_event *ev) {
  ds_smtp_event no = *ev;
  no.kind = DS_KIND_TLS;
  if (ds_policy_tls_failed(d, reason(ev)))
    d->again = 1;
  else
    host_failed(d, &no);
  quit(d);
}

static void on_ended (ds_delivery *d, const ds_smtp_event *ev) {
  d->over = 1;
  d->sending = d->begun = NULL;
  if (ev->kind == DS_KIND_NONE)
    return;
  if (ev->stage > DS_STAGE_GREETING)
    greeted(d);
  if (!d->cancelled && handshake_failed(ev) &&
      ds_policy_tls_failed(d, reason(ev)))
    d->again = 1;
  else if (!d->quitting)
    host_failed(d, ev);
}

static void on_finished (ds_delivery *d, const ds_smtp_event *ev) {
  work *w = ds_work_by_id(d, ev->txn);
  if (d->begun == w)
    d->begun = NULL;
  if (w->open == 0)
    ds_work_drop(d, w);
}

/* 1: op tells a RESULT */
static int on_event (ds_delivery *d, ds_time now, const ds_smtp_event *ev,
                     ds_op *op) {
  switch (ev->event) {
  case DS_SMTP_READY:
    on_ready(d);
    return 0;
  case DS_SMTP_TLS_NO:
    on_tls_no(d, ev);
    return 0;
  case DS_SMTP_BODY:
    d->sending = ds_work_by_id(d, ev->txn);
    return 0;
  case DS_SMTP_SETTLED:
    return ds_work_settle(d, now, ev, op);
  case DS_SMTP_FINISHED:
    on_finished(d, ev);
    return 0;
  case DS_SMTP_ENDED:
    on_ended(d, ev);
    return 0;
  default:
    return 0;
  }
}

/* -------------------------------------------------- what the session asks */

/* a TLS context is there: STARTTLS now; else it is asked for */
static int start_tls (ds_delivery *d, ds_time now, ds_op *op) {
  const host *h = ds_host_of(d);
  char literal[DS_IP_TEXT];
  ds_tls_peer p;
  if (d->ctx == NULL) {
    op->op = DS_OP_CONTEXT;
    op->verify = d->c.level == DS_LEVEL_VERIFIED;
    return 1;
  }
  memset(&p, 0, sizeof p);
  p.host = h->name;
  if (h->literal.family != 0) { /* a certificate has no brackets */
    ds_ip_format(&h->literal, literal);
    p.host = literal;
  }
  p.verify = d->c.level == DS_LEVEL_VERIFIED ? DS_TLS_VERIFY : DS_TLS_ENCRYPT;
  p.time = d->c.sys.epoch + now / DS_SECOND;
  d->want_tls = 0;
  if (ds_session_tls(d->session, d->backend, d->ctx, &p) == DS_ERR_STATE)
    ds_smtp_abort(ds_session_smtp(d->session), DS_KIND_LOCAL,
                  "STARTTLS cannot be said now");
  return 0;
}

static int give_body (ds_delivery *d, ds_op *op) {
  work *w = d->sending;
  op->op = w->read && w->offset == 0 ? DS_OP_REWIND : DS_OP_BODY;
  op->tag = w->m.tag;
  op->offset = w->offset;
  op->max = d->c.max_chunk;
  op->source = w->m.source;
  return 1;
}

/* a transaction that waits, a new message, or the end; -1: not yet */
static int go_on (ds_delivery *d, ds_time now, ds_op *op) {
  work *w = ds_work_waiting(d);
  if (w != NULL) {
    ds_work_begin(d, w);
    return 0;
  }
  if (d->ended) {
    quit(d);
    return 0;
  }
  if (now < d->wake)
    return -1;
  op->op = DS_OP_NEXT;
  return 1;
}

/* 1 and an operation that feeds the session; 0: it was fed, see its events;
   -1: the wire is next */
static int feed_step (ds_delivery *d, ds_time now, ds_op *op) {
  if (d->over || d->quitting)
    return -1;
  if (d->want_tls)
    return start_tls(d, now, op);
  if (d->sending != NULL && ds_session_pending(d->session) < d->c.max_chunk)
    return give_body(d, op);
  if (d->begun == NULL && ds_smtp_can_begin(ds_session_smtp(d->session)))
    return go_on(d, now, op);
  return -1;
}

/* 1 and a SEND or RECEIVE, 0: events first, -1: nothing is left to do */
static int wire_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_session_step s;
  ds_session_next(d->session, now, &s);
  op->conn = d->conn;
  op->deadline = s.deadline;
  op->max = d->c.max_chunk;
  switch (s.want) {
  case DS_WANT_SEND:
    op->op = DS_OP_SEND;
    op->data = s.data;
    op->fresh = s.fresh;
    op->more = s.more;
    return 1;
  case DS_WANT_RECEIVE:
    op->op = DS_OP_RECEIVE;
    return 1;
  default:
    return !d->over && now < d->wake ? ds_wait(d, op) : -1;
  }
}

/* the session has said all: what is left in hand goes to the next address */
static void leave (ds_delivery *d) {
  ds_attempt_forget(d);
  d->phase = PH_CLOSE;
  d->after = d->works != NULL ? PH_CONNECT : PH_FEED;
}

/* 1 and an operation, 0: d->phase says what else is to be done */
int ds_attempt_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_smtp_event ev;
  int r;
  for (;;) {
    while (ds_session_next_event(d->session, now, &ev))
      if (on_event(d, now, &ev, op))
        return 1;
    r = feed_step(d, now, op);
    if (r > 0)
      return 1;
    if (r == 0)
      continue;
    if (wire_step(d, now, op) > 0)
      return 1;
    if (d->over) {
      leave(d);
      return 0;
    }
    if (!ds_session_next_event(d->session, now, &ev))
      ds_smtp_abort(ds_session_smtp(d->session), DS_KIND_LOCAL,
                    "the session asks for nothing");
    else if (on_event(d, now, &ev, op))
      return 1;
  }
}
