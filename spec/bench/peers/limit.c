/*
** limit: one ready message over and over, and nothing else: how fast each
** way of driving SMTP can be at all.
**
** LIMIT=step  a command, its reply, the next command
** LIMIT=pipe  MAIL RCPT DATA at once; then body, dot and the next MAIL RCPT
**             DATA in one write (RFC 2920)
** LIMIT=bdat  MAIL RCPT BDAT body, 32 messages in one write (RFC 3030)
**
** B_PORT on 127.0.0.1, B_MSG, B_N messages over B_CONC connections, B_TLS=1.
*/
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { STEP, PIPE, CHUNKS };
enum { GREETING, HELLO, STARTTLS, SHAKE, FLOW, QUIT };

#define WINDOW 32
#define MAIL   "MAIL FROM:<sender@example.org>\r\n"
#define RCPT   "RCPT TO:<rcpt@example.com>\r\n"

typedef struct conn {
  int fd, phase, secure, step;
  SSL *ssl;
  int awaited; /* replies */
  char code[4];
  int column;
  char *out;
  size_t n, gone;
  int blocked;
} conn;

static int way, secure, epoll, live;
static long total, begun, taken;
static char *body, *unit; /* with dot; a whole transaction with BDAT */
static size_t body_n, unit_n;
static SSL_CTX *tls;

static void die (const char *what) {
  perror(what);
  exit(1);
}

static long number (const char *name, long standard) {
  const char *v = getenv(name);
  return v != NULL && *v != '\0' ? atol(v) : standard;
}

/* ------------------------------------------------------------------ writing */

static void add (conn *c, const char *p, size_t n, int replies) {
  memcpy(c->out + c->n, p, n);
  c->n += n;
  c->awaited += replies;
}

static void say (conn *c, const char *z, int replies) {
  add(c, z, strlen(z), replies);
}

static void flush (conn *c) {
  struct epoll_event ev;
  int was = c->blocked;
  while (c->gone < c->n) {
    size_t left = c->n - c->gone;
    long n;
    if (c->ssl != NULL) {
      n = SSL_write(c->ssl, c->out + c->gone, (int)left);
      if (n <= 0)
        break;
    } else if ((n = send(c->fd, c->out + c->gone, left, MSG_NOSIGNAL)) < 0) {
      if (errno != EAGAIN)
        die("send");
      break;
    }
    c->gone += (size_t)n;
  }
  c->blocked = c->gone < c->n;
  if (!c->blocked)
    c->n = c->gone = 0;
  if (c->blocked == was)
    return;
  ev.events = c->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
  ev.data.ptr = c;
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

/* --------------------------------------------------------------------- flow */

static void quit (conn *c) {
  c->phase = QUIT;
  say(c, "QUIT\r\n", 1);
}

static void one_step (conn *c) {
  if (c->step == 4)
    taken++, c->step = 0;
  if (c->step == 0 && begun == total) {
    quit(c);
    return;
  }
  switch (c->step++) {
  case 0:
    begun++;
    say(c, MAIL, 1);
    break;
  case 1:
    say(c, RCPT, 1);
    break;
  case 2:
    say(c, "DATA\r\n", 1);
    break;
  default:
    add(c, body, body_n, 1);
    break;
  }
}

static void envelope (conn *c) {
  begun++;
  say(c, MAIL RCPT "DATA\r\n", 3);
  c->step = 1;
}

static void pipeline (conn *c) {
  int open = c->step;
  if (c->awaited > 0)
    return;
  taken += open == 2; /* the body before was answered with these */
  if (open == 0 && begun == total) {
    quit(c);
    return;
  }
  if (open == 0) {
    envelope(c);
    return;
  }
  add(c, body, body_n, 1);
  c->step = 0;
  if (begun < total) {
    envelope(c);
    c->step = 2;
  } else
    c->step = 3;
}

static void chunks (conn *c) {
  int room = WINDOW - (c->awaited + 2) / 3;
  if (room < WINDOW / 2)
    return;
  for (; room > 0 && begun < total; room--, begun++)
    add(c, unit, unit_n, 3);
  if (c->awaited == 0)
    quit(c);
}

static void flow (conn *c) {
  if (way == STEP)
    one_step(c);
  else if (way == CHUNKS)
    chunks(c);
  else if (c->awaited == 0 && c->step == 3) {
    taken++;
    quit(c);
  } else
    pipeline(c);
}

/* ------------------------------------------------------------------ reading */

static void hello (conn *c) {
  c->phase = HELLO;
  say(c, "EHLO client.example.org\r\n", 1);
}

static void on_reply (conn *c) {
  if (c->code[0] != '2' && c->code[0] != '3') {
    fprintf(stderr, "limit: %.3s\n", c->code);
    exit(1);
  }
  c->awaited--;
  if (way == CHUNKS && c->phase == FLOW && c->awaited % 3 == 0)
    taken++;
  if (c->phase == GREETING)
    hello(c);
  else if (c->phase == HELLO && secure && !c->secure) {
    c->phase = STARTTLS;
    say(c, "STARTTLS\r\n", 1);
  } else if (c->phase == STARTTLS)
    c->phase = SHAKE;
  else if (c->phase == HELLO) {
    c->phase = FLOW;
    flow(c);
  } else if (c->phase == FLOW && way != CHUNKS)
    flow(c);
}

static void scan (conn *c, const char *p, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    if (c->column < 4)
      c->code[c->column] = p[i];
    c->column++;
    if (p[i] == '\n') {
      c->column = 0;
      if (c->code[3] == ' ')
        on_reply(c);
    }
  }
  if (c->phase == FLOW && way == CHUNKS)
    flow(c);
}

static void end (conn *c) {
  SSL_free(c->ssl);
  close(c->fd);
  free(c->out);
  free(c);
  live--;
}

static void shake (conn *c) {
  int r;
  if (c->ssl == NULL) {
    c->ssl = SSL_new(tls);
    SSL_set_fd(c->ssl, c->fd);
  }
  r = SSL_connect(c->ssl);
  if (r == 1) {
    c->secure = 1;
    hello(c);
  } else if (SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_READ)
    die("handshake");
}

static void serve (conn *c) {
  static char p[65536];
  long n = 1;
  while (c->phase != SHAKE && n > 0) {
    n = c->ssl != NULL ? SSL_read(c->ssl, p, sizeof p)
                       : recv(c->fd, p, sizeof p, 0);
    if (n == 0 && c->phase == QUIT) {
      end(c);
      return;
    }
    if (n > 0)
      scan(c, p, (size_t)n);
    if (c->ssl == NULL)
      break;
  }
  if (c->phase == SHAKE)
    shake(c);
  if (c->phase == QUIT && c->awaited == 0)
    end(c);
  else
    flush(c);
}

/* -------------------------------------------------------------------- setup */

static void load (const char *path) {
  FILE *f = fopen(path, "rb");
  char *text = (char *)malloc(1 << 20);
  size_t n;
  if (f == NULL || text == NULL)
    die(path);
  n = fread(text, 1, 1 << 20, f);
  fclose(f);
  body = (char *)malloc(n + 8);
  unit = (char *)malloc(n + 256);
  if (body == NULL || unit == NULL)
    die("limit");
  memcpy(body, text, n); /* none of its lines begins with a dot */
  memcpy(body + n, ".\r\n", 3);
  body_n = n + 3;
  unit_n =
      (size_t)sprintf(unit, MAIL RCPT "BDAT %lu LAST\r\n", (unsigned long)n);
  memcpy(unit + unit_n, text, n);
  unit_n += n;
  free(text);
}

static void open_one (int port) {
  struct sockaddr_in a;
  struct epoll_event ev;
  conn *c = (conn *)calloc(1, sizeof *c);
  int one = 1;
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET;
  a.sin_port = htons((unsigned short)port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (c == NULL || (c->out = (char *)malloc(WINDOW * unit_n + 4096)) == NULL)
    die("limit");
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0)
    die("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  c->awaited = 1;
  ev.events = EPOLLIN;
  ev.data.ptr = c;
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev);
  live++;
}

int main (void) {
  const char *name = getenv("LIMIT");
  long conc = number("B_CONC", 1), i;
  struct epoll_event ev[256];
  way = name != NULL && strcmp(name, "step") == 0   ? STEP
        : name != NULL && strcmp(name, "bdat") == 0 ? CHUNKS
                                                    : PIPE;
  total = number("B_N", 1);
  secure = number("B_TLS", 0) == 1;
  signal(SIGPIPE, SIG_IGN);
  load(getenv("B_MSG"));
  if (secure && (tls = SSL_CTX_new(TLS_client_method())) == NULL)
    die("TLS");
  if (secure)
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  for (i = 0; i < conc; i++)
    open_one((int)number("B_PORT", 25));
  while (live > 0) {
    int k, n = epoll_wait(epoll, ev, 256, -1);
    for (k = 0; k < n; k++)
      serve((conn *)ev[k].data.ptr);
  }
  return taken == total ? 0 : 1;
}
