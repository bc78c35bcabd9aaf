#include "smtp/engine_state.h"

#include <string.h>

#include "smtp/command.h"

int ds_engine_pipelining (const ds_smtp *s) {
  return s->ext.pipelining && !s->careful;
}

int ds_engine_chunking (const ds_smtp *s) {
  return s->ext.chunking && ds_engine_pipelining(s);
}

/*
** A full window is refilled only when half of it has been answered, so that
** a long list of recipients goes out in few writes.
*/
int ds_engine_may_say (ds_smtp *s) {
  if (!ds_engine_pipelining(s))
    return s->count == 0;
  if (s->count >= DS_AHEAD)
    s->full = 1;
  else if (s->count <= DS_AHEAD / 2)
    s->full = 0;
  return !s->full;
}

int ds_engine_said (ds_smtp *s, int rc, ds_command cmd, ds_txn *t,
                    size_t rcpt) {
  if (rc != DS_OK || ds_engine_room(s) != DS_OK) {
    ds_engine_no_memory(s);
    return 0;
  }
  ds_engine_expect(s, cmd, t, rcpt);
  return 1;
}

static int say_ehlo (ds_smtp *s, const char *verb, ds_command cmd) {
  int rc = ds_command_ehlo(&s->out, verb, ds_span_str(s->hostname));
  ds_smtp_ext_clear(&s->ext_new);
  s->phase = DS_PHASE_GREETING;
  return ds_engine_said(s, rc, cmd, NULL, 0);
}

static int say_starttls (ds_smtp *s) {
  s->phase = DS_PHASE_TLS_ASKED;
  return ds_engine_said(s, ds_command_word(&s->out, "STARTTLS"),
                        DS_CMD_STARTTLS, NULL, 0);
}

static int say_mail (ds_smtp *s, ds_txn *t) {
  ds_command_mail_args a;
  if (s->dirty) {
    s->dirty = 0;
    return ds_engine_said(s, ds_command_word(&s->out, "RSET"), DS_CMD_RSET,
                          NULL, 0);
  }
  memset(&a, 0, sizeof a);
  a.size = s->ext.size ? t->size : 0;
  a.eightbit = (t->flags & DS_TXN_8BIT) != 0;
  a.utf8 = (t->flags & DS_TXN_UTF8) != 0;
  a.requiretls = (t->flags & DS_TXN_REQUIRETLS) != 0;
  if (s->ext.dsn) {
    a.ret = t->ret;
    a.envid = ds_txn_envid(t);
  }
  t->step = DS_STEP_RCPT;
  return ds_engine_said(s, ds_command_mail(&s->out, ds_txn_sender(t), &a),
                        DS_CMD_MAIL, t, 0);
}

static int say_rcpt (ds_smtp *s, ds_txn *t) {
  const size_t i = t->said++;
  ds_command_rcpt_args a;
  memset(&a, 0, sizeof a);
  a.utf8 = (t->flags & DS_TXN_UTF8) != 0;
  if (s->ext.dsn) {
    a.notify = t->rcpt[i].notify;
    a.orcpt = ds_txn_orcpt(t, i);
  }
  if (t->said == t->count)
    t->step = DS_STEP_DATA;
  return ds_engine_said(s, ds_command_rcpt(&s->out, ds_txn_recipient(t, i), &a),
                        DS_CMD_RCPT, t, i);
}

static int say_data (ds_smtp *s, ds_txn *t) {
  if (ds_engine_chunking(s))
    return ds_engine_say_bdat(s, t);
  t->step = DS_STEP_ASKED;
  return ds_engine_said(s, ds_command_word(&s->out, "DATA"), DS_CMD_DATA, t, 0);
}

static int say_transaction (ds_smtp *s, ds_txn *t) {
  switch (t->step) {
  case DS_STEP_MAIL:
    return ds_engine_may_say(s) && say_mail(s, t);
  case DS_STEP_RCPT:
    return ds_engine_may_say(s) && say_rcpt(s, t);
  case DS_STEP_DATA:
    return ds_engine_may_say(s) && say_data(s, t);
  case DS_STEP_BODY:
    return ds_engine_say_chunk(s);
  case DS_STEP_DOT:
    return ds_engine_say_dot(s, t);
  default:
    return 0;
  }
}

static int say_quit (ds_smtp *s) {
  if (!s->quit_asked || s->quit_said || !ds_engine_may_say(s))
    return 0;
  s->quit_said = 1;
  return ds_engine_said(s, ds_command_word(&s->out, "QUIT"), DS_CMD_QUIT, NULL,
                        0);
}

static int say_next (ds_smtp *s) {
  ds_txn *t;
  switch (s->phase) {
  case DS_PHASE_EHLO_DUE:
    return say_ehlo(s, s->lmtp ? "LHLO" : "EHLO", DS_CMD_EHLO);
  case DS_PHASE_HELO_DUE:
    return say_ehlo(s, "HELO", DS_CMD_HELO);
  case DS_PHASE_TLS_DUE:
    return say_starttls(s);
  case DS_PHASE_READY:
    t = ds_txn_unsaid(s);
    return t != NULL ? say_transaction(s, t) : say_quit(s);
  default:
    return 0;
  }
}

/* what lies unread and was not asked for must be judged before we go on */
static int troubled (const ds_smtp *s) {
  const ds_expected *e = ds_engine_head(s);
  return e == NULL ? s->in.len > 0 : e->cmd == DS_CMD_NOTICE;
}

void ds_engine_send (ds_smtp *s) {
  while (!s->over && !s->leaving && !troubled(s) && say_next(s))
    ;
}
