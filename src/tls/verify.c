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

static int expect_name (ds_tls *t, int is_ip) {
  X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
  X509_VERIFY_PARAM_set_time(param, (time_t)t->time);
  if (t->host[0] == '\0')
    return 0;
  if (is_ip)
    return X509_VERIFY_PARAM_set1_ip_asc(param, t->host) == 1;
  SSL_set_hostflags(t->ssl, NAME_FLAGS);
  return SSL_set1_host(t->ssl, t->host) == 1;
}

/* who does not care who the peer is gains nothing from refusing an old one:
   it would get the mail in clear.  TLS 1.2 is the floor all the same. */
static void expect_nobody (SSL *ssl) {
  SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
  SSL_set_security_level(ssl, 0);
  SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
}

int ds_tls_expect (ds_tls *t) {
  ds_ip ip;
  int is_ip = ds_ip_parse(t->host, strlen(t->host), &ip) == DS_OK;
  if (!is_ip && t->host[0] != '\0' &&
      SSL_set_tlsext_host_name(t->ssl, t->host) != 1)
    return 0;
  if (!t->verify) {
    expect_nobody(t->ssl);
    return 1;
  }
  SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
  SSL_clear_options(t->ssl, SSL_OP_LEGACY_SERVER_CONNECT);
  return expect_name(t, is_ip);
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

static void say_time (ds_tls *t, X509 *cert, const char *whose, int early) {
  char limit[16], now[16];
  date(early ? X509_get0_notBefore(cert) : X509_get0_notAfter(cert), limit);
  date_of_clock(t->time, now);
  ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
               early ? "%s of %s is not valid before %s: is this machine's "
                       "clock right? It says %s"
                     : "%s of %s expired on %s (this machine's clock says %s)",
               whose, t->host, limit, now);
}

static void say_names (ds_tls *t, X509 *leaf) {
  char rest[32] = "";
  line l;
  memset(&l, 0, sizeof l);
  line_names(&l, leaf);
  if (l.more > 0)
    snprintf(rest, sizeof rest, " and %d more", l.more);
  ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
               l.n > 0 ? "the certificate is not for %s but for %s%s"
                       : "the certificate is not for %s: it names no host "
                         "(its subject does not count)",
               t->host, l.z, rest);
}

static void say_issuer (ds_tls *t, X509 *cert, int own_root) {
  char issuer[96];
  common_name(X509_get_issuer_name(cert), issuer, sizeof issuer);
  ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
               own_root
                   ? "the certificate of %s leads to \"%s\", which is not "
                     "trusted here: set ca_file to trust it"
                   : "the certificate of %s was issued by \"%s\", which is "
                     "unknown here: the server leaves out a link of its "
                     "chain, or ca-certificates or ca_file must have it",
               t->host, issuer);
}

static void say (ds_tls *t, X509_STORE_CTX *s) {
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
    say_time(t, cert, whose, error == X509_V_ERR_CERT_NOT_YET_VALID);
    break;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    say_names(t, leaf);
    break;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                 "the certificate of %s is self-signed: set ca_file to it "
                 "to trust it",
                 t->host);
    break;
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    say_issuer(t, cert, error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
    break;
  default:
    ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                 "%s of %s will not do: %s", whose, t->host,
                 X509_verify_cert_error_string(error));
  }
}

/* OpenSSL would build a chain, and look for issuers in the store, even for
   who asked for no verification: it is not even begun then */
int ds_tls_verify (X509_STORE_CTX *s, void *ud) {
  SSL *ssl = (SSL *)X509_STORE_CTX_get_ex_data(
      s, SSL_get_ex_data_X509_STORE_CTX_idx());
  ds_tls *t = (ds_tls *)SSL_get_app_data(ssl);
  (void)ud;
  if (!t->verify || X509_verify_cert(s) > 0)
    return 1;
  say(t, s);
  return 0;
}
