#include "smtp/reply.h"

#include <string.h>

#include "smtp/text.h"

#define CODE_DIGITS 3

void ds_reply_parser_init (ds_reply_parser *r) {
  memset(r, 0, sizeof *r);
  ds_buf_init(&r->line);
}

void ds_reply_parser_clear (ds_reply_parser *r) {
  ds_buf_clear(&r->line);
  ds_reply_parser_init(r);
}

void ds_reply_copy (ds_reply *to, const ds_reply *from) {
  const size_t n = offsetof(ds_reply, text) + strlen(from->text) + 1;
  memcpy(to, from, n);
}

int ds_reply_partial (const ds_reply_parser *r) {
  return r->total > 0;
}

/* 1 to 3 digits: how many, 0 where none or more stand */
static size_t subject (ds_span s) {
  size_t n = 0;
  while (n < s.n && ds_is_digit((unsigned char)s.p[n]))
    n++;
  return n <= 3 ? n : 0;
}

/* class "." subject "." detail, then a blank or the end (RFC 3463 §2) */
static void find_enhanced (ds_reply *r, ds_span s) {
  size_t a, b, n;
  if (s.n < 5 || s.p[0] != '0' + r->code / 100 || s.p[1] != '.')
    return;
  a = subject(ds_span_of(s.p + 2, s.n - 2));
  if (a == 0 || a + 2 >= s.n || s.p[a + 2] != '.')
    return;
  b = subject(ds_span_of(s.p + a + 3, s.n - a - 3));
  n = a + 3 + b;
  if (b == 0 || (n < s.n && s.p[n] != ' '))
    return;
  memcpy(r->enhanced, s.p, n);
  r->enhanced[n] = '\0';
}

static void add_text (ds_reply *r, ds_span s) {
  size_t n = strlen(r->text);
  if (s.n == 0 || n + 1 >= sizeof r->text)
    return;
  r->text[n++] = ' ';
  ds_smtp_printable(r->text + n, sizeof r->text - n, s);
}

static int code_of (const char *p) {
  return (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
}

/*
** Could this be how a line of this reply begins?  Asked of every piece, so
** that nobody waits for the end of a line that is wrong from its start.
*/
static int begins_well (const ds_reply_parser *r, ds_span s) {
  size_t i;
  for (i = 0; i < s.n && i < CODE_DIGITS; i++)
    if (!ds_is_digit((unsigned char)s.p[i]))
      return 0;
  if (s.n > 0 && (s.p[0] < '2' || s.p[0] > '5'))
    return 0;
  if (s.n > CODE_DIGITS && memchr(" -\r\n", s.p[CODE_DIGITS], 4) == NULL)
    return 0;
  return s.n < CODE_DIGITS || r->lines == 0 || code_of(s.p) == r->code;
}

static void begin_reply (ds_reply_parser *r, const char *code) {
  memset(&r->reply, 0, offsetof(ds_reply, text));
  r->code = r->reply.code = code_of(code);
  memcpy(r->reply.text, code, CODE_DIGITS);
  r->reply.text[CODE_DIGITS] = '\0';
}

/* line: whole, without its end; 1 when it is the reply's last */
static int finish_line (ds_reply_parser *r, ds_span line,
                        ds_reply_line_fn on_line, void *ud) {
  ds_span text;
  int more = line.n > CODE_DIGITS && line.p[CODE_DIGITS] == '-';
  if (line.n < CODE_DIGITS || r->lines >= DS_REPLY_LINES)
    return DS_ERR_PROTOCOL;
  if (line.n > CODE_DIGITS && !more && line.p[CODE_DIGITS] != ' ')
    return DS_ERR_PROTOCOL;
  if (r->lines == 0)
    begin_reply(r, line.p);
  text = line.n > CODE_DIGITS + 1
             ? ds_span_of(line.p + CODE_DIGITS + 1, line.n - CODE_DIGITS - 1)
             : ds_span_of("", 0);
  if (r->reply.enhanced[0] == '\0')
    find_enhanced(&r->reply, text);
  add_text(&r->reply, text);
  if (on_line != NULL)
    on_line(ud, r->lines, text);
  r->reply.lines = ++r->lines;
  return !more;
}

/* a line longer than what is kept of one is cut, but counted whole */
static int keep (ds_reply_parser *r, const char *p, size_t n) {
  size_t room = DS_REPLY_LINE - r->line.len;
  if (n > DS_REPLY_BYTES - r->total)
    return DS_ERR_PROTOCOL;
  r->total += n;
  return ds_buf_append(&r->line, p, n < room ? n : room);
}

static ds_span without_end (ds_span s) {
  if (s.n > 0 && s.p[s.n - 1] == '\n')
    s.n--;
  while (s.n > 0 && s.p[s.n - 1] == '\r')
    s.n--;
  return s;
}

/* a whole line needs not be kept */
static int at_once (const ds_reply_parser *r, size_t n) {
  return r->line.len == 0 && n <= DS_REPLY_LINE &&
         n <= DS_REPLY_BYTES - r->total;
}

/* one line; it stays in the buffer where it stands until it has been read */
static int feed_line (ds_reply_parser *r, ds_buf *in, ds_reply_line_fn on_line,
                      void *ud) {
  const char *p = ds_buf_data(in);
  const char *end = (const char *)memchr(p, '\n', in->len);
  const size_t n = end != NULL ? (size_t)(end - p) + 1 : in->len;
  ds_span line = ds_span_of(p, n);
  int rc;
  if (end != NULL && at_once(r, n))
    r->total += n;
  else if ((rc = keep(r, p, n)) != DS_OK)
    return rc;
  else
    line = ds_buf_span(&r->line);
  rc = DS_ERR_PROTOCOL;
  if (begins_well(r, line))
    rc = end != NULL ? finish_line(r, without_end(line), on_line, ud) : 0;
  if (rc == DS_ERR_PROTOCOL && r->line.len == 0)
    ds_buf_append(&r->line, line.p, line.n);
  else if (rc >= 0 && end != NULL)
    ds_buf_empty(&r->line);
  ds_buf_consume(in, n);
  return rc;
}

int ds_reply_feed (ds_reply_parser *r, ds_buf *in, ds_reply_line_fn on_line,
                   void *ud) {
  int rc = 0;
  while (rc == 0 && in->len > 0)
    rc = feed_line(r, in, on_line, ud);
  if (rc == 1)
    r->total = 0, r->lines = 0;
  return rc;
}
