#include "session/inner.h"

#include <stdio.h>

static ds_time later (ds_time now, ds_time by) {
  return by > DS_NEVER - now ? DS_NEVER : now + by;
}

static ds_time limit_of (const ds_timeouts *t, ds_stage stage) {
  switch (stage) {
  case DS_STAGE_GREETING:
    return t->greeting;
  case DS_STAGE_DATA:
    return t->data;
  case DS_STAGE_BODY:
    return t->body;
  case DS_STAGE_FINAL:
    return t->final;
  case DS_STAGE_QUIT:
    return t->quit;
  default:
    return t->command;
  }
}

static ds_stage awaited (const ds_session *s) {
  uint32_t serial;
  return ds_smtp_waiting(s->smtp, &serial);
}

/* once the end of a body is out only the limits of replies count: to give up
   then is to not know */
static int capped (const ds_session *s, ds_time due) {
  return s->until < due && !ds_smtp_ending(s->smtp);
}

static ds_time cap (const ds_session *s, ds_time due) {
  return capped(s, due) ? s->until : due;
}

void ds_session_time_send (ds_session *s, ds_time now) {
  s->send_due = later(now, s->timeouts->body);
}

void ds_session_time_shake (ds_session *s, ds_time now) {
  s->shake_due = later(now, s->timeouts->handshake);
}

static ds_time send_due (const ds_session *s) {
  return s->shaking ? s->shake_due : s->send_due;
}

ds_time ds_session_send_deadline (const ds_session *s) {
  return cap(s, send_due(s));
}

ds_time ds_session_reply_deadline (ds_session *s, ds_time now) {
  uint32_t serial;
  ds_stage stage = ds_smtp_waiting(s->smtp, &serial);
  if (s->shaking)
    return cap(s, s->shake_due);
  if (!s->timing || serial != s->serial)
    s->reply_due = later(now, limit_of(s->timeouts, stage));
  s->timing = 1;
  s->serial = serial;
  return cap(s, s->reply_due);
}

static const char *const asked_for[] = {
    [DS_STAGE_GREETING] = "greeting",
    [DS_STAGE_EHLO] = "reply to EHLO",
    [DS_STAGE_STARTTLS] = "reply to STARTTLS",
    [DS_STAGE_AUTH] = "reply to AUTH",
    [DS_STAGE_MAIL] = "reply to MAIL",
    [DS_STAGE_RCPT] = "reply to RCPT",
    [DS_STAGE_DATA] = "reply to DATA",
    [DS_STAGE_BODY] = "reply to BDAT",
    [DS_STAGE_FINAL] = "reply to the end of the message",
    [DS_STAGE_RSET] = "reply to RSET",
    [DS_STAGE_QUIT] = "reply to QUIT",
};

static void span_of_time (char *out, size_t size, ds_time t) {
  if (t % DS_SECOND == 0)
    snprintf(out, size, "%lld s", (long long)(t / DS_SECOND));
  else
    snprintf(out, size, "%lld ms", (long long)(t / (DS_SECOND / 1000)));
}

void ds_session_timed_out (const ds_session *s, char *out, size_t size) {
  const ds_timeouts *t = s->timeouts;
  ds_stage stage = awaited(s);
  int sending = s->asked == DS_ASKED_SEND;
  char time[32];
  span_of_time(time, sizeof time,
               s->shaking ? t->handshake
               : sending  ? t->body
                          : limit_of(t, stage));
  if (capped(s, s->shaking ? s->shake_due
                : sending  ? s->send_due
                           : s->reply_due))
    snprintf(time, sizeof time, "the total time");
  if (s->shaking)
    snprintf(out, size, "the TLS handshake was not done within %s", time);
  else if (sending)
    snprintf(out, size, "the server did not take what we sent within %s", time);
  else
    snprintf(out, size, "no complete %s within %s",
             asked_for[stage] != NULL ? asked_for[stage] : "reply", time);
}
