/*
** domain: the right side of an address.
*/
#ifndef ds_mime_domain_h
#define ds_mime_domain_h

#include "util/err.h"
#include "util/span.h"

/*
** A converter of domains outside ASCII (UTS 46, non-transitional): what the
** DNS has instead into out, NUL-terminated, at most DS_DOMAIN_MAX octets; 0 or
** DS_ERR_USAGE and *e.  It sees at most DS_DOMAIN_WIDE octets.
*/
#define DS_DOMAIN_MAX  253
#define DS_DOMAIN_WIDE (4 * DS_DOMAIN_MAX)
typedef int (*ds_idn_fn)(void *ud, ds_span domain, char out[DS_DOMAIN_MAX + 1],
                         ds_error *e);

/*
** ds_domain_check: a mail domain (two labels or more of 1-63 letters, digits
** and inner hyphens, 253 in all, the last not all digits, no final dot): 0, or
** DS_ERR_USAGE and *e.
*/
int ds_domain_check (ds_span s, ds_error *e);

/*
** ds_domain_literal: "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3),
** written anew into out, which has room for 64: its length, or DS_ERR_USAGE
** and *e.
*/
int ds_domain_literal (ds_span s, char *out, ds_error *e);

#endif
