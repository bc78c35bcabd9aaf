#include "tls/inner.h"

#include <openssl/err.h>

#define ALERT(reason) ((reason)-SSL_AD_REASON_OFFSET)

/* what the peer sent is no TLS record: what each OpenSSL calls that */
static int no_tls (int reason) {
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
         reason == SSL_R_HTTPS_PROXY_REQUEST ||
         reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
         reason == SSL_R_ENCRYPTED_LENGTH_TOO_LONG;
}

static int too_old (int reason) {
  return reason == SSL_R_UNSUPPORTED_PROTOCOL ||
         reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION;
}

static const char *reason_of (unsigned long error) {
  const char *z = ERR_reason_error_string(error);
  return z != NULL ? z : "no reason given";
}

static int fail_up (ds_tls *t, unsigned long error) {
  int reason = ERR_GET_REASON(error);
  if (reason > SSL_AD_REASON_OFFSET)
    return ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                        "the server broke off TLS (alert: %s)",
                        SSL_alert_desc_string_long(ALERT(reason)));
  return ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL, "TLS broke: %s",
                      reason_of(error));
}

static int fail_handshake (ds_tls *t, unsigned long error) {
  int reason = ERR_GET_REASON(error);
  if (no_tls(reason))
    return ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                        "the server does not speak TLS here");
  if (too_old(reason))
    return ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                        "the server's TLS is too old: 1.2 is the least");
  if (reason > SSL_AD_REASON_OFFSET)
    return ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                        "the server refused the TLS handshake (alert: %s)",
                        SSL_alert_desc_string_long(ALERT(reason)));
  return ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                      "the TLS handshake failed: %s", reason_of(error));
}

/* FIN where close_notify should stand */
int ds_tls_cut (ds_tls *t) {
  return ds_error_set(&t->error, DS_ERR_TLS, DS_KIND_TLS, NULL,
                      t->up ? "the TLS connection was cut: no close_notify"
                            : "the server closed the connection during the "
                              "TLS handshake");
}

int ds_tls_fail (ds_tls *t) {
  unsigned long error = ERR_peek_error();
  ds_tls_forget(t);
  if (ds_buf_failed(&t->out) || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
    return ds_error_set(&t->error, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL,
                        "out of memory");
  if (error == 0) /* close_notify in a handshake */
    return ds_tls_cut(t);
  return t->up ? fail_up(t, error) : fail_handshake(t, error);
}
