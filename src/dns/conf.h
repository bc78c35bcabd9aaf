/*
** conf: resolv.conf text -> servers (resolv.conf(5)).  `search`, `domain` and
** `ndots` are read over: they are never for mail domains.
*/
#ifndef ds_dns_conf_h
#define ds_dns_conf_h

#include "dns/query.h"

/*
** ds_dns_conf_parse: add the nameserver lines (first three), `options
** timeout:` and `attempts:` (both clamped as resolv.conf(5) says) to *c.
** Text may have CRLF ends and lines of any length; "fe80::1%eth0" and other
** lines it cannot read are left out.  No usable server: 127.0.0.1 and ::1.
*/
void ds_dns_conf_parse (ds_span text, ds_dns_config *c);

#endif
