#include "net/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"

#define AT_ONCE 65536

int ds_spool_init (ds_spool *s, const char *dir) {
  memset(s, 0, sizeof *s);
  s->fd = -1;
  s->dir = ds_strndup(dir, strlen(dir));
  return s->dir != NULL ? DS_OK : DS_ERR_NOMEM;
}

void ds_spool_clear (ds_spool *s) {
  ds_buf_clear(&s->memory);
  ds_free(s->dir);
  s->dir = NULL;
  if (s->fd >= 0)
    close(s->fd);
  s->fd = -1;
  s->size = 0;
}

static int broken (const ds_spool *s, ds_error *e) {
  return ds_error_set(e, DS_ERR_LOCAL, DS_KIND_LOCAL, "tmpdir", "tmpdir %s: %s",
                      s->dir, strerror(errno));
}

/* not every file system can make a file that never had a name */
static int nameless (const char *dir) {
  static const char name[] = "/directsend-XXXXXX";
  size_t n = strlen(dir);
  char *path;
  int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
    return fd;
  errno = ENOMEM;
  if ((path = (char *)ds_malloc(n + sizeof name)) == NULL)
    return -1;
  memcpy(path, dir, n);
  memcpy(path + n, name, sizeof name);
  fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0)
    unlink(path);
  ds_free(path);
  return fd;
}

static int write_all (ds_spool *s, const char *p, size_t n, ds_error *e) {
  while (n > 0) {
    ssize_t k = write(s->fd, p, n);
    if (k < 0 && errno != EINTR)
      return broken(s, e);
    p += k > 0 ? k : 0;
    n -= k > 0 ? (size_t)k : 0;
  }
  return DS_OK;
}

/* what memory held goes first into the file */
static int leave_memory (ds_spool *s, ds_error *e) {
  int rc;
  if ((s->fd = nameless(s->dir)) < 0)
    return broken(s, e);
  rc = write_all(s, ds_buf_data(&s->memory), s->memory.len, e);
  ds_buf_clear(&s->memory);
  return rc;
}

int ds_spool_write (ds_spool *s, const void *p, size_t n, ds_error *e) {
  int rc = DS_OK;
  if (s->fd < 0 && n <= DS_SPOOL_MEMORY - s->memory.len)
    rc = ds_buf_append(&s->memory, p, n);
  else {
    if (s->fd < 0)
      rc = leave_memory(s, e);
    if (rc == DS_OK)
      rc = write_all(s, (const char *)p, n, e);
  }
  if (rc == DS_OK)
    s->size += n;
  return rc;
}

static long read_spool (void *ud, uint64_t at, void *p, size_t n, ds_error *e) {
  ds_spool *s = (ds_spool *)ud;
  ssize_t got;
  if (at >= s->size)
    return 0;
  if (n > s->size - at)
    n = (size_t)(s->size - at);
  if (n > AT_ONCE)
    n = AT_ONCE;
  if (s->fd < 0) {
    memcpy(p, ds_buf_data(&s->memory) + at, n);
    return (long)n;
  }
  do
    got = pread(s->fd, p, n, (off_t)at);
  while (got < 0 && errno == EINTR);
  if (got == 0)
    errno = EIO;
  return got > 0 ? (long)got : broken(s, e);
}

ds_content ds_spool_content (ds_spool *s) {
  ds_content c;
  c.read = read_spool;
  c.ud = s;
  c.size = s->size;
  return c;
}
