#include "mime/mailbox.h"

#include "mime/domain.h"
#include "mime/utf8.h"
#include "mime/word.h"
#include "util/mem.h"

/* the wire form of any local part: all of it escaped, and two quotes */
#define LOCAL_WIRE (2 * DS_LOCAL_MAX + 2)

void ds_mailbox_clear (ds_mailbox *m) {
  ds_free(m->name);
  memset(m, 0, sizeof *m);
}

int ds_mailbox_atext (int c) {
  return c >= 0x80 || ds_is_alpha(c) || ds_is_digit(c) ||
         (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

int ds_mailbox_dots_ok (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if (s.p[i] == '.' && (i == 0 || i + 1 == s.n || s.p[i + 1] == '.'))
      return 0;
  return s.n > 0;
}

/* dots are told apart from atoms by the caller */
static int atoms (ds_span s, const char *besides) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if (!ds_mailbox_atext((unsigned char)s.p[i]) &&
        strchr(besides, s.p[i]) == NULL)
      return 0;
  return 1;
}

/* s in quotes; out has room for 2n + 2 */
static size_t quote (ds_span s, char *out) {
  size_t i, n = 0;
  out[n++] = '"';
  for (i = 0; i < s.n; i++) {
    if (s.p[i] == '"' || s.p[i] == '\\')
      out[n++] = '\\';
    out[n++] = s.p[i];
  }
  out[n++] = '"';
  return n;
}

static size_t put_local (ds_span s, char *out) {
  if (!atoms(s, ".") || !ds_mailbox_dots_ok(s))
    return quote(s, out);
  memcpy(out, s.p, s.n);
  return s.n;
}

static int set_local (ds_mailbox *m, ds_span s, ds_error *e) {
  char wire[LOCAL_WIRE];
  if (s.n > DS_LOCAL_MAX || put_local(s, wire) > DS_LOCAL_MAX)
    return ds_error_usage(e, "the part before the @ is longer than 64 octets");
  if (!ds_utf8_line(s))
    return ds_error_usage(
        e, "control characters and invalid UTF-8 cannot stand in an "
           "address");
  memcpy(m->local, s.p, s.n);
  m->local[s.n] = '\0';
  m->utf8 = !ds_utf8_ascii(s);
  return DS_OK;
}

/* length first: nothing long is looked into */
static int set_wide (ds_mailbox *m, ds_span s, const ds_mailbox_rules *rules,
                     ds_error *e) {
  int rc;
  if (s.n > DS_DOMAIN_WIDE)
    return ds_error_usage(e, "the domain is longer than 253 octets");
  if (rules->idn == NULL)
    return ds_domain_check(s, e); /* it says why not */
  rc = rules->idn(rules->ud, s, m->domain, e);
  return rc != DS_OK ? rc : ds_domain_check(ds_span_str(m->domain), e);
}

static int set_plain (ds_mailbox *m, ds_span s, ds_error *e) {
  int rc = ds_domain_check(s, e);
  if (rc != DS_OK)
    return rc;
  memcpy(m->domain, s.p, s.n);
  m->domain[s.n] = '\0';
  return DS_OK;
}

static int set_domain (ds_mailbox *m, ds_span s, const ds_mailbox_rules *rules,
                       ds_error *e) {
  char wire[LOCAL_WIRE];
  size_t local = put_local(ds_span_str(m->local), wire);
  int rc;
  if (s.n == 0 && (rules->how & DS_MAILBOX_BARE))
    return DS_OK;
  if (s.n > 0 && s.p[0] == '[') {
    if (!(rules->how & DS_MAILBOX_LITERALS))
      return ds_error_usage(e, "an address literal needs allow_literals");
    rc = ds_domain_literal(s, m->domain, e);
    return rc < 0 ? rc : DS_OK;
  }
  if (s.n <= DS_DOMAIN_WIDE && ds_utf8_ascii(s))
    rc = set_plain(m, s, e);
  else
    rc = set_wide(m, s, rules, e);
  if (rc == DS_OK && local + 1 + strlen(m->domain) > DS_PATH_MAX)
    return ds_error_usage(e, "the address is longer than 254 octets");
  return rc;
}

static int set_name (ds_mailbox *m, ds_span s, ds_error *e) {
  if (s.n == 0)
    return DS_OK;
  if (s.n > DS_NAME_MAX)
    return ds_error_usage(e, "the name is longer than 1024 octets");
  if (!ds_utf8_line(s))
    return ds_error_usage(e,
                          "line breaks, control characters and invalid UTF-8 "
                          "cannot stand in a name");
  m->name = ds_strndup(s.p, s.n);
  return m->name != NULL ? DS_OK : DS_ERR_NOMEM;
}

int ds_mailbox_set (ds_mailbox *m, ds_span name, ds_span local, ds_span domain,
                    const ds_mailbox_rules *rules, ds_error *e) {
  int rc;
  memset(m, 0, sizeof *m);
  if ((rc = set_local(m, local, e)) == DS_OK &&
      (rc = set_domain(m, domain, rules, e)) == DS_OK)
    rc = set_name(m, name, e);
  if (rc != DS_OK)
    ds_mailbox_clear(m);
  return rc;
}

size_t ds_mailbox_path (const ds_mailbox *m, char out[DS_PATH_MAX + 1]) {
  char wire[LOCAL_WIRE];
  size_t n = put_local(ds_span_str(m->local), wire), d = strlen(m->domain);
  memcpy(out, wire, n);
  if (d > 0) {
    out[n++] = '@';
    memcpy(out + n, m->domain, d);
    n += d;
  }
  out[n] = '\0';
  return n;
}

/* words of atoms with one space between: a phrase needs no quotes */
static int phrase (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if (s.p[i] == ' ' && (i == 0 || i + 1 == s.n || s.p[i + 1] == ' '))
      return 0;
  return atoms(s, " ");
}

/* one encoded word if that will do, on a line of its own if need be: readers
   are known that put a space between two */
static void put_words (ds_field *f, ds_span s) {
  char one[DS_WORD_MAX];
  ds_span rest = s;
  size_t n = ds_word_next(&rest, ds_word_how(s), DS_WORD_MAX, one);
  if (rest.n == 0)
    ds_field_token(f, ds_span_of(one, n));
  else
    ds_field_words(f, s);
}

/* a name that stands for itself is not folded inside: readers are known that
   keep the fold in it */
void ds_mailbox_phrase (ds_field *f, ds_span s) {
  char quotes[DS_FIELD_FOLD];
  if (!ds_utf8_ascii(s) || ds_word_alike(s) || s.n > DS_FIELD_FOLD / 2 - 1)
    put_words(f, s);
  else if (phrase(s))
    ds_field_token(f, s);
  else
    ds_field_token(f, ds_span_of(quotes, quote(s, quotes)));
}

void ds_mailbox_field (ds_field *f, const ds_mailbox *m, int more) {
  char token[DS_PATH_MAX + 4];
  char path[DS_PATH_MAX + 1];
  size_t n = ds_mailbox_path(m, path), at = 0;
  if (m->name != NULL) {
    ds_mailbox_phrase(f, ds_span_str(m->name));
    token[at++] = '<';
  }
  memcpy(token + at, path, n);
  at += n;
  if (m->name != NULL)
    token[at++] = '>';
  if (more)
    token[at++] = ',';
  ds_field_token(f, ds_span_of(token, at));
}
