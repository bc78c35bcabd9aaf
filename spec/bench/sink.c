/*
** sink: takes mail over SMTP and drops it, faster than any client gives it.
**
**   sink [-c CERT -k KEY] [-R] [-C] [-P] [-d MS] [-D MS]
**
** It listens on a free port of 127.0.0.1 and prints it.  It offers PIPELINING
** (-P: not), CHUNKING (-C: not), SIZE, 8BITMIME, ENHANCEDSTATUSCODES and, with
** a certificate, STARTTLS (-R: without tickets).  Replies wait -d
** milliseconds, the one to the end of a message -D more: a network's round
** trip.  XSTAT answers what came since XZERO.  It ends with its input.
*/
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE  4096
#define CHUNK 262144

typedef enum mode { COMMANDS, DATA, BDAT } mode;

typedef struct part { /* of the replies: they go out up to `end` at `due` */
  int64_t due;
  size_t end;
} part;

typedef struct conn {
  int fd, writing, shaking, over, mail, rcpt, last;
  mode mode;
  SSL *ssl;
  uint64_t left; /* of a chunk */
  char line[LINE];
  size_t line_n;
  char tail[5]; /* what a body ends with so far */
  size_t tail_n;
  char *out;
  size_t out_n, out_size, gone;
  part *parts;
  size_t part_n, part_size;
  size_t place; /* in the heap, from 1; 0: not there */
} conn;

static struct {
  unsigned long long messages, connections, tls, resumed, reads;
} sums;

static int no_pipelining, no_chunking, no_tickets;
static int64_t delay, final_delay;
static SSL_CTX *tls;
static int epoll, open_now, open_most;
static char chunk[CHUNK];
static struct rusage before;

static void die (const char *what) {
  perror(what);
  exit(1);
}

static void *grow (void *p, size_t n) {
  p = realloc(p, n);
  if (p == NULL)
    die("sink");
  return p;
}

static int64_t now (void) { /* microseconds */
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ------------------------------------------------ replies that wait: a heap */

static conn **heap;
static size_t heap_n, heap_size;

static int64_t due (size_t i) {
  return heap[i]->parts[0].due;
}

static void swap (size_t a, size_t b) {
  conn *c = heap[a];
  heap[a] = heap[b];
  heap[b] = c;
  heap[a]->place = a;
  heap[b]->place = b;
}

static void settle (size_t i) {
  for (; i > 1 && due(i) < due(i / 2); i /= 2)
    swap(i, i / 2);
  for (;;) {
    size_t l = 2 * i, m = i;
    if (l <= heap_n && due(l) < due(m))
      m = l;
    if (l + 1 <= heap_n && due(l + 1) < due(m))
      m = l + 1;
    if (m == i)
      return;
    swap(i, m);
    i = m;
  }
}

static void heap_join (conn *c) {
  if (++heap_n >= heap_size) {
    heap_size = 2 * heap_n + 64;
    heap = (conn **)grow(heap, heap_size * sizeof *heap);
  }
  heap[heap_n] = c;
  c->place = heap_n;
  settle(heap_n);
}

static void heap_leave (conn *c) {
  size_t i = c->place;
  if (i == 0)
    return;
  swap(i, heap_n--);
  c->place = 0;
  if (i <= heap_n)
    settle(i);
}

/* ------------------------------------------------------------------ writing */

static void drop (conn *c) {
  heap_leave(c);
  SSL_free(c->ssl);
  close(c->fd);
  free(c->out);
  free(c->parts);
  free(c);
  open_now--;
}

static void want_write (conn *c, int yes) {
  struct epoll_event ev;
  if (c->writing == yes)
    return;
  c->writing = yes;
  ev.events = yes ? EPOLLIN | EPOLLOUT : EPOLLIN;
  ev.data.ptr = c;
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static long put (conn *c, const char *p, size_t n) {
  int r;
  if (c->ssl == NULL) {
    long sent = send(c->fd, p, n, MSG_NOSIGNAL);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
  }
  ERR_clear_error();
  r = SSL_write(c->ssl, p, (int)n);
  if (r > 0)
    return r;
  r = SSL_get_error(c->ssl, r);
  return r == SSL_ERROR_WANT_WRITE || r == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* 0: the connection is gone */
static int flush (conn *c, int64_t t) {
  while (c->part_n > 0 && c->parts[0].due <= t) {
    size_t ready = 0, i;
    long n;
    for (i = 0; i < c->part_n && c->parts[i].due <= t; i++)
      ready = c->parts[i].end;
    n = put(c, c->out + c->gone, ready - c->gone);
    if (n < 0) {
      drop(c);
      return 0;
    }
    c->gone += (size_t)n;
    want_write(c, c->gone < ready);
    if (c->gone < ready)
      break;
    memmove(c->parts, c->parts + i, (c->part_n - i) * sizeof *c->parts);
    c->part_n -= i;
  }
  if (c->part_n == 0)
    c->out_n = c->gone = 0;
  heap_leave(c);
  if (c->part_n > 0 && !c->writing)
    heap_join(c);
  if (c->over && c->part_n == 0) {
    drop(c);
    return 0;
  }
  return 1;
}

static void reply (conn *c, const char *text, int64_t wait) {
  size_t n = strlen(text);
  int64_t t = wait > 0 ? now() + wait : 0;
  part *p = c->part_n > 0 ? &c->parts[c->part_n - 1] : NULL;
  if (c->out_n + n > c->out_size) {
    c->out_size = 2 * (c->out_n + n);
    c->out = (char *)grow(c->out, c->out_size);
  }
  memcpy(c->out + c->out_n, text, n);
  c->out_n += n;
  if (p != NULL && p->due >= t) {
    p->end = c->out_n;
    return;
  }
  if (c->part_n == c->part_size) {
    c->part_size = 2 * c->part_size + 4;
    c->parts = (part *)grow(c->parts, c->part_size * sizeof *c->parts);
  }
  c->parts[c->part_n].due = t;
  c->parts[c->part_n++].end = c->out_n;
}

/* ----------------------------------------------------------------- commands */

static void say_stat (conn *c) {
  struct rusage u;
  char line[256];
  double cpu;
  getrusage(RUSAGE_SELF, &u);
  cpu = (double)(u.ru_utime.tv_sec - before.ru_utime.tv_sec +
                 u.ru_stime.tv_sec - before.ru_stime.tv_sec) +
        (double)(u.ru_utime.tv_usec - before.ru_utime.tv_usec +
                 u.ru_stime.tv_usec - before.ru_stime.tv_usec) /
            1e6;
  snprintf(line, sizeof line,
           "250 messages=%llu connections=%llu tls=%llu resumed=%llu "
           "reads=%llu most=%d cpu=%f\r\n",
           sums.messages, sums.connections, sums.tls, sums.resumed, sums.reads,
           open_most, cpu);
  reply(c, line, 0);
}

static void zero (conn *c) {
  memset(&sums, 0, sizeof sums);
  open_most = open_now;
  getrusage(RUSAGE_SELF, &before);
  reply(c, "250 zero\r\n", 0);
}

static void ehlo (conn *c) {
  char text[256];
  snprintf(text, sizeof text, "250-sink\r\n%s%s%s%s",
           no_pipelining ? "" : "250-PIPELINING\r\n",
           no_chunking ? "" : "250-CHUNKING\r\n",
           tls != NULL && c->ssl == NULL ? "250-STARTTLS\r\n" : "",
           "250-SIZE\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
  reply(c, text, delay);
}

static void taken (conn *c) {
  sums.messages++;
  c->mail = c->rcpt = 0;
  reply(c, "250 2.0.0 taken\r\n", delay + final_delay);
}

static void bdat (conn *c) {
  char *rest;
  c->left = strtoull(c->line + 4, &rest, 10);
  c->last = strncasecmp(rest, " LAST", 5) == 0;
  c->mode = BDAT;
}

static void data (conn *c) {
  if (!c->rcpt) {
    reply(c, "503 5.5.1 RCPT first\r\n", delay);
    return;
  }
  c->mode = DATA;
  memcpy(c->tail, "\r\n", 2);
  c->tail_n = 2;
  reply(c, "354 go on\r\n", delay);
}

static void starttls (conn *c) {
  reply(c, "220 2.0.0 go on\r\n", 0);
  c->shaking = 1;
}

static int is (const conn *c, const char *verb) {
  return strncasecmp(c->line, verb, strlen(verb)) == 0;
}

static void command (conn *c) {
  if (is(c, "MAIL"))
    c->mail = 1, reply(c, "250 2.1.0 ok\r\n", delay);
  else if (is(c, "RCPT"))
    c->rcpt = 1, reply(c, "250 2.1.5 ok\r\n", delay);
  else if (is(c, "BDAT"))
    bdat(c);
  else if (is(c, "DATA"))
    data(c);
  else if (is(c, "EHLO") || is(c, "HELO"))
    ehlo(c);
  else if (is(c, "STARTTLS") && tls != NULL && c->ssl == NULL)
    starttls(c);
  else if (is(c, "QUIT"))
    c->over = 1, reply(c, "221 2.0.0 bye\r\n", delay);
  else if (is(c, "XSTAT"))
    say_stat(c);
  else if (is(c, "XZERO"))
    zero(c);
  else
    reply(c, "250 2.0.0 ok\r\n", delay);
}

/* ------------------------------------------------------------------ reading */

static size_t take_line (conn *c, const char *p, size_t n) {
  const char *lf = (const char *)memchr(p, '\n', n);
  size_t got = lf != NULL ? (size_t)(lf - p) + 1 : n;
  size_t room = LINE - 1 - c->line_n, kept = got < room ? got : room;
  memcpy(c->line + c->line_n, p, kept);
  c->line_n += kept;
  if (lf != NULL) {
    c->line[c->line_n] = '\0';
    c->line_n = 0;
    command(c);
  }
  return got;
}

/* up to CRLF "." CRLF; it may come in pieces: the last octets are kept */
static size_t take_data (conn *c, const char *p, size_t n) {
  const char *at = p, *end = p + n, *dot = NULL;
  char joint[10];
  size_t i, head = n < 5 ? n : 5;
  memcpy(joint, c->tail, c->tail_n);
  memcpy(joint + c->tail_n, p, head);
  for (i = 0; dot == NULL && i + 5 <= c->tail_n + head; i++)
    if (memcmp(joint + i, "\r\n.\r\n", 5) == 0)
      dot = p + (i + 5 - c->tail_n);
  for (; dot == NULL && end - at >= 5; at++) {
    at = (const char *)memchr(at, '\r', (size_t)(end - at - 4));
    if (at == NULL)
      break;
    if (memcmp(at, "\r\n.\r\n", 5) == 0)
      dot = at + 5;
  }
  if (dot != NULL) {
    c->mode = COMMANDS;
    taken(c);
    return (size_t)(dot - p);
  }
  i = c->tail_n + head;
  if (n >= 4)
    memcpy(c->tail, end - 4, 4), c->tail_n = 4;
  else {
    c->tail_n = i < 4 ? i : 4;
    memcpy(c->tail, joint + i - c->tail_n, c->tail_n);
  }
  return n;
}

static size_t take_chunk (conn *c, size_t n) {
  size_t got = n < c->left ? n : (size_t)c->left;
  c->left -= got;
  if (c->left == 0) {
    c->mode = COMMANDS;
    if (!c->rcpt)
      reply(c, "503 5.5.1 RCPT first\r\n", delay);
    else if (c->last)
      taken(c);
    else
      reply(c, "250 2.0.0 chunk\r\n", delay);
  }
  return got;
}

static void take (conn *c, const char *p, size_t n) {
  while (n > 0 && !c->over) {
    size_t got = c->mode == DATA   ? take_data(c, p, n)
                 : c->mode == BDAT ? take_chunk(c, n)
                                   : take_line(c, p, n);
    p += got;
    n -= got;
    if (c->mode == BDAT && c->left == 0)
      take_chunk(c, 0);
  }
}

static void begin_tls (conn *c) {
  c->ssl = SSL_new(tls);
  if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
    die("TLS");
  SSL_set_accept_state(c->ssl);
}

/* 1: go on; 0: nothing more now; -1: gone */
static int shake (conn *c) {
  int r;
  if (c->ssl == NULL)
    begin_tls(c);
  ERR_clear_error();
  r = SSL_do_handshake(c->ssl);
  if (r == 1) {
    c->shaking = 0;
    sums.tls++;
    sums.resumed += SSL_session_reused(c->ssl) != 0;
    return 1;
  }
  r = SSL_get_error(c->ssl, r);
  return r == SSL_ERROR_WANT_READ || r == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static long get (conn *c) {
  int r;
  sums.reads++;
  if (c->ssl == NULL) {
    long n = recv(c->fd, chunk, CHUNK, 0);
    return n < 0 && errno == EAGAIN ? -2 : n;
  }
  ERR_clear_error();
  r = SSL_read(c->ssl, chunk, CHUNK);
  if (r > 0)
    return r;
  r = SSL_get_error(c->ssl, r);
  return r == SSL_ERROR_WANT_READ || r == SSL_ERROR_WANT_WRITE ? -2 : -1;
}

static void serve (conn *c) {
  long n;
  int r = c->shaking && c->part_n == 0 ? shake(c) : 1;
  while (r == 1 && (n = get(c)) != -2) {
    if (n <= 0) {
      r = -1;
      break;
    }
    take(c, chunk, (size_t)n);
    if (c->ssl == NULL && n < CHUNK)
      break;
  }
  if (r < 0)
    drop(c);
  else
    flush(c, now());
}

/* --------------------------------------------------------------- the server */

static void greet (int listener) {
  struct epoll_event ev;
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
         0) {
    conn *c = (conn *)grow(NULL, sizeof *c);
    memset(c, 0, sizeof *c);
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ev.events = EPOLLIN;
    ev.data.ptr = c;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
    sums.connections++;
    if (++open_now > open_most)
      open_most = open_now;
    reply(c, "220 sink ESMTP\r\n", delay);
    flush(c, now());
  }
}

static int listen_on (void) {
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) || listen(fd, 1024) ||
      getsockname(fd, (struct sockaddr *)&a, &n))
    die("listen");
  printf("%d\n", ntohs(a.sin_port));
  fflush(stdout);
  return fd;
}

static void watch (int fd, void *p) {
  struct epoll_event ev;
  ev.events = EPOLLIN;
  ev.data.ptr = p;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
}

static void run (int listener) {
  static char input;
  struct epoll_event ev[256];
  watch(listener, NULL);
  watch(0, &input);
  for (;;) {
    int64_t t = now();
    int64_t left = heap_n > 0 ? (due(1) - t + 999) / 1000 : -1;
    int i,
        n = epoll_wait(epoll, ev, 256, heap_n > 0 && left < 0 ? 0 : (int)left);
    for (i = 0; i < n; i++) {
      conn *c = (conn *)ev[i].data.ptr;
      if (c == NULL)
        greet(listener);
      else if (ev[i].data.ptr == &input)
        return; /* whoever started it has gone */
      else if (!(ev[i].events & EPOLLOUT) || flush(c, now()))
        serve(c);
    }
    for (t = now(); heap_n > 0 && due(1) <= t;)
      flush(heap[1], t);
  }
}

static void open_tls (const char *cert, const char *key) {
  tls = SSL_CTX_new(TLS_server_method());
  if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
    die("sink: certificate");
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_id_context(tls, (const unsigned char *)"sink", 4);
  if (no_tickets) {
    SSL_CTX_set_num_tickets(tls, 0);
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  }
}

int main (int argc, char **argv) {
  const char *cert = NULL, *key = NULL;
  struct rlimit files;
  int o;
  while ((o = getopt(argc, argv, "c:k:d:D:PCR")) != -1) {
    switch (o) {
    case 'c':
      cert = optarg;
      break;
    case 'k':
      key = optarg;
      break;
    case 'd':
      delay = (int64_t)(atof(optarg) * 1000);
      break;
    case 'D':
      final_delay = (int64_t)(atof(optarg) * 1000);
      break;
    case 'P':
      no_pipelining = 1;
      break;
    case 'C':
      no_chunking = 1;
      break;
    case 'R':
      no_tickets = 1;
      break;
    default:
      return 2;
    }
  }
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  if (cert != NULL && key != NULL)
    open_tls(cert, key);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  run(listen_on());
  return 0;
}
