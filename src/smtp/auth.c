#include "smtp/auth.h"

#include <stdio.h>
#include <string.h>

#include "smtp/base64.h"
#include "smtp/scram.h"
#include "smtp/text.h"
#include "util/err.h"
#include "util/mem.h"

#define LONGEST   8192
#define NONCE_MIN 18
#define NONCE_MAX 64

struct ds_sasl {
  unsigned mechanism;
  unsigned step; /* answers given */
  ds_span user, password, token;
  ds_scram scram;
  char text[256];
  size_t size; /* of all this with the strings behind it */
  char host[80];
  uint16_t port;
};

/* -------------------------------------------------------------- choosing */

/* strongest first */
static const struct {
  unsigned bit;
  const char *name;
} mechanisms[] = {
    {DS_AUTH_SCRAM_SHA_256, "SCRAM-SHA-256"},
    {DS_AUTH_PLAIN, "PLAIN"},
    {DS_AUTH_LOGIN, "LOGIN"},
    {DS_AUTH_OAUTHBEARER, "OAUTHBEARER"},
    {DS_AUTH_XOAUTH2, "XOAUTH2"},
};

#define COUNT (sizeof mechanisms / sizeof mechanisms[0])

static unsigned possible (const ds_auth *a) {
  if (a->token.n > 0)
    return DS_AUTH_OAUTHBEARER | DS_AUTH_XOAUTH2;
  return DS_AUTH_PLAIN | DS_AUTH_LOGIN |
         (a->crypto != NULL && a->nonce.n > 0 ? DS_AUTH_SCRAM_SHA_256 : 0);
}

unsigned ds_auth_choose (const ds_auth *a, unsigned offered) {
  size_t i;
  offered &= possible(a);
  if (a->mechanisms != 0)
    offered &= a->mechanisms;
  for (i = 0; i < COUNT; i++)
    if (offered & mechanisms[i].bit)
      return mechanisms[i].bit;
  return 0;
}

const char *ds_auth_name (unsigned mechanism) {
  size_t i;
  for (i = 0; i < COUNT; i++)
    if (mechanisms[i].bit == mechanism)
      return mechanisms[i].name;
  return "";
}

static int text_ok (ds_span s) {
  size_t n;
  if (s.n > LONGEST)
    return 0;
  for (; s.n > 0; s = ds_span_of(s.p + n, s.n - n)) {
    unsigned long c = 0;
    n = ds_smtp_utf8(s, &c);
    if (n == 0 || c < 0x20 || (c > 0x7e && c < 0xa0))
      return 0;
  }
  return 1;
}

/* what may stand in a header of HTTP (RFC 6750 §2.1), and more */
static int token_ok (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if (s.p[i] < 0x21 || s.p[i] > 0x7e)
      return 0;
  return s.n <= LONGEST;
}

static int nonce_ok (ds_span s) {
  return s.n == 0 || (s.n >= NONCE_MIN && s.n <= NONCE_MAX && token_ok(s) &&
                      memchr(s.p, ',', s.n) == NULL);
}

int ds_auth_ok (const ds_auth *a) {
  return a->user.n > 0 && (a->password.n > 0) != (a->token.n > 0) &&
         text_ok(a->user) && text_ok(a->password) && token_ok(a->token) &&
         nonce_ok(a->nonce);
}

/* ---------------------------------------------------------- one exchange */

static ds_span keep (char **at, ds_span s) {
  char *p = *at;
  if (s.n > 0)
    memcpy(p, s.p, s.n);
  *at += s.n;
  return ds_span_of(p, s.n);
}

ds_sasl *ds_sasl_new (const ds_auth *a, unsigned mechanism) {
  const size_t size =
      sizeof(ds_sasl) + a->user.n + a->password.n + a->token.n + a->nonce.n;
  ds_sasl *s = (ds_sasl *)ds_calloc(1, size);
  char *at;
  if (s == NULL)
    return NULL;
  at = (char *)(s + 1);
  s->size = size;
  s->mechanism = mechanism;
  s->user = keep(&at, a->user);
  s->password = keep(&at, a->password);
  s->token = keep(&at, a->token);
  ds_scram_init(&s->scram, a->crypto, s->user, s->password,
                keep(&at, a->nonce));
  if (a->host != NULL)
    snprintf(s->host, sizeof s->host, "%s", a->host);
  s->port = a->port;
  return s;
}

void ds_sasl_free (ds_sasl *s) {
  if (s == NULL)
    return;
  ds_scram_clear(&s->scram);
  ds_wipe(s, s->size);
  ds_free(s);
}

int ds_sasl_first (const ds_sasl *s) {
  return s->mechanism != DS_AUTH_LOGIN;
}

int ds_sasl_proved (const ds_sasl *s) {
  return s->mechanism != DS_AUTH_SCRAM_SHA_256 || ds_scram_proved(&s->scram);
}

const char *ds_sasl_text (const ds_sasl *s) {
  return s->text;
}

static int complain (ds_sasl *s, int rc, const char *text) {
  snprintf(s->text, sizeof s->text, "%s", text);
  return rc;
}

/* RFC 4616 §2 */
static int plain (ds_sasl *s, ds_buf *out) {
  ds_buf_putc(out, '\0');
  ds_buf_putspan(out, s->user);
  ds_buf_putc(out, '\0');
  return ds_buf_putspan(out, s->password);
}

static int xoauth2 (ds_sasl *s, ds_buf *out) {
  ds_buf_puts(out, "user=");
  ds_buf_putspan(out, s->user);
  ds_buf_puts(out, "\001auth=Bearer ");
  ds_buf_putspan(out, s->token);
  return ds_buf_puts(out, "\001\001");
}

/* RFC 7628 §3.1 */
static int oauthbearer (ds_sasl *s, ds_buf *out) {
  ds_buf_puts(out, "n,a=");
  ds_scram_name(out, s->user);
  ds_buf_puts(out, ",");
  if (s->host[0] != '\0')
    ds_buf_printf(out, "\001host=%s", s->host);
  if (s->port != 0)
    ds_buf_printf(out, "\001port=%u", (unsigned)s->port);
  ds_buf_puts(out, "\001auth=Bearer ");
  ds_buf_putspan(out, s->token);
  return ds_buf_puts(out, "\001\001");
}

/* the server says why not, and waits to be told that we know (RFC 7628 §3.2) */
static int oauth_refused (ds_sasl *s, ds_span why, ds_buf *out) {
  ds_smtp_printable(s->text, sizeof s->text, why);
  return s->mechanism == DS_AUTH_OAUTHBEARER ? ds_buf_puts(out, "\001") : DS_OK;
}

static int scram (ds_sasl *s, ds_span challenge, ds_buf *out) {
  static int (*const steps[])(ds_scram *, ds_span, ds_buf *) = {
      ds_scram_first, ds_scram_final, ds_scram_verify};
  int rc = steps[s->step](&s->scram, challenge, out);
  if (rc == DS_ERR_PROTOCOL)
    complain(s, rc, s->scram.text);
  return rc;
}

/* in clear, both; how many steps each mechanism has stands beside */
static int answer (ds_sasl *s, ds_span challenge, ds_buf *out) {
  static const struct {
    unsigned mechanism, steps;
  } most[] = {{DS_AUTH_PLAIN, 1},
              {DS_AUTH_LOGIN, 2},
              {DS_AUTH_XOAUTH2, 2},
              {DS_AUTH_OAUTHBEARER, 2},
              {DS_AUTH_SCRAM_SHA_256, 3}};
  size_t i = 0;
  while (most[i].mechanism != s->mechanism)
    i++;
  if (s->step >= most[i].steps)
    return complain(s, DS_ERR_PROTOCOL, "the server asks for more in AUTH");
  switch (s->mechanism) {
  case DS_AUTH_PLAIN:
    return plain(s, out);
  case DS_AUTH_LOGIN:
    return ds_buf_putspan(out, s->step == 0 ? s->user : s->password);
  case DS_AUTH_SCRAM_SHA_256:
    return scram(s, challenge, out);
  default:
    if (s->step > 0)
      return oauth_refused(s, challenge, out);
    return s->mechanism == DS_AUTH_XOAUTH2 ? xoauth2(s, out)
                                           : oauthbearer(s, out);
  }
}

static void wipe_out (ds_buf *b) {
  if (b->block != NULL)
    ds_wipe(b->block, b->size);
  ds_buf_clear(b);
}

/* what LOGIN's server asks is nobody's business, and not always base64 */
static int decode (ds_sasl *s, ds_span challenge, ds_buf *in) {
  int rc = DS_OK;
  if (s->mechanism != DS_AUTH_LOGIN)
    rc = ds_base64_take(in, challenge);
  if (rc == DS_ERR_PROTOCOL)
    complain(s, rc, "what the server says in AUTH is not base64");
  return rc;
}

/* a buffer that grows leaves what it held behind: so it has its size before */
static int room (const ds_sasl *s, ds_span challenge, ds_buf *out) {
  const size_t n = s->size + 2 * s->user.n + challenge.n + 256;
  return ds_buf_space(out, n) != NULL ? DS_OK : DS_ERR_NOMEM;
}

int ds_sasl_answer (ds_sasl *s, ds_span challenge, ds_buf *out) {
  ds_buf in, clear;
  int rc;
  ds_buf_init(&in);
  ds_buf_init(&clear);
  rc = room(s, challenge, &clear);
  if (rc == DS_OK)
    rc = decode(s, challenge, &in);
  if (rc == DS_OK)
    rc = answer(s, ds_buf_span(&in), &clear);
  if (rc == DS_OK)
    rc = ds_base64_put(out, ds_buf_span(&clear));
  s->step++;
  ds_buf_clear(&in);
  wipe_out(&clear);
  return rc;
}
