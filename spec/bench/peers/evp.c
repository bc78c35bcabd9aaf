/* evp: OpenSSL's encoder.  evp lines: 64 columns and LF, its only choice;
   evp block: no lines at all */
#include <openssl/evp.h>

#include "loop.h"

static size_t block (const char *in, size_t n, char *out) {
  return (size_t)EVP_EncodeBlock((unsigned char *)out,
                                 (const unsigned char *)in, (int)n);
}

static size_t lines (const char *in, size_t n, char *out) {
  EVP_ENCODE_CTX *c = EVP_ENCODE_CTX_new();
  int made = 0, more = 0;
  EVP_EncodeInit(c);
  EVP_EncodeUpdate(c, (unsigned char *)out, &made, (const unsigned char *)in,
                   (int)n);
  EVP_EncodeFinal(c, (unsigned char *)out + made, &more);
  EVP_ENCODE_CTX_free(c);
  return (size_t)(made + more);
}

int main (int argc, char **argv) {
  return loop(argc > 1 && strcmp(argv[1], "block") == 0 ? block : lines);
}
