#include "smtp/scram.h"

#include <string.h>

#include "smtp/base64.h"
#include "util/err.h"
#include "util/mem.h"

void ds_scram_init (ds_scram *s, const ds_crypto *crypto, ds_span user,
                    ds_span password, ds_span nonce) {
  memset(s, 0, sizeof *s);
  s->crypto = crypto;
  s->user = user;
  s->password = password;
  s->nonce = nonce;
  ds_buf_init(&s->messages);
  s->text = "";
}

void ds_scram_clear (ds_scram *s) {
  ds_buf_clear(&s->messages);
  ds_wipe(s, sizeof *s);
}

int ds_scram_proved (const ds_scram *s) {
  return s->proved;
}

static int wrong (ds_scram *s, const char *text) {
  s->text = text;
  return DS_ERR_PROTOCOL;
}

int ds_scram_name (ds_buf *out, ds_span name) {
  size_t i;
  for (i = 0; i < name.n; i++)
    if (name.p[i] == '=' || name.p[i] == ',')
      ds_buf_puts(out, name.p[i] == '=' ? "=3D" : "=2C");
    else
      ds_buf_putc(out, name.p[i]);
  return ds_buf_failed(out) ? DS_ERR_NOMEM : DS_OK;
}

int ds_scram_first (ds_scram *s, ds_span nothing, ds_buf *out) {
  (void)nothing;
  ds_buf_puts(&s->messages, "n=");
  ds_scram_name(&s->messages, s->user);
  ds_buf_puts(&s->messages, ",r=");
  if (ds_buf_putspan(&s->messages, s->nonce) != DS_OK)
    return DS_ERR_NOMEM;
  ds_buf_puts(out, "n,,");
  return ds_buf_putspan(out, ds_buf_span(&s->messages));
}

/* k=value up to a comma: 1 and the value, and *rest behind it */
static int attribute (ds_span *rest, char k, ds_span *value) {
  const char *comma;
  if (rest->n < 2 || rest->p[0] != k || rest->p[1] != '=')
    return 0;
  *value = ds_span_of(rest->p + 2, rest->n - 2);
  comma = (const char *)memchr(value->p, ',', value->n);
  if (comma != NULL)
    value->n = (size_t)(comma - value->p);
  *rest = ds_span_of(value->p + value->n, rest->n - 2 - value->n);
  if (rest->n > 0)
    *rest = ds_span_of(rest->p + 1, rest->n - 1);
  return 1;
}

static uint32_t iterations (ds_span s) {
  uint32_t n = 0;
  size_t i;
  if (s.n < 1 || s.n > 7)
    return 0;
  for (i = 0; i < s.n; i++) {
    if (!ds_is_digit((unsigned char)s.p[i]))
      return 0;
    n = n * 10 + (uint32_t)(s.p[i] - '0');
  }
  return n;
}

typedef struct server_first {
  ds_span nonce, salt;
  uint32_t iterations;
} server_first;

static int read_first (ds_scram *s, ds_span text, server_first *f) {
  ds_span count;
  if (!attribute(&text, 'r', &f->nonce) || !attribute(&text, 's', &f->salt) ||
      !attribute(&text, 'i', &count))
    return wrong(s, "what the server says is not SCRAM");
  if (f->nonce.n <= s->nonce.n ||
      memcmp(f->nonce.p, s->nonce.p, s->nonce.n) != 0)
    return wrong(s, "the server's nonce in SCRAM is not ours continued");
  f->iterations = iterations(count);
  if (f->iterations < DS_SCRAM_LEAST || f->iterations > DS_SCRAM_MOST)
    return wrong(s, "the server wants less than 4,096 or more than 1,000,000 "
                    "iterations of SCRAM");
  return DS_OK;
}

static ds_span digest (const unsigned char *d) {
  return ds_span_of((const char *)d, DS_SHA256);
}

/* HMAC(HMAC(salted, name), AuthMessage), with a hash between for the client */
static int sign (const ds_scram *s, const unsigned char *salted,
                 const char *name, unsigned char *key,
                 unsigned char *signature) {
  const ds_crypto *c = s->crypto;
  unsigned char stored[DS_SHA256];
  int rc = c->hmac_sha256(digest(salted), ds_span_str(name), key);
  memcpy(stored, key, sizeof stored);
  if (rc == DS_OK && name[0] == 'C')
    rc = c->sha256(digest(key), stored);
  if (rc == DS_OK)
    rc = c->hmac_sha256(digest(stored), ds_buf_span(&s->messages), signature);
  ds_wipe(stored, sizeof stored);
  return rc;
}

static int prove (ds_scram *s, const unsigned char *salted, ds_buf *out) {
  unsigned char key[DS_SHA256], signature[DS_SHA256];
  size_t i;
  int rc = sign(s, salted, "Server Key", key, s->signature);
  if (rc == DS_OK)
    rc = sign(s, salted, "Client Key", key, signature);
  if (rc == DS_OK) {
    for (i = 0; i < sizeof key; i++)
      key[i] ^= signature[i];
    ds_buf_puts(out, ",p=");
    rc = ds_base64_put(out, digest(key));
  }
  ds_wipe(key, sizeof key);
  return rc;
}

static int salt_password (ds_scram *s, const server_first *f,
                          unsigned char *salted) {
  ds_buf salt;
  int rc;
  ds_buf_init(&salt);
  rc = ds_base64_take(&salt, f->salt);
  if (rc == DS_OK && salt.len == 0)
    rc = DS_ERR_PROTOCOL;
  if (rc == DS_ERR_PROTOCOL)
    wrong(s, "the server's salt in SCRAM is not base64");
  else if (rc == DS_OK)
    rc = s->crypto->pbkdf2_sha256(s->password, ds_buf_span(&salt),
                                  f->iterations, salted);
  ds_buf_clear(&salt);
  return rc;
}

/* biws: "n,," in base64, the first message's beginning */
static int put_final (ds_buf *out, ds_span nonce) {
  ds_buf_puts(out, "c=biws,r=");
  return ds_buf_putspan(out, nonce);
}

int ds_scram_final (ds_scram *s, ds_span text, ds_buf *out) {
  unsigned char salted[DS_SHA256];
  server_first f;
  int rc = read_first(s, text, &f);
  if (rc == DS_OK)
    rc = salt_password(s, &f, salted);
  if (rc != DS_OK)
    return rc;
  ds_buf_puts(&s->messages, ",");
  ds_buf_putspan(&s->messages, text);
  ds_buf_puts(&s->messages, ",");
  rc = put_final(&s->messages, f.nonce);
  if (rc == DS_OK)
    rc = put_final(out, f.nonce);
  if (rc == DS_OK)
    rc = prove(s, salted, out);
  ds_wipe(salted, sizeof salted);
  return rc;
}

/* in a time that tells nothing of where they differ */
static int same (const unsigned char *a, const char *b) {
  unsigned char differ = 0;
  size_t i;
  for (i = 0; i < DS_SHA256; i++)
    differ |= (unsigned char)(a[i] ^ (unsigned char)b[i]);
  return differ == 0;
}

int ds_scram_verify (ds_scram *s, ds_span text, ds_buf *out) {
  ds_span value;
  ds_buf got;
  int rc;
  (void)out;
  if (attribute(&text, 'e', &value))
    return DS_OK; /* its refusal follows */
  if (!attribute(&text, 'v', &value))
    return wrong(s, "what the server says is not SCRAM");
  ds_buf_init(&got);
  rc = ds_base64_take(&got, value);
  if (rc == DS_OK)
    s->proved = got.len == DS_SHA256 && same(s->signature, ds_buf_data(&got));
  ds_buf_clear(&got);
  if (rc == DS_ERR_NOMEM)
    return rc;
  return s->proved ? DS_OK
                   : wrong(s, "the server does not know the password: its "
                              "signature in SCRAM is wrong");
}
