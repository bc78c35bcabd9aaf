/*
** date: a moment as RFC 5322 §3.3 writes it: arithmetic, no clock.
*/
#ifndef ds_mime_date_h
#define ds_mime_date_h

#include <stdint.h>

#define DS_DATE_TEXT 48 /* "Tue, 01 Jul 2003 10:52:37 +0200", and NUL */

/*
** ds_date_format: Unix seconds, shown in a zone `offset` seconds east of UTC
** (whole minutes are kept).  0, or DS_ERR_USAGE for a year outside 1900-9999
** or an offset of a day or more.
*/
int ds_date_format (int64_t seconds, long offset, char out[DS_DATE_TEXT]);

#endif
