/* fuzz: util smtp -- a client's session against any server and any caller */
#include "fuzz.h"

#include <string.h>

#include "smtp/engine.h"
#include "util/mem.h"

#define TXNS  255
#define RCPTS 4

/* what was promised to each transaction, by its id */
typedef struct state {
  ds_smtp *s;
  const uint8_t *in;
  size_t left;
  size_t count[TXNS + 1];
  unsigned settled[TXNS + 1]; /* a bit for each recipient */
  uint8_t given[TXNS + 1];    /* its body has its end */
  uint8_t finished[TXNS + 1];
  size_t begun, body;
  size_t size[TXNS + 1], octets;
  int over;
} state;

static unsigned failing; /* the allocation that fails, 0: none */

static void *allocate (void *ud, void *p, size_t n) {
  (void)ud;
  if (n == 0) {
    free(p);
    return NULL;
  }
  if (failing > 0 && --failing == 0)
    return NULL;
  return realloc(p, n);
}

static int hash (ds_span octets, unsigned char *out) {
  memset(out, (int)octets.n, DS_SHA256);
  return DS_OK;
}

static int keyed (ds_span key, ds_span octets, unsigned char *out) {
  (void)key;
  return hash(octets, out);
}

static int slow (ds_span password, ds_span salt, uint32_t n,
                 unsigned char *out) {
  must(n >= 4096 && n <= 1000000 && salt.n > 0);
  return hash(password, out);
}

static unsigned octet (state *f) {
  if (f->left == 0)
    return 0;
  f->left--;
  return *f->in++;
}

static void on_settled (state *f, const ds_smtp_event *ev) {
  must(ev->txn >= 1 && ev->txn <= f->begun);
  must(ev->recipient < f->count[ev->txn]);
  must(!(f->settled[ev->txn] & 1u << ev->recipient));
  must(!f->finished[ev->txn]);
  f->settled[ev->txn] |= 1u << ev->recipient;
  must(ev->outcome != DS_PENDING);
  if (ev->outcome == DS_DELIVERED) {
    must(ev->reply != NULL && ev->reply->code / 100 == 2);
    must(ev->stage == DS_STAGE_FINAL && !ev->lost && !ev->split);
  } else
    must(ev->kind != DS_KIND_NONE);
  if (ev->outcome == DS_DELIVERED || ev->outcome == DS_UNKNOWN)
    must(f->given[ev->txn]);
}

static void on_event (state *f, const ds_smtp_event *ev) {
  must(!f->over && ev->text != NULL);
  switch (ev->event) {
  case DS_SMTP_SETTLED:
    on_settled(f, ev);
    break;
  case DS_SMTP_FINISHED:
    must(f->settled[ev->txn] == (1u << f->count[ev->txn]) - 1);
    must(!f->finished[ev->txn]);
    f->finished[ev->txn] = 1;
    break;
  case DS_SMTP_BODY:
    must(f->body == 0 && !f->given[ev->txn] && !f->finished[ev->txn]);
    f->body = ev->txn;
    f->octets = 0;
    break;
  case DS_SMTP_ENDED:
    f->over = 1;
    f->body = 0;
    break;
  default:
    break;
  }
}

static void drain (state *f) {
  ds_smtp_event ev;
  while (ds_smtp_next_event(f->s, &ev))
    on_event(f, &ev);
}

static void begin (state *f) {
  static const char *const names[] = {"a@b.example", "x y@c", "j\303\266rg@d",
                                      "\"q q\"@e.example"};
  const unsigned how = octet(f);
  ds_smtp_dsn dsn[RCPTS];
  ds_span to[RCPTS];
  ds_smtp_transaction t;
  size_t i;
  if (f->begun == TXNS)
    return;
  memset(&t, 0, sizeof t);
  t.count = how % RCPTS + 1;
  for (i = 0; i < t.count; i++) {
    to[i] = ds_span_str(names[(how >> 7) * i]);
    dsn[i].notify = how % 16;
    dsn[i].orcpt = to[i];
  }
  t.id = (uint32_t)f->begun + 1;
  t.recipients = to;
  t.flags = how >> 2 & 7;
  t.size = how & 32 ? (how & 64 ? 70000 : how % 64) : 0;
  t.dsn = how & 16 ? dsn : NULL;
  if (ds_smtp_begin(f->s, &t) != DS_OK)
    return;
  f->begun++;
  f->count[f->begun] = t.count;
  f->size[f->begun] = (size_t)t.size;
}

/* as much of a body as fits, or not quite */
static void body (state *f) {
  static const char text[] = ".line\r\n..\r\n\rbare\n";
  const unsigned how = octet(f);
  const size_t n = how % sizeof text;
  char large[4096];
  if (how & 64) {
    memset(large, 'x', sizeof large);
    ds_smtp_body(f->s, large, sizeof large);
  } else
    ds_smtp_body(f->s, text, n);
  must(ds_smtp_pending(f->s) >= ds_smtp_output(f->s).n);
}

static void end_body (state *f) {
  if (ds_smtp_body_end(f->s) != DS_OK)
    return;
  must(f->body != 0);
  f->given[f->body] = 1;
  f->body = 0;
}

static void take (state *f) {
  const size_t n = ds_smtp_output(f->s).n;
  const unsigned how = octet(f);
  ds_smtp_taken(f->s, how < 200 ? n : n < how - 200 ? n : how - 200);
}

static void auth (state *f) {
  static const ds_crypto crypto = {hash, keyed, slow};
  const unsigned how = octet(f);
  ds_auth a;
  memset(&a, 0, sizeof a);
  a.user = ds_span_str("tim");
  a.password = ds_span_str(how & 1 ? "tanstaaf" : "");
  a.token = ds_span_str(how & 1 ? "" : "token");
  a.mechanisms = how >> 1 & 31;
  a.clear = how >> 6 & 1;
  a.nonce = ds_span_str("rOprNGfwEbeRWgbNEkqO");
  a.crypto = how & 128 ? &crypto : NULL;
  ds_smtp_auth(f->s, &a);
}

static void said (state *f) {
  static const char *const lines[] = {
      "220 mx\r\n",
      "250 ok\r\n",
      "354 go\r\n",
      "550 5.1.1 no\r\n",
      "250-mx\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-DSN\r\n"
      "250-8BITMIME\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250-STARTTLS\r\n"
      "250-LIMITS RCPTMAX=3\r\n250-AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER "
      "SCRAM-SHA-256\r\n250 CHUNKING\r\n",
      "250-mx\r\n250-PIPELINING\r\n250-AUTH=LOGIN\r\n250 STARTTLS\r\n",
      "452 4.5.3 too many\r\n",
      "503 5.5.1 what\r\n",
      "421 bye\r\n",
      "334 \r\n",
      "235 in\r\n",
      "334 cj1yT3ByTkdmd0ViZVJXZ2JORWtxT3gscz1BQUFBLGk9NDA5Ng==\r\n",
      "250 ok\r\n250 ok\r\n250 queued\r\n",
      "250-multi\r\n250 line\r\n",
      "500 5.5.2 eh\r\n",
      "221 bye\r\n"};
  const char *z = lines[octet(f) % (sizeof lines / sizeof lines[0])];
  ds_smtp_receive_data(f->s, z, strlen(z));
}

static void heard (state *f) {
  size_t n = octet(f);
  if (n > f->left)
    n = f->left;
  if (n > 0)
    ds_smtp_receive_data(f->s, f->in, n);
  f->in += n;
  f->left -= n;
}

static void rest (state *f) {
  const unsigned how = octet(f);
  uint32_t serial;
  ds_smtp_waiting(f->s, &serial);
  switch (how % 6) {
  case 0:
    ds_smtp_quit(f->s);
    break;
  case 1:
    ds_smtp_starttls(f->s);
    break;
  case 2:
    ds_smtp_tls_started(f->s);
    break;
  case 3:
    ds_smtp_body_cut(f->s, "cut");
    break;
  case 4:
    failing = how / 6;
    break;
  default:
    if (how > 240)
      ds_smtp_abort(f->s, DS_KIND_TIMEOUT, "too late");
  }
}

static void play (state *f) {
  static void (*const acts[])(state *) = {said,     said, heard, begin, body,
                                          end_body, take, drain, auth,  rest};
  while (f->left > 0)
    acts[octet(f) % (sizeof acts / sizeof acts[0])](f);
}

/* whatever happened: when the wire is gone, all have their outcome */
static void conclude (state *f) {
  size_t i;
  failing = 0;
  drain(f);
  ds_smtp_receive_data(f->s, NULL, 0);
  if (!f->over)
    drain(f);
  if (!f->over) {
    ds_smtp_abort(f->s, DS_KIND_CONNECT, "gone");
    drain(f);
  }
  must(f->over);
  for (i = 1; i <= f->begun; i++)
    must(f->finished[i]);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static state f;
  ds_smtp_config c;
  unsigned how;
  memset(&f, 0, sizeof f);
  f.in = data;
  f.left = size;
  failing = 0;
  ds_mem_set(allocate, NULL);
  how = octet(&f);
  memset(&c, 0, sizeof c);
  c.hostname = "client.example";
  c.careful = (how & 7) == 7;
  c.lmtp = how >> 3 & 1;
  c.tls = how >> 4 & 1;
  c.window = how >> 5;
  f.s = ds_smtp_new(&c);
  must(f.s != NULL);
  play(&f);
  conclude(&f);
  ds_smtp_free(f.s);
  return 0;
}
