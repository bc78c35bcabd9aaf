/*
** ident: names that must be unlike all others: Message-IDs, boundaries.
*/
#ifndef ds_mime_ident_h
#define ds_mime_ident_h

#include "util/err.h"
#include "util/span.h"
#include "util/sys.h"

#define DS_IDENT_HEX 32 /* 128 bits */
#define DS_BOUNDARY  36 /* "=_", a mark, DS_IDENT_HEX and NUL */
#define DS_IDENT_MAX 320

/*
** ds_boundary: 128 bits from random; 0, or DS_ERR_LOCAL and *e.  It has "=_" in
** it, which neither quoted-printable nor base64 can; the mark, a letter, keeps
** those of one message apart even where random repeats itself.
*/
int ds_boundary (char out[DS_BOUNDARY], char mark, ds_random_fn random,
                 void *ud, ds_error *e);

/*
** ds_ident_ok: fit to stand in < > as a Message-ID (an '@' inside) or, with
** `cid`, a Content-ID: printable ASCII without spaces and < >.
*/
int ds_ident_ok (ds_span s, int cid);

#endif
