/*
** provider: whose a mail host is, by its name, and what that provider is known
** to take from a sender it does not know.  Thousands of domains share one
** provider's hosts, so its limits hold for all of them together.
*/
#ifndef ds_deliver_provider_h
#define ds_deliver_provider_h

typedef struct ds_provider {
  const char *name;
  unsigned connections; /* at once */
  unsigned messages;    /* in a session; 0: not known */
  unsigned recipients;  /* in a transaction; 0: not known */
} ds_provider;

/* NULL: of none that is known */
const ds_provider *ds_provider_of (const char *host);

#endif
