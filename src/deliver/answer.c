/*
** answer: what the driver did goes to the question or the session that asked
** for it.
*/
#include <string.h>

#include "deliver/internal.h"

int ds_answers (ds_delivery *d, ds_op_kind k) {
  if (d->open != k)
    return 0;
  d->open = DS_OP_NONE;
  return 1;
}

int ds_delivery_connected (ds_delivery *d, ds_time now, unsigned conn,
                           size_t index, const ds_ip *local,
                           const ds_ip *peer) {
  if (conn != d->conn || !ds_answers(d, DS_OP_CONNECT))
    return DS_ERR_STATE;
  d->connected = 1;
  if (d->query != NULL) {
    ds_query_connected(d->query, now);
    return DS_OK;
  }
  if (d->search != NULL) {
    ds_discover_connected(d, now, peer);
    return DS_OK;
  }
  d->local = *local;
  ds_family_connected(d, now, index);
  /* the address that counts is the one the socket has */
  if (ds_policy_refused(d, peer) != NULL) {
    ds_connect_failed(d, DS_FAILED, DS_KIND_POLICY, ds_policy_refused(d, peer));
    d->after = PH_CONNECT;
    d->phase = PH_CLOSE;
  } else if (ds_attempt_open(d, now, local) != DS_OK) {
    d->after = PH_SETTLE;
    ds_out_of_memory(d);
    d->phase = PH_CLOSE;
  }
  return DS_OK;
}

int ds_delivery_sent (ds_delivery *d, ds_time now, unsigned conn, size_t n) {
  if (conn != d->conn || !ds_answers(d, DS_OP_SEND))
    return DS_ERR_STATE;
  if (d->query != NULL)
    ds_query_sent(d->query, now, n);
  else if (d->search != NULL)
    ds_discover_sent(d, n);
  else {
    d->sent += n;
    ds_session_sent(d->session, now, n);
  }
  return DS_OK;
}

int ds_delivery_received (ds_delivery *d, ds_time now, unsigned conn,
                          const void *p, size_t n) {
  if (conn != d->conn || !d->connected)
    return DS_ERR_STATE;
  if (d->query == NULL && d->search == NULL && d->session == NULL)
    return DS_ERR_STATE;
  if (d->query != NULL && !ds_answers(d, DS_OP_RECEIVE))
    return DS_ERR_STATE;
  if (d->query != NULL) {
    ds_query_received(d->query, now, p, n);
    return DS_OK;
  }
  ds_answers(d, DS_OP_RECEIVE);
  if (d->search != NULL)
    ds_discover_received(d, p, n);
  else
    ds_session_received(d->session, now, p, n);
  return DS_OK;
}

int ds_delivery_message (ds_delivery *d, ds_time now, const ds_envelope *m) {
  work *w;
  if (m->count == 0 || m->count > DS_SMTP_RECIPIENTS)
    return DS_ERR_USAGE;
  if (m->body.p != NULL && m->size != m->body.n)
    return DS_ERR_USAGE;
  if (d->open != DS_OP_NEXT && d->room == 0)
    return DS_ERR_STATE;
  w = ds_work_new(m, now);
  if (w == NULL)
    return DS_ERR_NOMEM; /* the operation stays open: nothing was taken */
  d->open = DS_OP_NONE;
  d->granted -= d->granted > 0;
  d->room--;
  ds_work_add(d, w);
  d->until = now + d->c.timeouts.total;
  if (d->session != NULL)
    ds_session_until(d->session, d->until);
  return DS_OK;
}

int ds_delivery_no_more (ds_delivery *d, ds_time now) {
  (void)now;
  if (!ds_answers(d, DS_OP_NEXT))
    return DS_ERR_STATE;
  d->ended = 1;
  return DS_OK;
}

/* the message itself is at fault: no other host can help */
static void body_failed (ds_delivery *d, const char *text) {
  if (d->sending == NULL)
    return;
  d->sending->w->broken = 1;
  ds_smtp_body_cut(ds_session_smtp(d->session), text);
}

/* why this piece of the body will not do, NULL: it will */
static const char *piece_refused (const work *w, size_t n, int eof) {
  uint64_t size = w->m.size;
  if (n == 0 && !eof)
    return "the message gave no octets, and not its end";
  if (size != 0 && (w->offset > size || (eof && w->offset < size)))
    return "the message is not as long as it said";
  return NULL;
}

int ds_delivery_body (ds_delivery *d, ds_time now, const void *p, size_t n,
                      int eof) {
  work *w = d->sending != NULL ? d->sending->w : NULL;
  const char *why;
  ds_smtp *s;
  (void)now;
  if (!ds_answers(d, DS_OP_BODY))
    return DS_ERR_STATE;
  if (w == NULL)
    return DS_OK; /* the session ended while the octets were fetched */
  s = ds_session_smtp(d->session);
  w->read = 1;
  w->offset += n;
  why = piece_refused(w, n, eof);
  if (why == NULL && n > 0 && ds_smtp_body(s, p, n) == DS_ERR_USAGE)
    why = "the message holds a bare CR or LF";
  if (why != NULL)
    body_failed(d, why);
  else if (eof) {
    ds_smtp_body_end(s);
    d->sending = d->begun = NULL;
  }
  return DS_OK;
}

int ds_delivery_rewound (ds_delivery *d, ds_time now) {
  (void)now;
  if (!ds_answers(d, DS_OP_REWIND))
    return DS_ERR_STATE;
  if (d->sending != NULL)
    d->sending->w->read = 0;
  return DS_OK;
}

int ds_delivery_context (ds_delivery *d, ds_time now, const ds_tls_backend *b,
                         ds_tls_ctx *ctx) {
  (void)now;
  if (!ds_answers(d, DS_OP_CONTEXT))
    return DS_ERR_STATE;
  d->backend = b;
  d->ctx = ctx;
  return DS_OK;
}

/* --------------------------------------------------------------- failed */

static ds_kind failure_kind (ds_failure f) {
  return f == DS_FAIL_TIMEOUT                           ? DS_KIND_TIMEOUT
         : f == DS_FAIL_LOCAL || f == DS_FAIL_CANCELLED ? DS_KIND_LOCAL
                                                        : DS_KIND_CONNECT;
}

/* no TLS on this machine: in clear where that will do, else no host can help */
static void context_failed (ds_delivery *d, ds_time now, const char *text) {
  if (d->search != NULL) {
    ds_discover_failed(d, DS_KIND_LOCAL, text);
    return;
  }
  ds_policy_no_tls(d, text);
  if (d->terms.level == DS_LEVEL_OPPORTUNISTIC && d->session != NULL) {
    ds_policy_session(d, now);
    return;
  }
  ds_verdict_set(d, DS_DEFERRED, DS_KIND_LOCAL, DS_STAGE_STARTTLS,
                 "no TLS on this side: %s", text);
  if (d->session != NULL)
    ds_feed_quit(d);
  else
    d->phase = PH_SETTLE;
}

/* there will be no admission: no message more, or nothing can be done */
static void admit_failed (ds_delivery *d, const char *text) {
  d->admit = ASK_NOTHING;
  if (d->admission == DS_ADMIT_MESSAGES) {
    d->ended = 1;
    return;
  }
  ds_verdict_set(d, DS_DEFERRED, DS_KIND_LOCAL, DS_STAGE_NONE,
                 "no connection is admitted: %s", text);
  d->phase = PH_SETTLE;
}

/* how much of a SEND left before it failed nobody knows */
static void session_failed (ds_delivery *d, ds_time now, ds_op_kind was,
                            ds_failure f, const char *text) {
  if (was == DS_OP_SEND)
    d->sent += d->presented;
  ds_session_failed(d->session, now, failure_kind(f), text);
}

int ds_delivery_failed (ds_delivery *d, ds_time now, ds_failure f,
                        const char *text) {
  ds_op_kind was = d->open;
  if (text == NULL || *text == '\0')
    text = ds_failure_name(f);
  d->open = DS_OP_NONE;
  switch (was) {
  case DS_OP_CONNECT:
  case DS_OP_SEND:
  case DS_OP_RECEIVE:
    if (d->query != NULL)
      ds_query_failed(d->query, now);
    else if (d->search != NULL)
      ds_discover_failed(d, failure_kind(f), text);
    else if (was == DS_OP_CONNECT) {
      ds_family_failed(d, f);
      ds_connect_failed(d, DS_DEFERRED, failure_kind(f), text);
    } else
      session_failed(d, now, was, f, text);
    return DS_OK;
  case DS_OP_NEXT:
    d->ended = 1;
    return DS_OK;
  case DS_OP_BODY:
  case DS_OP_REWIND:
    body_failed(d, text);
    return DS_OK;
  case DS_OP_CONTEXT:
    context_failed(d, now, text);
    return DS_OK;
  case DS_OP_RECALL:
    d->recall = ASK_ANSWERED;
    return DS_OK;
  case DS_OP_ADMIT:
    admit_failed(d, text);
    return DS_OK;
  case DS_OP_WAIT:
    return DS_OK;
  default:
    return DS_ERR_STATE;
  }
}

void ds_delivery_cancel (ds_delivery *d, ds_time now) {
  if (d->cancelled || d->phase == PH_DONE)
    return;
  d->cancelled = 1;
  d->ended = 1;
  d->open = DS_OP_NONE;
  if (d->phase == PH_SETTLE)
    return;
  ds_verdict_set(d, DS_DEFERRED, DS_KIND_LOCAL, DS_STAGE_NONE, "cancelled");
  if (d->session != NULL) {
    ds_session_failed(d->session, now, DS_KIND_LOCAL, "cancelled");
    return;
  }
  ds_resolve_end(d);
  ds_discover_end(d);
  d->phase = PH_CLOSE;
}
