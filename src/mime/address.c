#include "mime/address.h"

#include "mime/utf8.h"

/* text that ds_utf8_line has passed, and how far it is read */
typedef struct cursor {
  const char *p, *end;
  const ds_mailbox_rules *rules;
} cursor;

/* the words before an '@', '<' or ':': a local part or a name */
typedef struct words {
  char text[DS_NAME_MAX]; /* with one space between them, nothing quoted */
  size_t n;
  size_t count;
  int local; /* the first can be a local part as it stands */
} words;

static int at (const cursor *c) {
  return c->p < c->end ? (unsigned char)*c->p : -1;
}

/* one comment, with those inside it; 0: it does not end */
static int comment (cursor *c) {
  size_t depth = 0;
  do {
    if (*c->p == '\\' && c->p + 1 < c->end)
      c->p++;
    else if (*c->p == '(')
      depth++;
    else if (*c->p == ')')
      depth--;
    c->p++;
  } while (depth > 0 && c->p < c->end);
  return depth == 0;
}

/* spaces and comments, where they may stand at all; 0: a comment is open */
static int skip (cursor *c) {
  if (c->rules->how & DS_MAILBOX_PATH)
    return 1;
  for (;;) {
    if (at(c) == ' ')
      c->p++;
    else if (at(c) != '(')
      return 1;
    else if (!comment(c))
      return 0;
  }
}

/* a quoted-string into out (as much as `most`); its length, -1: no end,
   too long */
static long quoted (cursor *c, char *out, size_t most) {
  size_t n = 0;
  for (c->p++; at(c) != '"'; c->p++) {
    if (at(c) == '\\')
      c->p++;
    if (c->p >= c->end || n == most)
      return -1;
    out[n++] = *c->p;
  }
  c->p++;
  return (long)n;
}

/* a dot-atom; its length as it stands, 0: there is none */
static size_t dot_atom (cursor *c, ds_span *s) {
  const char *p = c->p;
  while (p < c->end && (ds_mailbox_atext((unsigned char)*p) || *p == '.'))
    p++;
  *s = ds_span_of(c->p, (size_t)(p - c->p));
  c->p = p;
  return s->n;
}

static int add_word (cursor *c, words *w, ds_error *e) {
  size_t gap = w->count > 0;
  ds_span s;
  if (w->n + gap >= sizeof w->text)
    return ds_error_usage(e, "the name is longer than 1024 octets");
  if (gap)
    w->text[w->n++] = ' ';
  if (at(c) == '"') {
    long n = quoted(c, w->text + w->n, sizeof w->text - w->n);
    if (n < 0)
      return ds_error_usage(e, "a quoted part is too long or does not end");
    w->n += (size_t)n;
    w->local = 1;
  } else {
    if (dot_atom(c, &s) > sizeof w->text - w->n)
      return ds_error_usage(e, "the name is longer than 1024 octets");
    memcpy(w->text + w->n, s.p, s.n);
    w->n += s.n;
    w->local = ds_mailbox_dots_ok(s);
  }
  w->count++;
  return DS_OK;
}

/* as many words as there are, and the space behind them */
static int read_words (cursor *c, words *w, ds_error *e) {
  int rc = DS_OK;
  w->n = w->count = 0;
  w->local = 0;
  while (rc == DS_OK) {
    if (!skip(c))
      return ds_error_usage(e, "a comment does not end");
    if (at(c) != '"' && at(c) != '.' && !ds_mailbox_atext(at(c)))
      break;
    rc = add_word(c, w, e);
  }
  return rc;
}

/* what stands behind the '@', as it stands */
static ds_span read_domain (cursor *c) {
  const char *from;
  ds_span s;
  skip(c);
  from = c->p;
  if (at(c) != '[') {
    dot_atom(c, &s);
    return s;
  }
  while (c->p < c->end && *c->p != ']')
    c->p++;
  if (c->p < c->end)
    c->p++;
  return ds_span_of(from, (size_t)(c->p - from));
}

/* the address whose local part is in w; the cursor is on its '@' if it has
   one */
static int read_spec (cursor *c, const words *w, ds_span name, ds_mailbox *m,
                      ds_error *e) {
  ds_span local = ds_span_of(w->text, w->n), domain = ds_span_of(NULL, 0);
  if (w->count == 0)
    return ds_error_usage(e, at(c) == '@' ? "nothing stands before the @"
                                          : "there is no address");
  if (w->count > 1 || !w->local)
    return ds_error_usage(e, "the part before the @ needs quotes, or is none");
  if (at(c) == '@') {
    c->p++;
    domain = read_domain(c);
    if (domain.n == 0) /* nor may it be left out */
      return ds_error_usage(e, "the domain is missing");
  } else if (!(c->rules->how & DS_MAILBOX_BARE))
    return ds_error_usage(e, "there is no @ in it");
  if (!skip(c))
    return ds_error_usage(e, "a comment does not end");
  return ds_mailbox_set(m, name, local, domain, c->rules, e);
}

static int read_angle (cursor *c, const words *name, ds_mailbox *m,
                       ds_error *e) {
  words w;
  int rc;
  c->p++;
  if ((rc = read_words(c, &w, e)) != DS_OK)
    return rc;
  rc = read_spec(c, &w, ds_span_of(name->text, name->n), m, e);
  if (rc != DS_OK)
    return rc;
  if (at(c) == '>') {
    c->p++;
    if (skip(c))
      return DS_OK;
  }
  ds_mailbox_clear(m);
  return ds_error_usage(
      e, "the address does not end where its < > or comment does");
}

/* one mailbox, or (1) the name of a group and its ':' */
static int read_mailbox (cursor *c, ds_mailbox *m, ds_error *e) {
  words w;
  int rc = read_words(c, &w, e);
  if (rc != DS_OK)
    return rc;
  if (at(c) == ':' && w.count > 0) {
    c->p++;
    return 1;
  }
  if (at(c) == '<' && !(c->rules->how & DS_MAILBOX_PATH))
    return read_angle(c, &w, m, e);
  return read_spec(c, &w, ds_span_of(NULL, 0), m, e);
}

static int open_cursor (cursor *c, ds_span s, const ds_mailbox_rules *rules,
                        int check, ds_error *e) {
  c->p = s.p;
  c->end = s.p + s.n;
  c->rules = rules;
  if (check && !ds_utf8_line(s))
    return ds_error_usage(
        e, "control characters and invalid UTF-8 cannot stand in an "
           "address");
  return DS_OK;
}

int ds_address_parse (ds_mailbox *m, ds_span s, const ds_mailbox_rules *rules,
                      ds_error *e) {
  cursor c;
  int rc;
  memset(m, 0, sizeof *m);
  if ((rc = open_cursor(&c, s, rules, 1, e)) != DS_OK ||
      (rc = read_mailbox(&c, m, e)) < 0)
    return rc;
  if (rc == DS_OK && c.p == c.end)
    return DS_OK;
  ds_mailbox_clear(m);
  if (at(&c) == ',' || rc == 1)
    return ds_error_usage(e,
                          "one address is wanted here, not a list or a group");
  return ds_error_usage(e, "something stands behind the address");
}

void ds_address_list_init (ds_address_list *l, ds_span s,
                           const ds_mailbox_rules *rules) {
  l->rest = s;
  l->rules = rules;
  l->begun = l->group = 0;
}

/* over what separates members; 0: a comment is open */
static int separators (cursor *c, int *group) {
  for (;;) {
    if (!skip(c))
      return 0;
    if (at(c) != ',' && !(at(c) == ';' && *group))
      return 1;
    *group = *group && at(c) == ',';
    c->p++;
  }
}

/* 1: a mailbox, 0: the end */
static int read_member (cursor *c, int *group, ds_mailbox *m, ds_error *e) {
  int rc;
  for (;;) {
    if (!separators(c, group))
      return ds_error_usage(e, "a comment does not end");
    if (c->p == c->end)
      return 0;
    if ((rc = read_mailbox(c, m, e)) != 1)
      break;
    if (*group)
      return ds_error_usage(e, "a group stands in a group");
    *group = 1;
  }
  if (rc != DS_OK || c->p == c->end || at(c) == ',' || (at(c) == ';' && *group))
    return rc != DS_OK ? rc : 1;
  ds_mailbox_clear(m);
  return ds_error_usage(e, "something stands behind an address");
}

int ds_address_next (ds_address_list *l, ds_mailbox *m, ds_error *e) {
  cursor c;
  int rc = open_cursor(&c, l->rest, l->rules, !l->begun, e);
  l->begun = 1;
  memset(m, 0, sizeof *m);
  if (rc != DS_OK || (rc = read_member(&c, &l->group, m, e)) < 0)
    return rc;
  l->rest = ds_span_of(c.p, (size_t)(c.end - c.p));
  return rc;
}
