#include "util/addr.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/span.h"

/* decimal, no sign, no leading zero, at most max: characters read, or 0 */
static size_t read_decimal (const char *s, size_t n, unsigned long max,
                            unsigned long *out) {
  unsigned long v = 0;
  size_t i;
  for (i = 0; i < n && ds_is_digit((unsigned char)s[i]); i++) {
    v = v * 10 + (unsigned long)(s[i] - '0');
    if (v > max || (i > 0 && s[0] == '0'))
      return 0;
  }
  *out = v;
  return i;
}

static int parse4 (const char *s, size_t n, uint8_t out[4]) {
  size_t at = 0;
  int i;
  for (i = 0; i < 4; i++) {
    unsigned long v;
    size_t used;
    if (i > 0 && (at >= n || s[at++] != '.'))
      return DS_ERR_USAGE;
    used = read_decimal(s + at, n - at, 255, &v);
    if (used == 0)
      return DS_ERR_USAGE;
    out[i] = (uint8_t)v;
    at += used;
  }
  return at == n ? DS_OK : DS_ERR_USAGE;
}

static int hex_value (int c) {
  int l = ds_lower(c);
  if (ds_is_digit(c))
    return c - '0';
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* one group of one to four hex digits: characters read, or 0 */
static size_t read_group (const char *s, size_t n, uint8_t out[2]) {
  unsigned v = 0;
  size_t i;
  int d;
  for (i = 0; i < n && (d = hex_value((unsigned char)s[i])) >= 0; i++) {
    if (i == 4)
      return 0;
    v = v << 4 | (unsigned)d;
  }
  out[0] = (uint8_t)(v >> 8);
  out[1] = (uint8_t)(v & 0xff);
  return i;
}

/* what "::" stood for: the bytes after it move to the end */
static int open_gap (uint8_t *bytes, size_t have, size_t gap) {
  if (gap > have)
    return have == 16 ? DS_OK : DS_ERR_USAGE;
  if (have > 14) /* "::" is at least one group of zeros (RFC 4291 §2.2) */
    return DS_ERR_USAGE;
  memmove(bytes + 16 - (have - gap), bytes + gap, have - gap);
  memset(bytes + gap, 0, 16 - have);
  return DS_OK;
}

static int parse6 (const char *s, size_t n, uint8_t out[16]) {
  const size_t none = 17;
  size_t at = 0, have = 0, gap = none;
  if (n >= 2 && s[0] == ':' && s[1] == ':') {
    gap = 0;
    at = 2;
  }
  while (at < n) {
    size_t used;
    if (have == 16)
      return DS_ERR_USAGE;
    used = read_group(s + at, n - at, out + have);
    if (used > 0 && at + used < n && s[at + used] == '.') {
      if (have > 12 || parse4(s + at, n - at, out + have) != DS_OK)
        return DS_ERR_USAGE;
      return open_gap(out, have + 4, gap);
    }
    at += used;
    have += 2;
    if (used == 0)
      return DS_ERR_USAGE;
    if (at == n)
      break;
    if (s[at++] != ':' || at == n)
      return DS_ERR_USAGE;
    if (s[at] == ':') {
      if (gap != none)
        return DS_ERR_USAGE;
      gap = have;
      at++;
    }
  }
  return open_gap(out, have, gap);
}

int ds_ip_parse (const char *s, size_t n, ds_ip *out) {
  ds_ip ip;
  memset(&ip, 0, sizeof ip);
  if (n > 0 && n < DS_IP_TEXT && memchr(s, ':', n) != NULL) {
    ip.family = 6;
    if (parse6(s, n, ip.bytes) != DS_OK)
      return DS_ERR_USAGE;
  } else {
    ip.family = 4;
    if (parse4(s, n, ip.bytes) != DS_OK)
      return DS_ERR_USAGE;
  }
  *out = ip;
  return DS_OK;
}

static size_t format4 (const uint8_t *b, char *out, size_t size) {
  return (size_t)snprintf(out, size, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

/* the first of the longest runs of two or more zero groups; its length */
static int longest_zeros (const uint8_t *b, int *start) {
  int i, run = 0, best = 1;
  *start = -1;
  for (i = 0; i < 8; i++) {
    run = b[2 * i] == 0 && b[2 * i + 1] == 0 ? run + 1 : 0;
    if (run > best) {
      best = run;
      *start = i - run + 1;
    }
  }
  return best;
}

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static size_t format6 (const uint8_t *b, char *out, size_t size) {
  size_t n = 0;
  int i = 0, start, run = longest_zeros(b, &start);
  if (memcmp(b, mapped, sizeof mapped) == 0) {
    n = (size_t)snprintf(out, size, "::ffff:");
    return n + format4(b + 12, out + n, size - n);
  }
  while (i < 8) {
    if (i == start) {
      n += (size_t)snprintf(out + n, size - n, "::");
      i += run;
      continue;
    }
    n += (size_t)snprintf(out + n, size - n, "%s%x",
                          i == 0 || i == start + run ? "" : ":",
                          (unsigned)(b[2 * i] << 8 | b[2 * i + 1]));
    i++;
  }
  return n;
}

size_t ds_ip_format (const ds_ip *ip, char out[DS_IP_TEXT]) {
  out[0] = '\0';
  if (ip->family == 4)
    return format4(ip->bytes, out, DS_IP_TEXT);
  return ip->family == 6 ? format6(ip->bytes, out, DS_IP_TEXT) : 0;
}

int ds_network_parse (const char *s, size_t n, ds_network *out) {
  const char *slash = n > 0 ? (const char *)memchr(s, '/', n) : NULL;
  size_t len = slash != NULL ? (size_t)(slash - s) : n;
  unsigned long bits;
  ds_ip ip;
  if (ds_ip_parse(s, len, &ip) != DS_OK)
    return DS_ERR_USAGE;
  bits = ip.family == 4 ? 32 : 128;
  if (slash != NULL) {
    size_t rest = n - len - 1;
    if (rest == 0 || read_decimal(slash + 1, rest, bits, &bits) != rest)
      return DS_ERR_USAGE;
  }
  out->ip = ip;
  out->bits = (unsigned)bits;
  return DS_OK;
}

static int same_prefix (const uint8_t *a, const uint8_t *b, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  return memcmp(a, b, whole) == 0 &&
         (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

int ds_network_contains (const ds_network *net, const ds_ip *ip) {
  return net->ip.family == ip->family && ip->family != 0 &&
         same_prefix(net->ip.bytes, ip->bytes, net->bits);
}

/* where the address stops and what follows begins: "[a]:p", "a:p", "a" */
static int split_endpoint (ds_span s, ds_span *host, ds_span *port) {
  const char *mark;
  *host = s;
  *port = ds_span_of(NULL, 0);
  if (s.n > 0 && s.p[0] == '[') {
    mark = (const char *)memchr(s.p, ']', s.n);
    if (mark == NULL || memchr(s.p, ':', (size_t)(mark - s.p)) == NULL)
      return DS_ERR_USAGE;
    *host = ds_span_of(s.p + 1, (size_t)(mark - s.p) - 1);
    if (++mark == s.p + s.n)
      return DS_OK;
  } else {
    mark = s.n > 0 ? (const char *)memchr(s.p, ':', s.n) : NULL;
    if (mark == NULL || memchr(mark + 1, ':', s.n - (size_t)(mark - s.p) - 1))
      return DS_OK;
    host->n = (size_t)(mark - s.p);
  }
  *port = ds_span_of(mark + 1, s.n - (size_t)(mark - s.p) - 1);
  return *mark == ':' ? DS_OK : DS_ERR_USAGE;
}

int ds_endpoint_parse (const char *s, size_t n, uint16_t port,
                       ds_endpoint *out) {
  ds_span host, digits;
  unsigned long v = port;
  ds_ip ip;
  if (split_endpoint(ds_span_of(s, n), &host, &digits) != DS_OK ||
      ds_ip_parse(host.p, host.n, &ip) != DS_OK)
    return DS_ERR_USAGE;
  if (digits.p != NULL &&
      (digits.n == 0 ||
       read_decimal(digits.p, digits.n, 65535, &v) != digits.n || v == 0))
    return DS_ERR_USAGE;
  out->ip = ip;
  out->port = (uint16_t)v;
  return DS_OK;
}

size_t ds_endpoint_format (const ds_endpoint *e, char out[DS_ENDPOINT_TEXT]) {
  char ip[DS_IP_TEXT];
  const char *form = e->ip.family == 6 ? "[%s]:%u" : "%s:%u";
  ds_ip_format(&e->ip, ip);
  return (size_t)snprintf(out, DS_ENDPOINT_TEXT, form, ip, (unsigned)e->port);
}

/*
** The special-purpose registries of IANA, first match wins.  Anycast services
** inside 192.0.0.0/24 and 2001::/23 can be reached, but never take mail.
*/
typedef struct special {
  uint8_t prefix[16];
  unsigned bits;
  const char *word; /* NULL: judge the IPv4 address inside … */
  unsigned at;      /* … at this offset … */
  uint8_t flip;     /* … each byte of it xor this */
} special;

static const special special4[] = {
    {{0}, 8, "unspecified", 0, 0},
    {{10}, 8, "private", 0, 0},
    {{100, 64}, 10, "shared", 0, 0},
    {{127}, 8, "loopback", 0, 0},
    {{169, 254}, 16, "link-local", 0, 0},
    {{172, 16}, 12, "private", 0, 0},
    {{192, 0, 0}, 24, "reserved", 0, 0},
    {{192, 0, 2}, 24, "documentation", 0, 0},
    {{192, 88, 99}, 24, "reserved", 0, 0},
    {{192, 168}, 16, "private", 0, 0},
    {{198, 18}, 15, "benchmarking", 0, 0},
    {{198, 51, 100}, 24, "documentation", 0, 0},
    {{203, 0, 113}, 24, "documentation", 0, 0},
    {{224}, 4, "multicast", 0, 0},
    {{255, 255, 255, 255}, 32, "broadcast", 0, 0},
    {{240}, 4, "reserved", 0, 0},
};

static const special special6[] = {
    {{0}, 128, "unspecified", 0, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback", 0, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, NULL, 12, 0},
    {{0, 0x64, 0xff, 0x9b}, 96, NULL, 12, 0},           /* NAT64 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, "private", 0, 0}, /* local NAT64 */
    {{0x01}, 64, "discard", 0, 0},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation", 0, 0},
    {{0x3f, 0xff}, 20, "documentation", 0, 0},
    {{0x20, 0x01}, 32, NULL, 12, 0xff}, /* Teredo client */
    {{0x20, 0x01, 0, 0x02}, 48, "benchmarking", 0, 0},
    {{0x20, 0x01}, 23, "reserved", 0, 0},
    {{0x20, 0x02}, 16, NULL, 2, 0}, /* 6to4 */
    {{0xfc}, 7, "unique-local", 0, 0},
    {{0xfe, 0x80}, 10, "link-local", 0, 0},
    {{0xfe, 0xc0}, 10, "site-local", 0, 0},
    {{0xff}, 8, "multicast", 0, 0},
};

static const special *lookup (const special *t, size_t n, const uint8_t *b) {
  size_t i;
  for (i = 0; i < n; i++)
    if (same_prefix(t[i].prefix, b, t[i].bits))
      return &t[i];
  return NULL;
}

static const char *judge4 (const uint8_t *b) {
  const special *s = lookup(special4, sizeof special4 / sizeof special4[0], b);
  return s != NULL ? s->word : NULL;
}

static const char *judge6 (const uint8_t *b) {
  const special *s = lookup(special6, sizeof special6 / sizeof special6[0], b);
  uint8_t inner[4];
  int i;
  if (s == NULL)
    return b[0] >> 5 == 1 ? NULL : "reserved"; /* outside 2000::/3 */
  if (s->word != NULL)
    return s->word;
  for (i = 0; i < 4; i++)
    inner[i] = b[s->at + (unsigned)i] ^ s->flip;
  return judge4(inner);
}

const char *ds_ip_special (const ds_ip *ip) {
  if (ip->family == 4)
    return judge4(ip->bytes);
  return ip->family == 6 ? judge6(ip->bytes) : "unspecified";
}
