#include "session/trace.h"

static const char final_dot[] = "\r\n.\r\n";

void ds_trace_init (ds_trace *t, ds_buf *to) {
  memset(t, 0, sizeof *t);
  t->to = to;
}

void ds_trace_clear (ds_trace *t) {
  ds_buf_clear(&t->line);
  ds_buf_clear(&t->said);
}

static int full (const ds_trace *t) {
  return t->to == NULL || t->to->len >= DS_TRACE_BYTES;
}

/* one line: controls and octets beyond ASCII as \xNN, so that no terminal or
   log is written to but with what can be read */
static void show (ds_trace *t, const char *who, ds_span line) {
  size_t i, n = line.n < DS_TRACE_LINE ? line.n : DS_TRACE_LINE;
  if (full(t))
    return;
  ds_buf_puts(t->to, who);
  for (i = 0; i < n; i++) {
    unsigned char c = (unsigned char)line.p[i];
    if (c >= 0x20 && c < 0x7f && c != '\\')
      ds_buf_putc(t->to, c);
    else
      ds_buf_printf(t->to, c == '\\' ? "\\\\" : "\\x%02x", c);
  }
  ds_buf_puts(t->to, n < line.n ? "...\n" : "\n");
}

static ds_span without_cr (ds_span s) {
  return s.n > 0 && s.p[s.n - 1] == '\r' ? ds_span_of(s.p, s.n - 1) : s;
}

/* the octets up to an LF, which is taken too; 0 when there is none */
static int next_line (ds_span *bytes, ds_span *line) {
  const char *lf =
      bytes->n > 0 ? (const char *)memchr(bytes->p, '\n', bytes->n) : NULL;
  *line = *bytes;
  if (lf != NULL)
    line->n = (size_t)(lf - bytes->p);
  bytes->p += lf != NULL ? line->n + 1 : line->n;
  bytes->n -= lf != NULL ? line->n + 1 : line->n;
  return lf != NULL;
}

/* one octet more than is shown is kept, so that the cut is seen */
static void keep (ds_buf *b, ds_span part) {
  size_t room = b->len <= DS_TRACE_LINE ? DS_TRACE_LINE + 1 - b->len : 0;
  ds_buf_append(b, part.p, part.n < room ? part.n : room);
}

/* one line, or the beginning of one, which is kept; 1 and the line when it is
   whole: to be emptied then */
static int take_line (ds_buf *kept, ds_span *bytes, ds_span *whole) {
  ds_span line;
  const int ended = next_line(bytes, &line);
  keep(kept, line);
  *whole = without_cr(ds_buf_span(kept));
  return ended;
}

static int challenge (ds_span line) {
  static const char code[] = "334 ";
  const size_t n = sizeof code - 1;
  return line.n > n && memcmp(line.p, code, n) == 0;
}

void ds_trace_server (ds_trace *t, ds_span bytes) {
  ds_span line;
  while (t->to != NULL && bytes.n > 0)
    if (take_line(&t->line, &bytes, &line)) {
      if (t->secret && challenge(line))
        line = ds_span_str("334 [hidden]");
      show(t, "S: ", line);
      ds_buf_empty(&t->line);
    }
}

void ds_trace_body (ds_trace *t) {
  t->body = 1;
  t->octets = 0;
  t->matched = 2; /* an empty body ends with its first line */
}

static void count (ds_trace *t) {
  if (!full(t))
    ds_buf_printf(t->to, "C: [%llu octets]\n", (unsigned long long)t->octets);
}

/* count octets up to the final dot */
static void skip_body (ds_trace *t, ds_span *bytes) {
  for (; bytes->n > 0 && t->matched < 5; bytes->p++, bytes->n--) {
    t->octets++;
    if (*bytes->p == final_dot[t->matched])
      t->matched++;
    else
      t->matched = *bytes->p == '\r';
  }
  if (t->matched < 5)
    return;
  t->octets -= 3;
  count(t);
  show(t, "C: ", ds_span_str("."));
  t->body = 0;
}

static void skip_chunk (ds_trace *t, ds_span *bytes) {
  const size_t n = bytes->n < t->left ? bytes->n : (size_t)t->left;
  t->octets += n;
  t->left -= n;
  *bytes = ds_span_of(bytes->p + n, bytes->n - n);
  if (t->left == 0)
    count(t);
}

/* octets behind this command; it is ours, its number fits */
static uint64_t chunk_size (ds_span line) {
  static const char verb[] = "BDAT ";
  size_t i = sizeof verb - 1;
  uint64_t n = 0;
  if (line.n < i || memcmp(line.p, verb, i) != 0)
    return 0;
  for (; i < line.n && ds_is_digit((unsigned char)line.p[i]); i++)
    n = n * 10 + (uint64_t)(line.p[i] - '0');
  return n;
}

void ds_trace_secret (ds_trace *t, int on) {
  t->secret = on;
}

/* what may be seen of AUTH: the word and the mechanism behind it */
static int showable (const ds_buf *said, char c) {
  static const char verb[] = "AUTH ";
  if (said->len < sizeof verb - 1)
    return c == verb[said->len];
  return c != ' ' && c != '\r';
}

static void secret_line (ds_trace *t, ds_span *bytes) {
  for (; bytes->n > 0; bytes->p++, bytes->n--) {
    if (*bytes->p == '\n')
      break;
    if (*bytes->p != '\r' && (t->hidden || !showable(&t->said, *bytes->p)))
      t->hidden = 1;
    else if (*bytes->p != '\r')
      ds_buf_putc(&t->said, *bytes->p);
  }
  if (bytes->n == 0)
    return;
  *bytes = ds_span_of(bytes->p + 1, bytes->n - 1);
  if (t->hidden)
    ds_buf_puts(&t->said, t->said.len > 0 ? " [hidden]" : "[hidden]");
  show(t, "C: ", ds_buf_span(&t->said));
  ds_buf_empty(&t->said);
  t->hidden = 0;
}

static void client_line (ds_trace *t, ds_span *bytes) {
  ds_span line;
  if (!take_line(&t->said, bytes, &line))
    return;
  show(t, "C: ", line);
  t->left = chunk_size(line);
  t->octets = 0;
  ds_buf_empty(&t->said);
}

void ds_trace_client (ds_trace *t, ds_span bytes) {
  while (t->to != NULL && bytes.n > 0)
    if (t->body)
      skip_body(t, &bytes);
    else if (t->left > 0)
      skip_chunk(t, &bytes);
    else if (t->secret)
      secret_line(t, &bytes);
    else
      client_line(t, &bytes);
}

void ds_trace_note (ds_trace *t, const char *text) {
  if (t->to != NULL && (t->body || t->left > 0))
    count(t);
  t->body = 0;
  t->left = 0;
  show(t, "-- ", ds_span_str(text));
}
