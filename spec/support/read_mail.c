/* Read messages with GMime, as read_mail.py does with Python. */
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out (const char *key, const char *value, size_t n) {
  size_t i;
  printf("%s ", key);
  for (i = 0; i < n; i++)
    printf("%02x", (unsigned char)value[i]);
  printf("\n");
}

static void text (const char *key, const char *value) {
  out(key, value == NULL ? "" : value, value == NULL ? 0 : strlen(value));
}

static void joined (const char *key, const char *a, const char *b,
                    const char *c) {
  GString *s = g_string_new(a);
  g_string_append_len(s, "", 1);
  g_string_append(s, b);
  if (c != NULL) {
    g_string_append_len(s, "", 1);
    g_string_append(s, c);
  }
  out(key, s->str, s->len);
  g_string_free(s, TRUE);
}

static void mailboxes (const char *key, InternetAddressList *list) {
  int i, n = list == NULL ? 0 : internet_address_list_length(list);
  for (i = 0; i < n; i++) {
    InternetAddress *a = internet_address_list_get_address(list, i);
    const char *name = internet_address_get_name(a);
    if (INTERNET_ADDRESS_IS_MAILBOX(a))
      joined(key, name == NULL ? "" : name,
             internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a)),
             NULL);
  }
}

static void octets (const char *key, GMimePart *part) {
  GMimeStream *mem = g_mime_stream_mem_new();
  GMimeDataWrapper *content = g_mime_part_get_content(part);
  GByteArray *bytes;
  if (content != NULL)
    g_mime_data_wrapper_write_to_stream(content, mem);
  bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(mem));
  out(key, (const char *)bytes->data, bytes->len);
  g_object_unref(mem);
}

static void leaf (GMimeObject *parent, GMimeObject *part, gpointer ud) {
  GMimeContentType *t = g_mime_object_get_content_type(part);
  const char *name, *id, *how;
  char *kind;
  (void)parent;
  (void)ud;
  if (!GMIME_IS_PART(part))
    return;
  kind = g_mime_content_type_get_mime_type(t);
  name = g_mime_part_get_filename(GMIME_PART(part));
  id = g_mime_object_get_content_id(part);
  how = g_mime_object_get_disposition(part);
  if (id != NULL) {
    char *angled = g_strdup_printf("<%s>", id);
    joined("inline", angled, kind, name);
    g_free(angled);
    octets("octets", GMIME_PART(part));
  } else if (how != NULL && strcmp(how, "attachment") == 0) {
    joined("attachment", kind, name, NULL);
    octets("octets", GMIME_PART(part));
  } else
    octets(kind, GMIME_PART(part));
  g_free(kind);
}

static void date (GMimeMessage *m) {
  GDateTime *d = g_mime_message_get_date(m);
  char *s = g_date_time_format(d, "%Y-%m-%dT%H:%M:%S+00:00");
  text("date", s);
  g_free(s);
}

static void note (GMimeMessage *m) {
  GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(m));
  GMimeHeader *h = g_mime_header_list_get_header(list, "X-Note");
  text("note", g_mime_header_get_value(h));
}

static void read_one (const char *p, size_t n) {
  GMimeStream *s = g_mime_stream_mem_new_with_buffer(p, n);
  GMimeParser *parser = g_mime_parser_new_with_stream(s);
  GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);
  text("subject", g_mime_message_get_subject(m));
  mailboxes("from", g_mime_message_get_from(m));
  mailboxes("to", g_mime_message_get_to(m));
  mailboxes("cc", g_mime_message_get_cc(m));
  note(m);
  date(m);
  if (GMIME_IS_MULTIPART(g_mime_message_get_mime_part(m)))
    g_mime_message_foreach(m, leaf, NULL);
  else
    leaf(NULL, g_mime_message_get_mime_part(m), NULL);
  printf("end\n");
  g_object_unref(m);
  g_object_unref(parser);
  g_object_unref(s);
}

int main (int argc, char **argv) {
  FILE *f = fopen(argv[argc - 1], "rb");
  unsigned long n;
  g_mime_init();
  while (f != NULL && fscanf(f, "%lu", &n) == 1) {
    char *p = malloc(n + 1);
    if (fgetc(f) != '\n' || fread(p, 1, n, f) != n)
      return 1;
    read_one(p, n);
    free(p);
  }
  return f == NULL;
}
