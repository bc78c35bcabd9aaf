/*
** domain: the right side of an address.
*/
#ifndef ds_mime_domain_h
#define ds_mime_domain_h

#include "util/err.h"
#include "util/span.h"

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
