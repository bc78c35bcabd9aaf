#include "smtp/engine_state.h"

#include <stdio.h>
#include <string.h>

#include "smtp/command.h"
#include "util/mem.h"

void ds_engine_wipe (ds_smtp *s) {
  if (s->secret && s->out.block != NULL)
    ds_wipe(s->out.block, s->out.size);
  s->secret = 0;
}

int ds_smtp_secret (const ds_smtp *s) {
  return s->sasl != NULL || s->secret;
}

/* text: kept until AUTH_NO is told */
static void refuse (ds_smtp *s, const char *text) {
  const ds_expected none = {NULL, 0, 0, DS_CMD_AUTH, DS_STAGE_AUTH};
  snprintf(s->told.text, sizeof s->told.text, "%s", text);
  ds_engine_post(s, DS_SMTP_AUTH_NO, &none, NULL);
  s->slot.kind = DS_KIND_POLICY;
  s->slot.text = s->told.text;
}

static void put_names (char *to, size_t room, unsigned mechanisms) {
  unsigned bit;
  size_t n = 0;
  to[0] = '\0';
  for (bit = 1; bit <= DS_AUTH_SCRAM_SHA_256; bit <<= 1)
    if (mechanisms & bit)
      n += (size_t)snprintf(to + n, room - n, " %s", ds_auth_name(bit));
}

static void nothing_fits (ds_smtp *s, const ds_auth *a) {
  char offered[80], allowed[80], text[256];
  put_names(offered, sizeof offered, s->ext.auth);
  put_names(allowed, sizeof allowed, a->mechanisms);
  if (offered[0] == '\0')
    snprintf(text, sizeof text, "the server offers no AUTH that is known here");
  else
    snprintf(text, sizeof text, "the server offers AUTH%s; %s%s", offered,
             allowed[0] != '\0' ? "what may be used here is"
             : a->token.n > 0   ? "that takes no token"
                                : "that takes no password",
             allowed);
  refuse(s, text);
}

static void wipe (ds_buf *b) {
  if (b->block != NULL)
    ds_wipe(b->block, b->size);
  ds_buf_clear(b);
}

/* room before the secret, so that no growing leaves a copy behind */
static int put_line (ds_smtp *s, ds_span command, ds_span secret) {
  if (ds_buf_space(&s->out, command.n + secret.n + 2) == NULL)
    return DS_ERR_NOMEM;
  s->secret = 1;
  ds_buf_putspan(&s->out, command);
  ds_buf_putspan(&s->out, secret);
  return ds_buf_puts(&s->out, "\r\n");
}

/* the command that begins, with what the client begins with where the line
   has room for it (RFC 4954 §4); else that waits to be asked for */
static int put_auth (ds_smtp *s, unsigned mechanism) {
  char command[32];
  int rc = DS_OK, n;
  if (ds_sasl_first(s->sasl))
    rc = ds_sasl_answer(s->sasl, ds_span_of("", 0), &s->first);
  if (rc != DS_OK)
    return rc;
  n = snprintf(command, sizeof command, "AUTH %s%s", ds_auth_name(mechanism),
               s->first.len > 0 ? " " : "");
  if ((size_t)n + s->first.len + 2 > DS_COMMAND_LINE)
    return put_line(s, ds_span_of(command, (size_t)n - 1), ds_span_of("", 0));
  rc = put_line(s, ds_span_of(command, (size_t)n), ds_buf_span(&s->first));
  wipe(&s->first);
  return rc;
}

/* what the server asked for */
static int put_answer (ds_smtp *s) {
  ds_buf answer;
  int rc = ds_buf_failed(&s->challenge) ? DS_ERR_NOMEM : DS_OK;
  ds_buf_init(&answer);
  if (s->first.len > 0)
    ds_buf_swap(&answer, &s->first);
  else if (rc == DS_OK)
    rc = ds_sasl_answer(s->sasl, ds_buf_span(&s->challenge), &answer);
  if (rc == DS_OK)
    rc = put_line(s, ds_span_of("", 0), ds_buf_span(&answer));
  wipe(&answer);
  return rc;
}

void ds_engine_end_auth (ds_smtp *s) {
  ds_sasl_free(s->sasl);
  s->sasl = NULL;
  wipe(&s->first);
  ds_buf_clear(&s->challenge);
}

static void end (ds_smtp *s, ds_kind kind, const char *text) {
  ds_engine_end(s, kind, DS_STAGE_AUTH, NULL, text, DS_END_PLAIN);
}

static void abandon (ds_smtp *s, int rc) {
  char text[256]; /* the exchange ends with the session */
  snprintf(text, sizeof text, "%s", ds_sasl_text(s->sasl));
  if (rc == DS_ERR_PROTOCOL)
    end(s, DS_KIND_PROTOCOL, text);
  else if (rc == DS_ERR_NOMEM)
    ds_engine_no_memory(s);
  else
    end(s, DS_KIND_LOCAL, "the crypto library fails");
}

static int timely (const ds_smtp *s) {
  return !s->over && s->phase == DS_PHASE_READY && s->txns == NULL &&
         !s->quit_asked && !s->authed && !s->has_slot && s->count == 0;
}

int ds_smtp_auth (ds_smtp *s, const ds_auth *a) {
  const unsigned mechanism = ds_auth_choose(a, s->ext.auth);
  int rc;
  if (!timely(s))
    return DS_ERR_STATE;
  if (!ds_auth_ok(a))
    return DS_ERR_USAGE;
  if (!s->tls && !a->clear) {
    refuse(s, "AUTH is not said without TLS: anybody could read the password");
    return DS_OK;
  }
  if (mechanism == 0) {
    nothing_fits(s, a);
    return DS_OK;
  }
  s->sasl = ds_sasl_new(a, mechanism);
  if (s->sasl == NULL)
    return DS_ERR_NOMEM;
  s->phase = DS_PHASE_AUTH;
  rc = put_auth(s, mechanism);
  if (rc != DS_OK)
    abandon(s, rc);
  else
    ds_engine_said(s, DS_OK, DS_CMD_AUTH, NULL, 0);
  return DS_OK;
}

static void go_on (ds_smtp *s) {
  const int rc = put_answer(s);
  if (rc != DS_OK)
    abandon(s, rc);
  else
    ds_engine_said(s, DS_OK, DS_CMD_AUTH, NULL, 0);
}

static void done (ds_smtp *s, const ds_expected *e, const ds_reply *r,
                  ds_smtp_event_kind event) {
  snprintf(s->told.text, sizeof s->told.text, "%s", ds_sasl_text(s->sasl));
  ds_engine_end_auth(s);
  s->phase = DS_PHASE_READY;
  ds_engine_post(s, event, e, r);
  s->slot.kind = event == DS_SMTP_AUTH_NO ? DS_KIND_REPLY : DS_KIND_NONE;
  s->slot.text = s->told.text;
}

void ds_engine_on_auth (ds_smtp *s, const ds_expected *e, const ds_reply *r) {
  if (r->code >= 400)
    done(s, e, r, DS_SMTP_AUTH_NO);
  else if (r->code >= 300)
    go_on(s);
  else if (!ds_sasl_proved(s->sasl))
    end(s, DS_KIND_PROTOCOL,
        "the server took the login without proving that it knows the password");
  else {
    s->authed = 1;
    done(s, e, r, DS_SMTP_AUTH_OK);
  }
}
