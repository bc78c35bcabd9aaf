#include "net/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/mem.h"

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

/* DS_SECRET octets at most, and one more */
static ssize_t read_all (int fd, char *to) {
  size_t n = 0;
  ssize_t got;
  do {
    got = read(fd, to + n, DS_SECRET + 1 - n);
    if (got > 0)
      n += (size_t)got;
  } while (got > 0 || (got < 0 && errno == EINTR));
  return got < 0 ? got : (ssize_t)n;
}

static int hand_over (const char *path, ds_span octets, ds_secret_fn take,
                      void *ud, ds_error *e) {
  ds_error inner = {DS_OK, DS_KIND_NONE, "", ""};
  int rc = take(ud, octets, &inner);
  if (rc != DS_OK)
    ds_error_set(e, (ds_err)rc, inner.kind, NULL, "%s: %s", path, inner.text);
  return rc;
}

int ds_secret_use (const char *path, ds_secret_fn take, void *ud, int *exposed,
                   ds_error *e) {
  int fd = open_regular(path, exposed, e), rc;
  char *octets;
  ssize_t n;
  if (fd < 0)
    return fd;
  if ((octets = (char *)ds_calloc(1, DS_SECRET + 1)) == NULL)
    rc = ds_error_nomem(e);
  else if ((n = read_all(fd, octets)) < 0)
    rc = fail(e, path, strerror(errno));
  else if (n > DS_SECRET)
    rc = fail(e, path, "is too long for a key");
  else
    rc = hand_over(path, ds_span_of(octets, (size_t)n), take, ud, e);
  if (octets != NULL)
    memset(octets, 0, DS_SECRET + 1);
  ds_free(octets);
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
