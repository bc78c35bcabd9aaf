/*
** security: internal.h's second half: how sure a session is to be, and how it
** gets there.  Not for others, and included by internal.h alone.
*/
#ifndef ds_deliver_security_h
#define ds_deliver_security_h

#include "deliver/internal.h"

/* secure.c: TLS and AUTH of one session */
int ds_secure_early (ds_delivery *d, ds_op *op);
void ds_secure_at_once (ds_delivery *d, ds_time now);
void ds_secure_ready (ds_delivery *d, ds_time now);
int ds_secure_start (ds_delivery *d, ds_time now, ds_op *op); /* as feed.c's */
int ds_secure_failed (ds_delivery *d, ds_time now, const ds_smtp_event *ev);
void ds_secure_no_tls (ds_delivery *d, ds_time now, const ds_smtp_event *ev);
void ds_secure_auth (ds_delivery *d);
void ds_secure_no_auth (ds_delivery *d, const ds_smtp_event *ev);

/*
** discover.c: the MTA-STS policy of the destination.  1: op asks; 0: what can
** be known of it is in d->sts; DS_ERR_NOMEM.  While d->search is there and no
** question is open, connected, sent, received and failed are its, and the TLS
** context is asked for it.
*/
int ds_discover_step (ds_delivery *d, ds_time now, ds_op *op);
void ds_discover_end (ds_delivery *d);
void ds_discover_connected (ds_delivery *d, ds_time now, const ds_ip *peer);
void ds_discover_sent (ds_delivery *d, size_t n);
void ds_discover_received (ds_delivery *d, const void *p, size_t n);
void ds_discover_failed (ds_delivery *d, ds_kind kind, const char *text);

/*
** dane.c: the TLSA records of the host at hand (RFC 7672 §2.2).  step: 1: op
** asks; 0: d->dane tells.  address: an answer with addresses of the host came.
*/
int ds_dane_step (ds_delivery *d, ds_time now, ds_op *op);
void ds_dane_address (ds_delivery *d, const ds_dns_answer *a);
void ds_dane_end (ds_delivery *d);
const char *ds_dane_base (const ds_delivery *d);
const ds_tlsa *ds_dane_records (const ds_delivery *d, size_t *n);

/*
** policy.c: what may be connected to, how much TLS is enough.  ds_terms_set:
** the terms for the messages in hand with the host at hand; 0: it is not to be
** tried, the verdict is set.  ds_terms_fit: does the session keep to what this
** message needs?  ds_policy_session: the session has its level: note what is
** to be said of it.
*/
const char *ds_policy_refused (const ds_delivery *d, const ds_ip *ip);
int ds_policy_ready (ds_delivery *d, ds_time now, const ds_smtp_ext *x);
int ds_policy_tls_failed (ds_delivery *d, const char *why);
void ds_policy_no_tls (ds_delivery *d, const char *why);
void ds_terms_clear (ds_delivery *d);
int ds_terms_set (ds_delivery *d, ds_time now);
int ds_terms_fit (const ds_delivery *d, ds_time now, const work *w);
void ds_policy_session (ds_delivery *d, ds_time now);
void ds_policy_aside (ds_delivery *d); /* a message the session does not fit */
void ds_note (ds_delivery *d, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* peer.c: whom the TLS of a session is for, with room for what it points to */
typedef struct ds_peer {
  ds_tls_peer tls;
  const char *names[3];
  char literal[DS_IP_TEXT];
  char key[3 * DS_DNS_NAME];
} ds_peer;

void ds_peer_of (ds_delivery *d, ds_time now, ds_peer *p);

/*
** tlsrpt.c: results in the words of RFC 8460 §4.3, "success" besides: of a
** session under a policy, of finding a policy, of TLSA records.
*/
void ds_tlsrpt_session (ds_delivery *d, ds_time now, const char *result,
                        const char *reason);
void ds_tlsrpt_sts (ds_delivery *d, ds_time now, const char *result,
                    const char *reason);
void ds_tlsrpt_dane (ds_delivery *d, ds_time now, const char *result,
                     const char *reason);

/* best.c: the best level a destination had.  step: as ds_recall; session: this
   one has its level, its note says so when it was better once; keep: mail went
   over it */
int ds_best_step (ds_delivery *d, ds_op *op);
int ds_best_verified (const ds_delivery *d);
void ds_best_session (ds_delivery *d);
void ds_best_keep (ds_delivery *d, ds_time now);

#endif
