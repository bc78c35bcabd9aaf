/*
** message: one DNS question as bytes, and the answer's records as values
** (RFC 1035; EDNS RFC 6891).  The answer goes through libresolv's codec.
*/
#ifndef ds_dns_message_h
#define ds_dns_message_h

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"
#include "util/err.h"
#include "util/span.h"

#define DS_DNS_A     1
#define DS_DNS_NS    2
#define DS_DNS_CNAME 5
#define DS_DNS_SOA   6
#define DS_DNS_PTR   12
#define DS_DNS_MX    15
#define DS_DNS_TXT   16
#define DS_DNS_AAAA  28
#define DS_DNS_TLSA  52

/* response codes (RFC 1035 §4.1.1) */
#define DS_DNS_FORMERR 1
#define DS_DNS_NOTIMP  4
#define DS_DNS_REFUSED 5

#define DS_DNS_NAME    256 /* a name without final dot, and its NUL */
#define DS_DNS_PACKET  65535
#define DS_DNS_UDP     1232 /* what we offer in EDNS */
#define DS_DNS_RECORDS 1000 /* read of one answer */

/* how a question goes out */
typedef enum ds_dns_edns {
  DS_DNS_PLAIN,  /* without OPT */
  DS_DNS_EDNS,   /* OPT with DS_DNS_UDP; AD asks to be told of AD (RFC 6840) */
  DS_DNS_SECURED /* and DO: some resolvers tell of AD only then (RFC 4035) */
} ds_dns_edns;

typedef enum ds_dns_status {
  DS_DNS_NOERROR,
  DS_DNS_NXDOMAIN,
  DS_DNS_SERVFAIL, /* SERVFAIL, REFUSED, or an answer that cannot be read */
  DS_DNS_TIMEOUT   /* no server answered */
} ds_dns_status;

const char *ds_dns_status_name (ds_dns_status s); /* "noerror" … */

typedef struct ds_dns_record {
  uint32_t ttl;
  uint16_t preference; /* MX */
  ds_ip ip;            /* A, AAAA */
  char *name; /* MX, CNAME, PTR, NS: lower case, no final dot; "" root */
  unsigned char *data; /* TXT: its strings joined; TLSA: association data */
  size_t size;         /* of data */
  uint8_t usage, selector, matching; /* TLSA */
} ds_dns_record;

typedef struct ds_dns_answer {
  ds_dns_status status;
  int secure;  /* AD was set, and (ds_query) the server declared trusted */
  int aliases; /* CNAMEs followed from the question's name (≤ 8) */
  char name[DS_DNS_NAME]; /* … and where they lead, in lower case ("": to what
                             is no host's name); without any the question's */
  uint32_t ttl; /* smallest of the aliases and records; when there are no
                   records the SOA's (RFC 2308), 0 without one */
  ds_dns_record
      *records; /* of the type asked, owned by the chain's last name */
  size_t count;
} ds_dns_answer;

void ds_dns_answer_clear (ds_dns_answer *a);

/*
** ds_dns_name_ok: fit to be asked for as a mail domain or host: LDH labels of
** 1-63 octets not beginning or ending in '-', 253 in all, no final dot; at
** least two labels and a last one that is not all digits when `mail` is set.
** ds_dns_name_ok also takes '_' as a label's first octet when not `mail`.
*/
int ds_dns_name_ok (ds_span name, int mail);

/*
** ds_dns_question: write the query packet (id, RD, one question, OPT as edns
** says) into out; its length, or DS_ERR_USAGE when the name will not do,
** DS_ERR_LIMIT when it does not fit.
*/
int ds_dns_question (unsigned char *out, size_t size, uint16_t id, ds_span name,
                     unsigned type, ds_dns_edns edns);

/*
** ds_dns_matches: is this packet the answer to that question: QR set, opcode
** query, same id, the same single question (name without case)?  Nothing but
** a header will do for FORMERR and NOTIMP: old servers answer EDNS so.
*/
int ds_dns_matches (const void *packet, size_t n, const void *query, size_t qn);

int ds_dns_truncated (const void *packet, size_t n);
int ds_dns_rcode (const void *packet, size_t n); /* -1: no header */

/*
** ds_dns_parse: read the answer section, forward only, following CNAMEs in
** any order.  0 and *a filled (clear it), DS_ERR_PROTOCOL for a packet that
** cannot be read, an alias loop, more than 64 KiB of names or a malformed
** record of the type asked, DS_ERR_NOMEM.  Records of other types, classes
** and owners are passed over; NXDOMAIN is one for the end of an alias chain
** too, and an error code brings no records.
*/
int ds_dns_parse (const void *packet, size_t n, ds_span name, unsigned type,
                  ds_dns_answer *a);

#endif
