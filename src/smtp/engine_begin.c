#include "smtp/engine_state.h"

#include "smtp/command.h"

#define FIRST_ROOM 4096

static size_t window (const ds_smtp *s) {
  const size_t most = ds_engine_chunking(s)     ? DS_WINDOW
                      : ds_engine_pipelining(s) ? DS_WINDOW_DATA
                                                : 1;
  return s->window < most ? s->window : most;
}

/* a batch fills, goes out and drains; behind DATA there is no batch */
static int open_to_more (const ds_smtp *s) {
  return !ds_engine_chunking(s) ||
         (s->octets < DS_EARLY && s->count < DS_AHEAD && !s->draining);
}

int ds_smtp_can_begin (const ds_smtp *s) {
  return !s->over && s->phase == DS_PHASE_READY && !s->quit_asked &&
         !s->leaving && s->txn_count < window(s) && open_to_more(s);
}

static int dsn_ok (const ds_smtp_transaction *t) {
  size_t i;
  if (!ds_command_envid_ok(t->envid))
    return 0;
  for (i = 0; t->dsn != NULL && i < t->count; i++)
    if (!ds_command_dsn_ok(&t->dsn[i]))
      return 0;
  return 1;
}

static int fit_to_say (const ds_smtp_transaction *t) {
  const int utf8 = (t->flags & DS_TXN_UTF8) != 0;
  size_t i;
  if (t->count < 1 || t->count > DS_SMTP_RECIPIENTS ||
      !ds_command_path_ok(t->sender, utf8) || !dsn_ok(t))
    return 0;
  for (i = 0; i < t->count; i++)
    if (t->recipients[i].n == 0 || !ds_command_path_ok(t->recipients[i], utf8))
      return 0;
  return 1;
}

static ds_lack lacks (const ds_smtp *s, const ds_smtp_transaction *t) {
  if (s->ext.size_limit > 0 && t->size > s->ext.size_limit)
    return DS_LACK_SIZE;
  if ((t->flags & DS_TXN_8BIT) && !s->ext.eightbitmime)
    return DS_LACK_8BIT;
  if ((t->flags & DS_TXN_UTF8) && !s->ext.smtputf8)
    return DS_LACK_UTF8;
  if ((t->flags & DS_TXN_REQUIRETLS) && !(s->tls && s->ext.requiretls))
    return DS_LACK_REQUIRETLS;
  return DS_LACK_NOTHING;
}

int ds_smtp_begin (ds_smtp *s, const ds_smtp_transaction *t) {
  const ds_lack lack = lacks(s, t);
  ds_txn *c;
  if (!ds_smtp_can_begin(s))
    return DS_ERR_STATE;
  if (!fit_to_say(t))
    return DS_ERR_USAGE;
  c = ds_txn_new(s, t);
  if (c == NULL)
    return DS_ERR_NOMEM;
  if (s->out.block == NULL && ds_engine_chunking(s))
    ds_buf_space(&s->out, FIRST_ROOM); /* a batch follows; if not, not */
  if (lack != DS_LACK_NOTHING)
    ds_txn_lack(s, c, lack);
  ds_engine_send(s);
  return DS_OK;
}
