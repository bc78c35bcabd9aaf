#include "dns/query.h"

#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/mem.h"

#define MAX_ROUNDS 16
#define MAX_SHIFT  5 /* the longest try is 32 times the first */

typedef enum query_state {
  STATE_TRY, /* the next server is to be asked */
  STATE_CONNECT,
  STATE_SEND,
  STATE_RECEIVE,
  STATE_OVER
} query_state;

struct ds_query {
  const ds_dns_config *config;
  const ds_sys *sys;
  char name[DS_DNS_NAME];
  unsigned type;
  ds_time until;

  query_state state;
  int open;       /* a connection wants its CLOSE */
  unsigned round; /* of the try at hand … */
  size_t server;  /* … and its server */
  int tcp;
  ds_time deadline;
  unsigned ignored; /* datagrams that answered something else */
  unsigned char packet[2 + 12 + DS_DNS_NAME + 1 + 4 + 11]; /* length first */
  size_t size, sent;
  ds_buf stream; /* TCP: what came so far */

  int plain[DS_DNS_SERVERS];       /* knows no EDNS */
  const char *did[DS_DNS_SERVERS]; /* the last thing it did */
  int heard;                       /* some server answered something */
  ds_dns_answer answer;
  char text[1024]; /* holds a name and eight servers with their longest word */
};

ds_query *ds_query_new (const ds_dns_config *c, const ds_sys *sys, ds_span name,
                        unsigned type, ds_time until) {
  ds_query *q;
  if (!ds_dns_name_ok(name, 0) || type > 0xffff)
    return NULL;
  q = (ds_query *)ds_calloc(1, sizeof *q);
  if (q == NULL)
    return NULL;
  q->config = c;
  q->sys = sys;
  memcpy(q->name, name.p, name.n);
  q->type = type;
  q->until = until;
  ds_buf_init(&q->stream);
  return q;
}

void ds_query_free (ds_query *q) {
  if (q == NULL)
    return;
  ds_buf_clear(&q->stream);
  ds_dns_answer_clear(&q->answer);
  ds_free(q);
}

/* --- the words ------------------------------------------------------- */

static const char *type_name (unsigned type) {
  static const struct {
    unsigned type;
    const char *name;
  } known[] = {{DS_DNS_A, "A"},       {DS_DNS_AAAA, "AAAA"},
               {DS_DNS_MX, "MX"},     {DS_DNS_TXT, "TXT"},
               {DS_DNS_TLSA, "TLSA"}, {DS_DNS_CNAME, "CNAME"},
               {DS_DNS_PTR, "PTR"}};
  size_t i;
  for (i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].type == type)
      return known[i].name;
  return "record";
}

static const char *code_words (int rcode) {
  static const char *const words[] = {"answered",          "answered FORMERR",
                                      "answered SERVFAIL", "answered NXDOMAIN",
                                      "answered NOTIMP",   "answered REFUSED"};
  return rcode < 6 ? words[rcode] : "answered with an error";
}

static void tell (ds_query *q) {
  size_t i, n;
  const char *between = ": ";
  n = (size_t)snprintf(q->text, sizeof q->text, "%s %s", q->name,
                       type_name(q->type));
  for (i = 0; i < q->config->count; i++) {
    char server[DS_ENDPOINT_TEXT];
    if (q->did[i] == NULL)
      continue;
    ds_endpoint_format(&q->config->servers[i], server);
    n += (size_t)snprintf(q->text + n, sizeof q->text - n, "%s%s %s", between,
                          server, q->did[i]);
    between = ", ";
  }
  if (between[0] == ':')
    snprintf(q->text + n, sizeof q->text - n, ": no server was asked");
}

/* --- tries ----------------------------------------------------------- */

static void over (ds_query *q, ds_dns_status status) {
  q->answer.status = status;
  q->state = STATE_OVER;
  ds_buf_clear(&q->stream);
  tell(q);
}

/* the machine's own failing; another server would not help */
static void give_up (ds_query *q, const char *why) {
  over(q, DS_DNS_SERVFAIL);
  snprintf(q->text, sizeof q->text, "%s %s: %s", q->name, type_name(q->type),
           why);
}

static unsigned rounds (const ds_query *q) {
  unsigned n = q->config->attempts;
  if (n == 0)
    return DS_DNS_ATTEMPTS;
  return n < MAX_ROUNDS ? n : MAX_ROUNDS;
}

static ds_time try_until (const ds_query *q, ds_time now) {
  ds_time t = q->config->timeout > 0 ? q->config->timeout : DS_DNS_PATIENCE;
  unsigned shift = q->round < MAX_SHIFT ? q->round : MAX_SHIFT;
  uint64_t left = (uint64_t)q->until - (uint64_t)now; /* now < until */
  return (uint64_t)t >= left >> shift ? q->until : now + (t << shift);
}

/* AD means nothing to who does not trust the server: signatures need not come */
static ds_dns_edns edns_of (const ds_query *q) {
  if (q->plain[q->server])
    return DS_DNS_PLAIN;
  return q->config->trust_ad ? DS_DNS_SECURED : DS_DNS_EDNS;
}

/* a fresh id for each try: an answer to an earlier one is not awaited; name,
   type and room are known to do */
static int ask (ds_query *q) {
  unsigned char id[2];
  if (q->sys->random(q->sys->ud, id, sizeof id) != DS_OK)
    return DS_ERR_LOCAL;
  q->size = (size_t)ds_dns_question(q->packet + 2, sizeof q->packet - 2,
                                    (uint16_t)(id[0] << 8 | id[1]),
                                    ds_span_str(q->name), q->type, edns_of(q));
  q->packet[0] = (unsigned char)(q->size >> 8);
  q->packet[1] = (unsigned char)(q->size & 0xff);
  return DS_OK;
}

static void begin_try (ds_query *q, ds_time now) {
  if (q->round >= rounds(q) || q->config->count == 0 || now >= q->until)
    over(q, q->heard ? DS_DNS_SERVFAIL : DS_DNS_TIMEOUT);
  else if (ask(q) != DS_OK)
    give_up(q, "no random bytes");
  else {
    q->deadline = try_until(q, now);
    q->sent = 0;
    q->ignored = 0;
    ds_buf_empty(&q->stream);
    q->state = STATE_CONNECT;
  }
}

static void next_server (ds_query *q, const char *did) {
  q->did[q->server] = did;
  q->tcp = 0;
  q->state = STATE_TRY;
  if (++q->server >= q->config->count) {
    q->server = 0;
    q->round++;
  }
}

/* --- answers --------------------------------------------------------- */

/* it neither looks things up for us nor is the place to ask: a referral must
   not pass for "no such records" */
static int is_lame (const unsigned char *p, const ds_dns_answer *a) {
  int authoritative = p[2] & 0x04, recursive = p[3] & 0x80;
  return a->status == DS_DNS_NOERROR && a->count == 0 && !authoritative &&
         !recursive;
}

static void read_answer (ds_query *q, const unsigned char *p, size_t n) {
  int e = ds_dns_parse(p, n, ds_span_str(q->name), q->type, &q->answer);
  if (e == DS_ERR_NOMEM)
    give_up(q, "out of memory");
  else if (e != DS_OK)
    next_server(q, "sent an answer that cannot be read");
  else if (is_lame(p, &q->answer)) {
    ds_dns_answer_clear(&q->answer);
    next_server(q, "does not look names up for us");
  } else {
    q->answer.secure = q->answer.secure && q->config->trust_ad;
    q->did[q->server] = code_words(ds_dns_rcode(p, n));
    over(q, q->answer.status);
  }
}

static void on_answer (ds_query *q, const unsigned char *p, size_t n) {
  int rcode = ds_dns_rcode(p, n);
  q->heard = 1;
  if ((rcode == DS_DNS_FORMERR || rcode == DS_DNS_NOTIMP) &&
      !q->plain[q->server]) {
    q->plain[q->server] = 1;
    q->did[q->server] = code_words(rcode);
    q->state = STATE_TRY;
  } else if (rcode != DS_DNS_NOERROR && rcode != 3)
    next_server(q, code_words(rcode));
  else if (!ds_dns_truncated(p, n))
    read_answer(q, p, n);
  else if (q->tcp)
    next_server(q, "cut its answer short over TCP");
  else {
    q->tcp = 1;
    q->did[q->server] = "cut its answer short";
    q->state = STATE_TRY;
  }
}

static int is_answer (const ds_query *q, const void *p, size_t n) {
  return ds_dns_matches(p, n, q->packet + 2, q->size);
}

static void on_datagram (ds_query *q, ds_time now, const void *p, size_t n) {
  if (is_answer(q, p, n))
    on_answer(q, (const unsigned char *)p, n);
  else if (++q->ignored >= DS_DNS_IGNORED || now >= q->deadline)
    next_server(q, "sent only what does not answer");
}

static void on_message (ds_query *q, const unsigned char *p, size_t n) {
  if (is_answer(q, p, n))
    on_answer(q, p, n);
  else
    next_server(q, "sent what does not answer");
}

/* RFC 1035 §4.2.2: two octets of length before the message */
static void on_stream (ds_query *q, ds_time now, const void *p, size_t n) {
  size_t room = 2 + DS_DNS_PACKET - q->stream.len, size = DS_DNS_PACKET;
  const unsigned char *data;
  if (n == 0) {
    next_server(q, "closed the connection");
    return;
  }
  if (ds_buf_append(&q->stream, p, n < room ? n : room) != DS_OK) {
    give_up(q, "out of memory");
    return;
  }
  data = (const unsigned char *)ds_buf_data(&q->stream);
  if (q->stream.len >= 2)
    size = (size_t)data[0] << 8 | data[1];
  if (q->stream.len >= 2 + size)
    on_message(q, data + 2, size);
  else if (now >= q->deadline)
    next_server(q, "gave no answer");
}

/* --- the face -------------------------------------------------------- */

static ds_query_need need (ds_query *q, ds_time now) {
  if (q->open && (q->state == STATE_TRY || q->state == STATE_OVER)) {
    q->open = 0;
    return DS_QUERY_CLOSE;
  }
  if (q->state == STATE_TRY)
    begin_try(q, now);
  switch (q->state) {
  case STATE_CONNECT:
    return DS_QUERY_CONNECT;
  case STATE_SEND:
    return DS_QUERY_SEND;
  case STATE_RECEIVE:
    return DS_QUERY_RECEIVE;
  default:
    return DS_QUERY_DONE;
  }
}

void ds_query_next (ds_query *q, ds_time now, ds_query_step *step) {
  size_t from = q->tcp ? 0 : 2;
  memset(step, 0, sizeof *step);
  step->need = need(q, now);
  step->server = q->config->servers[q->server];
  step->tcp = q->tcp;
  step->deadline = q->deadline;
  if (step->need == DS_QUERY_SEND)
    step->data = ds_span_of((const char *)q->packet + from + q->sent,
                            q->size + 2 - from - q->sent);
}

void ds_query_connected (ds_query *q, ds_time now) {
  (void)now;
  if (q->state != STATE_CONNECT)
    return;
  q->open = 1;
  q->state = STATE_SEND;
}

void ds_query_sent (ds_query *q, ds_time now, size_t n) {
  size_t left = q->size + (q->tcp ? 2 : 0) - q->sent;
  if (q->state != STATE_SEND)
    return;
  if (n >= left)
    q->state = STATE_RECEIVE;
  else if (q->tcp && n > 0 && now < q->deadline)
    q->sent += n;
  else
    next_server(q, "could not be sent the question");
}

void ds_query_received (ds_query *q, ds_time now, const void *p, size_t n) {
  if (q->state != STATE_RECEIVE)
    return;
  if (q->tcp)
    on_stream(q, now, p, n);
  else
    on_datagram(q, now, p, n);
}

void ds_query_failed (ds_query *q, ds_time now) {
  if (q->state == STATE_CONNECT || q->state == STATE_SEND ||
      q->state == STATE_RECEIVE)
    next_server(q,
                now >= q->deadline ? "gave no answer" : "could not be reached");
}

const ds_dns_answer *ds_query_answer (const ds_query *q) {
  return &q->answer;
}

const char *ds_query_text (const ds_query *q) {
  return q->text;
}
