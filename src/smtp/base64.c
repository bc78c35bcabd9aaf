#include "smtp/base64.h"

#include "util/err.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_quantum (char *to, const unsigned char *p, size_t n) {
  const unsigned v = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0) |
                     (n > 2 ? (unsigned)p[2] : 0);
  to[0] = alphabet[v >> 18];
  to[1] = alphabet[v >> 12 & 63];
  to[2] = n > 1 ? alphabet[v >> 6 & 63] : '=';
  to[3] = n > 2 ? alphabet[v & 63] : '=';
}

int ds_base64_put (ds_buf *out, ds_span octets) {
  const size_t size = (octets.n + 2) / 3 * 4;
  char *to = ds_buf_space(out, size);
  size_t i;
  if (to == NULL)
    return DS_ERR_NOMEM;
  for (i = 0; i < octets.n; i += 3, to += 4)
    put_quantum(to, (const unsigned char *)octets.p + i, octets.n - i);
  ds_buf_added(out, size);
  return DS_OK;
}

/* 64: no such character */
static unsigned value (char c) {
  unsigned i = 0;
  while (i < 64 && alphabet[i] != c)
    i++;
  return i;
}

/* p: a quantum, n characters of it before the padding, at least two */
static int take_quantum (ds_buf *out, const char *p, size_t n) {
  unsigned v = 0, x;
  char octets[3];
  size_t i;
  for (i = 0; i < 4; i++) {
    x = i < n ? value(p[i]) : 0;
    if (x > 63)
      return DS_ERR_PROTOCOL;
    v = v << 6 | x;
  }
  if ((n == 2 && (v & 0xffff) != 0) || (n == 3 && (v & 0xff) != 0))
    return DS_ERR_PROTOCOL;
  for (i = 0; i < 3; i++)
    octets[i] = (char)(v >> (16 - 8 * i) & 0xff);
  return ds_buf_append(out, octets, n - 1);
}

int ds_base64_take (ds_buf *out, ds_span text) {
  size_t i, n;
  int rc = DS_OK;
  if (text.n % 4 != 0)
    return DS_ERR_PROTOCOL;
  for (i = 0; i < text.n && rc == DS_OK; i += 4) {
    n = 4;
    if (i + 4 == text.n && text.p[i + 3] == '=')
      n = text.p[i + 2] == '=' ? 2 : 3;
    rc = take_quantum(out, text.p + i, n);
  }
  return rc;
}
