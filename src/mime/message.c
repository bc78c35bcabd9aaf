#include "mime/message.h"

#include "mime/date.h"

void ds_message_init (ds_message *m) {
  memset(m, 0, sizeof *m);
}

static void free_chain (ds_part *holder) {
  while (holder->first != NULL) {
    ds_part *p = holder->first;
    holder->first = p->next;
    ds_part_free(p);
  }
}

void ds_message_clear (ds_message *m) {
  ds_buf_clear(&m->head);
  ds_part_free(m->plain);
  ds_part_free(m->html);
  free_chain(&m->inlines);
  free_chain(&m->files);
  ds_layout_clear(&m->layout);
  ds_message_init(m);
}

/* -- header fields -- */

static int no_memory (ds_error *e) {
  return ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL,
                      "not enough memory");
}

/* after each field: is the header still within its bounds? */
static int bounded (ds_message *m, ds_error *e) {
  if (ds_buf_failed(&m->head))
    return no_memory(e);
  if (++m->fields > DS_HEADERS)
    return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                        "more than %d header fields", DS_HEADERS);
  if (m->head.len > DS_HEADER_BLOCK)
    return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                        "a header of more than %d octets", DS_HEADER_BLOCK);
  return DS_OK;
}

int ds_message_text (ds_message *m, ds_span name, ds_span value, size_t widest,
                     ds_error *e) {
  int rc = ds_field_text(&m->head, name, value, widest, e);
  return rc == DS_ERR_USAGE ? rc : bounded(m, e);
}

int ds_message_mailboxes (ds_message *m, ds_span name, const ds_mailbox *list,
                          size_t count, ds_error *e) {
  ds_field f;
  size_t i;
  ds_field_begin(&f, &m->head, name);
  for (i = 0; i < count; i++) {
    ds_mailbox_field(&f, &list[i], i + 1 < count);
    if (list[i].utf8)
      m->flags |= DS_MESSAGE_UTF8;
  }
  ds_field_end(&f);
  return bounded(m, e);
}

int ds_message_idents (ds_message *m, ds_span name, const ds_span *list,
                       size_t count, ds_error *e) {
  void (*put)(ds_field *, ds_span);
  char token[DS_IDENT_MAX + 2];
  ds_field f;
  size_t i;
  ds_field_begin(&f, &m->head, name);
  for (i = 0; i < count; i++) {
    if (!ds_ident_ok(list[i], 0))
      return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                          "a Message-ID is left@right in printable ASCII");
    token[0] = '<';
    memcpy(token + 1, list[i].p, list[i].n);
    token[list[i].n + 1] = '>';
    put = i == 0 ? ds_field_first : ds_field_token;
    put(&f, ds_span_of(token, list[i].n + 2));
  }
  ds_field_end(&f);
  return bounded(m, e);
}

int ds_message_date (ds_message *m, int64_t seconds, long offset, ds_error *e) {
  char text[DS_DATE_TEXT];
  if (ds_date_format(seconds, offset, text) != DS_OK)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "this is no date between 1900 and 9999");
  return ds_message_text(m, ds_span_str("Date"), ds_span_str(text),
                         DS_FIELD_LINE, e);
}

/* -- bodies -- */

static int counted (ds_message *m, ds_error *e) {
  if (++m->parts <= DS_PARTS)
    return DS_OK;
  return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                      "more than %d parts", DS_PARTS);
}

static int text (ds_message *m, ds_part **where, const char *subtype,
                 const ds_content *c, ds_error *e) {
  int rc = counted(m, e);
  if (rc != DS_OK || *where != NULL)
    return rc != DS_OK ? rc : DS_ERR_STATE;
  *where = ds_part_text(subtype, c, m->allow_8bit, e);
  return *where != NULL ? DS_OK : e->code;
}

int ds_message_plain (ds_message *m, const ds_content *c, ds_error *e) {
  return text(m, &m->plain, "plain", c, e);
}

int ds_message_html (ds_message *m, const ds_content *c, ds_error *e) {
  return text(m, &m->html, "html", c, e);
}

static int hang (ds_message *m, ds_part *holder, const ds_attachment *a,
                 ds_error *e) {
  ds_part *p;
  int rc = counted(m, e);
  if (rc != DS_OK)
    return rc;
  if ((p = ds_part_attachment(a, m->allow_8bit, e)) == NULL)
    return e->code;
  ds_part_add(holder, p);
  return DS_OK;
}

int ds_message_inline (ds_message *m, const ds_attachment *a, ds_error *e) {
  return hang(m, &m->inlines, a, e);
}

int ds_message_attach (ds_message *m, const ds_attachment *a, ds_error *e) {
  return hang(m, &m->files, a, e);
}

/* -- the whole -- */

/* parts move as soon as there is one to move into, so each has one owner */
static void move (ds_part **p, ds_part *multi) {
  if (*p != NULL)
    ds_part_add(multi, *p);
  *p = NULL;
}

static void move_chain (ds_part *holder, ds_part *multi) {
  while (holder->first != NULL) {
    ds_part *p = holder->first;
    holder->first = p->next;
    p->next = NULL;
    ds_part_add(multi, p);
  }
}

/* m->plain becomes the root, m->html is gone */
static int assemble (ds_message *m, ds_random_fn random, void *ud,
                     ds_error *e) {
  ds_part *multi;
  if (m->inlines.first != NULL) {
    if ((multi = ds_part_multi("related", random, ud, e)) == NULL)
      return e->code;
    move(&m->html, multi);
    move_chain(&m->inlines, multi);
    m->html = multi;
  }
  if (m->plain != NULL && m->html != NULL) {
    if ((multi = ds_part_multi("alternative", random, ud, e)) == NULL)
      return e->code;
    move(&m->plain, multi);
    move(&m->html, multi);
    m->plain = multi;
  }
  if (m->files.first != NULL) {
    if ((multi = ds_part_multi("mixed", random, ud, e)) == NULL)
      return e->code;
    move(&m->plain, multi);
    move(&m->html, multi);
    move_chain(&m->files, multi);
    m->plain = multi;
  }
  if (m->plain == NULL) {
    m->plain = m->html;
    m->html = NULL;
  }
  return m->plain != NULL ? DS_OK : DS_ERR_STATE;
}

int ds_message_finish (ds_message *m, ds_random_fn random, void *ud,
                       ds_error *e) {
  int rc = assemble(m, random, ud, e);
  if (rc != DS_OK)
    return rc;
  if (ds_part_8bit(m->plain))
    m->flags |= DS_MESSAGE_8BIT;
  ds_buf_putspan(&m->layout.text, ds_buf_span(&m->head));
  ds_buf_puts(&m->layout.text, "MIME-Version: 1.0\r\n");
  rc = ds_layout_add(&m->layout, m->plain);
  return rc == DS_ERR_NOMEM ? no_memory(e) : rc;
}

uint64_t ds_message_size (const ds_message *m) {
  return ds_layout_size(&m->layout);
}
