#include "dns/mx.h"

#include <string.h>

#include "util/mem.h"

typedef struct candidate {
  uint32_t draw; /* orders those of equal preference */
  uint16_t preference;
  const char *name;
} candidate;

void ds_mx_clear (ds_mx_set *m) {
  ds_free(m->hosts);
  memset(m, 0, sizeof *m);
}

static void add_host (ds_mx_set *m, uint16_t preference, ds_span name) {
  ds_mx_host *h = &m->hosts[m->count++];
  size_t i;
  h->preference = preference;
  for (i = 0; i < name.n; i++)
    h->name[i] = (char)ds_lower((unsigned char)name.p[i]);
  h->name[name.n] = '\0';
}

static int implicit (ds_mx_set *m, ds_span domain) {
  if (domain.n >= DS_DNS_NAME) {
    m->broken = 1;
    return DS_OK;
  }
  m->hosts = (ds_mx_host *)ds_malloc(sizeof *m->hosts);
  if (m->hosts == NULL)
    return DS_ERR_NOMEM;
  m->implicit = 1;
  add_host(m, 0, domain);
  return DS_OK;
}

/* "." names no host; a set of nothing else says that no mail is taken */
static int is_null (const ds_dns_answer *a) {
  size_t i;
  for (i = 0; i < a->count; i++)
    if (a->records[i].name[0] != '\0')
      return 0;
  return 1;
}

static int before (const candidate *a, const candidate *b) {
  return a->preference < b->preference ||
         (a->preference == b->preference && a->draw < b->draw);
}

static void insert (candidate *sorted, size_t n, const candidate *c) {
  while (n > 0 && before(c, &sorted[n - 1])) {
    sorted[n] = sorted[n - 1];
    n--;
  }
  sorted[n] = *c;
}

/* how many of the answer's names are host names; in order into sorted */
static int sort_hosts (const ds_dns_answer *a, const ds_sys *sys,
                       candidate *sorted, size_t *count) {
  size_t i;
  *count = 0;
  for (i = 0; i < a->count; i++) {
    candidate c = {0, a->records[i].preference, a->records[i].name};
    if (!ds_dns_name_ok(ds_span_str(c.name), 1))
      continue;
    if (a->count > 1 && sys->random(sys->ud, &c.draw, sizeof c.draw) != DS_OK)
      return DS_ERR_LOCAL;
    insert(sorted, (*count)++, &c);
  }
  return DS_OK;
}

static int has_host (const ds_mx_set *m, const char *name) {
  size_t i;
  for (i = 0; i < m->count; i++)
    if (ds_span_eqi(ds_span_str(m->hosts[i].name), ds_span_str(name)))
      return 1;
  return 0;
}

/* the best place of each name, and the best names of too many */
static int take_hosts (ds_mx_set *m, const candidate *sorted, size_t n) {
  size_t i;
  m->broken = n == 0;
  if (n == 0)
    return DS_OK;
  m->hosts = (ds_mx_host *)ds_calloc(n < DS_MX_HOSTS ? n : DS_MX_HOSTS,
                                     sizeof *m->hosts);
  if (m->hosts == NULL)
    return DS_ERR_NOMEM;
  for (i = 0; i < n && m->count < DS_MX_HOSTS; i++)
    if (!has_host(m, sorted[i].name))
      add_host(m, sorted[i].preference, ds_span_str(sorted[i].name));
  return DS_OK;
}

int ds_mx_from_answer (const ds_dns_answer *a, ds_span domain,
                       const ds_sys *sys, ds_mx_set *m) {
  candidate *sorted;
  size_t n;
  int e;
  memset(m, 0, sizeof *m);
  if (a->count == 0)
    return implicit(m, domain);
  m->null = is_null(a);
  if (m->null)
    return DS_OK;
  sorted = (candidate *)ds_calloc(a->count, sizeof *sorted);
  if (sorted == NULL)
    return DS_ERR_NOMEM;
  e = sort_hosts(a, sys, sorted, &n);
  if (e == DS_OK)
    e = take_hosts(m, sorted, n);
  ds_free(sorted);
  return e;
}
