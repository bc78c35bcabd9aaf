#include "smtp/engine_state.h"

#include "smtp/command.h"

void ds_engine_body (ds_smtp *s, ds_txn *t, const ds_reply *r) {
  t->step = DS_STEP_BODY;
  if (t->answered == t->count)
    t->stage = DS_STAGE_BODY;
  s->body = t;
  s->body_due = 1;
  s->body_sunk = 0;
  s->body_reply = r;
  s->body_state = DS_BODY_LINE_START;
  s->left = t->size;
}

/* the end is in the output, its last octet just before `behind` more */
static void ended (ds_smtp *s, ds_txn *t, size_t behind) {
  t->ended = 1;
  t->end = s->taken + s->out.len - behind;
  t->step = DS_STEP_DONE;
  s->body = NULL;
}

/* ------------------------------------------------------------------- DATA */

/* the dot itself is what may be acted upon; its CRLF stands behind it */
static void dotted (ds_smtp *s, ds_txn *t) {
  ended(s, t, 2);
  ds_engine_expect(s, DS_CMD_EOM, t, 0);
}

int ds_engine_say_dot (ds_smtp *s, ds_txn *t) {
  if (ds_engine_room(s) != DS_OK || ds_command_word(&s->out, ".") != DS_OK) {
    ds_engine_no_memory(s);
    return 0;
  }
  dotted(s, t);
  return 1;
}

static int end_dotted (ds_smtp *s) {
  int rc = ds_engine_room(s);
  if (rc == DS_OK)
    rc = ds_body_end(&s->body_state, &s->out);
  if (rc == DS_OK)
    dotted(s, s->body);
  return rc;
}

/* ------------------------------------------------------------------- BDAT */

/* small ones at once; others when the host has said who of them it takes */
static int timely (const ds_txn *t) {
  return t->early || (t->answered == t->count && t->accepted > 0);
}

int ds_engine_say_bdat (ds_smtp *s, ds_txn *t) {
  if (!timely(t))
    return 0;
  t->bdat = 1;
  if (t->size > 0 && !ds_engine_said(s, ds_command_bdat(&s->out, t->size, 1),
                                     DS_CMD_EOM, t, 0))
    return 0;
  /* no refusal may leave anything for the next to fall into */
  s->dirty = 1;
  ds_engine_body(s, t, NULL);
  return 1;
}

/* *last: of its body */
static int say_chunk (ds_smtp *s, int last) {
  int rc = ds_command_bdat(&s->out, s->chunk.len, last);
  if (!ds_engine_said(s, rc, last ? DS_CMD_EOM : DS_CMD_CHUNK, s->body, 0))
    return 0;
  if (ds_buf_append(&s->out, ds_buf_data(&s->chunk), s->chunk.len) != DS_OK) {
    ds_engine_no_memory(s);
    return 0;
  }
  ds_buf_empty(&s->chunk);
  return 1;
}

/* a full one goes, and one that would wait for nothing when the caller has no
   more for now; few octets join while others are on their way */
int ds_engine_say_chunk (ds_smtp *s) {
  if (s->chunk.len == 0 || !ds_engine_may_say(s) ||
      (s->chunk.len < DS_CHUNK && s->count > 0))
    return 0;
  return say_chunk(s, 0);
}

static int too_long (ds_smtp *s) {
  ds_smtp_body_cut(s, "the message is longer than it said");
  return DS_ERR_USAGE;
}

static int too_short (ds_smtp *s) {
  ds_smtp_body_cut(s, "the message is shorter than it said");
  return DS_ERR_USAGE;
}

static int add_sized (ds_smtp *s, const char *p, size_t n) {
  int rc;
  if (n > s->left)
    return too_long(s);
  rc = ds_body_look(&s->body_state, p, n);
  if (rc == DS_OK) {
    s->left -= n;
    rc = ds_buf_append(&s->out, p, n);
  }
  return rc;
}

static int add_chunked (ds_smtp *s, const char *p, size_t n) {
  int rc = ds_body_look(&s->body_state, p, n);
  if (rc == DS_OK)
    rc = ds_buf_append(&s->chunk, p, n);
  if (s->chunk.len >= DS_CHUNK)
    ds_engine_send(s);
  return rc;
}

static int end_raw (ds_smtp *s) {
  if (s->body_state == DS_BODY_CR)
    return DS_ERR_USAGE;
  if (s->body->size > 0 && s->left > 0)
    return too_short(s);
  if (s->body->size == 0 && !say_chunk(s, 1))
    return DS_ERR_NOMEM;
  ended(s, s->body, 0);
  ds_buf_shrink(&s->chunk);
  return DS_OK;
}

/* the octets that still come must not be taken for the next message's */
void ds_engine_sink_body (ds_smtp *s, ds_txn *t) {
  if (s->body != t)
    return;
  s->body_sunk = 1;
  ds_buf_clear(&s->chunk);
}

static void end_sunk (ds_smtp *s) {
  s->body->step = DS_STEP_DONE;
  s->body = NULL;
  s->news = 1;
}

/* ------------------------------------------------------------------ calls */

int ds_smtp_body (ds_smtp *s, const void *p, size_t n) {
  const char *octets = (const char *)p;
  int rc;
  if (s->body == NULL || s->body_due)
    return DS_ERR_STATE;
  if (s->body_sunk)
    return DS_OK;
  if (!s->body->bdat)
    rc = ds_body_add(&s->body_state, &s->out, octets, n);
  else
    rc =
        s->body->size > 0 ? add_sized(s, octets, n) : add_chunked(s, octets, n);
  if (rc == DS_ERR_NOMEM)
    ds_engine_no_memory(s);
  return rc;
}

int ds_smtp_body_end (ds_smtp *s) {
  int rc = DS_OK;
  if (s->body == NULL || s->body_due)
    return DS_ERR_STATE;
  if (s->body_sunk)
    end_sunk(s);
  else
    rc = s->body->bdat ? end_raw(s) : end_dotted(s);
  if (rc == DS_ERR_NOMEM)
    ds_engine_no_memory(s);
  if (rc == DS_OK)
    ds_engine_send(s);
  return rc;
}

void ds_smtp_body_cut (ds_smtp *s, const char *text) {
  if (s->body != NULL)
    ds_smtp_abort(s, DS_KIND_LOCAL, text);
}

/*
** The last octet of a body that goes as BDAT n LAST waits for its end to be
** said: until then the server has no message.
*/
ds_span ds_smtp_output (ds_smtp *s) {
  ds_span out = ds_buf_span(&s->out);
  if (s->body != NULL && s->body->bdat && s->body->size > 0 && s->left == 0)
    out.n--;
  return out;
}

size_t ds_smtp_pending (const ds_smtp *s) {
  return s->out.len + s->chunk.len;
}
