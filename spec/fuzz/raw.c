/* fuzz: util mime -- finished messages, and calendars */
#include "fuzz.h"

#include "mime/calendar.h"
#include "mime/message.h"
#include "mime/stream.h"

/* as many octets as it says, one kind of line end, and no Bcc */
static void check (ds_message *m) {
  char octets[1000];
  ds_error e = {0};
  ds_stream s;
  ds_source source;
  ds_buf all;
  size_t i;
  long n;
  ds_buf_init(&all);
  ds_stream_init(&s, &m->layout);
  source = ds_stream_source(&s);
  while ((n = source.read(source.ud, octets, sizeof octets, &e)) > 0)
    ds_buf_append(&all, octets, (size_t)n);
  must(n == 0 && all.len == ds_message_size(m));
  for (i = 0; i < all.len; i++) {
    const char *p = ds_buf_data(&all);
    must(p[i] != '\0');
    must((p[i] == '\r') == (i + 1 < all.len && p[i + 1] == '\n'));
  }
  must(all.len < 4 ||
       !ds_span_eqi(ds_span_of(ds_buf_data(&all), 4), ds_span_of("Bcc:", 4)));
  ds_stream_clear(&s);
  ds_buf_clear(&all);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  ds_span text = ds_span_of((const char *)data, size);
  ds_content c = ds_content_span(&text);
  char method[DS_CALENDAR_METHOD];
  ds_error e = {0};
  ds_message m;
  ds_message_init(&m);
  if (ds_message_raw(&m, &c, NULL, &e) == DS_OK)
    check(&m);
  ds_message_clear(&m);
  ds_error_clear(&e);
  if (ds_calendar_method(&c, method, &e) == DS_OK)
    must(strlen(method) < DS_CALENDAR_METHOD);
  return 0;
}
