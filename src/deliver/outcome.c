/*
** outcome: how a failure is told, and which of several.  A delivery that
** fails at several hosts tells the one that came furthest; it failed for good
** only if every host said so.
*/
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "deliver/internal.h"

void ds_copy_text (char *to, size_t size, const char *text) {
  size_t n = strlen(text);
  if (n >= size)
    n = size - 1;
  memcpy(to, text, n);
  to[n] = '\0';
}

/* of the long texts only their ends: a row is made for every recipient */
void ds_row_clear (ds_row *r) {
  r->kind = DS_KIND_NONE;
  r->stage = DS_STAGE_NONE;
  r->code = r->temporary = r->reroute = 0;
  r->enhanced[0] = r->reply[0] = r->text[0] = r->queue_id[0] = '\0';
}

static int same_place (const ds_delivery *d, const char *name) {
  const place *p = &d->place;
  return p->serial != 0 && p->policy == d->terms.policy &&
         strcmp(p->host, name) == 0 && strcmp(p->note, d->note) == 0 &&
         memcmp(&p->peer, &d->peer, sizeof p->peer) == 0 &&
         memcmp(&p->tls, &d->tls, sizeof p->tls) == 0;
}

/* where we are now; it gets a number of its own when it is new */
static const place *place_of (ds_delivery *d) {
  const host *h = ds_host_of(d);
  const char *name = h != NULL ? h->name : "";
  place *p = &d->place;
  if (same_place(d, name))
    return p;
  p->serial += p->serial + 1 != 0 ? 1 : 2;
  ds_copy_text(p->host, sizeof p->host, name);
  p->peer = d->peer;
  p->tls = d->tls;
  p->policy = d->terms.policy;
  ds_copy_text(p->note, sizeof p->note, d->note);
  return p;
}

void ds_row_where (ds_delivery *d, ds_row *r) {
  const place *p = place_of(d);
  if (r->place == p->serial)
    return;
  r->place = p->serial;
  ds_copy_text(r->host, sizeof r->host, p->host);
  r->peer = p->peer;
  r->tls = p->tls;
  r->policy = p->policy;
  ds_copy_text(r->note, sizeof r->note, p->note);
}

/* Exchange Online takes the organisation's own mail through a connector, or
   from those who log in: not as it came */
static int minds_route (const ds_reply *reply) {
  return strcmp(reply->enhanced, "5.7.68") == 0 ||
         strstr(reply->text, "TenantInboundAttribution") != NULL;
}

void ds_row_reply (ds_row *r, const ds_reply *reply) {
  if (reply == NULL)
    return;
  r->code = reply->code;
  memcpy(r->enhanced, reply->enhanced, sizeof r->enhanced);
  ds_copy_text(r->reply, sizeof r->reply, reply->text);
  r->reroute = reply->code >= 400 && minds_route(reply);
}

static int is_id (int c) {
  return ds_is_digit(c) || ds_is_alpha(c) || (c != '\0' && strchr("-_.@+/", c));
}

static int take_id (ds_row *r, const char *p) {
  size_t n = 0;
  while (n < sizeof r->queue_id - 1 && is_id((unsigned char)p[n]))
    n++;
  while (n > 0 && p[n - 1] == '.')
    n--;
  memcpy(r->queue_id, p, n);
  r->queue_id[n] = '\0';
  return n > 0;
}

/* the token that stands before a phrase */
static int take_id_before (ds_row *r, const char *phrase) {
  const char *end = strstr(r->reply, phrase);
  const char *p = end;
  while (p != NULL && p > r->reply && is_id((unsigned char)p[-1]))
    p--;
  return p != NULL && p < end && take_id(r, p);
}

/*
** No RFC says where the id stands; these are the habits of Postfix and most
** others, Exim, Exchange, sendmail and Gmail.
*/
void ds_row_queue_id (ds_row *r) {
  static const char *const before[] = {"queued as ", "InternalId=", "id="};
  static const char *const after[] = {" Message accepted", " - gsmtp"};
  const char *p;
  size_t i;
  r->queue_id[0] = '\0';
  for (i = 0; i < sizeof before / sizeof before[0]; i++)
    if ((p = strstr(r->reply, before[i])) != NULL &&
        take_id(r, p + strlen(before[i])))
      return;
  for (i = 0; i < sizeof after / sizeof after[0]; i++)
    if (take_id_before(r, after[i]))
      return;
}

/* the furthest failure is the one that helps; of equals the first, as it is
   the preferred host's */
void ds_verdict_add (ds_delivery *d, const ds_row *v) {
  int permanent = v->outcome == DS_FAILED;
  d->permanent = d->verdicts == 0 ? permanent : d->permanent && permanent;
  if (d->verdicts++ == 0 || v->stage > d->verdict.stage)
    d->verdict = *v;
}

void ds_verdict_set (ds_delivery *d, ds_outcome o, ds_kind kind, ds_stage stage,
                     const char *fmt, ...) {
  ds_row v;
  va_list ap;
  memset(&v, 0, sizeof v);
  v.outcome = o;
  v.kind = kind;
  v.stage = stage;
  ds_row_where(d, &v);
  va_start(ap, fmt);
  vsnprintf(v.text, sizeof v.text, fmt, ap);
  va_end(ap);
  ds_verdict_add(d, &v);
}
