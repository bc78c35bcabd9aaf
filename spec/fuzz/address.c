/* fuzz: util mime -- mailboxes, and lists of them */
#include "fuzz.h"

#include "mime/address.h"

/* what was read is written so that it reads the same */
static void check (const ds_mailbox *m) {
  static const ds_mailbox_rules path = {
      DS_MAILBOX_PATH | DS_MAILBOX_LITERALS | DS_MAILBOX_BARE, NULL, NULL};
  char text[DS_PATH_MAX + 1];
  size_t i, n = ds_mailbox_path(m, text);
  ds_error e = {0};
  ds_mailbox again;
  must(n <= DS_PATH_MAX && text[n] == '\0');
  for (i = 0; i < n; i++)
    must((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
  must(ds_address_parse(&again, ds_span_of(text, n), &path, &e) == DS_OK);
  must(strcmp(again.local, m->local) == 0);
  must(strcmp(again.domain, m->domain) == 0);
  must(again.utf8 == m->utf8);
  ds_mailbox_clear(&again);
}

static void parse (ds_span s, const ds_mailbox_rules *rules) {
  ds_address_list list;
  ds_error e = {0};
  ds_mailbox m;
  if (ds_address_parse(&m, s, rules, &e) == DS_OK) {
    check(&m);
    ds_mailbox_clear(&m);
  }
  ds_error_clear(&e);
  ds_address_list_init(&list, s, rules);
  while (ds_address_next(&list, &m, &e) == 1) {
    check(&m);
    ds_mailbox_clear(&m);
  }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  ds_mailbox_rules rules = {0, NULL, NULL};
  if (size == 0)
    return 0;
  rules.how = data[0] & 7;
  parse(ds_span_of((const char *)data + 1, size - 1), &rules);
  return 0;
}
