#include "smtp/text.h"

#include <string.h>

size_t ds_smtp_utf8 (ds_span s, unsigned long *cp) {
  static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char c = (unsigned char)s.p[0];
  size_t i, n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  if (n == 0 || n > s.n || c > 0xf4)
    return 0;
  *cp = n == 1 ? c : c & (0x7fu >> n);
  for (i = 1; i < n; i++) {
    if (((unsigned char)s.p[i] & 0xc0) != 0x80)
      return 0;
    *cp = *cp << 6 | ((unsigned char)s.p[i] & 0x3f);
  }
  if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
    return 0;
  return n;
}

/* C0, C1 and DEL steer terminals; line separators and bidirectional controls
   make a log line look like another */
static int harmless (unsigned long cp) {
  return cp >= 0x20 && !(cp >= 0x7f && cp <= 0x9f) &&
         !(cp >= 0x2028 && cp <= 0x202e) && !(cp >= 0x2066 && cp <= 0x2069);
}

/* as many as stand first that are ASCII and no controls: nearly all there is */
static size_t plain (const char *p, size_t n) {
  size_t i = 0;
  while (i < n && (unsigned char)(p[i] - 0x20) < 0x5f)
    i++;
  return i;
}

size_t ds_smtp_printable (char *to, size_t room, ds_span s) {
  size_t used = plain(s.p, s.n < room - 1 ? s.n : room - 1);
  if (used > 0) {
    memcpy(to, s.p, used);
    s = ds_span_of(s.p + used, s.n - used);
  }
  while (s.n > 0) {
    unsigned long cp = 0;
    size_t n = ds_smtp_utf8(s, &cp);
    int as_is = n > 0 && harmless(cp);
    size_t width = as_is ? n : 1;
    if (used + width >= room)
      break;
    if (as_is)
      memcpy(to + used, s.p, n);
    else
      to[used] = cp == '\t' ? ' ' : '?';
    used += width;
    n = n > 0 ? n : 1;
    s = ds_span_of(s.p + n, s.n - n);
  }
  to[used] = '\0';
  return used;
}
