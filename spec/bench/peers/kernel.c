/* kernel b64|qp NAME: our encoders in C with one kernel, say "plain", which
   processors without vectors have; kernel b64: which there are */
#include "mime/kernel.h"

#include "loop.h"
#include "mime/base64.h"
#include "mime/qp.h"

static const ds_kernel *kernel;

static size_t b64 (const char *in, size_t n, char *out) {
  ds_base64 b;
  size_t made;
  ds_base64_init(&b);
  b.kernel = kernel;
  made = ds_base64_update(&b, in, n, out);
  return made + ds_base64_final(&b, out + made);
}

static size_t qp (const char *in, size_t n, char *out) {
  ds_qp q;
  size_t made;
  ds_qp_init(&q);
  q.kernel = kernel;
  made = ds_qp_update(&q, in, n, out);
  return made + ds_qp_final(&q, out + made);
}

int main (int argc, char **argv) {
  size_t i;
  for (i = 0; (kernel = ds_kernel_at(i)) != NULL; i++)
    if (argc < 3)
      puts(kernel->name);
    else if (strcmp(kernel->name, argv[2]) == 0)
      return loop(strcmp(argv[1], "qp") == 0 ? qp : b64);
  return argc < 3 ? 0 : 2;
}
