/*
** idn: domains outside ASCII as the DNS has them, over libidn2.
*/
#ifndef ds_idn_idn_h
#define ds_idn_idn_h

#include "util/err.h"
#include "util/span.h"

#define DS_IDN_MAX  253
#define DS_IDN_WIDE (4 * DS_IDN_MAX) /* octets of UTF-8 that are looked into */

/*
** ds_idn_to_ascii: by UTS 46, non-transitional, with the rules of STD 3; what
** does not come back the same from the result is refused.  0 and the domain
** with its A-labels in out, or DS_ERR_USAGE or DS_ERR_NOMEM and *e.  ud is
** not used.
*/
int ds_idn_to_ascii (void *ud, ds_span domain, char out[DS_IDN_MAX + 1],
                     ds_error *e);

#endif
