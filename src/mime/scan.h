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

typedef struct ds_scan { /* all of the text with CRLF line ends */
  ds_qp qp;
  uint64_t size;
  uint64_t qp_size;
  int cr;         /* the last octet was a CR: an LF now belongs to it */
  size_t line;    /* octets of the line so far */
  size_t longest; /* line, without its CRLF */
  int eight;      /* some octet is ≥ 0x80 */
  int nul;        /* some octet is NUL */
} ds_scan;

void ds_scan_init (ds_scan *s);
void ds_scan_update (ds_scan *s, const void *p, size_t n);
void ds_scan_final (ds_scan *s); /* a last line without end gets one */

/* may it go as it is, 7bit or 8bit (RFC 2045 §2.7, §2.8)? */
int ds_scan_plain (const ds_scan *s);

/*
** ds_scan_best: 7bit where that will do, 8bit where it will and is allowed,
** else the shorter of quoted-printable and base64.
*/
ds_encoding ds_scan_best (const ds_scan *s, int allow_8bit);

/* octets it has on the wire when sent so */
uint64_t ds_scan_encoded (const ds_scan *s, ds_encoding how);

#endif
