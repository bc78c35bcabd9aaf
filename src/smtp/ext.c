#include "smtp/ext.h"

#include <string.h>

void ds_smtp_ext_clear (ds_smtp_ext *x) {
  memset(x, 0, sizeof *x);
}

/* the token s begins with; s moves behind it and the blanks that follow */
static ds_span token (ds_span *s) {
  ds_span t = ds_span_of(s->p, 0);
  while (t.n < s->n && s->p[t.n] != ' ' && s->p[t.n] != '\t')
    t.n++;
  s->p += t.n;
  s->n -= t.n;
  while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t')) {
    s->p++;
    s->n--;
  }
  return t;
}

static int is (ds_span s, const char *name) {
  return ds_span_eqi(s, ds_span_str(name));
}

/* what is no number, or one past 64 bits, limits nothing we could send */
static uint64_t number (ds_span s) {
  uint64_t v = 0;
  size_t i;
  for (i = 0; i < s.n; i++) {
    unsigned d = (unsigned char)s.p[i] - (unsigned)'0';
    if (d > 9 || v > (UINT64_MAX - d) / 10)
      return 0;
    v = v * 10 + d;
  }
  return v;
}

static void add_size (ds_smtp_ext *x, ds_span rest) {
  x->size = 1;
  x->size_limit = number(token(&rest));
}

/* NAME=VALUE, blank, …: a limit that is no number or 0 limits nothing (RFC
   9422 §4.1) */
static void add_limits (ds_smtp_ext *x, ds_span rest) {
  while (rest.n > 0) {
    const ds_span pair = token(&rest);
    const char *eq =
        pair.n > 0 ? (const char *)memchr(pair.p, '=', pair.n) : NULL;
    const size_t n = eq != NULL ? (size_t)(eq - pair.p) : pair.n;
    const ds_span name = ds_span_of(pair.p, n);
    const uint64_t v =
        eq != NULL ? number(ds_span_of(eq + 1, pair.n - n - 1)) : 0;
    if (is(name, "MAILMAX"))
      x->mail_max = v;
    else if (is(name, "RCPTMAX"))
      x->rcpt_max = v;
    else if (is(name, "RCPTDOMAINMAX"))
      x->rcpt_domain_max = v;
  }
}

static void add_auth (ds_smtp_ext *x, ds_span rest) {
  static const struct {
    const char *name;
    unsigned bit;
  } all[] = {
      {"PLAIN", DS_AUTH_PLAIN},
      {"LOGIN", DS_AUTH_LOGIN},
      {"XOAUTH2", DS_AUTH_XOAUTH2},
      {"OAUTHBEARER", DS_AUTH_OAUTHBEARER},
      {"SCRAM-SHA-256", DS_AUTH_SCRAM_SHA_256},
  };
  size_t i;
  while (rest.n > 0) {
    const ds_span name = token(&rest);
    for (i = 0; i < sizeof all / sizeof all[0]; i++)
      if (is(name, all[i].name))
        x->auth |= all[i].bit;
  }
}

/* AUTH=LOGIN PLAIN stands for AUTH LOGIN PLAIN with what speaks to old
   clients */
static ds_span old_auth (ds_span name, ds_span line) {
  static const char tag[] = "AUTH=";
  const size_t n = sizeof tag - 1;
  if (name.n <= n || !ds_span_eqi(ds_span_of(name.p, n), ds_span_of(tag, n)))
    return ds_span_of(line.p, 0);
  return ds_span_of(name.p + n, (size_t)(line.p + line.n - name.p) - n);
}

void ds_smtp_ext_add (ds_smtp_ext *x, ds_span line) {
  ds_span name = token(&line);
  if (is(name, "PIPELINING"))
    x->pipelining = 1;
  else if (is(name, "CHUNKING"))
    x->chunking = 1;
  else if (is(name, "BINARYMIME"))
    x->binarymime = 1;
  else if (is(name, "8BITMIME"))
    x->eightbitmime = 1;
  else if (is(name, "SMTPUTF8"))
    x->smtputf8 = 1;
  else if (is(name, "STARTTLS"))
    x->starttls = 1;
  else if (is(name, "ENHANCEDSTATUSCODES"))
    x->enhanced = 1;
  else if (is(name, "DSN"))
    x->dsn = 1;
  else if (is(name, "REQUIRETLS"))
    x->requiretls = 1;
  else if (is(name, "SIZE"))
    add_size(x, line);
  else if (is(name, "LIMITS"))
    add_limits(x, line);
  else
    add_auth(x, is(name, "AUTH") ? line : old_auth(name, line));
}
