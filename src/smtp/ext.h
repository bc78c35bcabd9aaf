/*
** ext: what an EHLO reply offers (RFC 5321 §4.1.1.1).
*/
#ifndef ds_smtp_ext_h
#define ds_smtp_ext_h

#include <stdint.h>

#include "smtp/auth.h"
#include "util/span.h"

typedef struct ds_smtp_ext {
  unsigned esmtp : 1; /* EHLO, not HELO, was accepted */
  unsigned pipelining : 1;
  unsigned chunking : 1;
  unsigned binarymime : 1;
  unsigned eightbitmime : 1;
  unsigned smtputf8 : 1;
  unsigned starttls : 1;
  unsigned enhanced : 1; /* ENHANCEDSTATUSCODES */
  unsigned dsn : 1;
  unsigned requiretls : 1;
  unsigned size : 1;   /* SIZE was offered */
  uint64_t size_limit; /* 0: none told (absent, 0, or not a number) */

  /* LIMITS (RFC 9422); 0: none told */
  uint64_t mail_max;        /* transactions in a session */
  uint64_t rcpt_max;        /* recipients in a transaction */
  uint64_t rcpt_domain_max; /* their domains */

  unsigned auth; /* DS_AUTH_… offered (RFC 4954) */
} ds_smtp_ext;

void ds_smtp_ext_clear (ds_smtp_ext *x);

/*
** ds_smtp_ext_add: take in one line of the EHLO reply after the first (code
** and separator removed).  The keyword is the exact first token, ASCII case
** folded; unknown ones are nothing; numbers are overflow-checked.
*/
void ds_smtp_ext_add (ds_smtp_ext *x, ds_span line);

#endif
