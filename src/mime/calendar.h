/*
** calendar: what a part must know of an iCalendar object (RFC 5545).
*/
#ifndef ds_mime_calendar_h
#define ds_mime_calendar_h

#include "util/content.h"
#include "util/err.h"

#define DS_CALENDAR_METHOD 32 /* longest method, and NUL */

/*
** ds_calendar_method: its METHOD ("REQUEST", …; RFC 5546) into out, "" when it
** has none.  Only the front of the object is read: the properties of a
** calendar stand before its components.  0; an error of reading; or
** DS_ERR_USAGE and *e: this is no calendar, its method no token or nowhere in
** 8 KiB of properties.
*/
int ds_calendar_method (const ds_content *c, char out[DS_CALENDAR_METHOD],
                        ds_error *e);

#endif
