/*
** kept: a session that outlives its delivery, and comes to the next one of
** the same key.
*/
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

void ds_kept_free (ds_kept *k) {
  if (k == NULL)
    return;
  ds_session_free(k->session);
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

int ds_delivery_adopted (ds_delivery *d, ds_time now, unsigned conn,
                         ds_kept *k) {
  (void)now;
  (void)now;
  if (d->open != DS_OP_CONNECT || d->query != NULL || !d->reusing ||
      conn != d->conn)
    return DS_ERR_STATE;
  d->open = DS_OP_NONE;
  d->connected = 1;
  ds_attempt_adopt(d, k);
  return DS_OK;
}
