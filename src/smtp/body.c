#include "smtp/body.h"

#include <string.h>

#include "util/err.h"

/*
** The octets from p up to and with the next line end, or all there are.  The
** state behind them goes to *b; 0 when a CR or an LF stands alone.
*/
static size_t piece (ds_body *b, const char *p, size_t n) {
  const char *lf = (const char *)memchr(p, '\n', n);
  size_t len = lf != NULL ? (size_t)(lf - p) + 1 : n;
  size_t text = lf != NULL ? len - 1 : len;
  const char *cr = (const char *)memchr(p, '\r', text);
  if (*b == DS_BODY_CR && lf != p)
    return 0;
  if (cr != NULL && cr + 1 != p + text)
    return 0;
  if (lf != NULL && cr == NULL && !(*b == DS_BODY_CR && lf == p))
    return 0;
  *b = lf != NULL   ? DS_BODY_LINE_START
       : cr != NULL ? DS_BODY_CR
                    : DS_BODY_INSIDE;
  return len;
}

/* runs of lines that begin with no dot go out as one */
static int add_lines (ds_body *b, ds_buf *out, const char *p, size_t n) {
  size_t at = 0, run = 0, len;
  for (; at < n; at += len) {
    if (*b == DS_BODY_LINE_START && p[at] == '.') {
      ds_buf_append(out, p + run, at - run);
      ds_buf_putc(out, '.');
      run = at;
    }
    if ((len = piece(b, p + at, n - at)) == 0)
      return DS_ERR_USAGE;
  }
  return ds_buf_append(out, p + run, n - run);
}

int ds_body_look (ds_body *b, const char *p, size_t n) {
  const ds_body was = *b;
  size_t at, len;
  for (at = 0; at < n; at += len)
    if ((len = piece(b, p + at, n - at)) == 0) {
      *b = was;
      return DS_ERR_USAGE;
    }
  return DS_OK;
}

int ds_body_add (ds_body *b, ds_buf *out, const char *p, size_t n) {
  const ds_body was = *b;
  const size_t len = out->len;
  int rc = add_lines(b, out, p, n);
  if (rc != DS_OK) {
    *b = was;
    out->len = len;
  }
  return rc;
}

int ds_body_end (const ds_body *b, ds_buf *out) {
  if (*b == DS_BODY_CR)
    return DS_ERR_USAGE;
  return ds_buf_puts(out, *b == DS_BODY_LINE_START ? ".\r\n" : "\r\n.\r\n");
}
