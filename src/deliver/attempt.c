/*
** attempt: one connection to one address, from its first octet to CLOSE: what
** the session's events mean for the delivery, and what it asks of the driver.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

/* so long a target that took our messages is not looked up again */
#define STAY (5 * 60 * DS_SECOND)

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
  c->smtp.careful = ds_host_of(d)->careful;
  c->smtp.lmtp = d->c.lmtp;
  c->smtp.tls = d->c.implicit_tls;
  c->smtp.window = d->c.window;
}

/* nothing is known of this session yet */
static void start (ds_delivery *d, ds_time now) {
  d->over = d->quitting = d->greeted = d->died = 0;
  d->want_tls = d->want_auth = 0;
  d->closing = d->careful_due = d->adopted = 0;
  d->sent = d->carried = d->settled = d->delivered = 0;
  d->opened = now;
  d->phase = PH_SESSION;
}

int ds_attempt_open (ds_delivery *d, ds_time now, const ds_ip *local) {
  char literal[DS_IP_TEXT + 8];
  ds_session_config c;
  configure(d, &c);
  address_literal(local, literal, sizeof literal);
  c.smtp.hostname = d->c.hostname != NULL ? d->c.hostname : literal;
  d->session = ds_session_new(&c);
  start(d, now);
  if (d->session != NULL && d->c.implicit_tls)
    ds_secure_at_once(d, now);
  return d->session != NULL ? DS_OK : DS_ERR_NOMEM;
}

/* a kept session goes on here; its greeting was another delivery's */
void ds_attempt_adopt (ds_delivery *d, ds_time now, ds_kept *k) {
  ds_session_config c;
  configure(d, &c);
  start(d, now);
  d->session = k->session;
  ds_session_move(d->session, &c);
  d->peer = k->peer;
  d->local = k->local;
  d->tls = k->tls;
  memcpy(d->note, k->note, sizeof d->note);
  d->opened = k->opened;
  d->carried = k->carried;
  d->greeted = d->adopted = 1;
  k->session = NULL;
  ds_kept_free(k);
}

void ds_attempt_forget (ds_delivery *d) {
  ds_session_free(d->session);
  d->session = NULL;
  d->sending = d->begun = NULL;
  ds_work_reopen(d);
}

static void greeted (ds_delivery *d) {
  if (!d->greeted)
    ds_host_of(d)->sessions++;
  d->greeted = 1;
}

const char *ds_event_reason (const ds_smtp_event *ev) {
  return ev->reply != NULL && ev->text[0] == '\0' ? ev->reply->text : ev->text;
}

/* a failure of this host, not of one recipient.  A 5xx at the door is for
   good if every host says so (RFC 5321 §3.1) */
void ds_host_failed (ds_delivery *d, const ds_smtp_event *ev) {
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
  ds_minds_ipv6(d, &v);
  ds_verdict_add(d, &v);
}

/* what broke its step once is not to be hurried again, for a week */
static void be_careful (ds_delivery *d, ds_time now) {
  host *h = ds_host_of(d);
  if (h->careful)
    return;
  h->careful = 1;
  ds_remember(d, "careful", ds_careful_key(d), ds_span_str("1"),
              d->c.sys.epoch + now / DS_SECOND + 7 * 24 * 3600);
}

/* the target is good, and the session came to its end all the same: as many
   messages as it takes, idle too long, out of step */
static int once_more (const ds_delivery *d) {
  if (d->again || d->cancelled || d->works == NULL)
    return d->again;
  if (d->careful_due || (d->adopted && d->sent == 0))
    return 1;
  if (d->six_refused)
    return 0;
  return d->died ? d->delivered > 0 : d->settled > 0 && d->waiting > 0;
}

static void on_ended (ds_delivery *d, ds_time now, const ds_smtp_event *ev) {
  d->over = 1;
  d->sending = d->begun = NULL;
  if (ev->kind == DS_KIND_NONE)
    return;
  d->died = 1;
  if (ev->stage > DS_STAGE_GREETING)
    greeted(d);
  if (!d->cancelled && ds_secure_failed(d, now, ev))
    d->again = 1;
  else if ((!d->quitting || d->waiting > 0) && !once_more(d))
    ds_host_failed(d, ev);
}

static void on_accepted (ds_delivery *d, const ds_smtp_event *ev) {
  ds_flight_of(d, ev->txn)->accepted++;
}

/* 1: op tells a RESULT */
static int on_event (ds_delivery *d, ds_time now, const ds_smtp_event *ev,
                     ds_op *op) {
  switch (ev->event) {
  case DS_SMTP_READY:
    greeted(d);
    ds_secure_ready(d, now);
    return 0;
  case DS_SMTP_TLS_NO:
    ds_secure_no_tls(d, now, ev);
    return 0;
  case DS_SMTP_AUTH_NO:
    ds_secure_no_auth(d, ev);
    return 0;
  case DS_SMTP_BODY:
    d->sending = ds_flight_of(d, ev->txn);
    return 0;
  case DS_SMTP_ACCEPTED:
    on_accepted(d, ev);
    return 0;
  case DS_SMTP_SETTLED:
    return ds_work_settle(d, now, ev, op);
  case DS_SMTP_FINISHED:
    ds_work_finished(d, ev->txn);
    return 0;
  case DS_SMTP_ENDED:
    on_ended(d, now, ev);
    return 0;
  default:
    return 0;
  }
}

/* -------------------------------------------------- what the session asks */

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
    d->presented = s.data.n;
    op->fresh = s.fresh;
    op->more = s.more;
    return 1;
  case DS_WANT_RECEIVE:
    op->op = DS_OP_RECEIVE;
    return 1;
  default:
    return ds_feed_idle(d, now, op);
  }
}

/* once more, with what is left in hand, on its terms */
static void stricter (ds_delivery *d) {
  ds_endpoint peer = d->peer;
  ds_target_clear(d);
  d->peer = peer;
  d->again = 1;
}

/* the session has said all: what is left in hand goes to the same target, or
   to the next address */
static void leave (ds_delivery *d, ds_time now) {
  host *h = ds_host_of(d);
  d->again = once_more(d);
  d->stale = d->adopted && d->sent == 0;
  if (d->careful_due)
    be_careful(d, now);
  if (d->delivered > 0)
    h->connects = h->sessions = 0;
  d->stay = d->delivered > 0 && !d->six_refused ? now + STAY : 0;
  ds_attempt_forget(d);
  if (d->stricter && !ds_host_used_up(d))
    stricter(d);
  d->stricter = 0;
  d->phase = PH_CLOSE;
  d->after = d->works == NULL || d->stop ? PH_FEED : PH_CONNECT;
}

/* 1 and an operation, 0: d->phase says what else is to be done */
int ds_attempt_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_smtp_event ev;
  int r;
  for (;;) {
    while (ds_session_next_event(d->session, now, &ev))
      if (on_event(d, now, &ev, op))
        return 1;
    r = ds_feed_step(d, now, op);
    if (r > 0)
      return 1;
    if (r == 0)
      continue;
    r = wire_step(d, now, op);
    if (r > 0)
      return 1;
    if (r == 0)
      continue;
    if (d->over) {
      leave(d, now);
      return 0;
    }
    if (!ds_session_next_event(d->session, now, &ev))
      ds_smtp_abort(ds_session_smtp(d->session), DS_KIND_LOCAL,
                    "the session asks for nothing");
    else if (on_event(d, now, &ev, op))
      return 1;
  }
}
