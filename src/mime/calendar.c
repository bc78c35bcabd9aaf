#include "mime/calendar.h"

#include "mime/param.h"
#include "util/mem.h"

#define FRONT 8192

static int refuse (ds_error *e, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL, "%s", why);
}

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

static int find_method (ds_span front, char *out, ds_error *e) {
  static const char key[] = "METHOD:";
  ds_span line = next_line(&front);
  if (!ds_span_eqi(line, ds_span_str("BEGIN:VCALENDAR")))
    return refuse(e, "a calendar begins with BEGIN:VCALENDAR");
  while (front.n > 0) {
    line = next_line(&front);
    if (begins(line, "BEGIN:"))
      break;
    if (!begins(line, key))
      continue;
    line = ds_span_of(line.p + sizeof key - 1, line.n - (sizeof key - 1));
    if (!ds_param_token_ok(line) || line.n >= DS_CALENDAR_METHOD)
      return refuse(e, "the calendar's METHOD is no word");
    memcpy(out, line.p, line.n);
    out[line.n] = '\0';
    break;
  }
  return DS_OK;
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
  rc = k < 0 ? (int)k : find_method(ds_span_of(front, n), out, e);
  ds_free(front);
  return rc;
}
