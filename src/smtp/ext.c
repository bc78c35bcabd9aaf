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
}
