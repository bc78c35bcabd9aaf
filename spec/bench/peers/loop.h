/*
** loop: what every driver in C does: encode the file B_IN, in memory, for
** B_SECS seconds of the processor's time, and print how much that was.
*/
#ifndef bench_loop_h
#define bench_loop_h

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef size_t encoder (const char *in, size_t n, char *out);

static double seconds (void) {
  return (double)clock() / CLOCKS_PER_SEC;
}

static int loop (encoder *encode) {
  static char in[8 << 20], out[32 << 20];
  const char *path = getenv("B_IN"), *limit = getenv("B_SECS");
  FILE *file = path != NULL ? fopen(path, "rb") : NULL;
  size_t n, made, rounds = 0;
  double start;
  if (file == NULL || limit == NULL)
    return fputs("B_IN and B_SECS say what to do\n", stderr), 2;
  n = fread(in, 1, sizeof in, file);
  fclose(file);
  made = encode(in, n, out);
  start = seconds();
  do {
    encode(in, n, out);
    __asm__ volatile("" : : "r"(out) : "memory"); /* it is all wanted */
    rounds++;
  } while (seconds() - start < atof(limit));
  printf("{\"bytes\":%.0f,\"out\":%lu,\"secs\":%.6f}\n",
         (double)rounds * (double)n, (unsigned long)made, seconds() - start);
  return 0;
}

#endif
