#include "net/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/mem.h"

#define AT_ONCE 65536

static int unreadable (const ds_file *f, ds_err code, ds_error *e,
                       const char *why) {
  return ds_error_set(
      e, code, code == DS_ERR_USAGE ? DS_KIND_USAGE : DS_KIND_LOCAL, NULL,
      "%s: %s", f->path != NULL ? f->path : "a closed file", why);
}

/* O_NONBLOCK: to open a pipe or a device must not wait for its other end */
static int open_plainly (const char *path) {
  int fd;
  do
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* those of /proc have no size, being made as they are read */
static int check_empty (const ds_file *f, ds_error *e) {
  char octet;
  ssize_t n = pread(f->fd, &octet, 1, 0);
  if (n == 0)
    return DS_OK;
  return unreadable(f, DS_ERR_USAGE, e,
                    n < 0 ? strerror(errno)
                          : "says it is empty and is not: give what it holds "
                            "as data, or a function that reads it");
}

static int look (const ds_file *f, struct stat *st, ds_error *e) {
  if (f->fd < 0 && errno == ELOOP)
    return unreadable(f, DS_ERR_USAGE, e,
                      "is a symbolic link, which is not followed: give the "
                      "path it points to");
  if (f->fd < 0 || fstat(f->fd, st) != 0)
    return unreadable(f, DS_ERR_USAGE, e, strerror(errno));
  if (!S_ISREG(st->st_mode))
    return unreadable(f, DS_ERR_USAGE, e, "is not a regular file");
  return st->st_size == 0 ? check_empty(f, e) : DS_OK;
}

int ds_file_open (ds_file *f, const char *path, ds_error *e) {
  struct stat st;
  int rc;
  memset(f, 0, sizeof *f);
  f->fd = -1;
  if ((f->path = ds_strndup(path, strlen(path))) == NULL)
    return DS_ERR_NOMEM;
  f->fd = open_plainly(path);
  if ((rc = look(f, &st, e)) != DS_OK) {
    ds_file_close(f);
    return rc;
  }
  f->size = (uint64_t)st.st_size;
  f->seconds = st.st_mtim.tv_sec;
  f->nanoseconds = st.st_mtim.tv_nsec;
  return DS_OK;
}

void ds_file_close (ds_file *f) {
  if (f->fd >= 0)
    close(f->fd);
  f->fd = -1;
  ds_free(f->path);
  f->path = NULL;
}

static int same (const ds_file *f, ds_error *e) {
  struct stat st;
  if (fstat(f->fd, &st) != 0)
    return unreadable(f, DS_ERR_LOCAL, e, strerror(errno));
  if ((uint64_t)st.st_size != f->size || st.st_mtim.tv_sec != f->seconds ||
      st.st_mtim.tv_nsec != f->nanoseconds)
    return unreadable(f, DS_ERR_LOCAL, e, "has changed while it was in use");
  return DS_OK;
}

static long read_file (void *ud, uint64_t at, void *p, size_t n, ds_error *e) {
  ds_file *f = (ds_file *)ud;
  ssize_t got = 0;
  int rc = at == 0 || at >= f->size ? same(f, e) : DS_OK;
  if (rc != DS_OK || at >= f->size)
    return rc;
  n = n < AT_ONCE ? n : AT_ONCE;
  if (n > f->size - at) /* what it has grown by is no part of it */
    n = (size_t)(f->size - at);
  do
    got = pread(f->fd, p, n, (off_t)at);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return unreadable(f, DS_ERR_LOCAL, e, strerror(errno));
  /* its end came before the size it had */
  return got > 0 ? (long)got
                 : unreadable(f, DS_ERR_LOCAL, e, "has become shorter");
}

ds_content ds_file_content (ds_file *f) {
  ds_content c;
  c.read = read_file;
  c.ud = f;
  c.size = f->size;
  return c;
}
