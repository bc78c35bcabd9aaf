#include "mime/stream.h"

#include "util/mem.h"

#define CHUNK (57 * 280) /* whole lines of base64 */

void ds_stream_init (ds_stream *s, const ds_layout *l) {
  memset(s, 0, sizeof *s);
  s->layout = l;
}

static void release (ds_stream *s) {
  ds_free(s->chunk);
  s->chunk = NULL;
  ds_buf_clear(&s->out);
}

void ds_stream_clear (ds_stream *s) {
  release(s);
  ds_stream_init(s, s->layout);
}

static const ds_part *leaf (const ds_stream *s) {
  return s->segment < s->layout->count ? s->layout->segments[s->segment].leaf
                                       : NULL;
}

/* where the text before the next body ends */
static size_t until (const ds_stream *s) {
  return s->segment < s->layout->count ? s->layout->segments[s->segment].until
                                       : s->layout->text.len;
}

static int fail (ds_stream *s, int code, const char *text) {
  ds_error_set(&s->error, (ds_err)code, DS_KIND_LOCAL, NULL, "%s", text);
  return code;
}

static int open_body (ds_stream *s) {
  const ds_part *p = leaf(s);
  if (s->chunk == NULL && (s->chunk = (char *)ds_malloc(CHUNK)) == NULL)
    return fail(s, DS_ERR_NOMEM, "not enough memory");
  ds_encoder_init(&s->encoder, p->how, p->text);
  s->at = s->made = 0;
  s->in_body = 1;
  return DS_OK;
}

/* what was just encoded is counted, less what the part leaves out in front */
static int tally (ds_stream *s) {
  const ds_part *p = leaf(s);
  uint64_t before = s->made;
  if (ds_buf_failed(&s->out))
    return fail(s, DS_ERR_NOMEM, "not enough memory");
  s->made += s->out.len;
  if (before < p->skip) {
    uint64_t cut = p->skip - before;
    ds_buf_consume(&s->out, cut < s->out.len ? (size_t)cut : s->out.len);
  }
  if (s->made > p->skip + p->size || s->at > p->content.size)
    return fail(s, DS_ERR_LOCAL, "the content grew while it was read");
  return DS_OK;
}

static int close_body (ds_stream *s) {
  const ds_part *p = leaf(s);
  int rc;
  ds_encoder_final(&s->encoder, &s->out);
  if ((rc = tally(s)) != DS_OK)
    return rc;
  if (s->made < p->skip + p->size || s->at < p->content.size)
    return fail(s, DS_ERR_LOCAL, "the content shrank while it was read");
  s->in_body = 0;
  s->segment++;
  return DS_OK;
}

/* out is empty: put the next piece of the body there */
static int fill (ds_stream *s) {
  const ds_part *p = leaf(s);
  long n;
  if (!s->in_body && open_body(s) != DS_OK)
    return s->error.code;
  n = p->content.read(p->content.ud, s->at, s->chunk, CHUNK, &s->error);
  if (n < 0) /* WAIT is no failure; others have told theirs */
    return n == DS_SOURCE_WAIT ? (int)n : fail(s, (int)n, "cannot be read");
  if (n == 0)
    return close_body(s);
  s->at += (uint64_t)n;
  ds_encoder_update(&s->encoder, s->chunk, (size_t)n, &s->out);
  return tally(s);
}

static size_t least (size_t a, size_t b) {
  return a < b ? a : b;
}

/* what is at hand, encoded or text, into p */
static size_t give (ds_stream *s, char *p, size_t n) {
  if (s->out.len > 0) {
    n = least(n, s->out.len);
    memcpy(p, ds_buf_data(&s->out), n);
    ds_buf_consume(&s->out, n);
  } else if (s->in_body || s->text == until(s))
    return 0;
  else {
    n = least(n, until(s) - s->text);
    memcpy(p, ds_buf_data(&s->layout->text) + s->text, n);
    s->text += n;
  }
  return n;
}

static long stream_read (void *ud, void *p, size_t n, ds_error *e) {
  ds_stream *s = (ds_stream *)ud;
  char *to = (char *)p;
  size_t done = 0;
  int rc = s->error.code;
  while (rc == DS_OK && done < n) {
    size_t k = give(s, to + done, n - done);
    done += k;
    if (k == 0 && leaf(s) == NULL)
      break;
    if (k == 0)
      rc = fill(s);
  }
  s->given += done;
  if (done > 0 || rc == DS_SOURCE_WAIT)
    return done > 0 ? (long)done : rc;
  if (n > 0)
    release(s);
  if (rc != DS_OK)
    ds_error_set(e, (ds_err)rc, s->error.kind, s->error.field, "%s",
                 s->error.text);
  return rc;
}

static int stream_rewind (void *ud, ds_error *e) {
  (void)e;
  ds_stream_clear((ds_stream *)ud);
  return DS_OK;
}

ds_source ds_stream_source (ds_stream *s) {
  ds_source source;
  source.read = stream_read;
  source.rewind = stream_rewind;
  source.ud = s;
  return source;
}

static long read_at (void *ud, uint64_t at, void *p, size_t n, ds_error *e) {
  ds_stream *s = (ds_stream *)ud;
  if (at == 0 && s->given > 0)
    stream_rewind(s, e);
  if (at != s->given)
    return ds_error_set(e, DS_ERR_STATE, DS_KIND_LOCAL, NULL,
                        "a message in a message is read in order");
  return stream_read(s, p, n, e);
}

ds_content ds_stream_content (ds_stream *s) {
  ds_content c;
  c.read = read_at;
  c.ud = s;
  c.size = ds_layout_size(s->layout);
  return c;
}
