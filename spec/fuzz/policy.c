/* fuzz: util http dns -- HTTP responses, MTA-STS policies and what is kept of
   them */
#include "fuzz.h"

#include <string.h>

#include "deliver/sts.c" /* its room would need all others */
#include "http/response.h"

/* what is written comes back as it was */
static void again (const ds_sts_entry *e) {
  ds_sts_entry copy;
  ds_buf line;
  size_t i;
  ds_buf_init(&line);
  must(ds_sts_entry_write(e, &line) == DS_OK);
  must(ds_sts_entry_read(&copy, ds_buf_span(&line)) == 1);
  must(copy.policy.mode == e->policy.mode);
  must(copy.policy.max_age == e->policy.max_age);
  must(copy.policy.count == e->policy.count);
  must(copy.fetched == e->fetched && copy.checked == e->checked);
  must(strcmp(copy.id, e->id) == 0);
  for (i = 0; i < copy.policy.count; i++)
    must(strcmp(ds_sts_pattern(&copy.policy, i),
                ds_sts_pattern(&e->policy, i)) == 0);
  ds_sts_entry_clear(&copy);
  ds_buf_clear(&line);
}

static void policy (ds_span text) {
  ds_sts_entry e;
  ds_error error = {0};
  ds_sts_entry_init(&e);
  if (ds_sts_parse(text, &e.policy, &error) == DS_OK) {
    must(e.policy.mode == DS_STS_NONE || e.policy.count > 0);
    must(e.policy.max_age <= DS_STS_MAX_AGE);
    ds_sts_lists(&e.policy, "mx.example.test");
    again(&e);
  } else
    must(error.text[0] != '\0' && e.policy.patterns == NULL);
  ds_sts_entry_clear(&e);
  if (ds_sts_entry_read(&e, text) == 1)
    again(&e);
  ds_sts_entry_clear(&e);
}

static void record (ds_span text) {
  char id[DS_STS_ID];
  ds_dns_record r = {0};
  r.data = (unsigned char *)(uintptr_t)text.p;
  r.size = text.n;
  if (ds_sts_record(&r, 1, id))
    must(id[0] != '\0' && strlen(id) < DS_STS_ID);
}

/* in pieces of n octets it is the same as in one */
static int response (ds_http *h, ds_span text, size_t n) {
  ds_error e = {0};
  size_t at;
  int r = 0;
  ds_http_init(h);
  for (at = 0; at < text.n && r == 0; at += n)
    r = ds_http_feed(h, text.p + at, text.n - at < n ? text.n - at : n, &e);
  must(h->body.len <= DS_HTTP_BODY);
  must(r >= 0 || e.text[0] != '\0');
  return r == 0 ? ds_http_end(h, 1, &e) : r;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  ds_span text;
  ds_http whole, pieces;
  int r;
  if (size == 0)
    return 0;
  text = ds_span_of((const char *)data + 1, size - 1);
  policy(text);
  record(text);
  r = response(&whole, text, text.n > 0 ? text.n : 1);
  must(response(&pieces, text, data[0] + 1u) == r);
  must(whole.status == pieces.status && whole.body.len == pieces.body.len);
  if (r == 1)
    policy(ds_buf_span(&whole.body));
  ds_http_clear(&whole);
  ds_http_clear(&pieces);
  return 0;
}
