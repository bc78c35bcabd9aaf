#include "net/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail (ds_error *e, const char *path, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL, "%s: %s", path,
                      why);
}

/* a link may lead to it: that is how secrets are mounted */
static int open_regular (const char *path, int *exposed, ds_error *e) {
  struct stat st;
  int fd;
  do
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0)
    return fail(e, path, strerror(errno));
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    *exposed = (st.st_mode & (S_IROTH | S_IWOTH)) != 0;
    return fd;
  }
  close(fd);
  return fail(e, path, "is not a regular file");
}

static int read_all (int fd, const char *path, ds_buf *out, ds_error *e) {
  char *to = ds_buf_space(out, DS_SECRET + 1);
  size_t n = 0;
  ssize_t got;
  if (to == NULL)
    return DS_ERR_NOMEM;
  do {
    got = read(fd, to + n, DS_SECRET + 1 - n);
    if (got > 0)
      n += (size_t)got;
  } while (got > 0 || (got < 0 && errno == EINTR));
  if (got < 0)
    return fail(e, path, strerror(errno));
  if (n > DS_SECRET)
    return fail(e, path, "is too long for a key");
  ds_buf_added(out, n);
  return DS_OK;
}

int ds_secret_read (const char *path, ds_buf *out, int *exposed, ds_error *e) {
  int fd = open_regular(path, exposed, e), rc;
  if (fd < 0)
    return fd;
  rc = read_all(fd, path, out, e);
  close(fd);
  return rc;
}

static int write_all (int fd, ds_span s) {
  while (s.n > 0) {
    ssize_t n = write(fd, s.p, s.n);
    if (n < 0 && errno != EINTR)
      return -1;
    if (n > 0)
      s = ds_span_of(s.p + n, s.n - (size_t)n);
  }
  return fsync(fd);
}

int ds_secret_write (const char *path, ds_span octets, ds_error *e) {
  int fd, rc;
  do
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  while (fd < 0 && errno == EINTR);
  if (fd < 0)
    return fail(e, path, strerror(errno));
  rc = write_all(fd, octets) == 0 ? DS_OK : fail(e, path, strerror(errno));
  if (close(fd) != 0 && rc == DS_OK)
    rc = fail(e, path, strerror(errno));
  if (rc != DS_OK)
    unlink(path);
  return rc;
}
