#include "mime/message.h"

#include <stdio.h>

#include "mime/calendar.h"
#include "mime/date.h"
#include "mime/utf8.h"
#include "util/mem.h"

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
  ds_part_free(m->calendar);
  free_chain(&m->inlines);
  free_chain(&m->files);
  ds_layout_clear(&m->layout);
  ds_message_init(m);
}

/* -- header fields -- */

/* after each field: is the header still within its bounds? */
static int bounded (ds_message *m, ds_error *e) {
  if (ds_buf_failed(&m->head))
    return ds_error_nomem(e);
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
  if (m->head.len > DS_HEADER_BLOCK && !ds_buf_failed(&m->head))
    return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                        "a header has %d octets, and these do not fit: "
                        "recipients in bcc or envelope.recipients may be any "
                        "number",
                        DS_HEADER_BLOCK);
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

static int list_ok (ds_span id) {
  size_t i;
  for (i = 0; i < id.n; i++)
    if (id.p[i] != '.' && (!ds_mailbox_atext((unsigned char)id.p[i]) ||
                           (unsigned char)id.p[i] >= 0x80))
      return 0;
  return id.n <= 255 && ds_mailbox_dots_ok(id) &&
         memchr(id.p, '.', id.n) != NULL;
}

int ds_message_list (ds_message *m, ds_span name, ds_span id, ds_error *e) {
  char token[258];
  ds_field f;
  if (!list_ok(id))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "the name of a list is atoms and dots in ASCII, like "
                        "news.example.com");
  if (!ds_utf8_line(name) || name.n > DS_NAME_MAX)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "this cannot stand before the name of a list");
  token[0] = '<';
  memcpy(token + 1, id.p, id.n);
  token[id.n + 1] = '>';
  ds_field_begin(&f, &m->head, ds_span_str("List-Id"));
  if (name.n > 0)
    ds_mailbox_phrase(&f, name);
  ds_field_token(&f, ds_span_of(token, id.n + 2));
  ds_field_end(&f);
  return bounded(m, e);
}

/* -- bodies -- */

static int counted (ds_message *m, ds_error *e) {
  if (++m->parts <= DS_PARTS)
    return DS_OK;
  return ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                      "more than %d parts", DS_PARTS);
}

static int taken (ds_message *m, const ds_part *p) {
  if (p->fragile)
    m->flags |= DS_MESSAGE_FRAGILE;
  return DS_OK;
}

static int text (ds_message *m, ds_part **where, const char *subtype,
                 const ds_content *c, const ds_scan *seen, ds_error *e) {
  int rc = counted(m, e);
  if (rc != DS_OK || *where != NULL)
    return rc != DS_OK ? rc : DS_ERR_STATE;
  *where = ds_part_text(subtype, c, seen, m->care, e);
  return *where != NULL ? taken(m, *where) : (int)e->code;
}

int ds_message_plain (ds_message *m, const ds_content *c, const ds_scan *seen,
                      ds_error *e) {
  return text(m, &m->plain, "plain", c, seen, e);
}

int ds_message_html (ds_message *m, const ds_content *c, const ds_scan *seen,
                     ds_error *e) {
  return text(m, &m->html, "html", c, seen, e);
}

static int hang (ds_message *m, ds_part *holder, const ds_attachment *a,
                 ds_error *e) {
  ds_part *p;
  int rc = counted(m, e);
  if (rc != DS_OK)
    return rc;
  if ((p = ds_part_attachment(a, m->care, e)) == NULL)
    return e->code;
  ds_part_add(holder, p);
  return taken(m, p);
}

int ds_message_inline (ds_message *m, const ds_attachment *a, ds_error *e) {
  return hang(m, &m->inlines, a, e);
}

int ds_message_attach (ds_message *m, const ds_attachment *a, ds_error *e) {
  return hang(m, &m->files, a, e);
}

static int as_invitation (ds_message *m, const ds_content *c, ds_error *e) {
  ds_attachment a;
  memset(&a, 0, sizeof a);
  a.content = *c;
  a.name = ds_span_str("invite.ics");
  a.type = ds_span_str("application/ics");
  return ds_message_attach(m, &a, e);
}

int ds_message_calendar (ds_message *m, const ds_content *c, ds_span method,
                         ds_error *e) {
  char own[DS_CALENDAR_METHOD], type[64];
  int rc = ds_calendar_method(c, own, e);
  if (rc == DS_ERR_NOMEM)
    return ds_error_nomem(e);
  if (rc != DS_OK)
    return rc;
  if (method.n > 0 && !ds_span_eqi(method, ds_span_str(own)))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "method",
                        "the calendar itself says METHOD:%s", own);
  snprintf(type, sizeof type, "calendar%s%s", own[0] != '\0' ? "; method=" : "",
           own);
  rc = text(m, &m->calendar, type, c, NULL, e);
  return rc == DS_OK ? as_invitation(m, c, e) : rc;
}

int ds_message_nest (ds_message *m, const ds_message *inner,
                     const ds_attachment *a, ds_error *e) {
  int eight = (inner->flags & DS_MESSAGE_8BIT) != 0;
  int global = (inner->flags & DS_MESSAGE_UTF8) != 0;
  ds_part *p;
  int rc;
  if ((eight || global) && m->care != DS_CARE_8BIT)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "the message in it is not 7-bit clean and cannot be "
                        "encoded: say encoding = \"8bit\", or attach it as a "
                        "file of another type");
  if (inner->flags & DS_MESSAGE_FRAGILE && m->care == DS_CARE_SIGNED)
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL,
                        "the message in it has lines that end in a blank or "
                        "begin with \"From \", which would not stay as they "
                        "are signed: give it as a table, not built, or as a "
                        "file of another type");
  m->parts += inner->parts;
  if ((rc = counted(m, e)) != DS_OK)
    return rc;
  if ((p = ds_part_message(a, eight || global, global, e)) == NULL)
    return e->code;
  p->depth = inner->depth;
  m->flags |= inner->flags & (DS_MESSAGE_UTF8 | DS_MESSAGE_FRAGILE);
  ds_part_add(&m->files, p);
  return DS_OK;
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

/* how many ways there are to see what it says */
static int ways (const ds_message *m) {
  return (m->plain != NULL) + (m->html != NULL) + (m->calendar != NULL);
}

static ds_part *only (ds_message *m) {
  ds_part *p = m->plain != NULL  ? m->plain
               : m->html != NULL ? m->html
                                 : m->calendar;
  m->plain = m->html = m->calendar = NULL;
  return p;
}

/* the root becomes m->plain; m->html and m->calendar are gone then */
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
  if (ways(m) > 1) {
    if ((multi = ds_part_multi("alternative", random, ud, e)) == NULL)
      return e->code;
    move(&m->plain, multi);
    move(&m->html, multi);
    move(&m->calendar, multi);
    m->plain = multi;
  }
  m->plain = only(m);
  if (m->files.first != NULL) {
    if ((multi = ds_part_multi("mixed", random, ud, e)) == NULL)
      return e->code;
    move(&m->plain, multi);
    move_chain(&m->files, multi);
    m->plain = multi;
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
  m->depth = ds_part_depth(m->plain);
  rc = ds_layout_add(&m->layout, m->plain);
  if (rc == DS_ERR_LIMIT)
    ds_error_set(e, DS_ERR_LIMIT, DS_KIND_USAGE, NULL,
                 "parts in parts more than %d deep", DS_DEPTH);
  return rc == DS_ERR_NOMEM ? ds_error_nomem(e) : rc;
}

uint64_t ds_message_size (const ds_message *m) {
  return ds_layout_size(&m->layout);
}
