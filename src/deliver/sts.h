/*
** sts: MTA-STS (RFC 8461) as text: the record that announces a policy, the
** policy, what is remembered of both.  Asks and fetches nothing.
*/
#ifndef ds_deliver_sts_h
#define ds_deliver_sts_h

#include <stddef.h>
#include <stdint.h>

#include "dns/message.h"
#include "util/buf.h"

#define DS_STS_ID       33       /* an id and its NUL */
#define DS_STS_MAX_AGE  31557600 /* a year (RFC 8461 §3.2) */
#define DS_STS_PATTERNS 1000     /* of one policy */

typedef enum ds_sts_mode {
  DS_STS_UNKNOWN, /* no policy is known */
  DS_STS_NONE,
  DS_STS_TESTING,
  DS_STS_ENFORCE
} ds_sts_mode;

typedef struct ds_sts {
  ds_sts_mode mode;
  uint32_t max_age; /* seconds */
  char *patterns;   /* lower case, each with its NUL, one behind the other */
  size_t count;
  size_t size; /* of patterns */
} ds_sts;

void ds_sts_init (ds_sts *p);
void ds_sts_clear (ds_sts *p);

/*
** ds_sts_record: the id that the TXT records of _mta-sts.<domain> announce
** (RFC 8461 §3.1).  1, or 0: no policy is announced, as none of the records
** begins with "v=STSv1;", several do, or it is not well formed.
*/
int ds_sts_record (const ds_dns_record *records, size_t n, char id[DS_STS_ID]);

/*
** ds_sts_parse: a policy's text (RFC 8461 §3.2) into *p, which is initialised.
** 0; DS_ERR_PROTOCOL and in *e what is wrong with it; DS_ERR_NOMEM.  Of a
** field that stands twice the first counts; unknown ones are passed over.
*/
int ds_sts_parse (ds_span text, ds_sts *p, ds_error *e);

/* does the policy name this host: by its name, or "*." and all but its first
   label (RFC 8461 §4.1)? */
int ds_sts_lists (const ds_sts *p, const char *host);

/* the i-th pattern, i < count */
const char *ds_sts_pattern (const ds_sts *p, size_t i);

/* ------------------------------------------------------- what is remembered */

/* about one domain; times are Unix, 0: never */
typedef struct ds_sts_entry {
  ds_sts policy;
  char id[DS_STS_ID]; /* the policy's, as it was announced */
  int64_t fetched;
  int64_t checked;           /* when the record was last asked for */
  int64_t failed;            /* when a policy could not be had … */
  char failed_id[DS_STS_ID]; /* … that had this id */
} ds_sts_entry;

void ds_sts_entry_init (ds_sts_entry *e);
void ds_sts_entry_clear (ds_sts_entry *e);

/* when the policy ends; 0 without one */
int64_t ds_sts_entry_ends (const ds_sts_entry *e);

/* the policy that is in force at that time; NULL: none */
const ds_sts *ds_sts_entry_policy (const ds_sts_entry *e, int64_t now);

/*
** ds_sts_entry_stale: is the record to be asked for again?  After an hour,
** five minutes after a fetch that failed, and when the policy is over.
*/
int ds_sts_entry_stale (const ds_sts_entry *e, int64_t now);

/*
** ds_sts_entry_wants: is the policy with this id to be fetched?  It is not the
** one known; or the one known is a day old, or beyond half its life: it is had
** anew before it ends.  Not within five minutes of a failure with the same id
** (RFC 8461 §3.3).
*/
int ds_sts_entry_wants (const ds_sts_entry *e, const char *id, int64_t now);

/*
** ds_sts_entry_write: one line of printable ASCII, appended; read: 1 and what
** it says, 0: it is none of ours (the entry is empty then), DS_ERR_NOMEM.
*/
int ds_sts_entry_write (const ds_sts_entry *e, ds_buf *out);
int ds_sts_entry_read (ds_sts_entry *e, ds_span line);

#endif
