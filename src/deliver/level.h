/*
** level: how much TLS a host must give, and who says so: a pure function of
** what is known.  DANE, MTA-STS and the hosts of the big receivers raise what
** the configuration asks for and never lower it; "off" alone is off.
*/
#ifndef ds_deliver_level_h
#define ds_deliver_level_h

#include <stddef.h>

#include "deliver/sts.h"
#include "util/err.h"

typedef enum ds_level {
  DS_LEVEL_OFF,
  DS_LEVEL_OPPORTUNISTIC,
  DS_LEVEL_REQUIRED, /* encrypted, whoever it is */
  DS_LEVEL_VERIFIED, /* chain and name hold */
  DS_LEVEL_DANE      /* a TLSA record matches */
} ds_level;

const char *ds_level_name (ds_level l); /* "off" … */

/* what was found out about a host's TLSA records (RFC 7672 §2.2) */
typedef enum ds_dane {
  DS_DANE_UNASKED,  /* nobody is trusted to tell, or a name on the way is not
                       secure */
  DS_DANE_ABSENT,   /* there are none, or none that are secure */
  DS_DANE_UNUSABLE, /* there are, and none of them can be used */
  DS_DANE_USABLE,
  DS_DANE_FAILED /* bogus, or no answer */
} ds_dane;

typedef struct ds_tls_facts {
  ds_level level;     /* of the configuration … */
  const char *policy; /* … and who set it: "default", "config" */
  ds_dane dane;
  ds_sts_mode sts; /* of the policy in force for the recipients' domain … */
  int listed;      /* … and it names this host */
  int trusted;     /* the host is a big receiver's */
  int store;       /* a trust store loads … */
  int clock;       /* … and the clock is not before this was built */
  int sure;        /* nobody could have put another host's name here: DNSSEC,
                      or the user named it */
  int require;     /* the message asks for REQUIRETLS (RFC 8689) */
  int optional;    /* the message says TLS-Required: No (RFC 8689) */
} ds_tls_facts;

typedef struct ds_tls_terms {
  ds_level level;
  const char *policy; /* "default", "config", "mta-sts", "dane", "trusted" */
  ds_outcome refused; /* DS_PENDING: the host may be tried; else what is to be
                         said of it, kind policy, in words: */
  const char *why;
  const char *enhanced; /* … and its status code (RFC 3463), or "" */
  const char *note;     /* what the row is to say, or "" */
} ds_tls_terms;

/* ds_tls_terms_of: the terms for one host */
void ds_tls_terms_of (const ds_tls_facts *f, ds_tls_terms *t);

/* is the host that name, or below it? */
int ds_host_within (const char *host, const char *name);

/*
** ds_host_trusted: is it one of these names or below one; NULL: of those whose
** certificates hold: mail.protection.outlook.com, mx.microsoft, google.com.
*/
int ds_host_trusted (const char *host, const char *const *names, size_t n);

#endif
