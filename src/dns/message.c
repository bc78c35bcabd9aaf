#include "dns/message.h"

#include <string.h>

#include "util/mem.h"

#define HEADER 12
#define OPT    41
#define AD     0x20 /* in the fourth octet of the header */
#define DO     0x80 /* in the third octet of OPT's TTL */

static const char *const status_names[] = {"noerror", "nxdomain", "servfail",
                                           "timeout"};

const char *ds_dns_status_name (ds_dns_status s) {
  return status_names[s];
}

void ds_dns_answer_clear (ds_dns_answer *a) {
  size_t i;
  for (i = 0; i < a->count; i++) {
    ds_free(a->records[i].name);
    ds_free(a->records[i].data);
  }
  ds_free(a->records);
  memset(a, 0, sizeof *a);
}

static int is_ldh (int c) {
  return ds_is_alpha(c) || ds_is_digit(c) || c == '-';
}

static int label_ok (const char *s, size_t n, int underscore) {
  size_t i = underscore && n > 1 && s[0] == '_' ? 1 : 0;
  if (n == 0 || n > 63 || s[i] == '-' || s[n - 1] == '-')
    return 0;
  for (; i < n; i++)
    if (!is_ldh((unsigned char)s[i]))
      return 0;
  return 1;
}

static int all_digits (const char *s, size_t n) {
  size_t i = 0;
  while (i < n && ds_is_digit((unsigned char)s[i]))
    i++;
  return i == n;
}

int ds_dns_name_ok (ds_span name, int mail) {
  size_t at = 0, labels = 0, start, len;
  if (name.n == 0 || name.n > 253)
    return 0;
  do {
    start = at;
    while (at < name.n && name.p[at] != '.')
      at++;
    len = at - start;
    if (!label_ok(name.p + start, len, !mail))
      return 0;
    labels++;
  } while (at++ < name.n);
  return !mail || (labels >= 2 && !all_digits(name.p + start, len));
}

static unsigned char *put16 (unsigned char *p, unsigned v) {
  p[0] = (unsigned char)(v >> 8 & 0xff);
  p[1] = (unsigned char)(v & 0xff);
  return p + 2;
}

static unsigned get16 (const unsigned char *p) {
  return (unsigned)p[0] << 8 | p[1];
}

/* labels, each behind its length, and the root */
static unsigned char *put_name (unsigned char *p, ds_span name) {
  size_t i;
  unsigned char *length = p++;
  *length = 0;
  for (i = 0; i < name.n; i++) {
    if (name.p[i] == '.') {
      length = p;
      *length = 0;
    } else {
      *p = (unsigned char)name.p[i];
      ++*length;
    }
    p++;
  }
  *p = 0;
  return p + 1;
}

/* RFC 6891 §6.1.2: root, type, the size we take, extended flags, no options */
static unsigned char *put_opt (unsigned char *p, ds_dns_edns edns) {
  *p++ = 0;
  p = put16(p, OPT);
  p = put16(p, DS_DNS_UDP);
  memset(p, 0, 6);
  if (edns == DS_DNS_SECURED)
    p[2] = DO;
  return p + 6;
}

int ds_dns_question (unsigned char *out, size_t size, uint16_t id, ds_span name,
                     unsigned type, ds_dns_edns edns) {
  unsigned char *p = out;
  if (!ds_dns_name_ok(name, 0) || type > 0xffff)
    return DS_ERR_USAGE;
  if (size < HEADER + name.n + 2 + 4 + (edns ? 11 : 0))
    return DS_ERR_LIMIT;
  p = put16(p, id);
  p = put16(p, edns ? 0x0100 | AD : 0x0100); /* RD */
  p = put16(p, 1);
  p = put16(p, 0);
  p = put16(p, 0);
  p = put16(p, edns ? 1 : 0);
  p = put_name(p, name);
  p = put16(p, type);
  p = put16(p, 1); /* IN */
  if (edns)
    p = put_opt(p, edns);
  return (int)(p - out);
}

/* octets of the first question, whose name is not compressed; 0: none */
static size_t question_size (const unsigned char *p, size_t n) {
  size_t at = HEADER;
  while (at < n && p[at] != 0) {
    if (p[at] > 63)
      return 0;
    at += (size_t)p[at] + 1;
  }
  return at + 5 <= n ? at + 5 - HEADER : 0;
}

/* the name without case, type and class to the bit; lengths are below 'A' */
static int same_question (const unsigned char *a, const unsigned char *b,
                          size_t n) {
  return ds_span_eqi(ds_span_of((const char *)a, n - 4),
                     ds_span_of((const char *)b, n - 4)) &&
         memcmp(a + n - 4, b + n - 4, 4) == 0;
}

/* a server that knows no EDNS may send back nothing but a header */
static int bare_refusal (const unsigned char *p, size_t n) {
  int rcode = p[3] & 0x0f;
  return n == HEADER && get16(p + 4) == 0 &&
         (rcode == DS_DNS_FORMERR || rcode == DS_DNS_NOTIMP);
}

int ds_dns_matches (const void *packet, size_t n, const void *query,
                    size_t qn) {
  const unsigned char *p = (const unsigned char *)packet;
  const unsigned char *q = (const unsigned char *)query;
  size_t len;
  if (n < HEADER || qn < HEADER || get16(p) != get16(q) ||
      (p[2] & 0xf8) != 0x80)
    return 0;
  if (bare_refusal(p, n))
    return 1;
  len = question_size(q, qn);
  return len > 0 && n >= HEADER + len && get16(p + 4) == 1 &&
         same_question(p + HEADER, q + HEADER, len);
}

int ds_dns_truncated (const void *packet, size_t n) {
  const unsigned char *p = (const unsigned char *)packet;
  return n >= HEADER && (p[2] & 0x02) != 0;
}

int ds_dns_rcode (const void *packet, size_t n) {
  const unsigned char *p = (const unsigned char *)packet;
  return n >= HEADER ? p[3] & 0x0f : -1;
}
