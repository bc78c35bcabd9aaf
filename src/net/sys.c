#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/random.h>
#endif

#include "dns/conf.h"
#include "util/mem.h"

#define RESOLV_CONF_MAX 65536

ds_time ds_now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (ds_time)t.tv_sec * DS_SECOND + t.tv_nsec / 1000;
}

int64_t ds_unix_time (void) {
  return (int64_t)time(NULL);
}

int ds_zone (int64_t t) {
  time_t at = (time_t)t;
  struct tm l;
  if (localtime_r(&at, &l) == NULL || labs(l.tm_gmtoff) >= 86400)
    return 0;
  return (int)(l.tm_gmtoff / 60);
}

static int read_all (int fd, char *p, size_t n) {
  while (n > 0) {
    ssize_t r = read(fd, p, n);
    if (r < 0 && errno == EINTR)
      continue;
    if (r <= 0)
      return DS_ERR_LOCAL;
    p += r;
    n -= (size_t)r;
  }
  return DS_OK;
}

static int random_device (char *p, size_t n) {
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  int r;
  if (fd < 0)
    return DS_ERR_LOCAL;
  r = read_all(fd, p, n);
  close(fd);
  return r;
}

int ds_random (void *ud, void *p, size_t n) {
  char *at = (char *)p;
  (void)ud;
#if defined(__linux__)
  while (n > 0) {
    ssize_t r = getrandom(at, n, 0);
    if (r < 0 && errno == EINTR)
      continue;
    if (r < 0)
      break;
    at += r;
    n -= (size_t)r;
  }
#endif
  return n > 0 ? random_device(at, n) : DS_OK;
}

void ds_sys_native (ds_sys *s) {
  s->random = ds_random;
  s->ud = NULL;
  s->epoch = ds_unix_time() - ds_now() / DS_SECOND;
}

size_t ds_machine_name (char *out, size_t size) {
  if (gethostname(out, size) != 0)
    out[0] = '\0';
  out[size - 1] = '\0';
  return strlen(out);
}

int ds_is_terminal (int fd) {
  return isatty(fd);
}

void ds_log_failure (const char *text) {
  openlog("directsend", LOG_PID, LOG_MAIL);
  syslog(LOG_ERR, "%s", text);
  closelog();
}

static size_t slurp (const char *path, char *to, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  size_t n = 0;
  ssize_t r = 0;
  if (fd < 0)
    return 0;
  while (n < size && (r = read(fd, to + n, size - n)) != 0) {
    if (r < 0 && errno != EINTR)
      break;
    n += r > 0 ? (size_t)r : 0;
  }
  close(fd);
  return n;
}

void ds_resolv_conf (const char *path, ds_dns_config *c) {
  static const size_t size = RESOLV_CONF_MAX;
  char *text = (char *)ds_malloc(size);
  size_t n = 0;
  if (text != NULL)
    n = slurp(path != NULL ? path : "/etc/resolv.conf", text, size);
  ds_dns_conf_parse(ds_span_of(text, n), c);
  ds_free(text);
}
