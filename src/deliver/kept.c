/*
** kept: a session that outlives its delivery, and comes to the next one of
** the same key.
*/
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

#define LIFETIME (5 * 60 * DS_SECOND)

void ds_kept_free (ds_kept *k) {
  if (k == NULL)
    return;
  ds_session_free(k->session);
  ds_wipe(k->secret, k->secret_n);
  ds_free(k);
}

ds_kept *ds_kept_take (ds_delivery *d) {
  ds_kept *k = d->kept;
  d->kept = NULL;
  return k;
}

ds_span ds_kept_farewell (ds_kept *k, ds_time now) {
  ds_smtp_event ev;
  ds_session_step s;
  ds_span none = {NULL, 0};
  ds_smtp_quit(ds_session_smtp(k->session));
  while (ds_session_next_event(k->session, now, &ev))
    ;
  ds_session_next(k->session, now, &s);
  return s.want == DS_WANT_SEND ? s.data : none;
}

/* a session is for those who know the secret it was opened with */
static int knows (const ds_delivery *d, const ds_kept *k) {
  const ds_auth *a = d->c.auth;
  size_t i, n = a != NULL ? a->password.n + a->token.n : 0;
  unsigned differ = n != k->secret_n;
  for (i = 0; !differ && i < n; i++)
    differ |=
        (unsigned char)k->secret[i] ^
        (unsigned char)(i < a->password.n ? a->password.p[i]
                                          : a->token.p[i - a->password.n]);
  return !differ;
}

int ds_delivery_adopted (ds_delivery *d, ds_time now, unsigned conn,
                         ds_kept *k) {
  if (d->open != DS_OP_CONNECT || d->query != NULL || !d->reusing ||
      conn != d->conn)
    return DS_ERR_STATE;
  d->open = DS_OP_NONE;
  d->connected = 1;
  if (knows(d, k) && ds_policy_refused(d, &k->peer.ip) == NULL) {
    ds_attempt_adopt(d, now, k);
    return DS_OK;
  }
  ds_kept_free(k);
  d->again = d->stale = 1;
  d->after = PH_CONNECT;
  d->phase = PH_CLOSE;
  return DS_OK;
}

/* ----------------------------------------------------------------- keys */

const char *ds_careful_key (ds_delivery *d) {
  snprintf(d->careful_key, sizeof d->careful_key, "%s:%u", ds_host_of(d)->name,
           (unsigned)d->c.port);
  return d->careful_key;
}

/*
** Whatever makes a session another one: whom it is with, how surely, who we
** are, whence.
*/
const char *ds_reuse_key (ds_delivery *d) {
  ds_buf *b = &d->reuse_key;
  char from[DS_IP_TEXT];
  size_t i;
  if (!(d->c.can & DS_CAN_KEEP) || d->c.idle <= 0)
    return NULL;
  if (ds_buf_failed(b))
    ds_buf_clear(b); /* memory may be had again */
  ds_buf_empty(b);
  ds_buf_printf(b, "%s:%u %s", ds_host_of(d)->name, (unsigned)d->c.port,
                ds_level_name(d->terms.level));
  ds_buf_printf(b, "%s%s as=%s", d->c.pinned ? " pinned" : "",
                d->c.lmtp ? " lmtp" : "",
                d->c.hostname != NULL ? d->c.hostname : "");
  for (i = 0; i < d->c.source_count; i++) {
    ds_ip_format(&d->c.source[i], from);
    ds_buf_printf(b, " from=%s", from);
  }
  if (d->c.interface != NULL)
    ds_buf_printf(b, " over=%s", d->c.interface);
  if (d->c.auth != NULL)
    ds_buf_printf(b, " user=%.*s", (int)d->c.auth->user.n, d->c.auth->user.p);
  ds_buf_putc(b, '\0');
  return ds_buf_failed(b) ? NULL : ds_buf_data(b);
}

/* -------------------------------------------------------------- keeping */

static ds_time lifetime (const ds_delivery *d) {
  return d->c.lifetime > 0 ? d->c.lifetime : LIFETIME;
}

/* messages the session may still carry */
static unsigned uses_left (const ds_delivery *d) {
  size_t most = ds_limit_messages(d);
  if (most == 0)
    return UINT32_MAX;
  return most > d->carried ? (unsigned)(most - d->carried) : 0;
}

/* is it to be kept when all is said? */
int ds_keep_wanted (const ds_delivery *d, ds_time now) {
  return (d->c.can & DS_CAN_KEEP) && d->c.idle > 0 && !d->cancelled &&
         !d->closing && uses_left(d) > 0 && now < d->opened + lifetime(d);
}

static int tell_keep (ds_delivery *d, ds_time now, ds_op *op) {
  op->op = DS_OP_KEEP;
  op->conn = d->conn;
  op->kept = d->kept;
  op->reuse = ds_reuse_key(d);
  op->idle_until = now + d->c.idle;
  op->dies_at = d->opened + lifetime(d);
  op->uses_left = uses_left(d);
  return 1;
}

static int busy (const ds_delivery *d) {
  const work *w;
  uint32_t serial;
  for (w = d->works; w != NULL; w = w->next)
    if (w->flights > 0)
      return 1;
  return ds_smtp_waiting(ds_session_smtp(d->session), &serial) != DS_STAGE_NONE;
}

static ds_kept *kept_new (const ds_auth *a) {
  size_t n = a != NULL ? a->password.n + a->token.n : 0;
  ds_kept *k = (ds_kept *)ds_malloc(sizeof *k + n);
  if (k == NULL)
    return NULL;
  memset(k, 0, sizeof *k);
  k->secret_n = n;
  if (n > 0 && a->password.n > 0)
    memcpy(k->secret, a->password.p, a->password.n);
  if (n > 0 && a->token.n > 0)
    memcpy(k->secret + a->password.n, a->token.p, a->token.n);
  return k;
}

/* 1: it is kept, and op says so; -1: it has replies to wait for; 0: QUIT, as
   there are messages for other hosts, or no memory */
int ds_keep_step (ds_delivery *d, ds_time now, ds_op *op) {
  ds_kept *k = NULL;
  if (busy(d))
    return -1;
  if (d->works == NULL && ds_reuse_key(d) != NULL)
    k = kept_new(d->c.auth);
  if (k == NULL) {
    ds_feed_quit(d);
    return 0;
  }
  k->session = d->session;
  ds_session_move(k->session, NULL);
  k->peer = d->peer;
  k->local = d->local;
  k->tls = d->tls;
  memcpy(k->note, d->note, sizeof k->note);
  k->opened = d->opened;
  k->carried = d->carried;
  d->kept = k;
  tell_keep(d, now, op);
  d->session = NULL;
  ds_attempt_forget(d);
  d->connected = 0;
  ds_release(d);
  d->phase = PH_FEED;
  return 1;
}
