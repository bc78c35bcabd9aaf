#include "smime/lines.h"

#include <openssl/evp.h>

#include "util/err.h"

#define LINE 80 /* 76 characters, and a NUL or CRLF */

void ds_lines_init (ds_lines *l) {
  l->n = 0;
}

static int put_line (const unsigned char *p, size_t n, ds_buf *out) {
  char *to = ds_buf_space(out, LINE);
  size_t k;
  if (to == NULL)
    return DS_ERR_NOMEM;
  k = (size_t)EVP_EncodeBlock((unsigned char *)to, p, (int)n);
  to[k] = '\r';
  to[k + 1] = '\n';
  ds_buf_added(out, k + 2);
  return DS_OK;
}

int ds_lines_put (ds_lines *l, const void *p, size_t n, ds_buf *out) {
  const unsigned char *in = (const unsigned char *)p;
  int rc = DS_OK;
  while (n > 0 && rc == DS_OK) {
    size_t k = DS_LINES_IN - l->n;
    if (k > n)
      k = n;
    memcpy(l->carry + l->n, in, k);
    l->n += k;
    in += k;
    n -= k;
    if (l->n == DS_LINES_IN)
      rc = ds_lines_end(l, out);
  }
  return rc;
}

int ds_lines_end (ds_lines *l, ds_buf *out) {
  int rc = l->n > 0 ? put_line(l->carry, l->n, out) : DS_OK;
  l->n = 0;
  return rc;
}
