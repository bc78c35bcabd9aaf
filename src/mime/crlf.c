#include "mime/crlf.h"

#include <string.h>

void ds_crlf_init (ds_crlf *c) {
  c->cr = 0;
  c->open = 0;
}

/* octets up to the next CR or LF */
static size_t run (const char *p, size_t n) {
  size_t i = 0;
  while (i < n && p[i] != '\r' && p[i] != '\n')
    i++;
  return i;
}

size_t ds_crlf_update (ds_crlf *c, const void *p, size_t n, char *out) {
  const char *in = (const char *)p, *end = in + n;
  char *to = out;
  while (in < end) {
    size_t k = run(in, (size_t)(end - in));
    if (k > 0) {
      memcpy(to, in, k);
      to += k;
      in += k;
      c->cr = 0;
      c->open = 1;
      continue;
    }
    if (*in == '\r' || !c->cr) {
      memcpy(to, "\r\n", 2);
      to += 2;
    }
    c->cr = *in++ == '\r';
    c->open = 0;
  }
  return (size_t)(to - out);
}

size_t ds_crlf_final (ds_crlf *c, char *out) {
  if (!c->open)
    return 0;
  memcpy(out, "\r\n", 2);
  c->open = 0;
  return 2;
}
