#include "smtp/command.h"

#include <stdio.h>
#include <string.h>

#include "smtp/engine.h"
#include "smtp/text.h"
#include "util/addr.h"
#include "util/err.h"

/* what the extensions add to the longest line MAIL may have */
#define SIZE_ROOM 26
#define BODY_ROOM 17
#define UTF8_ROOM 10
#define TLS_ROOM  11
#define RET_ROOM  9
#define ENV_ROOM  (7 + DS_COMMAND_ENVID)

/* … and RCPT, which is the longer one then */
#define NOTIFY_ROOM 29
#define ORCPT_ROOM  (7 + DS_COMMAND_ORCPT)
#define LONGEST     (DS_COMMAND_LINE + NOTIFY_ROOM + ORCPT_ROOM)

static int alnum (int c) {
  return ds_is_digit(c) || ds_is_alpha(c);
}

static int label_ok (ds_span s) {
  size_t i;
  if (s.n < 1 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
    return 0;
  for (i = 0; i < s.n; i++)
    if (!alnum((unsigned char)s.p[i]) && s.p[i] != '-')
      return 0;
  return 1;
}

/* s: between the brackets (RFC 5321 §4.1.3) */
static int literal_ok (ds_span s) {
  static const char tag[] = "IPv6:";
  const size_t n = sizeof tag - 1;
  ds_ip ip;
  if (s.n > n && ds_span_eqi(ds_span_of(s.p, n), ds_span_of(tag, n)))
    return ds_ip_parse(s.p + n, s.n - n, &ip) == DS_OK && ip.family == 6;
  return ds_ip_parse(s.p, s.n, &ip) == DS_OK && ip.family == 4;
}

int ds_smtp_hostname_ok (ds_span name) {
  ds_ip ip;
  if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
    return literal_ok(ds_span_of(name.p + 1, name.n - 2));
  if (name.n < 1 || name.n > 255 || ds_ip_parse(name.p, name.n, &ip) == DS_OK)
    return 0;
  for (;;) {
    const char *dot = (const char *)memchr(name.p, '.', name.n);
    size_t n = dot != NULL ? (size_t)(dot - name.p) : name.n;
    if (!label_ok(ds_span_of(name.p, n)))
      return 0;
    if (dot == NULL)
      return 1;
    name = ds_span_of(dot + 1, name.n - n - 1);
  }
}

static int visible (unsigned long c, int utf8) {
  return c >= 0x20 && (c <= 0x7e || (utf8 && c > 0x9f));
}

/* what may follow a backslash in a quoted string (RFC 5321 §4.1.2) */
static int escaped_ok (ds_span rest) {
  return rest.n > 1 && visible((unsigned char)rest.p[1], 0);
}

/* letters, digits and what else stands in nearly every path */
static size_t plain (ds_span s) {
  static const unsigned char odd[256] = {
      [' '] = 1, ['"'] = 1, ['<'] = 1, ['>'] = 1, ['\\'] = 1};
  size_t i = 0;
  while (i < s.n && (unsigned char)(s.p[i] - 0x20) < 0x5f &&
         !odd[(unsigned char)s.p[i]])
    i++;
  return i;
}

int ds_command_path_ok (ds_span path, int utf8) {
  int quoted = 0;
  size_t i, n;
  if (path.n > DS_COMMAND_PATH)
    return 0;
  for (i = plain(path); i < path.n; i += n) {
    const ds_span rest = ds_span_of(path.p + i, path.n - i);
    unsigned long c = 0;
    n = ds_smtp_utf8(rest, &c);
    if (n == 0 || !visible(c, utf8))
      return 0;
    if (!quoted && (c == ' ' || c == '<' || c == '>' || c == '\\'))
      return 0;
    if (c == '"')
      quoted = !quoted;
    if (c == '\\' && !escaped_ok(rest))
      return 0;
    n += c == '\\';
  }
  return !quoted;
}

/* one line being written where its length is known to be bounded */
typedef struct line {
  char at[LONGEST];
  size_t n, max;
  int bad;
} line;

static void open_line (line *l, size_t max) {
  l->n = 0;
  l->max = max;
  l->bad = 0;
}

static void put (line *l, ds_span s) {
  if (l->bad || s.n > sizeof l->at - l->n)
    l->bad = 1;
  else if (s.n > 0) {
    memcpy(l->at + l->n, s.p, s.n);
    l->n += s.n;
  }
}

static void put_text (line *l, const char *z) {
  put(l, ds_span_str(z));
}

/* a parameter makes the line that may be so much longer */
static void put_param (line *l, const char *z, size_t room) {
  put_text(l, z);
  l->max += room;
}

static void put_path (line *l, const char *verb, ds_span path, int utf8) {
  put_text(l, verb);
  put(l, path);
  put_text(l, ">");
  l->bad |= !ds_command_path_ok(path, utf8);
}

static int has_control (const unsigned char *p, size_t n) {
  const unsigned char *end = p + n;
  while (p < end && *p >= 0x20 && *p != 0x7f)
    p++;
  return p < end;
}

/* the one place a command leaves by, so the last look at it is here */
static int close_line (line *l, ds_buf *out) {
  l->bad |= has_control((const unsigned char *)l->at, l->n);
  put_text(l, "\r\n");
  if (l->bad || l->n > l->max)
    return DS_ERR_USAGE;
  return ds_buf_append(out, l->at, l->n);
}

int ds_command_word (ds_buf *out, const char *verb) {
  line l;
  open_line(&l, DS_COMMAND_LINE);
  put_text(&l, verb);
  return close_line(&l, out);
}

/* n in digits */
static void put_number (line *l, uint64_t n) {
  char digits[20];
  size_t i = sizeof digits;
  do
    digits[--i] = (char)('0' + n % 10);
  while ((n /= 10) > 0);
  put(l, ds_span_of(digits + i, sizeof digits - i));
}

int ds_command_bdat (ds_buf *out, uint64_t octets, int last) {
  line l;
  open_line(&l, DS_COMMAND_LINE);
  put_text(&l, "BDAT ");
  put_number(&l, octets);
  put_text(&l, last ? " LAST" : "");
  return close_line(&l, out);
}

int ds_command_ehlo (ds_buf *out, const char *verb, ds_span name) {
  line l;
  open_line(&l, DS_COMMAND_LINE);
  put_text(&l, verb);
  put_text(&l, " ");
  put(&l, name);
  l.bad |= !ds_smtp_hostname_ok(name);
  return close_line(&l, out);
}

static const char hex[] = "0123456789ABCDEF";

/* RFC 3461 §4 */
static void put_xtext (line *l, ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++) {
    const unsigned char c = (unsigned char)s.p[i];
    char code[3] = {'+', 0, 0};
    code[1] = hex[c >> 4];
    code[2] = hex[c & 15];
    if (c > 0x20 && c < 0x7f && c != '+' && c != '=')
      put(l, ds_span_of(s.p + i, 1));
    else
      put(l, ds_span_of(code, sizeof code));
  }
}

/* RFC 6533 §3: what travels everywhere */
static void put_utf8_xtext (line *l, ds_span s) {
  char code[16];
  unsigned long c = 0;
  size_t n;
  for (; s.n > 0; s = ds_span_of(s.p + n, s.n - n)) {
    n = ds_smtp_utf8(s, &c);
    if (n == 0) {
      l->bad = 1;
      return;
    }
    if (c > 0x20 && c < 0x7f && c != '+' && c != '=' && c != '\\')
      put(l, ds_span_of(s.p, 1));
    else {
      snprintf(code, sizeof code, "\\x{%02lX}", c);
      put_text(l, code);
    }
  }
}

static int ascii (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] > 0x7f)
      return 0;
  return 1;
}

static int printable (ds_span s, int utf8) {
  size_t n;
  for (; s.n > 0; s = ds_span_of(s.p + n, s.n - n)) {
    unsigned long c = 0;
    n = ds_smtp_utf8(s, &c);
    if (n == 0 || !visible(c, utf8))
      return 0;
  }
  return 1;
}

static void put_orcpt (line *l, ds_span orcpt) {
  if (ascii(orcpt)) {
    put_text(l, "rfc822;");
    put_xtext(l, orcpt);
  } else {
    put_text(l, "utf-8;");
    put_utf8_xtext(l, orcpt);
  }
}

int ds_command_envid_ok (ds_span envid) {
  line l;
  if (envid.n == 0)
    return 1;
  open_line(&l, DS_COMMAND_ENVID);
  put_xtext(&l, envid);
  return printable(envid, 0) && !l.bad && l.n <= l.max;
}

int ds_command_dsn_ok (const ds_smtp_dsn *d) {
  line l;
  if ((d->notify & DS_NOTIFY_NEVER) ? d->notify != DS_NOTIFY_NEVER
                                    : d->notify > 15)
    return 0;
  if (d->orcpt.n == 0)
    return 1;
  open_line(&l, DS_COMMAND_ORCPT);
  put_orcpt(&l, d->orcpt);
  return printable(d->orcpt, 1) && !l.bad && l.n <= l.max;
}

int ds_command_mail (ds_buf *out, ds_span sender,
                     const ds_command_mail_args *a) {
  line l;
  open_line(&l, DS_COMMAND_LINE);
  put_path(&l, "MAIL FROM:<", sender, a->utf8);
  if (a->size > 0) {
    put_param(&l, " SIZE=", SIZE_ROOM);
    put_number(&l, a->size);
  }
  if (a->eightbit)
    put_param(&l, " BODY=8BITMIME", BODY_ROOM);
  if (a->utf8)
    put_param(&l, " SMTPUTF8", UTF8_ROOM);
  if (a->requiretls)
    put_param(&l, " REQUIRETLS", TLS_ROOM);
  if (a->ret != DS_RET_NONE)
    put_param(&l, a->ret == DS_RET_FULL ? " RET=FULL" : " RET=HDRS", RET_ROOM);
  if (a->envid.n > 0) {
    put_param(&l, " ENVID=", ENV_ROOM);
    put_xtext(&l, a->envid);
    l.bad |= !ds_command_envid_ok(a->envid);
  }
  return close_line(&l, out);
}

static void put_notify (line *l, unsigned notify) {
  static const char *const names[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
  const char *before = " NOTIFY=";
  unsigned i;
  for (i = 0; i < 4; i++)
    if (notify & 1u << i) {
      put_text(l, before);
      put_text(l, names[i]);
      before = ",";
    }
  l->max += NOTIFY_ROOM;
}

int ds_command_rcpt (ds_buf *out, ds_span recipient,
                     const ds_command_rcpt_args *a) {
  ds_smtp_dsn d;
  line l;
  d.notify = a->notify;
  d.orcpt = a->orcpt;
  open_line(&l, DS_COMMAND_LINE);
  put_path(&l, "RCPT TO:<", recipient, a->utf8);
  l.bad |= recipient.n == 0 || !ds_command_dsn_ok(&d);
  if (a->notify != 0)
    put_notify(&l, a->notify);
  if (a->orcpt.n > 0) {
    put_param(&l, " ORCPT=", ORCPT_ROOM);
    put_orcpt(&l, a->orcpt);
  }
  return close_line(&l, out);
}
