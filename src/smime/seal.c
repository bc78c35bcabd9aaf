#include <openssl/err.h>
#include <string.h>

#include "smime/inner.h"

static int signs (const ds_smime *s) {
  return s->key != NULL;
}

static int encrypts (const ds_smime *s) {
  return sk_X509_num(s->recipients) > 0;
}

/* octets of what there is once it is signed */
static int emit (ds_smime *s, ds_span octets, ds_buf *out, ds_error *e) {
  if (encrypts(s))
    return ds_smime_encrypt_feed(s, octets, out, e);
  return ds_buf_putspan(out, octets);
}

/* a failure ends it */
static int done (ds_smime *s, int rc, ds_smime_stage stage) {
  ERR_pop_to_mark();
  s->stage = rc == DS_OK ? stage : DS_SMIME_OVER;
  return rc;
}

static int emit_front (ds_smime *s, ds_buf *out, ds_error *e) {
  ds_buf text;
  int rc;
  ds_buf_init(&text);
  ds_buf_printf(&text,
                "Content-Type: multipart/signed; micalg=sha-256;\r\n"
                " protocol=\"application/pkcs7-signature\";\r\n"
                " boundary=\"%s\"\r\n\r\n--%s\r\n",
                s->boundary, s->boundary);
  rc =
      ds_buf_failed(&text) ? DS_ERR_NOMEM : emit(s, ds_buf_span(&text), out, e);
  ds_buf_clear(&text);
  return rc;
}

/* the line end in front of a boundary is the boundary's, not the entity's */
static int emit_signature (ds_smime *s, ds_buf *out, ds_error *e) {
  ds_buf text;
  int rc;
  ds_buf_init(&text);
  ds_buf_printf(&text,
                "\r\n--%s\r\n"
                "Content-Type: application/pkcs7-signature; "
                "name=\"smime.p7s\"\r\n"
                "Content-Transfer-Encoding: base64\r\n"
                "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
                "\r\n",
                s->boundary);
  rc = ds_smime_sign_end(s, &text, e);
  ds_buf_printf(&text, "--%s--\r\n", s->boundary);
  if (rc == DS_OK)
    rc = ds_buf_failed(&text) ? DS_ERR_NOMEM
                              : emit(s, ds_buf_span(&text), out, e);
  ds_buf_clear(&text);
  return rc;
}

static int begin_envelope (ds_smime *s, ds_buf *out, ds_error *e) {
  int rc = ds_buf_puts(
      out, "Content-Type: application/pkcs7-mime; smime-type=enveloped-data;"
           "\r\n name=\"smime.p7m\"\r\n"
           "Content-Transfer-Encoding: base64\r\n"
           "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n");
  return rc == DS_OK ? ds_smime_encrypt_begin(s, e) : rc;
}

int ds_smime_begin (ds_smime *s, const char *boundary, ds_buf *out,
                    ds_error *e) {
  size_t n = strlen(boundary);
  int rc = DS_OK;
  if (s->stage != DS_SMIME_NEW || n == 0 || n > DS_SMIME_BOUNDARY ||
      (!signs(s) && !encrypts(s)))
    return DS_ERR_STATE;
  memcpy(s->boundary, boundary, n + 1);
  ERR_set_mark();
  if (encrypts(s))
    rc = begin_envelope(s, out, e);
  if (rc == DS_OK && signs(s))
    rc = ds_smime_sign_begin(s, e);
  if (rc == DS_OK && signs(s))
    rc = emit_front(s, out, e);
  return done(s, rc, DS_SMIME_OPEN);
}

int ds_smime_feed (ds_smime *s, const void *p, size_t n, ds_buf *out,
                   ds_error *e) {
  ds_span octets = ds_span_of((const char *)p, n);
  int rc = DS_OK;
  if (s->stage != DS_SMIME_OPEN)
    return DS_ERR_STATE;
  ERR_set_mark();
  if (signs(s))
    rc = ds_smime_sign_feed(s, octets, e);
  if (rc == DS_OK)
    rc = emit(s, octets, out, e);
  return done(s, rc, DS_SMIME_OPEN);
}

int ds_smime_finish (ds_smime *s, ds_buf *out, ds_error *e) {
  int rc = DS_OK;
  if (s->stage != DS_SMIME_OPEN)
    return DS_ERR_STATE;
  ERR_set_mark();
  if (signs(s))
    rc = emit_signature(s, out, e);
  if (rc == DS_OK && encrypts(s))
    rc = ds_smime_encrypt_end(s, out, e);
  return done(s, rc, DS_SMIME_OVER);
}
