/*
** secure: TLS and AUTH of one session: when they are due, with what, and what
** it means that they failed.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

/* ------------------------------------------------------------------ TLS */

static int ask_context (const ds_delivery *d, ds_op *op) {
  op->op = DS_OP_CONTEXT;
  op->verify = d->terms.level >= DS_LEVEL_VERIFIED;
  return 1;
}

/* a TLS context is there: STARTTLS now; else it is asked for */
int ds_secure_start (ds_delivery *d, ds_time now, ds_op *op) {
  ds_peer p;
  if (d->ctx == NULL)
    return ask_context(d, op);
  ds_peer_of(d, now, &p);
  d->want_tls = d->want_auth = 0; /* EHLO is said again */
  if (ds_session_tls(d->session, d->backend, d->ctx, &p.tls) == DS_ERR_STATE)
    ds_smtp_abort(ds_session_smtp(d->session), DS_KIND_LOCAL,
                  "STARTTLS cannot be said now");
  return 0;
}

/* TLS before the greeting (RFC 8314 §3.3): the context must be there before
   the connection is.  1: op asks for it */
int ds_secure_early (ds_delivery *d, ds_op *op) {
  return d->c.implicit_tls && d->ctx == NULL ? ask_context(d, op) : 0;
}

void ds_secure_at_once (ds_delivery *d, ds_time now) {
  ds_peer p;
  ds_peer_of(d, now, &p);
  ds_session_tls_at_once(d->session, now, d->backend, d->ctx, &p.tls);
}

/* the handshake failed.  1: the same target is to be tried once more */
int ds_secure_failed (ds_delivery *d, ds_time now, const ds_smtp_event *ev) {
  int handshake =
      ev->stage == DS_STAGE_HANDSHAKE ||
      (ev->stage == DS_STAGE_STARTTLS && ev->kind != DS_KIND_PROTOCOL);
  ds_tls_info i;
  if (!handshake)
    return 0;
  ds_session_tls_info(d->session, &i);
  ds_tlsrpt_session(d, now,
                    i.failure != NULL ? i.failure : "validation-failure",
                    ds_event_reason(ev));
  return ds_policy_tls_failed(d, ds_event_reason(ev));
}

void ds_secure_no_tls (ds_delivery *d, ds_time now, const ds_smtp_event *ev) {
  ds_smtp_event no = *ev;
  no.kind = DS_KIND_TLS;
  ds_tlsrpt_session(d, now, "starttls-not-supported", ds_event_reason(ev));
  if (ds_policy_tls_failed(d, ds_event_reason(ev)))
    d->again = 1;
  else
    ds_host_failed(d, &no);
  ds_feed_quit(d);
}

/* ----------------------------------------------------------------- AUTH */

#define NONCE 24

/* 18 random octets as 24 characters of the alphabet of base64, which has no
   comma (RFC 5802 §5.1) */
static int nonce (const ds_delivery *d, char out[NONCE]) {
  static const char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned char r[NONCE];
  size_t i;
  int e = d->c.sys.random(d->c.sys.ud, r, sizeof r);
  for (i = 0; i < NONCE; i++)
    out[i] = alphabet[r[i] & 63];
  return e;
}

/* EHLO is through, and TLS, if there is to be any */
void ds_secure_auth (ds_delivery *d) {
  ds_auth a = *d->c.auth;
  char n[NONCE];
  int e = nonce(d, n);
  d->want_auth = 0;
  a.host = ds_host_of(d)->name;
  a.port = d->c.port;
  a.crypto = d->backend != NULL ? d->backend->crypto : NULL;
  a.nonce = ds_span_of(n, sizeof n);
  if (e == DS_OK)
    e = ds_smtp_auth(ds_session_smtp(d->session), &a);
  if (e != DS_OK)
    ds_smtp_abort(ds_session_smtp(d->session), DS_KIND_LOCAL,
                  e == DS_ERR_NOMEM   ? "out of memory"
                  : e == DS_ERR_USAGE ? "this user, password or token cannot "
                                        "be said in AUTH"
                                      : "AUTH cannot be said now");
}

/* it would be refused the next time as well, and too many refusals lock an
   account: no host is tried any more.  What never was said is no refusal */
void ds_secure_no_auth (ds_delivery *d, const ds_smtp_event *ev) {
  ds_row v;
  memset(&v, 0, sizeof v);
  v.outcome =
      ev->reply != NULL && ev->reply->code < 500 ? DS_DEFERRED : DS_FAILED;
  v.kind = ev->kind;
  v.stage = ev->stage;
  ds_row_where(d, &v);
  ds_row_reply(&v, ev->reply);
  ds_copy_text(v.text, sizeof v.text, ev->text);
  ds_verdict_add(d, &v);
  if (v.outcome == DS_FAILED && ev->reply != NULL)
    d->stop = 1;
  ds_feed_quit(d);
}

/* ---------------------------------------------------------------- ready */

/* EHLO is through: what is to be done before the first transaction */
void ds_secure_ready (ds_delivery *d, ds_time now) {
  if (!ds_session_tls_info(d->session, &d->tls) &&
      !ds_policy_ready(d, now,
                       ds_smtp_extensions(ds_session_smtp(d->session)))) {
    ds_feed_quit(d);
    return;
  }
  if (!d->want_tls)
    ds_policy_session(d, now);
  d->want_auth = d->c.auth != NULL;
}
