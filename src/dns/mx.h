/*
** mx: which hosts take a domain's mail, in which order (RFC 5321 §5.1, RFC
** 7505).
*/
#ifndef ds_dns_mx_h
#define ds_dns_mx_h

#include "dns/message.h"
#include "util/sys.h"

#define DS_MX_HOSTS 50 /* read of one set */

typedef struct ds_mx_host {
  uint16_t preference;
  char name[DS_DNS_NAME];
} ds_mx_host;

typedef struct ds_mx_set {
  ds_mx_host *hosts;
  size_t count;
  int implicit; /* no MX at all: the domain itself (RFC 5321 §5.1) */
  int null;     /* "MX 0 .": takes no mail (RFC 7505); count is 0 */
  int broken;   /* MX records there were, but none names a host: count is 0 */
} ds_mx_set;

void ds_mx_clear (ds_mx_set *m);

/*
** ds_mx_from_answer: the hosts of a NOERROR MX answer for `domain` (NODATA
** gives the implicit MX), sorted by preference, equal ones in an order drawn
** from sys->random.  Names that are no host names (RFC 952) or address texts
** are left out, and a host named twice counts once.  0 or DS_ERR_NOMEM,
** DS_ERR_LOCAL.
*/
int ds_mx_from_answer (const ds_dns_answer *a, ds_span domain,
                       const ds_sys *sys, ds_mx_set *m);

#endif
