/*
** mailbox: a name and an address, as headers (RFC 5322 §3.4) and envelopes
** (RFC 5321 §4.1.2) write them.  What is sent is always written anew from the
** parts, never the text that came in.
*/
#ifndef ds_mime_mailbox_h
#define ds_mime_mailbox_h

#include <stddef.h>

#include "mime/domain.h"
#include "mime/field.h"
#include "util/err.h"
#include "util/span.h"

#define DS_LOCAL_MAX 64
#define DS_PATH_MAX  254 /* local@domain */
#define DS_NAME_MAX  1024

/* what will do */
#define DS_MAILBOX_PATH     1u /* text: just local@domain, no name or comment */
#define DS_MAILBOX_LITERALS 2u /* a@[192.0.2.1] too */
#define DS_MAILBOX_BARE     4u /* a lone local part too */

typedef struct ds_mailbox_rules {
  unsigned how;  /* DS_MAILBOX_… */
  ds_idn_fn idn; /* NULL: domains are ASCII */
  void *ud;      /* its first argument */
} ds_mailbox_rules;

typedef struct ds_mailbox {
  char *name;                     /* UTF-8, nothing quoted; NULL: none */
  char local[DS_LOCAL_MAX + 1];   /* nothing quoted */
  char domain[DS_DOMAIN_MAX + 1]; /* ASCII; "" when bare; "[192.0.2.1]" */
  int utf8; /* the local part is not ASCII: needs SMTPUTF8 (RFC 6531) */
} ds_mailbox;

/*
** ds_mailbox_set: from parts; name may be empty.  0 and *m (clear it),
** DS_ERR_NOMEM, or DS_ERR_USAGE and *e (no field): why not.  *m holds nothing
** then.
*/
int ds_mailbox_set (ds_mailbox *m, ds_span name, ds_span local, ds_span domain,
                    const ds_mailbox_rules *rules, ds_error *e);
void ds_mailbox_clear (ds_mailbox *m);

/*
** ds_mailbox_path: local@domain as an envelope says it, quoted where it must
** be; its length
*/
size_t ds_mailbox_path (const ds_mailbox *m, char out[DS_PATH_MAX + 1]);

/*
** ds_mailbox_field: behind what the field holds: the mailbox, and a comma when
** another follows
*/
void ds_mailbox_field (ds_field *f, const ds_mailbox *m, int more);

/* ds_mailbox_phrase: just a name, which is not empty, behind what it holds */
void ds_mailbox_phrase (ds_field *f, ds_span name);

/* may c stand in an atom (RFC 5322 §3.2.3, RFC 6532)? */
int ds_mailbox_atext (int c);

/* not empty, and no dot at an end or beside another? */
int ds_mailbox_dots_ok (ds_span s);

#endif
