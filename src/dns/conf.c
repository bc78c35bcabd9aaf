#include "dns/conf.h"

#define NAMESERVERS  3 /* as many as resolv.conf(5) knows */
#define MAX_TIMEOUT  30
#define MAX_ATTEMPTS 5

static int is_blank (int c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* cut the next word off the front of the line; empty at its end */
static ds_span next_word (ds_span *line) {
  size_t i = 0, start;
  ds_span word;
  while (i < line->n && is_blank(line->p[i]))
    i++;
  start = i;
  while (i < line->n && !is_blank(line->p[i]))
    i++;
  word = ds_span_of(line->p + start, i - start);
  *line = ds_span_of(line->p + i, line->n - i);
  return word;
}

/* "key:number" with the number between 1 and max; 0: another word */
static unsigned option_value (ds_span word, const char *key, unsigned max) {
  size_t n = strlen(key), i;
  unsigned v = 0;
  if (word.n <= n || memcmp(word.p, key, n) != 0)
    return 0;
  for (i = n; i < word.n; i++) {
    if (!ds_is_digit((unsigned char)word.p[i]))
      return 0;
    v = v * 10 + (unsigned)(word.p[i] - '0');
    if (v > max)
      v = max;
  }
  return v > 0 ? v : 1;
}

static void read_options (ds_span line, ds_dns_config *c) {
  ds_span word;
  while ((word = next_word(&line)).n > 0) {
    unsigned timeout = option_value(word, "timeout:", MAX_TIMEOUT);
    unsigned attempts = option_value(word, "attempts:", MAX_ATTEMPTS);
    if (timeout > 0)
      c->timeout = timeout * DS_SECOND;
    if (attempts > 0)
      c->attempts = attempts;
  }
}

static size_t read_server (ds_span line, ds_dns_config *c) {
  ds_span word = next_word(&line);
  ds_endpoint *e = &c->servers[c->count];
  if (c->count == DS_DNS_SERVERS || ds_ip_parse(word.p, word.n, &e->ip) != 0)
    return 0;
  e->port = 53;
  c->count++;
  return 1;
}

/* the keyword must start the line */
static int keyword (ds_span *line, const char *key) {
  size_t n = strlen(key);
  if (line->n <= n || memcmp(line->p, key, n) != 0 || !is_blank(line->p[n]))
    return 0;
  *line = ds_span_of(line->p + n, line->n - n);
  return 1;
}

static void local_servers (ds_dns_config *c) {
  ds_endpoint_parse("127.0.0.1", 9, 53, &c->servers[0]);
  ds_endpoint_parse("::1", 3, 53, &c->servers[1]);
  c->count = 2;
}

void ds_dns_conf_parse (ds_span text, ds_dns_config *c) {
  size_t at = 0, read = 0;
  while (at < text.n) {
    const char *p = text.p + at;
    const char *end = (const char *)memchr(p, '\n', text.n - at);
    ds_span line = ds_span_of(p, end ? (size_t)(end - p) : text.n - at);
    at += line.n + 1;
    if (keyword(&line, "options"))
      read_options(line, c);
    else if (read < NAMESERVERS && keyword(&line, "nameserver"))
      read += read_server(line, c);
  }
  if (c->count == 0)
    local_servers(c);
}
