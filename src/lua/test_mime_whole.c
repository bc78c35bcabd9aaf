/* the door to mime, second part: parts, layouts, streams, whole messages */
#include <string.h>

#include "lua/compat.h"
#include "lua/test_mime.h"
#include "mime/address.h"
#include "mime/message.h"
#include "mime/stream.h"

/* content that tells one size and has another, gives its octets a few at a
   time, and every other time none yet */
typedef struct odd {
  ds_span data;
  size_t step;
  int wait; /* … is due */
  int waits;
  int fails; /* at the end */
} odd;

static long read_odd (void *ud, uint64_t at, void *p, size_t n, ds_error *e) {
  odd *o = (odd *)ud;
  o->wait = o->waits && !o->wait;
  if (o->wait)
    return DS_SOURCE_WAIT;
  if (at >= o->data.n)
    return o->fails ? ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, "x", "gone")
                    : 0;
  if (n > o->step)
    n = o->step;
  if (n > o->data.n - (size_t)at)
    n = o->data.n - (size_t)at;
  memcpy(p, o->data.p + at, n);
  return (long)n;
}

static lua_Integer number (lua_State *L, const char *key, lua_Integer usual) {
  lua_Integer n;
  lua_getfield(L, 1, key);
  n = lua_isnil(L, -1) ? usual : lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

static void drain (lua_State *L, ds_source *s, size_t n) {
  char octets[512];
  ds_error e = {0};
  lua_Integer waited = 0;
  luaL_Buffer b;
  long k;
  luaL_buffinit(L, &b);
  while ((k = s->read(s->ud, octets, n, &e)) > 0 || k == DS_SOURCE_WAIT) {
    if (k > 0)
      luaL_addlstring(&b, octets, (size_t)k);
    else
      waited++;
  }
  luaL_pushresult(&b);
  lua_pushinteger(L, k < 0 ? k : waited);
  lua_pushstring(L, e.text);
  lua_pushinteger(L, s->read(s->ud, octets, n, &e)); /* it says so again */
}

/*
** stream{data=, size=, step=, read=, wait=, fail=, skip=}: a base64 body
** between two texts, read twice: octets, waits or error code, error text, code
** of one read more; both times
*/
static int stream (lua_State *L) {
  size_t n = (size_t)number(L, "read", 100);
  ds_layout l;
  ds_part p;
  ds_stream s;
  ds_source source;
  odd o;
  memset(&l, 0, sizeof l);
  memset(&p, 0, sizeof p);
  memset(&o, 0, sizeof o);
  lua_getfield(L, 1, "data");
  o.data.p = luaL_checklstring(L, -1, &o.data.n);
  o.step = (size_t)number(L, "step", 100000);
  o.waits = (int)number(L, "wait", 0);
  o.fails = (int)number(L, "fail", 0);
  p.content.read = read_odd;
  p.content.ud = &o;
  p.content.size = (uint64_t)number(L, "size", (lua_Integer)o.data.n);
  p.how = DS_ENC_BASE64;
  p.skip = (uint64_t)number(L, "skip", 0);
  p.size = ds_base64_size(p.content.size) - p.skip;
  ds_buf_puts(&l.text, "before\r\n");
  ds_layout_body(&l, &p);
  ds_buf_puts(&l.text, "after\r\n");
  ds_stream_init(&s, &l);
  source = ds_stream_source(&s);
  drain(L, &source, n < 512 ? n : 512);
  source.rewind(source.ud, NULL);
  drain(L, &source, n < 512 ? n : 512);
  lua_pushnumber(L, (lua_Number)ds_layout_size(&l));
  ds_stream_clear(&s);
  ds_layout_clear(&l);
  return 9;
}

static int no_random (void *ud, void *p, size_t n) {
  if (ud == NULL)
    return DS_ERR_LOCAL;
  memset(p, *(const char *)ud, n);
  return DS_OK;
}

/* depth(n): the code of laying out a text n multiparts deep */
static int depth (lua_State *L) {
  static const ds_span data = {"x", 1};
  ds_content c = ds_content_span(&data);
  lua_Integer i, n = luaL_checkinteger(L, 1);
  ds_part *multi, *p = ds_part_text("plain", &c, NULL, 0, NULL);
  char mark = 'x';
  ds_layout l;
  memset(&l, 0, sizeof l);
  for (i = 0; i < n; i++) {
    multi = ds_part_multi("mixed", no_random, &mark, NULL);
    ds_part_add(multi, p);
    p = multi;
  }
  lua_pushinteger(L, ds_layout_add(&l, p));
  ds_layout_clear(&l);
  ds_part_free(p);
  return 1;
}

#define SPAN(z) ds_span_of(z, sizeof(z) - 1)

static int header (ds_message *m, ds_error *e) {
  static const ds_mailbox_rules rules = {0, NULL, NULL};
  ds_mailbox box[2];
  ds_span id = SPAN("a@example.com");
  int rc = ds_mailbox_set(&box[0], SPAN("J\xc3\xb6rg"), SPAN("a"),
                          SPAN("example.com"), &rules, e);
  if (rc != DS_OK)
    return rc;
  rc = ds_mailbox_set(&box[1], SPAN("B"), SPAN("b"), SPAN("example.com"),
                      &rules, e);
  if (rc == DS_OK && (rc = ds_message_date(m, 0, 0, e)) == DS_OK &&
      (rc = ds_message_mailboxes(m, SPAN("From"), box, 2, e)) == DS_OK &&
      (rc = ds_message_idents(m, SPAN("Message-ID"), &id, 1, e)) == DS_OK)
    rc = ds_message_text(m, SPAN("Subject"), SPAN("\xc3\xa4 long subject"),
                         DS_FIELD_FOLD, e);
  ds_mailbox_clear(&box[0]);
  ds_mailbox_clear(&box[1]);
  return rc;
}

static int bodies (ds_message *m, const ds_span *data, ds_random_fn random,
                   ds_error *e) {
  ds_content c = ds_content_span(data);
  ds_attachment a;
  char mark = 'x';
  int rc;
  memset(&a, 0, sizeof a);
  a.content = c;
  a.name = SPAN("\xc3\xa4.txt");
  a.cid = SPAN("logo");
  if ((rc = ds_message_plain(m, &c, NULL, e)) != DS_OK ||
      (rc = ds_message_html(m, &c, NULL, e)) != DS_OK ||
      (rc = ds_message_inline(m, &a, e)) != DS_OK ||
      (rc = ds_message_attach(m, &a, e)) != DS_OK)
    return rc;
  return ds_message_finish(m, random, &mark, e);
}

/* all octets twice: 0, or the error; how many in all */
static int read_twice (ds_message *m, uint64_t *total, ds_error *e) {
  char octets[1000];
  ds_stream s;
  ds_source source;
  long n = 0;
  int pass;
  ds_stream_init(&s, &m->layout);
  source = ds_stream_source(&s);
  for (pass = 0; pass < 2 && n == 0; pass++) {
    while ((n = source.read(source.ud, octets, sizeof octets, e)) > 0)
      *total += (uint64_t)n;
    if (n == 0)
      n = source.rewind(source.ud, e);
  }
  ds_stream_clear(&s);
  return (int)n;
}

/* whole(raw): build a message of every kind of part, or a raw one, and read it
   twice: true, or nil, text, code, field */
static int whole (lua_State *L) {
  ds_span data = SPAN("To: a@example.com\nBcc: b@example.com\n\n"
                      "caf\xc3\xa9\n");
  ds_content c = ds_content_span(&data);
  ds_error e = {0};
  ds_message m;
  uint64_t total = 0;
  int rc;
  ds_message_init(&m);
  if (lua_toboolean(L, 1))
    rc = ds_message_raw(&m, &c, NULL, &e);
  else if ((rc = header(&m, &e)) == DS_OK)
    rc = bodies(&m, &data, no_random, &e);
  if (rc == DS_OK)
    rc = read_twice(&m, &total, &e);
  if (rc == DS_OK && total != 2 * ds_message_size(&m))
    rc = DS_ERR_STATE;
  ds_message_clear(&m);
  if (rc == DS_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, e.text);
  lua_pushinteger(L, rc);
  return 3;
}

/* misuse(): what a message without body, with two of one kind, or without
   random octets answers */
static int misuse (lua_State *L) {
  ds_span data = SPAN("x");
  ds_content c = ds_content_span(&data);
  ds_error e = {0};
  ds_message m;
  ds_message_init(&m);
  lua_pushinteger(L, ds_message_finish(&m, no_random, NULL, &e));
  ds_message_plain(&m, &c, NULL, &e);
  lua_pushinteger(L, ds_message_plain(&m, &c, NULL, &e));
  ds_message_html(&m, &c, NULL, &e);
  lua_pushinteger(L, ds_message_finish(&m, no_random, NULL, &e));
  ds_message_clear(&m);
  return 3;
}

static int count_call (void *ud, ds_span domain, char out[DS_DOMAIN_MAX + 1],
                       ds_error *e) {
  (void)domain;
  (void)e;
  ++*(lua_Integer *)ud;
  memcpy(out, "a.example", sizeof "a.example");
  return DS_OK;
}

/* wide(address): how often its domain was handed to a converter; why not */
static int wide (lua_State *L) {
  ds_mailbox_rules rules = {0, count_call, NULL};
  lua_Integer calls = 0;
  ds_error e = {0};
  ds_span text;
  ds_mailbox m;
  text.p = luaL_checklstring(L, 1, &text.n);
  rules.ud = &calls;
  if (ds_address_parse(&m, text, &rules, &e) == DS_OK)
    ds_mailbox_clear(&m);
  lua_pushinteger(L, calls);
  lua_pushstring(L, e.text);
  return 2;
}

void ds_test_mime_whole (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"stream", stream}, {"depth", depth}, {"whole", whole},
      {"misuse", misuse}, {"wide", wide},   {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
