/*
** base64: lines of 76 characters, each ended by CRLF (RFC 2045 §6.8).
*/
#ifndef ds_mime_base64_h
#define ds_mime_base64_h

#include <stddef.h>
#include <stdint.h>

#define DS_BASE64_IN   57 /* octets that make one line */
#define DS_BASE64_LINE 78 /* the line with its CRLF */

struct ds_kernel;

typedef struct ds_base64 {
  const struct ds_kernel *kernel;   /* the processor's best, after init */
  unsigned char line[DS_BASE64_IN]; /* octets of the unfinished line */
  size_t n;
} ds_base64;

void ds_base64_init (ds_base64 *b);

/* octets out that n octets in make at most, whatever is carried */
size_t ds_base64_bound (size_t n);

/* octets out that n octets in make in all, final included */
uint64_t ds_base64_size (uint64_t n);

/*
** ds_base64_update: encode n octets into out, which has room for
** ds_base64_bound(n); what does not fill a line is carried.  ds_base64_final
** writes the carried rest, at most DS_BASE64_LINE.  Both return how many.
*/
size_t ds_base64_update (ds_base64 *b, const void *p, size_t n, char *out);
size_t ds_base64_final (ds_base64 *b, char *out);

/* ds_base64_word: one run of 4 * ceil(n / 3) characters, no line end */
size_t ds_base64_word (const void *p, size_t n, char *out);

#endif
