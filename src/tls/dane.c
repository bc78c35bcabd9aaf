/*
** DANE (RFC 6698, RFC 7671) as mail uses it (RFC 7672).
*/
#include "tls/inner.h"

/* a context that knows of no DANE costs nobody anything */
static int context_knows (ds_tls_ctx *c) {
  if (!c->dane)
    c->dane = SSL_CTX_dane_enable(c->ssl) == 1;
  return c->dane;
}

/* what looks right may still hold no key OpenSSL can read */
static int add_records (SSL *ssl, const ds_tls_peer *p) {
  const ds_tlsa *r = p->tlsa;
  size_t i;
  int added = 0;
  for (i = 0; i < p->tlsa_count; i++, r++)
    if (ds_tls_tlsa_usable(r, 1) > 0 &&
        SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching,
                          (const unsigned char *)r->data.p, r->data.n) > 0)
      added++;
  return added;
}

/* RFC 7672 §3.1.1: with DANE-EE neither names nor dates are looked at; §3.1.2:
   with DANE-TA both are.  No certificate authority has a say */
int ds_tls_dane (ds_tls *t, const ds_tls_peer *p, ds_error *e) {
  if (!context_knows(t->ctx)) {
    ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
    return 0;
  }
  /* which forgets names that were asked for before */
  if (SSL_dane_enable(t->ssl, t->host) != 1 || !ds_tls_expect_names(t, p)) {
    ds_error_set(e, DS_ERR_USAGE, DS_KIND_TLS, "host",
                 "\"%s\" is no name a TLSA record can be for", t->host);
    return 0;
  }
  SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
  SSL_dane_set_flags(t->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  t->dane = 1;
  if (add_records(t->ssl, p) > 0)
    return 1;
  ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, NULL,
               "no TLSA record of %s can be read (DANE)", t->host);
  return 0;
}
