#include "smtp/engine_state.h"

#include <stdio.h>
#include <string.h>

#include "smtp/text.h"

typedef void (*on_reply_fn)(ds_smtp *s, const ds_expected *e,
                            const ds_reply *r);

static ds_finding found (const ds_reply *r, ds_stage stage) {
  ds_finding f = {DS_FAILED, 0, 0, 0};
  f.stage = (uint8_t)stage;
  if (r->code < 500)
    f.outcome = r->code < 300 ? DS_DELIVERED : DS_DEFERRED;
  return f;
}

/*
** In a batch a command may be refused for what stands before it, or because
** it came too early for this host.  Nobody is refused then: the same may do
** one step at a time.
*/
static int confused (const ds_txn *t, const ds_reply *r, ds_stage stage) {
  const int syntax = r->code == 501 || r->code == 504;
  if (!t->bdat || r->code < 500 || r->code > 504)
    return 0;
  return stage > DS_STAGE_RCPT || !syntax; /* a path may be at fault */
}

static ds_finding judge (const ds_txn *t, const ds_reply *r, ds_stage stage) {
  ds_finding f = found(r, stage);
  if (confused(t, r, stage)) {
    f.outcome = DS_DEFERRED;
    f.confused = 1;
  }
  return f;
}

static void refused (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  ds_engine_end(s, DS_KIND_REPLY, (ds_stage)e->stage, r, "", DS_END_PLAIN);
}

static void broken (ds_smtp *s, ds_stage stage, const char *what,
                    const char *told) {
  char text[DS_REPLY_TEXT + 128];
  snprintf(text, sizeof text, "%s%s%s", what, told[0] != '\0' ? ": " : "",
           told);
  ds_engine_end(s, DS_KIND_PROTOCOL, stage, NULL, text, DS_END_SHIFTED);
}

static void on_greeting (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (r->code >= 300) {
    refused(s, e, r);
    return;
  }
  ds_smtp_printable(s->greeting, sizeof s->greeting,
                    ds_span_str(r->text + (r->text[3] == ' ' ? 4 : 3)));
  s->phase = DS_PHASE_EHLO_DUE;
}

static void ready (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  s->phase = DS_PHASE_READY;
  ds_engine_post(s, DS_SMTP_READY, e, r);
}

static void on_ehlo (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (r->code >= 500 && !s->lmtp)
    s->phase = DS_PHASE_HELO_DUE;
  else if (r->code >= 300)
    refused(s, e, r);
  else {
    s->ext = s->ext_new;
    s->ext.esmtp = 1;
    if (s->tls)
      s->ext.starttls = 0;
    ready(s, e, r);
  }
}

static void on_helo (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (r->code >= 300)
    refused(s, e, r);
  else
    ready(s, e, r);
}

static void on_starttls (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (r->code >= 400) {
    s->phase = DS_PHASE_READY;
    ds_engine_post(s, DS_SMTP_TLS_NO, e, r);
  } else if (r->code != 220)
    broken(s, DS_STAGE_STARTTLS, "this does not answer STARTTLS", r->text);
  else if (s->in.len > 0)
    broken(s, DS_STAGE_STARTTLS, "plaintext follows the reply to STARTTLS", "");
  else {
    s->phase = DS_PHASE_TLS;
    ds_smtp_ext_clear(&s->ext);
    ds_engine_post(s, DS_SMTP_TLS_GO, e, r);
  }
}

/* nobody is left to send it to: leave it, if there is still time to */
static void give_up (ds_smtp *s, ds_txn *t) {
  if (t->step >= DS_STEP_ASKED)
    return;
  t->step = DS_STEP_DONE;
  s->dirty = 1;
}

/* no transaction's commands stand behind t's */
static int last_said (const ds_txn *t) {
  return t->next == NULL || t->next->step == DS_STEP_MAIL;
}

static void on_mail (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (r->code >= 400) {
    e->txn->mail_refused = 1;
    ds_txn_settle(e->txn, judge(e->txn, r, DS_STAGE_MAIL), r);
    give_up(s, e->txn);
  } else
    e->txn->stage = DS_STAGE_RCPT;
}

static int too_many_words (const char *text) {
  static const char words[] = "too many recipients";
  const size_t n = sizeof words - 1;
  for (; strlen(text) >= n; text++)
    if (ds_span_eqi(ds_span_of(text, n), ds_span_of(words, n)))
      return 1;
  return 0;
}

/*
** Too many recipients is 452, but was 552 once, and clients are to take it for
** temporary (RFC 5321 §4.5.3.1.10).  A full mailbox is told from it by its
** enhanced code, and there is no too many where none was accepted.
*/
static int too_many (const ds_txn *t, const ds_reply *r) {
  const char *x = r->enhanced;
  if (t->accepted == 0 || (r->code != 452 && r->code != 552))
    return 0;
  return x[0] == '\0' || strcmp(x + 1, ".5.3") == 0 || too_many_words(r->text);
}

/* 0, or DS_ERR_NOMEM */
static int refuse (ds_txn *t, const ds_expected *e, const ds_reply *r) {
  ds_finding f = judge(t, r, DS_STAGE_RCPT);
  if (too_many(t, r)) {
    f.outcome = DS_DEFERRED;
    f.split = 1;
  }
  return ds_txn_settle_one(t, e->rcpt, f, r);
}

static void on_rcpt (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  ds_txn *t = e->txn;
  t->answered++;
  if (t->mail_refused)
    return;
  if (t->answered == t->count)
    t->stage = t->bdat ? DS_STAGE_BODY : DS_STAGE_DATA;
  if (r->code < 300) {
    t->accepted++;
    t->rcpt[e->rcpt].state = DS_RCPT_ACCEPTED;
    ds_engine_post(s, DS_SMTP_ACCEPTED, e, r);
  } else if (refuse(t, e, r) != DS_OK)
    ds_engine_no_memory(s);
  else if (t->answered == t->count && t->accepted == 0)
    give_up(s, t);
}

static void on_data (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  ds_txn *t = e->txn;
  if (r->code >= 400) {
    ds_txn_settle(t, found(r, DS_STAGE_DATA), r);
    t->step = DS_STEP_DONE;
    s->dirty = 1;
  } else if (t->accepted == 0) {
    t->step = DS_STEP_DOT;
  } else
    ds_engine_body(s, t, r);
}

/* what is wrong with a chunk is wrong with the message; those on their way are
   answered, too, and change nothing.  How often in LMTP nobody says */
static void on_chunk (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  ds_txn *t = e->txn;
  if (r->code < 300)
    return;
  ds_txn_settle(t, judge(t, r, DS_STAGE_BODY), r);
  if (s->lmtp)
    ds_engine_end(s, DS_KIND_REPLY, DS_STAGE_BODY, r, "", DS_END_ANSWERED);
  else
    ds_engine_sink_body(s, t);
}

/* a verdict before the end: the rest of the body has nowhere to go */
static void on_early_verdict (ds_smtp *s, const ds_expected *e,
                              const ds_reply *r) {
  if (r->code < 300) {
    broken(s, DS_STAGE_BODY, "a reply came before the message had its end",
           r->text);
    return;
  }
  ds_txn_settle(e->txn, judge(e->txn, r, DS_STAGE_BODY), r);
  ds_engine_end(s, DS_KIND_REPLY, DS_STAGE_BODY, r, "", DS_END_ANSWERED);
}

static void on_eom (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (!ds_txn_ending(s, e->txn)) {
    on_early_verdict(s, e, r);
    return;
  }
  if (s->lmtp)
    ds_txn_settle_next(e->txn, judge(e->txn, r, DS_STAGE_FINAL), r);
  else
    ds_txn_settle(e->txn, judge(e->txn, r, DS_STAGE_FINAL), r);
  if (e->txn->bdat && last_said(e->txn))
    s->dirty = r->code >= 300 || e->txn->accepted == 0;
}

static void on_rset (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (r->code >= 400)
    refused(s, e, r);
}

static void on_quit (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  (void)s;
  (void)e;
  (void)r;
}

#define C2 (1u << 2)
#define C3 (1u << 3)
#define NO (1u << 4 | 1u << 5)

/* what may answer a command, and what it means */
static const struct {
  unsigned classes;
  on_reply_fn act;
} on_reply[] = {
    [DS_CMD_GREETING] = {C2 | NO, on_greeting},
    [DS_CMD_EHLO] = {C2 | NO, on_ehlo},
    [DS_CMD_HELO] = {C2 | NO, on_helo},
    [DS_CMD_STARTTLS] = {C2 | NO, on_starttls},
    [DS_CMD_AUTH] = {C2 | C3 | NO, ds_engine_on_auth},
    [DS_CMD_MAIL] = {C2 | NO, on_mail},
    [DS_CMD_RCPT] = {C2 | NO, on_rcpt},
    [DS_CMD_DATA] = {C3 | NO, on_data},
    [DS_CMD_CHUNK] = {C2 | NO, on_chunk},
    [DS_CMD_EOM] = {C2 | NO, on_eom},
    [DS_CMD_RSET] = {C2 | NO, on_rset},
    [DS_CMD_QUIT] = {C2 | C3 | NO, on_quit},
    [DS_CMD_NOTICE] = {0, on_quit},
};

/*
** The server goes, whatever it was asked.  What stands behind it was not done
** if it does go: some stay, so where messages are at stake its close is
** waited for, or its next reply.
*/
static void on_421 (ds_smtp *s, const ds_expected *e, ds_stage stage,
                    const ds_reply *r) {
  if (e->cmd == DS_CMD_EOM && ds_txn_ending(s, e->txn))
    on_eom(s, e, r);
  if (!ds_smtp_ending(s)) {
    ds_engine_end(s, DS_KIND_REPLY, stage, r, "", DS_END_ANSWERED);
    return;
  }
  if (e->cmd == DS_CMD_MAIL)
    on_mail(s, e, r);
  else if (e->cmd == DS_CMD_RCPT)
    on_rcpt(s, e, r);
  s->leaving = 1;
  s->leaving_stage = stage;
  ds_reply_copy(&s->end_reply, r);
}

static int maybe_421 (const ds_buf *in) {
  return memcmp(ds_buf_data(in), "421", in->len < 3 ? in->len : 3) == 0;
}

/* nobody asked for what lies in the buffer */
static int unasked (const ds_smtp *s) {
  return s->count == 0 && s->in.len > 0 && !maybe_421(&s->in);
}

static void on_unasked (ds_smtp *s, ds_stage stage) {
  char told[128];
  const char *p = ds_buf_data(&s->in);
  size_t n = 0;
  while (n < s->in.len && p[n] != '\r' && p[n] != '\n')
    n++;
  ds_smtp_printable(told, sizeof told, ds_span_of(p, n));
  broken(s, stage, "the server said what nobody asked for", told);
}

/* 221 closes, so it answers QUIT: in any other place a reply is missing, and
   the one to the end of a body must not be taken for granted */
static int fits (const ds_expected *e, const ds_reply *r) {
  if (r->code == 221 && e->cmd != DS_CMD_QUIT)
    return 0;
  if (e->cmd == DS_CMD_AUTH && r->code < 400)
    return r->code == 235 || r->code == 334;
  return (on_reply[e->cmd].classes & 1u << r->code / 100) != 0;
}

/* the end of a body has as many replies as there are recipients that were
   accepted, one where there are none (RFC 2033 §4.2) */
static int more_finals (const ds_smtp *s) {
  const ds_expected *e = ds_engine_head(s);
  return s->lmtp && e->cmd == DS_CMD_EOM &&
         e->txn->finals + 1 < e->txn->accepted;
}

static ds_expected next_expected (ds_smtp *s) {
  if (!more_finals(s))
    return ds_engine_pop(s);
  s->popped++;
  return *ds_engine_head(s);
}

/* it came before all of its command had left */
static int too_early (const ds_smtp *s, const ds_expected *e) {
  const uint64_t read = s->came - s->in.len;
  return e->end > (read <= s->early ? s->sent : s->taken);
}

static void take_reply (ds_smtp *s, const ds_reply *r) {
  const ds_stage stage = ds_engine_stage(s);
  const ds_expected e = next_expected(s);
  const int early = too_early(s, &e);
  s->leaving = 0;
  /* a 221 where one is due shows that all before it were paired: what is said
     behind it changes nothing */
  if (e.cmd == DS_CMD_QUIT && r->code == 221)
    ds_buf_empty(&s->in);
  if (early && r->code != 421)
    broken(s, stage, "a reply came before its command was sent", r->text);
  else if (unasked(s))
    on_unasked(s, stage);
  else if (r->code == 421 && e.cmd != DS_CMD_QUIT)
    on_421(s, &e, stage, r);
  else if (!fits(&e, r))
    broken(s, stage, "this reply does not fit", r->text);
  else
    on_reply[e.cmd].act(s, &e, r);
  s->draining = s->count > 0;
  s->news |= e.txn != NULL && e.txn->awaited == 0 && e.txn->told > 0;
}

static void on_line (void *ud, int index, ds_span text) {
  ds_smtp *s = (ds_smtp *)ud;
  const ds_expected *e = ds_engine_head(s);
  if (e->cmd == DS_CMD_AUTH) {
    ds_buf_empty(&s->challenge);
    ds_buf_putspan(&s->challenge, text);
  }
  if (e->cmd != DS_CMD_EHLO && e->cmd != DS_CMD_HELO)
    return;
  if (index == 0)
    ds_smtp_printable(s->ehlo_line, sizeof s->ehlo_line, text);
  else
    ds_smtp_ext_add(&s->ext_new, text);
}

/* what stands where a reply should; behind QUIT nobody minds */
static void on_garbage (ds_smtp *s) {
  char told[128];
  if (ds_engine_head(s)->cmd == DS_CMD_QUIT) {
    ds_engine_pop(s);
    ds_buf_empty(&s->in);
    return;
  }
  ds_smtp_printable(told, sizeof told, ds_buf_span(&s->parser.line));
  broken(s, ds_engine_stage(s), "this is no SMTP reply", told);
}

int ds_engine_read (ds_smtp *s) {
  int rc;
  if (s->in.len == 0)
    return 0;
  if (unasked(s)) {
    on_unasked(s, ds_engine_stage(s));
    return 1;
  }
  if (s->count == 0)
    ds_engine_expect(s, DS_CMD_NOTICE, NULL, 0);
  rc = ds_reply_feed(&s->parser, &s->in, on_line, s);
  if (rc == 1)
    take_reply(s, &s->parser.reply);
  else if (rc == DS_ERR_NOMEM)
    ds_engine_no_memory(s);
  else if (rc < 0)
    on_garbage(s);
  return rc != 0;
}
