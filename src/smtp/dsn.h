/*
** dsn: what a sender wants to hear of a message's fate (RFC 3461).
*/
#ifndef ds_smtp_dsn_h
#define ds_smtp_dsn_h

#include "util/span.h"

#define DS_NOTIFY_NEVER   1u /* stands alone */
#define DS_NOTIFY_SUCCESS 2u
#define DS_NOTIFY_FAILURE 4u
#define DS_NOTIFY_DELAY   8u

typedef enum ds_dsn_ret { DS_RET_NONE, DS_RET_FULL, DS_RET_HDRS } ds_dsn_ret;

typedef struct ds_smtp_dsn { /* of one recipient */
  unsigned notify;           /* 0: not said */
  ds_span orcpt; /* the original address as it was, no type; empty: not said */
} ds_smtp_dsn;

#endif
