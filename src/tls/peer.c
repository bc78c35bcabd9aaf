/*
** What is said of a peer: no OpenSSL in it, so that the core has it too.
*/
#include <string.h>

#include "tls/tls.h"

/* the head of a DER SEQUENCE that is all there is: a certificate or a public
   key begins so */
static int whole_sequence (ds_span der) {
  const unsigned char *p = (const unsigned char *)der.p;
  size_t head = 2, n, i;
  if (der.n < 2 || p[0] != 0x30 || p[1] == 0x80 || p[1] > 0x83)
    return 0;
  n = p[1];
  if (n > 0x80) {
    head += n - 0x80;
    if (der.n < head)
      return 0;
    for (n = 0, i = 2; i < head; i++)
      n = n << 8 | p[i];
  }
  return n > 0 && der.n == head + n;
}

/* RFC 7672 §3.1.3: the usages 0 and 1 bind a mail host to nothing */
static int usable (const ds_tlsa *r) {
  if ((r->usage != 2 && r->usage != 3) || r->selector > 1)
    return 0;
  return r->matching == 0   ? whole_sequence(r->data)
         : r->matching == 1 ? r->data.n == 32
         : r->matching == 2 ? r->data.n == 64
                            : 0;
}

size_t ds_tls_tlsa_usable (const ds_tlsa *records, size_t n) {
  size_t i, good = 0;
  for (i = 0; i < n; i++)
    good += (size_t)usable(&records[i]);
  return good;
}

/* -- a copy -- */

static size_t text_size (const char *z) {
  return z != NULL ? strlen(z) + 1 : 0;
}

static size_t octets_of (const ds_tls_peer *p) {
  size_t n = text_size(p->host) + text_size(p->session_key), i;
  for (i = 0; i < p->name_count; i++)
    n += text_size(p->names[i]);
  for (i = 0; i < p->tlsa_count; i++)
    n += p->tlsa[i].data.n;
  return n;
}

static const char *put (char **at, const char *p, size_t n) {
  char *to = *at;
  if (p == NULL)
    return NULL;
  memcpy(to, p, n);
  *at += n;
  return to;
}

static const char *put_text (char **at, const char *z) {
  return put(at, z, text_size(z));
}

/* what needs aligning comes first: the peer, its records, its names' pointers;
   then octets */
ds_tls_peer *ds_tls_peer_copy (const ds_tls_peer *p) {
  size_t tlsa = p->tlsa_count * sizeof *p->tlsa;
  size_t names = p->name_count * sizeof *p->names, i;
  ds_tls_peer *to =
      (ds_tls_peer *)ds_malloc(sizeof *to + tlsa + names + octets_of(p));
  const char **name;
  ds_tlsa *record;
  char *at;
  if (to == NULL)
    return NULL;
  *to = *p;
  record = (ds_tlsa *)(to + 1);
  name = (const char **)(record + p->tlsa_count);
  at = (char *)(name + p->name_count);
  to->host = put_text(&at, p->host);
  to->session_key = put_text(&at, p->session_key);
  for (i = 0; i < p->name_count; i++)
    name[i] = put_text(&at, p->names[i]);
  for (i = 0; i < p->tlsa_count; i++) {
    record[i] = p->tlsa[i];
    record[i].data.p = put(&at, p->tlsa[i].data.p, p->tlsa[i].data.n);
  }
  to->names = name;
  to->tlsa = record;
  return to;
}
