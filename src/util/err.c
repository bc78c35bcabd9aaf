#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    "",    "usage",    "policy", "dns",     "connect",
    "tls", "protocol", "reply",  "timeout", "local",
};

static const char *const stage_names[] = {
    "",         "dns",       "connect", "greeting", "ehlo",
    "starttls", "handshake", "auth",    "mail",     "rcpt",
    "data",     "body",      "final",   "rset",     "quit",
};

static const char *const outcome_names[] = {
    "pending", "delivered", "deferred", "failed", "unknown",
};

const char *ds_kind_name (ds_kind k) {
  return kind_names[k];
}

const char *ds_stage_name (ds_stage s) {
  return stage_names[s];
}

const char *ds_outcome_name (ds_outcome o) {
  return outcome_names[o];
}

void ds_error_clear (ds_error *e) {
  memset(e, 0, sizeof *e);
}

/* octets of the well-formed UTF-8 sequence at s (RFC 3629), 0 for none */
static size_t sequence (const unsigned char *s) {
  size_t i, n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  if (s[0] < 0xc2 || s[0] > 0xf4)
    return 0;
  for (i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80)
      return 0;
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
      (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
    return 0;
  return n;
}

/* texts may carry what a server or a user wrote: one printable line only */
static void sanitise (char *text) {
  unsigned char *s = (unsigned char *)text;
  while (*s != '\0') {
    size_t n = *s < 0x80 ? 1 : sequence(s);
    if (n == 0 || *s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0)) {
      n = n > 0 ? n : 1;
      memset(s, '?', n);
    }
    s += n;
  }
}

/* vsnprintf cuts between bytes; a UTF-8 sequence is cut whole */
static void trim_utf8 (char *s) {
  size_t n = strlen(s), back = 0;
  while (back < 4 && back < n &&
         ((unsigned char)s[n - 1 - back] & 0xc0) == 0x80)
    back++;
  if (back < n && ((unsigned char)s[n - 1 - back] & 0xc0) == 0xc0) {
    unsigned char lead = (unsigned char)s[n - 1 - back];
    size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (back < want)
      s[n - 1 - back] = '\0';
  }
}

static void tidy (char *s) {
  trim_utf8(s);
  sanitise(s);
}

int ds_error_set (ds_error *e, ds_err code, ds_kind kind, const char *field,
                  const char *fmt, ...) {
  va_list ap;
  if (e == NULL || e->code != DS_OK)
    return code;
  e->code = code;
  e->kind = kind;
  snprintf(e->field, sizeof e->field, "%s", field != NULL ? field : "");
  va_start(ap, fmt);
  vsnprintf(e->text, sizeof e->text, fmt, ap);
  va_end(ap);
  tidy(e->field);
  tidy(e->text);
  return code;
}

int ds_error_usage (ds_error *e, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL, "%s", why);
}

int ds_error_nomem (ds_error *e) {
  return ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL,
                      "not enough memory");
}
