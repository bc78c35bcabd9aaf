/*
** alert FROM TO SUBJECT TEXT [FILE]: one mail, a file hung on to it, straight
** to the host that takes TO's mail, by the C library alone.  Exit 0: delivered.
**
**   make lib && sudo make install-lib
**   cc -o alert alert.c $(pkg-config --cflags --libs directsend)
**
** ALERT_HOST and ALERT_PORT in the environment: to that host instead.
*/
#include <directsend.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct letter {
  ds_mailbox from, to;
  ds_span text;
  ds_file file; /* if there is one */
  ds_message message;
  ds_stream stream; /* reads it */
  ds_source source; /* the same, as a delivery wants it */
} letter;

/* -- writing it -- */

static int write_ident (letter *l, ds_error *e) {
  unsigned char octets[16];
  char text[2 * sizeof octets + 1 + DS_DOMAIN_MAX + 1];
  ds_span ident;
  size_t i;
  if (ds_random(NULL, octets, sizeof octets) != 0)
    return DS_ERR_LOCAL;
  for (i = 0; i < sizeof octets; i++)
    snprintf(text + 2 * i, 3, "%02x", (unsigned)octets[i]);
  snprintf(text + 2 * i, sizeof text - 2 * i, "@%s", l->from.domain);
  ident = ds_span_str(text);
  return ds_message_idents(&l->message, ds_span_str("Message-ID"), &ident, 1,
                           e);
}

static int write_header (letter *l, const char *subject, ds_error *e) {
  ds_message *m = &l->message;
  int64_t now = ds_unix_time();
  int rc = ds_message_date(m, now, ds_zone(now) * 60L, e);
  if (rc == 0)
    rc = ds_message_mailboxes(m, ds_span_str("From"), &l->from, 1, e);
  if (rc == 0)
    rc = ds_message_mailboxes(m, ds_span_str("To"), &l->to, 1, e);
  if (rc == 0)
    rc = ds_message_text(m, ds_span_str("Subject"), ds_span_str(subject),
                         DS_FIELD_FOLD, e);
  return rc == 0 ? write_ident(l, e) : rc;
}

static int attach (letter *l, const char *path, ds_error *e) {
  ds_attachment a;
  int rc = ds_file_open(&l->file, path, e);
  if (rc != 0)
    return rc;
  memset(&a, 0, sizeof a);
  a.content = ds_file_content(&l->file);
  a.name = ds_span_str(path);
  return ds_message_attach(&l->message, &a, e);
}

/* what it is made of is read as it is sent, and stays in *l till then */
static int write_letter (letter *l, char **argv, ds_error *e) {
  static const ds_mailbox_rules rules = {0, NULL, NULL};
  ds_content text;
  int rc = ds_address_parse(&l->from, ds_span_str(argv[1]), &rules, e);
  if (rc == 0)
    rc = ds_address_parse(&l->to, ds_span_str(argv[2]), &rules, e);
  if (rc == 0)
    rc = write_header(l, argv[3], e);
  l->text = ds_span_str(argv[4]);
  text = ds_content_span(&l->text);
  if (rc == 0)
    rc = ds_message_plain(&l->message, &text, NULL, e);
  if (rc == 0 && argv[5] != NULL)
    rc = attach(l, argv[5], e);
  if (rc == 0)
    rc = ds_message_finish(&l->message, ds_random, NULL, e);
  ds_stream_init(&l->stream, &l->message.layout);
  l->source = ds_stream_source(&l->stream);
  return rc;
}

static void open_letter (letter *l) {
  memset(l, 0, sizeof *l);
  l->file.fd = -1;
  ds_message_init(&l->message);
}

static void close_letter (letter *l) {
  ds_stream_clear(&l->stream);
  ds_message_clear(&l->message);
  ds_file_close(&l->file);
  ds_mailbox_clear(&l->from);
  ds_mailbox_clear(&l->to);
}

/* -- delivering it -- */

static ds_delivery *open_delivery (const letter *l, ds_error *e) {
  const char *host = getenv("ALERT_HOST"), *port = getenv("ALERT_PORT");
  ds_delivery_config c;
  ds_delivery_defaults(&c);
  ds_resolv_conf(NULL, &c.dns);
  ds_sys_native(&c.sys);
  c.destination = host != NULL ? host : l->to.domain;
  c.pinned = host != NULL;
  if (port != NULL)
    c.port = (uint16_t)atoi(port);
  return ds_delivery_new(&c, e);
}

static void give_letter (ds_delivery *d, const letter *l) {
  char from[DS_PATH_MAX + 1], to[DS_PATH_MAX + 1];
  ds_envelope m;
  ds_span recipient = ds_span_of(to, ds_mailbox_path(&l->to, to));
  memset(&m, 0, sizeof m);
  m.sender = ds_span_of(from, ds_mailbox_path(&l->from, from));
  m.recipients = &recipient;
  m.count = 1;
  m.size = ds_message_size(&l->message);
  m.flags = l->message.flags & DS_MESSAGE_UTF8 ? DS_TXN_UTF8 : 0;
  m.source = &l->source;
  ds_delivery_message(d, ds_now(), &m);
}

static void print_row (const ds_row *r) {
  printf("outcome=%s host=%s tls=%s reply=%s%s\n", ds_outcome_name(r->outcome),
         r->host, r->tls.version, r->reply, r->text);
}

/* what the loop asks of its owner; 1: delivered */
static int obey (ds_delivery *d, const ds_op *op, const letter *l, int *given,
                 const ds_tls_backend *tls, ds_tls_ctx *ctx) {
  if (op->op == DS_OP_NEXT && !*given)
    give_letter(d, l);
  else if (op->op == DS_OP_NEXT)
    ds_delivery_no_more(d, ds_now());
  else if (op->op == DS_OP_CONTEXT)
    ds_delivery_context(d, ds_now(), tls, ctx);
  else if (op->op == DS_OP_RESULT)
    print_row(op->row);
  *given |= op->op == DS_OP_NEXT;
  return op->op == DS_OP_RESULT && op->row->outcome == DS_DELIVERED;
}

static int deliver (const letter *l, ds_error *e) {
  static const ds_tls_config trust; /* the machine's */
  const ds_tls_backend *tls = ds_tls_openssl(e);
  ds_tls_ctx *ctx = tls != NULL ? tls->ctx_new(&trust, e) : NULL;
  ds_delivery *d = ctx != NULL ? open_delivery(l, e) : NULL, *asking;
  ds_loop *loop = d != NULL ? ds_loop_new() : NULL;
  int given = 0, delivered = 0, status;
  ds_op op;
  if (loop != NULL && ds_loop_add(loop, d) == 0)
    while ((status = ds_loop_wait(loop, &asking, &op)) > 0)
      if (status == DS_LOOP_OP)
        delivered |= obey(asking, &op, l, &given, tls, ctx);
  ds_loop_free(loop);
  ds_delivery_free(d);
  if (ctx != NULL)
    tls->ctx_free(ctx);
  return delivered;
}

int main (int argc, char **argv) {
  ds_error e;
  letter l;
  int delivered;
  if (argc < 5 || argc > 6) {
    fputs("alert FROM TO SUBJECT TEXT [FILE]\n", stderr);
    return 64;
  }
  ds_error_clear(&e);
  open_letter(&l);
  delivered = write_letter(&l, argv, &e) == 0 && deliver(&l, &e);
  if (e.code != 0)
    fprintf(stderr, "alert: %s\n", e.text);
  close_letter(&l);
  return delivered ? 0 : 1;
}
