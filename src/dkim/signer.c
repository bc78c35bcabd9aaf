#include "dkim/inner.h"
#include "util/mem.h"

/* -- names -- */

static int label_ok (const char *p, size_t n) {
  size_t i;
  if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-')
    return 0;
  for (i = 0; i < n; i++)
    if (!ds_is_alpha(p[i]) && !ds_is_digit(p[i]) && p[i] != '-')
      return 0;
  return 1;
}

/* labels between dots: how many, 0: something else */
static size_t labels (ds_span s) {
  size_t count = 0, from = 0, i;
  for (i = 0; i <= s.n; i++) {
    if (i < s.n && s.p[i] != '.')
      continue;
    if (!label_ok(s.p + from, i - from))
      return 0;
    from = i + 1;
    count++;
  }
  return count;
}

int ds_dkim_name_ok (ds_span domain, ds_span selector, ds_error *e) {
  if (labels(domain) < 2)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "domain",
                        "'%.*s' is no domain (letters, digits, '-' and dots; "
                        "xn--… where it is not ASCII)",
                        (int)(domain.n < 80 ? domain.n : 80), domain.p);
  if (labels(selector) < 1)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "selector",
                        "'%.*s' is no selector (letters, digits, '-' and dots)",
                        (int)(selector.n < 80 ? selector.n : 80), selector.p);
  if (selector.n + sizeof "._domainkey." - 1 + domain.n > 253)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "selector",
                        "selector and domain make a name that is too long "
                        "for the DNS");
  return DS_OK;
}

/* -- signers -- */

static int copy (ds_span *to, ds_span from) {
  to->p = ds_strndup(from.p, from.n);
  to->n = from.n;
  return to->p != NULL ? DS_OK : DS_ERR_NOMEM;
}

static int copy_all (ds_dkim_signer *s, const ds_dkim_identity *list,
                     size_t n) {
  size_t i;
  if ((s->list = (ds_dkim_identity *)ds_calloc(n, sizeof *s->list)) == NULL)
    return DS_ERR_NOMEM;
  for (i = 0; i < n; i++) {
    s->list[i] = list[i];
    s->list[i].domain.p = s->list[i].selector.p = NULL;
  }
  for (s->count = n, i = 0; i < n; i++)
    if (copy(&s->list[i].domain, list[i].domain) != DS_OK ||
        copy(&s->list[i].selector, list[i].selector) != DS_OK)
      return DS_ERR_NOMEM;
  return DS_OK;
}

ds_dkim_signer *ds_dkim_signer_new (const ds_dkim_identity *list, size_t n,
                                    ds_error *e) {
  ds_dkim_signer *s;
  size_t i;
  if (n < 1 || n > DS_DKIM_IDENTITIES) {
    ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                 "1 to %d signatures are made at once", DS_DKIM_IDENTITIES);
    return NULL;
  }
  for (i = 0; i < n; i++)
    if (ds_dkim_name_ok(list[i].domain, list[i].selector, e) != DS_OK)
      return NULL;
  s = (ds_dkim_signer *)ds_calloc(1, sizeof *s);
  if (s != NULL && copy_all(s, list, n) == DS_OK)
    return s;
  ds_dkim_signer_free(s);
  ds_error_nomem(e);
  return NULL;
}

void ds_dkim_signer_free (ds_dkim_signer *s) {
  size_t i;
  if (s == NULL)
    return;
  for (i = 0; i < s->count; i++) {
    ds_free((char *)s->list[i].domain.p);
    ds_free((char *)s->list[i].selector.p);
  }
  ds_free(s->list);
  ds_buf_clear(&s->names);
  ds_buf_clear(&s->field);
  ds_buf_clear(&s->canon);
  ds_free(s);
}

int ds_dkim_signer_pass (const ds_dkim_signer *s, ds_dkim_pass *p) {
  int want[2] = {0, 0};
  size_t i;
  for (i = 0; i < s->count; i++)
    want[s->list[i].body] = 1;
  return ds_dkim_pass_init(p, want[DS_CANON_SIMPLE], want[DS_CANON_RELAXED]);
}
