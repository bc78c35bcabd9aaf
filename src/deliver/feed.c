/*
** feed: what a session is given to do: STARTTLS, transactions, bodies, the
** next message, and at last to be kept or to say QUIT.
*/
#include <string.h>

#include "deliver/internal.h"

/* a session waits that long for another message, where nobody says more */
#define IDLE (10 * DS_SECOND)

void ds_feed_quit (ds_delivery *d) {
  d->quitting = 1;
  d->want_tls = d->want_auth = 0;
  ds_smtp_quit(ds_session_smtp(d->session));
}

/* the next octets of a body that lies in memory, or its end */
static int give_octets (ds_delivery *d, work *w) {
  ds_smtp *s = ds_session_smtp(d->session);
  const size_t left = w->m.body.n - (size_t)w->offset;
  const size_t n = left < d->c.max_chunk ? left : d->c.max_chunk;
  if (n > 0 && ds_smtp_body(s, w->m.body.p + w->offset, n) == DS_ERR_USAGE) {
    w->broken = 1;
    ds_smtp_body_cut(s, "the message holds a bare CR or LF");
    return 0;
  }
  w->offset += n;
  if (n == left) {
    ds_smtp_body_end(s);
    d->sending = d->begun = NULL;
  }
  return 0;
}

static int give_body (ds_delivery *d, ds_op *op) {
  work *w = d->sending->w;
  if (w->m.body.p != NULL)
    return give_octets(d, w);
  op->op = w->read && w->offset == 0 ? DS_OP_REWIND : DS_OP_BODY;
  op->tag = w->m.tag;
  op->offset = w->offset;
  op->max = d->c.max_chunk;
  op->source = w->m.source;
  return 1;
}

static unsigned window (const ds_delivery *d) {
  return d->c.window > 0 ? d->c.window : 32;
}

/* NEXT, when so many messages may be sent */
int ds_feed_next (ds_delivery *d, ds_time now, ds_op *op) {
  if (d->granted == 0) {
    if (ds_admit(d, now, DS_ADMIT_MESSAGES, window(d), op))
      return 1;
    d->granted = d->c.can & DS_CAN_ADMIT ? d->admitted : 1;
  }
  op->op = DS_OP_NEXT;
  op->n = window(d) > d->hand ? window(d) - d->hand : 1;
  if (d->c.can & DS_CAN_ADMIT && d->granted < op->n)
    op->n = d->granted;
  d->room = op->n;
  return 1;
}

/* is there more to come that this session is not to have? */
static int used_up (const ds_delivery *d) {
  const size_t most = ds_limit_messages(d);
  return d->closing || (most > 0 && d->carried >= most);
}

/* everything that will come through this session is begun */
static int finish (ds_delivery *d, ds_time now, ds_op *op) {
  if (!ds_keep_wanted(d, now)) {
    ds_feed_quit(d);
    return 0;
  }
  return ds_keep_step(d, now, op);
}

/* a transaction that waits, a new message, or the end */
static int go_on (ds_delivery *d, ds_time now, ds_op *op) {
  work *w = ds_work_waiting(d);
  if (used_up(d))
    return finish(d, now, op);
  if (w != NULL && !ds_terms_fit(d, now, w)) {
    ds_work_pass(d, w);
    ds_policy_aside(d);
    return 0;
  }
  if (w != NULL) {
    ds_work_begin(d, w);
    return 0;
  }
  if (d->ended)
    return finish(d, now, op);
  if (now < d->wake)
    return -1;
  return ds_feed_next(d, now, op);
}

int ds_feed_step (ds_delivery *d, ds_time now, ds_op *op) {
  if (d->over || d->quitting)
    return -1;
  if (d->want_tls)
    return ds_secure_start(d, now, op);
  if (d->want_auth) {
    ds_secure_auth(d);
    return 0;
  }
  if (d->sending != NULL && ds_session_pending(d->session) < d->c.max_chunk)
    return give_body(d, op);
  if (d->begun == NULL && ds_smtp_can_begin(ds_session_smtp(d->session)))
    return go_on(d, now, op);
  return -1;
}

/* nothing is on the wire, and the next message is to be asked for later: a
   long while the session is not to wait.  As ds_feed_step */
int ds_feed_idle (ds_delivery *d, ds_time now, ds_op *op) {
  const ds_time most = d->c.idle > 0 ? d->c.idle : IDLE;
  if (d->over || d->quitting || now >= d->wake)
    return -1;
  if (d->wake - now <= most)
    return ds_wait(d, op);
  return finish(d, now, op);
}
