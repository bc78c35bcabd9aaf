/* fuzz: util crypto dkim -- DKIM's canonical forms, wherever the chunks are cut */
#include "fuzz.h"

#include <string.h>

#include "dkim/canon.h"

static void collect (void *ud, const void *p, size_t n) {
  ds_buf_append((ds_buf *)ud, p, n);
}

/* the body in chunks of this size; 0: whole */
static void canonical (ds_canon how, const uint8_t *p, size_t n, size_t chunk,
                       ds_buf *out) {
  ds_canon_body c;
  size_t at, k;
  ds_canon_body_init(&c, how, collect, out);
  for (at = 0; at < n; at += k) {
    k = chunk == 0 || chunk > n - at ? n - at : chunk;
    ds_canon_body_update(&c, p + at, k);
  }
  ds_canon_body_final(&c);
}

static void same (const ds_buf *a, const ds_buf *b) {
  must(ds_span_eq(ds_buf_span(a), ds_buf_span(b)));
}

/* cut anywhere it is the same, it ends in one CRLF, and its own canonical form
   is itself */
static void body (ds_canon how, const uint8_t *p, size_t n, size_t chunk) {
  ds_buf whole, cut, again;
  ds_buf_init(&whole);
  ds_buf_init(&cut);
  ds_buf_init(&again);
  canonical(how, p, n, 0, &whole);
  canonical(how, p, n, chunk, &cut);
  same(&whole, &cut);
  must(whole.len == 0 ||
       (whole.len >= 2 &&
        memcmp(ds_buf_data(&whole) + whole.len - 2, "\r\n", 2) == 0));
  canonical(how, (const uint8_t *)ds_buf_data(&whole), whole.len, 1, &again);
  same(&whole, &again);
  ds_buf_clear(&whole);
  ds_buf_clear(&cut);
  ds_buf_clear(&again);
}

static int holds (const ds_buf *b, int c) {
  return b->len > 0 && memchr(ds_buf_data(b), c, b->len) != NULL;
}

/* a field of whole lines: relaxed, it is one line and stays as it is */
static void field (ds_canon how, const uint8_t *p, size_t n) {
  ds_buf once, twice;
  ds_buf_init(&once);
  ds_buf_init(&twice);
  must(ds_canon_field(how, ds_span_of((const char *)p, n), &once) == 0);
  must(ds_canon_field(how, ds_buf_span(&once), &twice) == 0);
  if (how == DS_CANON_RELAXED && !holds(&once, '\r') && !holds(&once, '\n'))
    same(&once, &twice);
  ds_buf_clear(&once);
  ds_buf_clear(&twice);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  ds_canon how;
  size_t chunk;
  if (size < 1)
    return 0;
  how = data[0] & 1 ? DS_CANON_RELAXED : DS_CANON_SIMPLE;
  chunk = 1 + data[0] / 2;
  body(how, data + 1, size - 1, chunk);
  field(how, data + 1, size - 1);
  return 0;
}
