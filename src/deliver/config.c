/*
** config: what a delivery is told at its start: defaults, what will not do, a
** copy.
*/
#include <string.h>

#include "deliver/internal.h"
#include "util/mem.h"

void ds_delivery_defaults (ds_delivery_config *c) {
  static const ds_timeouts interactive = {
      .connect = 10 * DS_SECOND,
      .greeting = 60 * DS_SECOND,
      .command = 60 * DS_SECOND,
      .handshake = 30 * DS_SECOND,
      .data = 60 * DS_SECOND,
      .body = 60 * DS_SECOND,
      .final = 60 * DS_SECOND,
      .quit = 0,
      .dns = 10 * DS_SECOND,
      .total = 120 * DS_SECOND,
  };
  memset(c, 0, sizeof *c);
  c->port = 25;
  c->policy = "default";
  c->level = DS_LEVEL_OPPORTUNISTIC;
  c->mta_sts = c->resumption = 1;
  c->order = DS_IP_4FIRST;
  c->timeouts = interactive;
  c->dns.timeout = 2 * DS_SECOND;
  c->dns.attempts = 2;
}

int ds_config_check (const ds_delivery_config *c, ds_error *e) {
  ds_span name = ds_span_str(c->destination);
  ds_ip ip;
  if (name.n >= DS_DNS_NAME ||
      !(ds_dns_name_ok(name, !c->pinned && c->question == 0) ||
        ds_literal_address(name, &ip) ||
        (c->pinned && ds_ip_parse(name.p, name.n, &ip) == DS_OK)))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "destination",
                        "\"%.200s\" is no domain mail can be sent to",
                        c->destination);
  if (c->hostname != NULL && !ds_smtp_hostname_ok(ds_span_str(c->hostname)))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "hostname",
                        "\"%.200s\" is no host name to be said in EHLO",
                        c->hostname);
  if (c->level == DS_LEVEL_DANE && !c->dns.trust_ad)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "level",
                        "tls=\"dane\" needs a DNS server that validates, and "
                        "dns.trust_ad=true to say that it does");
  if (c->port == 0)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "port",
                        "the port must be 1 to 65535");
  return DS_OK;
}

/* ----------------------------------------------------------------- copy */

static size_t text_size (const char *z) {
  return z != NULL ? strlen(z) + 1 : 0;
}

static size_t list_size (const char *const *list, size_t n) {
  size_t i, size = n * sizeof *list;
  for (i = 0; i < n; i++)
    size += text_size(list[i]);
  return size;
}

static size_t auth_size (const ds_auth *a) {
  return a != NULL ? a->user.n + a->password.n + a->token.n : 0;
}

/* n octets for what is aligned as they are, which comes first */
static void *keep (char **at, const void *p, size_t n) {
  void *copy = *at;
  if (n > 0)
    memcpy(copy, p, n);
  *at += n;
  return copy;
}

static const char *keep_text (char **at, const char *z) {
  return z != NULL ? (const char *)keep(at, z, strlen(z) + 1) : NULL;
}

static ds_span keep_span (char **at, ds_span s) {
  return ds_span_of((const char *)keep(at, s.p, s.n), s.n);
}

/* the texts of a list whose pointers are kept already */
static const char *const *keep_list (char **at, const char **list, size_t n) {
  size_t i;
  for (i = 0; i < n; i++)
    list[i] = keep_text(at, list[i]);
  return list;
}

static void keep_auth (char **at, ds_auth *a) {
  a->user = keep_span(at, a->user);
  a->password = keep_span(at, a->password);
  a->token = keep_span(at, a->token);
}

static void fill (ds_delivery *d, const ds_delivery_config *c) {
  char *at = d->strings;
  ds_auth *a = NULL;
  const char **trusted, **fresh;
  if (c->auth != NULL)
    a = (ds_auth *)keep(&at, c->auth, sizeof *a);
  d->c.auth = a;
  trusted =
      (const char **)keep(&at, c->trusted, c->trusted_count * sizeof *trusted);
  fresh = (const char **)keep(&at, c->fresh, c->fresh_count * sizeof *fresh);
  d->c.allowed = (const ds_network *)keep(
      &at, c->allowed, c->allowed_count * sizeof *c->allowed);
  d->c.source =
      (const ds_ip *)keep(&at, c->source, c->source_count * sizeof *c->source);
  d->c.destination = keep_text(&at, c->destination);
  d->c.hostname = keep_text(&at, c->hostname);
  d->c.policy = keep_text(&at, c->policy);
  d->c.interface = keep_text(&at, c->interface);
  if (c->trusted != NULL)
    d->c.trusted = keep_list(&at, trusted, c->trusted_count);
  d->c.fresh = keep_list(&at, fresh, c->fresh_count);
  if (a != NULL)
    keep_auth(&at, a);
}

int ds_config_copy (ds_delivery *d, const ds_delivery_config *c) {
  d->c = *c;
  d->strings_size = (c->auth != NULL ? sizeof *c->auth : 0) +
                    c->allowed_count * sizeof *c->allowed +
                    c->source_count * sizeof *c->source +
                    list_size(c->trusted, c->trusted_count) +
                    list_size(c->fresh, c->fresh_count) +
                    text_size(c->destination) + text_size(c->hostname) +
                    text_size(c->policy) + text_size(c->interface) +
                    auth_size(c->auth);
  d->strings = (char *)ds_malloc(d->strings_size);
  if (d->strings == NULL)
    return DS_ERR_NOMEM;
  fill(d, c);
  if (d->c.max_chunk == 0)
    d->c.max_chunk = 16384;
  if (d->c.implicit_tls && d->c.level < DS_LEVEL_REQUIRED)
    d->c.level = DS_LEVEL_REQUIRED;
  if (d->c.question != 0)
    d->c.plan = 1; /* but for what it tells */
  return DS_OK;
}

void ds_config_drop (ds_delivery *d) {
  ds_wipe(d->strings, d->strings != NULL ? d->strings_size : 0);
  ds_free(d->strings);
}
