/* gmime b64, gmime qp: GMime's encoders */
#include <gmime/gmime.h>

#include "loop.h"

static size_t encode (GMimeContentEncoding how, const char *in, size_t n,
                      char *out) {
  GMimeEncoding state;
  g_mime_encoding_init_encode(&state, how);
  return g_mime_encoding_flush(&state, in, n, out);
}

static size_t b64 (const char *in, size_t n, char *out) {
  return encode(GMIME_CONTENT_ENCODING_BASE64, in, n, out);
}

static size_t qp (const char *in, size_t n, char *out) {
  return encode(GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, in, n, out);
}

int main (int argc, char **argv) {
  g_mime_init();
  return loop(argc > 1 && strcmp(argv[1], "qp") == 0 ? qp : b64);
}
