#include "tls/inner.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "util/addr.h"

#define NAME_FLAGS                                                             \
  (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

/* names of a certificate as one line */
typedef struct line {
  char z[256];
  size_t n;
  int more; /* names left out */
} line;

int ds_tls_expect_names (ds_tls *t, const ds_tls_peer *p) {
  size_t i;
  SSL_set_hostflags(t->ssl, NAME_FLAGS);
  if (t->host[0] == '\0' || SSL_set1_host(t->ssl, t->host) != 1)
    return 0;
  for (i = 0; i < p->name_count; i++)
    if (p->names[i][0] == '\0' || SSL_add1_host(t->ssl, p->names[i]) != 1)
      return 0;
  return 1;
}

/* who does not care who the peer is gains nothing from refusing an old one:
   it would get the mail in clear.  TLS 1.2 is the floor all the same. */
static void be_lenient (SSL *ssl) {
  SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
  SSL_set_security_level(ssl, 0);
  SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
}

/* nothing to judge by: that is the judgement */
static int judge_nothing (ds_tls *t, const char *why) {
  t->check = DS_TLS_ENCRYPT;
  t->failure = "validation-failure";
  t->doubt = ds_strndup(why, strlen(why));
  return 1;
}

static int expect_chain (ds_tls *t, ds_error *e) {
  ds_error why;
  ds_error_clear(&why);
  if (t->check == DS_TLS_VERIFY)
    return ds_tls_trust(t->ctx, e) == DS_OK;
  return ds_tls_trust(t->ctx, &why) == DS_OK || judge_nothing(t, why.text);
}

static int no_name (ds_tls *t, ds_error *e) {
  ds_error_set(e, DS_ERR_USAGE, DS_KIND_TLS, "host",
               "\"%s\" is no name a certificate can be checked for", t->host);
  return 0;
}

static int expect_peer (ds_tls *t, const ds_tls_peer *p, int is_ip,
                        ds_error *e) {
  int named = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl),
                                                    t->host) == 1
                    : ds_tls_expect_names(t, p);
  if (named)
    return expect_chain(t, e);
  if (t->check == DS_TLS_VERIFY)
    return no_name(t, e);
  return judge_nothing(t, "there is no name to look for in a certificate");
}

int ds_tls_expect (ds_tls *t, const ds_tls_peer *p, ds_error *e) {
  ds_ip ip;
  int is_ip = ds_ip_parse(t->host, strlen(t->host), &ip) == DS_OK;
  X509_VERIFY_PARAM_set_time(SSL_get0_param(t->ssl), (time_t)t->time);
  SSL_clear_options(t->ssl, SSL_OP_LEGACY_SERVER_CONNECT);
  if (!is_ip && t->host[0] != '\0' &&
      SSL_set_tlsext_host_name(t->ssl, t->host) != 1)
    return no_name(t, e);
  if (ds_tls_tlsa_usable(p->tlsa, p->tlsa_count) > 0)
    return ds_tls_dane(t, p, e);
  if (t->check == DS_TLS_VERIFY)
    SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
  else
    be_lenient(t->ssl);
  return t->check == DS_TLS_ENCRYPT || expect_peer(t, p, is_ip, e);
}

/* RFC 8460 §4.3.2 */
static const char *in_reports (int error) {
  switch (error) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return "certificate-expired";
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return "certificate-host-mismatch";
  case X509_V_ERR_DANE_NO_MATCH:
    return "validation-failure";
  default:
    return "certificate-not-trusted";
  }
}

/* certificates are the peer's to write: printable ASCII or '?' */
static void line_add (line *l, const unsigned char *p, size_t n) {
  const char *gap = l->n > 0 ? ", " : "";
  if (l->more > 0 || n + 2 >= sizeof l->z - l->n) {
    l->more++;
    return;
  }
  l->n += (size_t)snprintf(l->z + l->n, sizeof l->z - l->n, "%s", gap);
  for (; n > 0; n--, p++)
    l->z[l->n++] = *p > 0x20 && *p < 0x7f ? (char)*p : '?';
  l->z[l->n] = '\0';
}

static void line_add_ip (line *l, const ASN1_OCTET_STRING *s) {
  char text[DS_IP_TEXT];
  ds_ip ip;
  int n = ASN1_STRING_length(s);
  memset(&ip, 0, sizeof ip);
  if (n != 4 && n != 16)
    return;
  ip.family = n == 4 ? 4 : 6;
  memcpy(ip.bytes, ASN1_STRING_get0_data(s), (size_t)n);
  n = (int)ds_ip_format(&ip, text);
  line_add(l, (const unsigned char *)text, (size_t)n);
}

static void line_names (line *l, X509 *cert) {
  GENERAL_NAMES *all =
      (GENERAL_NAMES *)X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
  int i;
  for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
    const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
    if (g->type == GEN_DNS)
      line_add(l, ASN1_STRING_get0_data(g->d.dNSName),
               (size_t)ASN1_STRING_length(g->d.dNSName));
    else if (g->type == GEN_IPADD)
      line_add_ip(l, g->d.iPAddress);
  }
  GENERAL_NAMES_free(all);
}

static void date (const ASN1_TIME *at, char out[16]) {
  struct tm tm;
  if (at == NULL || ASN1_TIME_to_tm(at, &tm) != 1 ||
      strftime(out, 16, "%Y-%m-%d", &tm) == 0)
    snprintf(out, 16, "?");
}

static void date_of_clock (int64_t now, char out[16]) {
  ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)now);
  date(at, out);
  ASN1_TIME_free(at);
}

static void common_name (const X509_NAME *name, char *out, size_t size) {
  char *p = out;
  if (X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, out,
                                (int)size) <= 0 &&
      X509_NAME_get_text_by_NID((X509_NAME *)name, NID_organizationName, out,
                                (int)size) <= 0)
    snprintf(out, size, "an authority without a name");
  for (; *p != '\0'; p++)
    if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
      *p = '?';
}

static void say_time (const ds_tls *t, X509 *cert, const char *whose, int early,
                      ds_error *e) {
  char limit[16], now[16];
  date(early ? X509_get0_notBefore(cert) : X509_get0_notAfter(cert), limit);
  date_of_clock(t->time, now);
  ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, NULL,
               early ? "%s of %s is not valid before %s: is this machine's "
                       "clock right? It says %s"
                     : "%s of %s expired on %s (this machine's clock says %s)",
               whose, t->host, limit, now);
}

static void say_names (const ds_tls *t, X509 *leaf, ds_error *e) {
  char rest[32] = "";
  line l;
  memset(&l, 0, sizeof l);
  line_names(&l, leaf);
  if (l.more > 0)
    snprintf(rest, sizeof rest, " and %d more", l.more);
  ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, NULL,
               l.n > 0 ? "the certificate is not for %s but for %s%s"
                       : "the certificate is not for %s: it names no host "
                         "(its subject does not count)",
               t->host, l.z, rest);
}

static void say_issuer (const ds_tls *t, X509 *cert, int own_root,
                        ds_error *e) {
  char issuer[96];
  common_name(X509_get_issuer_name(cert), issuer, sizeof issuer);
  ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, NULL,
               own_root
                   ? "the certificate of %s leads to \"%s\", which is not "
                     "trusted here: set ca_file to trust it"
                   : "the certificate of %s was issued by \"%s\", which is "
                     "unknown here: the server leaves out a link of its "
                     "chain, or ca-certificates or ca_file must have it",
               t->host, issuer);
}

static void say (const ds_tls *t, X509_STORE_CTX *s, ds_error *e) {
  X509 *leaf = X509_STORE_CTX_get0_cert(s);
  X509 *cert = X509_STORE_CTX_get_current_cert(s);
  const char *whose = cert == NULL || X509_STORE_CTX_get_error_depth(s) == 0
                          ? "the certificate"
                          : "an issuer's certificate in the chain";
  int error = X509_STORE_CTX_get_error(s);
  if (cert == NULL)
    cert = leaf;
  switch (error) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID:
    say_time(t, cert, whose, error == X509_V_ERR_CERT_NOT_YET_VALID, e);
    break;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    say_names(t, leaf, e);
    break;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, NULL,
                 "the certificate of %s is self-signed: set ca_file to it "
                 "to trust it",
                 t->host);
    break;
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    say_issuer(t, cert, error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, e);
    break;
  case X509_V_ERR_DANE_NO_MATCH:
    ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, NULL,
                 "no TLSA record of %s fits the certificate it shows (DANE): "
                 "its key was changed and the DNS was not, or somebody stands "
                 "between",
                 t->host);
    break;
  default:
    ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, NULL, "%s of %s will not do: %s",
                 whose, t->host, X509_verify_cert_error_string(error));
  }
}

/* a lenient handshake, but no lenient judge: what VERIFY would refuse */
static void judge_strictly (ds_tls *t, X509_STORE_CTX *s) {
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(s),
                                   SSL_CTX_get_security_level(t->ctx->ssl));
}

/* OpenSSL would build a chain, and look for issuers in the store, even for
   who asked for no verification: it is not even begun then */
int ds_tls_verify (X509_STORE_CTX *s, void *ud) {
  SSL *ssl = (SSL *)X509_STORE_CTX_get_ex_data(
      s, SSL_get_ex_data_X509_STORE_CTX_idx());
  ds_tls *t = (ds_tls *)SSL_get_app_data(ssl);
  ds_error why;
  (void)ud;
  if (!t->dane && t->check == DS_TLS_ENCRYPT)
    return 1;
  if (t->check == DS_TLS_JUDGE)
    judge_strictly(t, s);
  t->held = X509_verify_cert(s) > 0;
  if (t->held)
    return 1;
  ds_error_clear(&why);
  t->failure = in_reports(X509_STORE_CTX_get_error(s));
  say(t, s, &why);
  if (t->dane || t->check == DS_TLS_VERIFY) {
    t->error = why;
    return 0;
  }
  t->doubt = ds_strndup(why.text, strlen(why.text));
  return 1;
}
