/*
** command: commands -> bytes (RFC 5321 §4.1).  Whatever was checked before,
** nothing leaves here with a CR, LF, NUL or control inside, with a path that
** ends before its bracket, or beyond the line's length: the second gate.
*/
#ifndef ds_smtp_command_h
#define ds_smtp_command_h

#include <stdint.h>

#include "smtp/dsn.h"
#include "util/buf.h"
#include "util/span.h"

#define DS_COMMAND_LINE 512 /* with CRLF (RFC 5321 §4.5.3.1.4) */
#define DS_COMMAND_PATH 254 /* without brackets (§4.5.3.1.3) */

#define DS_COMMAND_ENVID 100 /* encoded (RFC 3461 §4.4) */
#define DS_COMMAND_ORCPT 500 /* encoded, with its type (§4.2) */

/* parameters of MAIL; each lengthens the line it may have */
typedef struct ds_command_mail_args {
  uint64_t size;  /* SIZE=, 0: not said (RFC 1870) */
  int eightbit;   /* BODY=8BITMIME (RFC 6152) */
  int utf8;       /* SMTPUTF8 (RFC 6531) */
  int requiretls; /* REQUIRETLS (RFC 8689) */
  ds_dsn_ret ret; /* RET= (RFC 3461 §4.3) */
  ds_span envid;  /* ENVID= as xtext (§4.4); empty: not said */
} ds_command_mail_args;

/* parameters of RCPT, the same */
typedef struct ds_command_rcpt_args {
  int utf8;        /* how the path is looked at */
  unsigned notify; /* NOTIFY= DS_NOTIFY_… (RFC 3461 §4.1), 0: not said */
  ds_span orcpt;   /* ORCPT=rfc822; as xtext (§4.2), utf-8; where it is not
                      ASCII (RFC 6533 §3); empty: not said */
} ds_command_rcpt_args;

/*
** ds_command_path_ok: may this stand between < and >?  At most
** DS_COMMAND_PATH octets; blanks and angle brackets only in a quoted string,
** which is closed; octets from 0x80 only with utf8, and then well-formed.
*/
int ds_command_path_ok (ds_span path, int utf8);

/* may these be said as ENVID, NOTIFY, ORCPT?  Printable, and not too long when
   encoded; NEVER stands alone; an address is well-formed UTF-8 */
int ds_command_envid_ok (ds_span envid);
int ds_command_dsn_ok (const ds_smtp_dsn *d);

/* each appends one line: 0, DS_ERR_USAGE (nothing appended), DS_ERR_NOMEM */
int ds_command_word (ds_buf *out, const char *verb);
int ds_command_ehlo (ds_buf *out, const char *verb, ds_span name);
int ds_command_mail (ds_buf *out, ds_span sender,
                     const ds_command_mail_args *a);
int ds_command_rcpt (ds_buf *out, ds_span recipient,
                     const ds_command_rcpt_args *a);
int ds_command_bdat (ds_buf *out, uint64_t octets, int last);

#endif
