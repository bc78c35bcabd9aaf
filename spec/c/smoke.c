/*
** smoke HOST PORT FROM TO: deliver one message with the C library alone
** and print what became of it.  Exit 0: delivered.
*/
#include <directsend.h>
#include <stdio.h>
#include <stdlib.h>

static const char text[] = "From: Scanner <scanner@contoso.test>\r\n"
                           "Subject: from C\r\n"
                           "\r\n"
                           "No Lua in here.\r\n";

/* ds_source over a string */
static long read_text (void *ud, void *p, size_t n, ds_error *e) {
  size_t *at = ud;
  size_t left = sizeof(text) - 1 - *at;
  (void)e;
  if (n > left)
    n = left;
  memcpy(p, text + *at, n);
  *at += n;
  return (long)n;
}

static int rewind_text (void *ud, ds_error *e) {
  (void)e;
  *(size_t *)ud = 0;
  return 0;
}

static int complain (const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

static ds_delivery *open_delivery (char **argv, ds_error *e) {
  ds_delivery_config c;
  ds_time *t = (ds_time *)&c.timeouts;
  size_t i;
  memset(&c, 0, sizeof(c));
  c.destination = argv[1];
  c.pinned = 1;
  c.port = (uint16_t)atoi(argv[2]);
  c.hostname = "client.contoso.test";
  c.policy = "config";
  c.level = DS_LEVEL_REQUIRED;
  for (i = 0; i < sizeof(c.timeouts) / sizeof(*t); i++)
    t[i] = 30 * DS_SECOND;
  ds_sys_native(&c.sys);
  return ds_delivery_new(&c, e);
}

static void give_message (ds_delivery *d, char **argv, const ds_source *s) {
  ds_envelope m;
  ds_span to = ds_span_str(argv[4]);
  memset(&m, 0, sizeof(m));
  m.sender = ds_span_str(argv[3]);
  m.recipients = &to;
  m.count = 1;
  m.size = sizeof(text) - 1;
  m.source = s;
  ds_delivery_message(d, ds_now(), &m);
}

static void print_row (const ds_row *r) {
  printf("outcome=%s tls=%s reply=%s%s\n", ds_outcome_name(r->outcome),
         r->tls.version, r->reply, r->text);
}

int main (int argc, char **argv) {
  static const ds_tls_config trust; /* the system's */
  const ds_tls_backend *tls;
  ds_tls_ctx *ctx;
  ds_source source = {read_text, rewind_text, NULL};
  size_t at = 0;
  int given = 0, delivered = 0, status;
  ds_error e;
  ds_delivery *d;
  ds_loop *loop;
  ds_op op;

  if (argc != 5)
    return complain("usage", "smoke HOST PORT FROM TO");
  source.ud = &at;
  ds_error_clear(&e);
  tls = ds_tls_openssl(&e);
  ctx = tls == NULL ? NULL : tls->ctx_new(&trust, &e);
  d = ctx == NULL ? NULL : open_delivery(argv, &e);
  if (d == NULL)
    return complain("delivery", e.text);
  loop = ds_loop_new();
  if (loop == NULL || ds_loop_add(loop, d) != 0)
    return complain("loop", "out of memory");

  while ((status = ds_loop_wait(loop, &d, &op)) > 0) {
    if (status != DS_LOOP_OP)
      continue;
    if (op.op == DS_OP_NEXT && !given) {
      give_message(d, argv, &source);
      given = 1;
    } else if (op.op == DS_OP_NEXT) {
      ds_delivery_no_more(d, ds_now());
    } else if (op.op == DS_OP_CONTEXT) {
      ds_delivery_context(d, ds_now(), tls, ctx);
    } else if (op.op == DS_OP_RESULT) {
      print_row(op.row);
      delivered = op.row->outcome == DS_DELIVERED;
    } else if (op.op == DS_OP_DONE) {
      ds_delivery_free(d);
    }
  }
  ds_loop_free(loop);
  tls->ctx_free(ctx);
  return delivered ? 0 : 1;
}
