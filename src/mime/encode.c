#include "mime/encode.h"

#include "util/err.h"

#define SLICE 2048

void ds_encoder_init (ds_encoder *c, ds_encoding how, int text) {
  c->how = how;
  c->text = text;
  ds_crlf_init(&c->lines);
  ds_qp_init(&c->qp);
  ds_base64_init(&c->base64);
}

static int transfer (ds_encoder *c, const void *p, size_t n, ds_buf *out) {
  char *to;
  if (c->how == DS_ENC_BASE64) {
    if ((to = ds_buf_space(out, ds_base64_bound(n))) == NULL)
      return DS_ERR_NOMEM;
    ds_buf_added(out, ds_base64_update(&c->base64, p, n, to));
    return DS_OK;
  }
  if (c->how == DS_ENC_QP) {
    if ((to = ds_buf_space(out, ds_qp_bound(n))) == NULL)
      return DS_ERR_NOMEM;
    ds_buf_added(out, ds_qp_update(&c->qp, p, n, to));
    return DS_OK;
  }
  return ds_buf_append(out, p, n);
}

int ds_encoder_update (ds_encoder *c, const void *p, size_t n, ds_buf *out) {
  const char *in = (const char *)p;
  char text[2 * SLICE];
  int rc = DS_OK;
  if (!c->text || c->how == DS_ENC_QP) /* which sees to line ends itself */
    return transfer(c, p, n, out);
  while (n > 0 && rc == DS_OK) {
    size_t k = n < SLICE ? n : SLICE;
    rc = transfer(c, text, ds_crlf_update(&c->lines, in, k, text), out);
    in += k;
    n -= k;
  }
  return rc;
}

static int final_qp (ds_encoder *c, ds_buf *out) {
  char *to = ds_buf_space(out, ds_qp_bound(0));
  if (to == NULL)
    return DS_ERR_NOMEM;
  ds_buf_added(out, ds_qp_final(&c->qp, to));
  return c->qp.column > 0 ? ds_buf_puts(out, "\r\n") : DS_OK;
}

int ds_encoder_final (ds_encoder *c, ds_buf *out) {
  char tail[DS_BASE64_LINE];
  size_t n = c->text ? ds_crlf_final(&c->lines, tail) : 0;
  int rc;
  if (c->how == DS_ENC_QP)
    return final_qp(c, out);
  if ((rc = transfer(c, tail, n, out)) != DS_OK)
    return rc;
  n = c->how == DS_ENC_BASE64 ? ds_base64_final(&c->base64, tail) : 0;
  return ds_buf_append(out, tail, n);
}
