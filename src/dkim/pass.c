#include "dkim/pass.h"

int ds_dkim_pass_init (ds_dkim_pass *p, int simple, int relaxed) {
  memset(p, 0, sizeof *p);
  if ((simple && (p->hash[DS_CANON_SIMPLE] = ds_hash_new()) == NULL) ||
      (relaxed && (p->hash[DS_CANON_RELAXED] = ds_hash_new()) == NULL) ||
      (p->fields = ds_hash_new()) == NULL)
    return DS_ERR_NOMEM;
  ds_dkim_pass_begin(p);
  return DS_OK;
}

void ds_dkim_pass_clear (ds_dkim_pass *p) {
  ds_dkim_header_clear(&p->header);
  ds_hash_free(p->hash[0]);
  ds_hash_free(p->hash[1]);
  ds_hash_free(p->fields);
  memset(p, 0, sizeof *p);
}

void ds_dkim_pass_begin (ds_dkim_pass *p) {
  int i;
  ds_dkim_header_empty(&p->header);
  for (i = 0; i < 2; i++) {
    if (p->hash[i] == NULL)
      continue;
    ds_hash_begin(p->hash[i]);
    ds_canon_body_init(&p->body[i], (ds_canon)i, ds_hash_update, p->hash[i]);
  }
}

void ds_dkim_pass_feed (ds_dkim_pass *p, const void *octets, size_t n) {
  const char *from = (const char *)octets;
  size_t head =
      p->header.complete ? 0 : ds_dkim_header_feed(&p->header, from, n);
  int i;
  for (i = 0; i < 2; i++)
    if (p->hash[i] != NULL && head < n)
      ds_canon_body_update(&p->body[i], from + head, n - head);
}

static int openssl_failed (ds_error *e) {
  return ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, NULL,
                      "OpenSSL could not hash the message");
}

int ds_dkim_pass_final (ds_dkim_pass *p, ds_error *e) {
  int i, rc = ds_dkim_header_final(&p->header, e);
  for (i = 0; i < 2 && rc == DS_OK; i++) {
    if (p->hash[i] == NULL)
      continue;
    ds_canon_body_final(&p->body[i]);
    if (ds_hash_final(p->hash[i], p->digest[i]) != DS_OK)
      rc = openssl_failed(e);
  }
  return rc;
}

int ds_dkim_pass_digest (ds_dkim_pass *p, ds_span text,
                         unsigned char out[DS_HASH]) {
  ds_hash_begin(p->fields);
  ds_hash_update(p->fields, text.p, text.n);
  return ds_hash_final(p->fields, out);
}
