#include "mime/calendar.h"

#include "mime/param.h"
#include "util/mem.h"

#define FRONT 8192

/* the next line of *s, taken from it, without its end */
static ds_span next_line (ds_span *s) {
  size_t n = 0, end;
  while (n < s->n && s->p[n] != '\n')
    n++;
  end = n > 0 && s->p[n - 1] == '\r' ? n - 1 : n;
  n += n < s->n;
  *s = ds_span_of(s->p + n, s->n - n);
  return ds_span_of(s->p - n, end);
}

static int begins (ds_span s, const char *word) {
  size_t n = strlen(word);
  return s.n >= n && ds_span_eqi(ds_span_of(s.p, n), ds_span_str(word));
}

/* folded lines made whole (RFC 5545 §3.1), in place: how many octets stay */
static size_t unfold (char *p, size_t n) {
  size_t i, to = 0;
  for (i = 0; i < n; i++) {
    size_t end = i + (p[i] == '\r');
    if (end + 1 < n && p[end] == '\n' &&
        (p[end + 1] == ' ' || p[end + 1] == '\t'))
      i = end + 1;
    else
      p[to++] = p[i];
  }
  return to;
}

/* what stands behind METHOD and its parameters; 0: it is another line */
static int is_method (ds_span line, ds_span *value) {
  size_t i = sizeof "METHOD" - 1;
  int quoted = 0;
  if (!begins(line, "METHOD") || i == line.n ||
      (line.p[i] != ':' && line.p[i] != ';'))
    return 0;
  while (i < line.n && (quoted || line.p[i] != ':'))
    quoted ^= line.p[i++] == '"';
  i += i < line.n;
  *value = ds_span_of(line.p + i, line.n - i);
  return 1;
}

/* cut: more follows, so the last line may be no whole one */
static int find_method (ds_span front, int cut, char *out, ds_error *e) {
  ds_span line = next_line(&front), value;
  if (!ds_span_eqi(line, ds_span_str("BEGIN:VCALENDAR")))
    return ds_error_usage(e, "a calendar begins with BEGIN:VCALENDAR");
  while (front.n > 0) {
    line = next_line(&front);
    if (begins(line, "BEGIN:"))
      return DS_OK;
    if (!is_method(line, &value) || (cut && front.n == 0))
      continue;
    if (!ds_param_token_ok(value) || value.n >= DS_CALENDAR_METHOD)
      return ds_error_usage(e, "the calendar's METHOD is no word");
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return DS_OK;
  }
  return cut ? ds_error_usage(
                   e, "neither METHOD nor an event stands in the first 8192 "
                      "octets of the calendar")
             : DS_OK;
}

int ds_calendar_method (const ds_content *c, char out[DS_CALENDAR_METHOD],
                        ds_error *e) {
  char *front = (char *)ds_malloc(FRONT);
  size_t n = 0;
  long k = 1;
  int rc;
  out[0] = '\0';
  if (front == NULL)
    return DS_ERR_NOMEM;
  while (n < FRONT && k > 0) {
    k = c->read(c->ud, n, front + n, FRONT - n, e);
    n += k > 0 ? (size_t)k : 0;
  }
  rc = k < 0 ? (int)k
             : find_method(ds_span_of(front, unfold(front, n)), n < c->size,
                           out, e);
  ds_free(front);
  return rc;
}
