#include "net/socket.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static ds_failure failure_of (int error) {
  switch (error) {
  case ECONNREFUSED:
    return DS_FAIL_REFUSED;
  case ENETUNREACH:
  case EHOSTUNREACH:
  case ENETDOWN:
  case EHOSTDOWN:
    return DS_FAIL_UNREACHABLE;
  case ETIMEDOUT:
    return DS_FAIL_TIMEOUT;
  case ECONNRESET:
  case ECONNABORTED:
  case EPIPE:
    return DS_FAIL_RESET;
  default:
    return DS_FAIL_LOCAL;
  }
}

static int failed (ds_failure *f, const char **text) {
  *f = failure_of(errno);
  *text = *f == DS_FAIL_LOCAL ? strerror(errno) : "";
  return -1;
}

static socklen_t to_sockaddr (const ds_ip *ip, uint16_t port,
                              struct sockaddr_storage *ss) {
  memset(ss, 0, sizeof *ss);
  if (ip->family == 6) {
    struct sockaddr_in6 *s = (struct sockaddr_in6 *)ss;
    s->sin6_family = AF_INET6;
    s->sin6_port = htons(port);
    memcpy(&s->sin6_addr, ip->bytes, 16);
    return sizeof *s;
  } else {
    struct sockaddr_in *s = (struct sockaddr_in *)ss;
    s->sin_family = AF_INET;
    s->sin_port = htons(port);
    memcpy(&s->sin_addr, ip->bytes, 4);
    return sizeof *s;
  }
}

static void from_sockaddr (const struct sockaddr_storage *ss, ds_ip *ip) {
  memset(ip, 0, sizeof *ip);
  if (ss->ss_family == AF_INET6) {
    ip->family = 6;
    memcpy(ip->bytes, &((const struct sockaddr_in6 *)ss)->sin6_addr, 16);
  } else if (ss->ss_family == AF_INET) {
    ip->family = 4;
    memcpy(ip->bytes, &((const struct sockaddr_in *)ss)->sin_addr, 4);
  }
}

/* a body's last piece and the final dot must not wait for an acknowledgement
   (Nagle): each alert would take 40 ms longer */
static void set_options (int fd, const ds_op *op) {
  int on = 1;
  if (op->tcp)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int bind_socket (int fd, const ds_op *op) {
  struct sockaddr_storage ss;
  socklen_t n;
  if (op->interface != NULL) {
#ifdef SO_BINDTODEVICE
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, op->interface,
                   (socklen_t)strlen(op->interface)) != 0)
      return -1;
#else
    errno = ENOTSUP;
    return -1;
#endif
  }
  if (op->local.family == 0)
    return 0;
  n = to_sockaddr(&op->local, 0, &ss);
  return bind(fd, (struct sockaddr *)&ss, n);
}

int ds_socket_connect (const ds_op *op, int *done, ds_failure *f,
                       const char **text) {
  struct sockaddr_storage ss;
  socklen_t n = to_sockaddr(&op->target.ip, op->target.port, &ss);
  int type =
      (op->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  int fd = socket(ss.ss_family, type, 0);
  if (fd < 0)
    return failed(f, text);
  set_options(fd, op);
  *done = 1;
  if (bind_socket(fd, op) == 0) {
    if (connect(fd, (struct sockaddr *)&ss, n) == 0)
      return fd;
    *done = 0;
    if (errno == EINPROGRESS || errno == EINTR)
      return fd;
  }
  failed(f, text);
  close(fd);
  return -1;
}

int ds_socket_connected (int fd, ds_failure *f, const char **text) {
  int error = 0;
  socklen_t n = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
    return failed(f, text);
  errno = error;
  return error == 0 ? 0 : failed(f, text);
}

int ds_socket_is_connected (int fd) {
  struct sockaddr_storage ss;
  socklen_t n = sizeof ss;
  return getpeername(fd, (struct sockaddr *)&ss, &n) == 0;
}

int ds_socket_readable (int fd) {
  char octet;
  ssize_t n = recv(fd, &octet, 1, MSG_PEEK);
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void ds_socket_ends (int fd, ds_ip *local, ds_ip *peer) {
  struct sockaddr_storage ss;
  socklen_t n = sizeof ss;
  memset(&ss, 0, sizeof ss);
  getsockname(fd, (struct sockaddr *)&ss, &n);
  from_sockaddr(&ss, local);
  n = sizeof ss;
  memset(&ss, 0, sizeof ss);
  getpeername(fd, (struct sockaddr *)&ss, &n);
  from_sockaddr(&ss, peer);
}

static long result (long n, ds_failure *f, const char **text) {
  if (n >= 0)
    return n;
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    return DS_SOCKET_AGAIN;
  return failed(f, text);
}

long ds_socket_send (int fd, ds_span data, int more, ds_failure *f,
                     const char **text) {
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  ssize_t n;
  do
    n = send(fd, data.p, data.n, flags);
  while (n < 0 && errno == EINTR);
  return result((long)n, f, text);
}

long ds_socket_receive (int fd, void *p, size_t n, ds_failure *f,
                        const char **text) {
  ssize_t r;
  do
    r = recv(fd, p, n, MSG_DONTWAIT);
  while (r < 0 && errno == EINTR);
  return result((long)r, f, text);
}

int ds_socket_patient (int fd) {
  struct timeval t = {DS_SOCKET_PATIENCE / DS_SECOND,
                      DS_SOCKET_PATIENCE % DS_SECOND};
  int off = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) != 0)
    return -1;
  return ioctl(fd, FIONBIO, &off);
}

long ds_socket_wait (int fd, void *p, size_t n, ds_failure *f,
                     const char **text) {
  ssize_t r = recv(fd, p, n, 0);
  if (r < 0 && errno == EINTR)
    return DS_SOCKET_SIGNAL;
  return result((long)r, f, text);
}

void ds_socket_close (int fd, int abort) {
  struct linger l = {1, 0};
  if (abort)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
  close(fd);
}
