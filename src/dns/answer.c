/* libresolv's codec (glibc, musl) takes the packet apart */
#include <sys/types.h>
#include <arpa/nameser.h>
#include <string.h>

#include "dns/message.h"
#include "util/mem.h"

#define MAX_ALIASES 8
#define NAMES_TOTAL 65536 /* octets of expanded names read of one packet */
#define AD          0x20
#define RCODE       0x0f

typedef struct walk {
  ns_msg msg;
  size_t names;           /* octets of names expanded so far */
  char name[NS_MAXDNAME]; /* the question's name, or what it is an alias of */
  unsigned type;
  ds_dns_answer *a;
} walk;

static unsigned get16 (const unsigned char *p) {
  return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32 (const unsigned char *p) {
  return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* lower case; one C library writes the root as ".", the other as "" */
static void plain_name (char *name) {
  size_t i;
  if (strcmp(name, ".") == 0)
    name[0] = '\0';
  for (i = 0; name[i] != '\0'; i++)
    name[i] = (char)ds_lower((unsigned char)name[i]);
}

static int spend (walk *w, const char *name) {
  w->names += strlen(name) + 1;
  return w->names <= NAMES_TOTAL ? DS_OK : DS_ERR_PROTOCOL;
}

/* the i-th record of a section; asked for in ascending order */
static int read_record (walk *w, ns_sect section, size_t i, ns_rr *rr) {
  if (ns_parserr(&w->msg, section, (int)i, rr) != 0)
    return DS_ERR_PROTOCOL;
  plain_name(rr->name);
  return spend(w, rr->name);
}

static size_t section_size (const walk *w, ns_sect section) {
  size_t n = ns_msg_count(w->msg, section);
  return n < DS_DNS_RECORDS ? n : DS_DNS_RECORDS;
}

/* the name that fills a record's data from `skip` to its end */
static int read_name (walk *w, const ns_rr *rr, unsigned skip,
                      char out[NS_MAXDNAME]) {
  int n;
  if (rr->rdlength <= skip)
    return DS_ERR_PROTOCOL;
  n = ns_name_uncompress(ns_msg_base(w->msg), ns_msg_end(w->msg),
                         rr->rdata + skip, out, NS_MAXDNAME);
  if (n < 0 || (unsigned)n != rr->rdlength - skip)
    return DS_ERR_PROTOCOL;
  plain_name(out);
  return spend(w, out);
}

static int owned (const walk *w, const ns_rr *rr, unsigned type) {
  return rr->type == type && rr->rr_class == ns_c_in &&
         strcmp(rr->name, w->name) == 0;
}

/* RFC 2181 §8: with the top bit set it is 0 */
static void lower_ttl (walk *w, uint32_t ttl) {
  if (ttl > INT32_MAX)
    ttl = 0;
  if (ttl < w->a->ttl)
    w->a->ttl = ttl;
}

/* one pass from the front: how many aliases it followed, or an error */
static int follow_once (walk *w) {
  ns_rr rr;
  size_t i, n = section_size(w, ns_s_an);
  int followed = 0;
  for (i = 0; i < n; i++) {
    if (read_record(w, ns_s_an, i, &rr) != DS_OK)
      return DS_ERR_PROTOCOL;
    if (!owned(w, &rr, ns_t_cname))
      continue;
    if (read_name(w, &rr, 0, w->name) != DS_OK || ++w->a->aliases > MAX_ALIASES)
      return DS_ERR_PROTOCOL;
    lower_ttl(w, rr.ttl);
    followed++;
  }
  return followed;
}

/* aliases may stand in any order, so again while one was found; a loop of
   them runs into the bound */
static int follow_aliases (walk *w) {
  int n;
  if (w->type == DS_DNS_CNAME)
    return DS_OK;
  do
    n = follow_once(w);
  while (n > 0);
  return n;
}

static int take_ip (ds_dns_record *r, const ns_rr *rr, uint8_t family) {
  if (rr->rdlength != (family == 4 ? 4 : 16))
    return DS_ERR_PROTOCOL;
  r->ip.family = family;
  memcpy(r->ip.bytes, rr->rdata, rr->rdlength);
  return DS_OK;
}

static int take_name (walk *w, ds_dns_record *r, const ns_rr *rr,
                      unsigned skip) {
  char name[NS_MAXDNAME];
  if (read_name(w, rr, skip, name) != DS_OK)
    return DS_ERR_PROTOCOL;
  r->name = ds_strndup(name, strlen(name));
  return r->name != NULL ? DS_OK : DS_ERR_NOMEM;
}

static int take_text (ds_dns_record *r, const ns_rr *rr) {
  const unsigned char *p = rr->rdata, *end = p + rr->rdlength;
  r->data = (unsigned char *)ds_malloc(rr->rdlength);
  if (r->data == NULL)
    return DS_ERR_NOMEM;
  while (p < end) {
    size_t n = *p++;
    if (n > (size_t)(end - p))
      return DS_ERR_PROTOCOL;
    memcpy(r->data + r->size, p, n);
    r->size += n;
    p += n;
  }
  return DS_OK;
}

static int take_tlsa (ds_dns_record *r, const ns_rr *rr) {
  if (rr->rdlength < 3)
    return DS_ERR_PROTOCOL;
  r->usage = rr->rdata[0];
  r->selector = rr->rdata[1];
  r->matching = rr->rdata[2];
  r->size = rr->rdlength - 3u;
  r->data = (unsigned char *)ds_malloc(r->size);
  if (r->data == NULL)
    return DS_ERR_NOMEM;
  memcpy(r->data, rr->rdata + 3, r->size);
  return DS_OK;
}

static int take_data (walk *w, ds_dns_record *r, const ns_rr *rr) {
  switch (rr->type) {
  case DS_DNS_A:
    return take_ip(r, rr, 4);
  case DS_DNS_AAAA:
    return take_ip(r, rr, 6);
  case DS_DNS_MX:
    if (rr->rdlength < 3)
      return DS_ERR_PROTOCOL;
    r->preference = (uint16_t)get16(rr->rdata);
    return take_name(w, r, rr, 2);
  case DS_DNS_CNAME:
  case DS_DNS_NS:
  case DS_DNS_PTR:
    return take_name(w, r, rr, 0);
  case DS_DNS_TXT:
    return take_text(r, rr);
  case DS_DNS_TLSA:
    return take_tlsa(r, rr);
  default: /* only that it is there */
    return DS_OK;
  }
}

/* room by what has been seen, never by what the header claims */
static ds_dns_record *new_record (ds_dns_answer *a) {
  if ((a->count & (a->count - 1)) == 0) {
    size_t room = a->count > 0 ? 2 * a->count : 1;
    void *p = ds_realloc(a->records, room * sizeof *a->records);
    if (p == NULL)
      return NULL;
    a->records = (ds_dns_record *)p;
  }
  return (ds_dns_record *)memset(&a->records[a->count++], 0,
                                 sizeof *a->records);
}

static int collect (walk *w) {
  ns_rr rr;
  size_t i, n = section_size(w, ns_s_an);
  for (i = 0; i < n; i++) {
    ds_dns_record *r;
    int e;
    if (read_record(w, ns_s_an, i, &rr) != DS_OK)
      return DS_ERR_PROTOCOL;
    if (!owned(w, &rr, w->type))
      continue;
    r = new_record(w->a);
    if (r == NULL)
      return DS_ERR_NOMEM;
    r->ttl = rr.ttl > INT32_MAX ? 0 : rr.ttl;
    lower_ttl(w, rr.ttl);
    e = take_data(w, r, &rr);
    if (e != DS_OK)
      return e;
  }
  return DS_OK;
}

/* how long nothing may be believed to be there (RFC 2308 §5): the SOA's
   own life or its last field, whichever ends first */
static int negative_ttl (walk *w) {
  ns_rr rr;
  size_t i, n = section_size(w, ns_s_ns);
  for (i = 0; i < n; i++) {
    if (read_record(w, ns_s_ns, i, &rr) != DS_OK)
      return DS_ERR_PROTOCOL;
    if (rr.type != DS_DNS_SOA || rr.rr_class != ns_c_in || rr.rdlength < 22)
      continue;
    lower_ttl(w, rr.ttl);
    lower_ttl(w, get32(rr.rdata + rr.rdlength - 4));
    return DS_OK;
  }
  w->a->ttl = 0;
  return DS_OK;
}

static ds_dns_status status_of (int rcode) {
  if (rcode == ns_r_noerror)
    return DS_DNS_NOERROR;
  return rcode == ns_r_nxdomain ? DS_DNS_NXDOMAIN : DS_DNS_SERVFAIL;
}

static int read_answer (walk *w) {
  int e = DS_OK;
  if (w->a->status == DS_DNS_SERVFAIL)
    return DS_OK;
  w->a->ttl = INT32_MAX;
  e = follow_aliases(w);
  if (e == DS_OK && w->a->status == DS_DNS_NOERROR)
    e = collect(w);
  if (e == DS_OK && w->a->count == 0)
    e = negative_ttl(w);
  return e;
}

/* what is longer than a name can be was written with escapes: no host's */
static void keep_name (const walk *w) {
  size_t n = strlen(w->name);
  if (n < sizeof w->a->name)
    memcpy(w->a->name, w->name, n + 1);
}

int ds_dns_parse (const void *packet, size_t n, ds_span name, unsigned type,
                  ds_dns_answer *a) {
  const unsigned char *p = (const unsigned char *)packet;
  walk w;
  int e;
  memset(a, 0, sizeof *a);
  if (n > DS_DNS_PACKET || name.n >= DS_DNS_NAME ||
      ns_initparse(p, (int)n, &w.msg) != 0)
    return DS_ERR_PROTOCOL;
  memcpy(w.name, name.p, name.n);
  w.name[name.n] = '\0';
  plain_name(w.name);
  w.names = 0;
  w.type = type;
  w.a = a;
  a->status = status_of(p[3] & RCODE);
  a->secure = (p[3] & AD) != 0;
  e = read_answer(&w);
  if (e == DS_OK)
    keep_name(&w);
  else
    ds_dns_answer_clear(a);
  return e;
}
