/*
** address: mailboxes out of the text of users and headers (RFC 5322 §3.4):
** quotes, comments, groups.  One pass, no recursion; nothing is decoded.
*/
#ifndef ds_mime_address_h
#define ds_mime_address_h

#include "mime/mailbox.h"

/*
** ds_address_parse: one mailbox, all of s: "Name <a@b>" or "a@b".  Answers as
** ds_mailbox_set does.
*/
int ds_address_parse (ds_mailbox *m, ds_span s, const ds_mailbox_rules *rules,
                      ds_error *e);

/*
** A list as headers have it, unfolded: commas, empty members, groups.
** ds_address_next: the next mailbox into *m (clear it): 1, 0 at the end, or as
** ds_mailbox_set.  Text and rules must stay.
*/
typedef struct ds_address_list {
  ds_span rest;
  const ds_mailbox_rules *rules;
  int begun; /* the text was checked */
  int group; /* a group is open */
} ds_address_list;

void ds_address_list_init (ds_address_list *l, ds_span s,
                           const ds_mailbox_rules *rules);
int ds_address_next (ds_address_list *l, ds_mailbox *m, ds_error *e);

#endif
