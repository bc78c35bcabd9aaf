#include "dkim/canon.h"

#include <string.h>

#include "util/err.h"

/* -- fields -- */

static int is_wsp (int c) {
  return c == ' ' || c == '\t';
}

/* s without its line ends, white space in runs or at either end; behind what
   was written */
static char *squeeze (ds_span s, char *to) {
  int started = 0, space = 0;
  size_t i;
  for (i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (c == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
      i++;
    else if (is_wsp(c))
      space = started;
    else {
      if (space)
        *to++ = ' ';
      *to++ = c;
      started = 1;
      space = 0;
    }
  }
  return to;
}

/* it never becomes longer, but for the colon of a field that has none */
static int relaxed_field (ds_span field, ds_buf *out) {
  const char *colon = (const char *)memchr(field.p, ':', field.n);
  size_t name = colon != NULL ? (size_t)(colon - field.p) : field.n, i;
  size_t value = colon != NULL ? name + 1 : name;
  char *start = ds_buf_space(out, field.n + 1), *to = start;
  if (to == NULL)
    return DS_ERR_NOMEM;
  while (name > 0 && is_wsp(field.p[name - 1]))
    name--;
  for (i = 0; i < name; i++)
    *to++ = (char)ds_lower((unsigned char)field.p[i]);
  *to++ = ':';
  to = squeeze(ds_span_of(field.p + value, field.n - value), to);
  ds_buf_added(out, (size_t)(to - start));
  return DS_OK;
}

int ds_canon_field (ds_canon how, ds_span field, ds_buf *out) {
  if (field.n >= 2 && memcmp(field.p + field.n - 2, "\r\n", 2) == 0)
    field.n -= 2;
  return how == DS_CANON_SIMPLE ? ds_buf_putspan(out, field)
                                : relaxed_field(field, out);
}

/* -- bodies -- */

void ds_canon_body_init (ds_canon_body *c, ds_canon how,
                         void (*out)(void *ud, const void *p, size_t n),
                         void *ud) {
  memset(c, 0, sizeof *c);
  c->how = how;
  c->out = out;
  c->ud = ud;
}

/* something stands behind the line ends and the space: they count */
static void settle (ds_canon_body *c) {
  static const char ends[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
  const uint64_t most = (sizeof ends - 1) / 2;
  while (c->ends > 0) {
    uint64_t n = c->ends < most ? c->ends : most;
    c->out(c->ud, ends, (size_t)n * 2);
    c->ends -= n;
  }
  if (c->space)
    c->out(c->ud, " ", 1);
  c->space = 0;
  c->any = 1;
}

static void give (ds_canon_body *c, const char *p, size_t n) {
  settle(c);
  c->out(c->ud, p, n);
}

/* all but the line ends at the end of the chunk goes out as it stands */
static void simple (ds_canon_body *c, const char *p, size_t n) {
  uint64_t ends = 0;
  int cr = 0;
  if (c->cr && n > 0) {
    c->cr = 0;
    if (*p != '\n')
      give(c, "\r", 1);
    else {
      c->ends++;
      p++;
      n--;
    }
  }
  if (n > 0 && p[n - 1] == '\r') {
    cr = 1;
    n--;
  }
  for (; n >= 2 && p[n - 2] == '\r' && p[n - 1] == '\n'; n -= 2)
    ends++;
  if (n > 0)
    give(c, p, n);
  c->ends += ends;
  c->cr |= cr;
}

static int is_plain (int c) {
  return !is_wsp(c) && c != '\r';
}

/* in each byte of the words the high bit: it is above SP; it is SP */
#define EACH(byte)  (UINT64_C(0x0101010101010101) * (byte))
#define ABOVE(w)    ((((w)&EACH(0x7f)) + EACH(0x7f - 0x20)) | (w))
#define DIFFERS(w)  ((((w)&EACH(0x7f)) + EACH(0x7f)) | (w))
#define IS_SPACE(w) ~DIFFERS((w) ^ EACH(0x20))

/* the octets at the front that are plain, or a space with a plain one behind:
   eight at a time while they are above SP for certain */
static size_t skip (const char *p, size_t n) {
  size_t i = 0;
  if (n == 0 || !is_plain((unsigned char)p[0]))
    return 0;
  for (; n - i > 8; i += 8) {
    uint64_t here, next;
    memcpy(&here, p + i, 8);
    memcpy(&next, p + i + 1, 8);
    if (~(ABOVE(here) | (IS_SPACE(here) & ABOVE(next))) & EACH(0x80))
      break;
  }
  while (i < n && is_plain((unsigned char)p[i]))
    i++;
  return i;
}

/* what stands between two plain octets and is canonical: line ends, then a
   space; 0: it is not, or the next plain octet is not there */
static size_t gap (const char *p, size_t n) {
  size_t i = 0;
  while (n - i >= 2 && p[i] == '\r' && p[i + 1] == '\n')
    i += 2;
  if (i < n && p[i] == ' ')
    i++;
  return i < n && is_plain((unsigned char)p[i]) ? i : 0;
}

/* octets at the front that are canonical already and end in a plain one */
static size_t run (const char *p, size_t n) {
  size_t i = skip(p, n), between;
  while (i > 0 && (between = gap(p + i, n - i)) > 0) {
    i += between;
    i += skip(p + i, n - i);
  }
  return i;
}

static void take (ds_canon_body *c, char octet) {
  if (c->cr) {
    c->cr = 0;
    if (octet == '\n') {
      c->space = 0;
      c->ends++;
      return;
    }
    give(c, "\r", 1);
  }
  if (octet == '\r')
    c->cr = 1;
  else if (is_wsp(octet))
    c->space = 1;
  else
    give(c, &octet, 1);
}

static void relaxed (ds_canon_body *c, const char *p, size_t n) {
  size_t i = 0;
  while (i < n) {
    size_t k = c->cr ? 0 : run(p + i, n - i);
    if (k > 0)
      give(c, p + i, k);
    else
      take(c, p[i++]);
    i += k;
  }
}

void ds_canon_body_update (ds_canon_body *c, const void *p, size_t n) {
  if (c->how == DS_CANON_SIMPLE)
    simple(c, (const char *)p, n);
  else
    relaxed(c, (const char *)p, n);
}

/* a body of nothing is one line end to simple and nothing to relaxed (RFC 6376
   §3.4.3, §3.4.4); any other ends in exactly one */
void ds_canon_body_final (ds_canon_body *c) {
  if (c->cr)
    give(c, "\r", 1);
  if (c->any || c->how == DS_CANON_SIMPLE)
    c->out(c->ud, "\r\n", 2);
}
