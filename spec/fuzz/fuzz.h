/*
** fuzz: what the targets share.  A broken promise aborts, and the fuzzer keeps
** the input.
*/
#ifndef fuzz_h
#define fuzz_h

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static inline void must (int promise) {
  if (!promise)
    abort();
}

#endif
