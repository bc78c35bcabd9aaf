/*
** scan: look once at a text and know how it is best sent.
*/
#ifndef ds_mime_scan_h
#define ds_mime_scan_h

#include <stddef.h>
#include <stdint.h>

#include "mime/qp.h"

typedef enum ds_encoding {
  DS_ENC_7BIT,
  DS_ENC_8BIT,
  DS_ENC_QP,
  DS_ENC_BASE64
} ds_encoding;

const char *ds_encoding_name (ds_encoding how); /* "7bit" … */

/* what a text has to bear on its way */
typedef enum ds_care {
  DS_CARE_7BIT,  /* servers that know seven bits of an octet */
  DS_CARE_8BIT,  /* nothing: all of them know 8BITMIME */
  DS_CARE_SIGNED /* as 7BIT, and no gateway may change it: it will be signed */
} ds_care;

typedef struct ds_scan { /* all of the text with CRLF line ends */
  ds_qp qp;
  uint64_t size;
  uint64_t qp_size;
  int cr;         /* the last octet was a CR: an LF now belongs to it */
  size_t line;    /* octets of the line so far */
  size_t longest; /* line, without its CRLF */
  int eight;      /* some octet is ≥ 0x80 */
  int nul;        /* some octet is NUL */
  int blank;      /* the last octet was a blank */
  int from;       /* octets of "From " that begin the line */
  int fragile;    /* some line ends in a blank or begins with "From ": gateways
                     are known that change these (RFC 8551 §3.1.3) */
} ds_scan;

void ds_scan_init (ds_scan *s);
void ds_scan_update (ds_scan *s, const void *p, size_t n);
void ds_scan_final (ds_scan *s); /* a last line without end gets one */

/* may it go as it is, 7bit or 8bit (RFC 2045 §2.7, §2.8)? */
int ds_scan_plain (const ds_scan *s);

/*
** ds_scan_best: 7bit where that will do, 8bit where it will and nothing is to
** be borne, else the shorter of quoted-printable and base64.
*/
ds_encoding ds_scan_best (const ds_scan *s, ds_care care);

/* octets it has on the wire when sent so */
uint64_t ds_scan_encoded (const ds_scan *s, ds_encoding how);

#endif
