/*
** limit: how much one host takes at once: as it says (RFC 9422), as it was
** found out, as its provider is known for, as the configuration wants it.
*/
#include "deliver/internal.h"

#define RECIPIENTS 100 /* what every host must take (RFC 5321 §4.5.3.1.8) */

static size_t lower (size_t most, uint64_t limit) {
  return limit > 0 && limit < most ? (size_t)limit : most;
}

static const ds_smtp_ext *offered (const ds_delivery *d) {
  return ds_smtp_extensions(ds_session_smtp(d->session));
}

size_t ds_limit_recipients (const ds_delivery *d) {
  const ds_provider *p = ds_host_of(d)->provider;
  size_t most = d->c.recipients > 0 ? d->c.recipients : RECIPIENTS;
  if (p != NULL)
    most = lower(most, p->recipients);
  most = lower(most, ds_host_of(d)->recipients);
  return lower(lower(most, offered(d)->rcpt_max), DS_SMTP_RECIPIENTS);
}

size_t ds_limit_domains (const ds_delivery *d) {
  return lower(DS_SMTP_RECIPIENTS, offered(d)->rcpt_domain_max) %
         DS_SMTP_RECIPIENTS;
}

size_t ds_limit_messages (const ds_delivery *d) {
  const ds_provider *p = ds_host_of(d)->provider;
  const size_t any = (size_t)-1;
  size_t most = lower(any, d->c.per_connection);
  if (most == any && p != NULL)
    most = lower(any, p->messages);
  most = lower(most, offered(d)->mail_max);
  return most == any ? 0 : most;
}
