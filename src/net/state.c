#include "net/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string.h>

#define PIECE 65536

static int fail (ds_error *e, const char *path, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL, "%s: %s", path,
                      why);
}

/* why what it says is not to be believed, NULL: it is */
static const char *doubtful (const struct stat *st) {
  if (!S_ISREG(st->st_mode))
    return "is not a regular file";
  if (st->st_uid != geteuid())
    return "is another user's";
  if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return "can be written by others";
  return st->st_size > DS_STATE ? "is too long" : NULL;
}

static int read_all (int fd, ds_buf *out) {
  for (;;) {
    char *p = ds_buf_space(out, PIECE);
    ssize_t n;
    if (p == NULL)
      return DS_ERR_NOMEM;
    n = read(fd, p, PIECE);
    if (n < 0 && errno != EINTR)
      return DS_ERR_USAGE;
    if (n == 0)
      return DS_OK;
    if (n > 0)
      ds_buf_added(out, (size_t)n);
    if (out->len > DS_STATE)
      return DS_ERR_LIMIT;
  }
}

static int take (int fd, const char *path, ds_buf *out, ds_error *e) {
  struct stat st;
  int r;
  if (fstat(fd, &st) != 0)
    return fail(e, path, strerror(errno));
  if (doubtful(&st) != NULL)
    return fail(e, path, doubtful(&st));
  r = read_all(fd, out);
  if (r == DS_ERR_NOMEM)
    return ds_error_nomem(e);
  return r == DS_OK ? 1
                    : fail(e, path,
                           r == DS_ERR_LIMIT ? "is too long" : strerror(errno));
}

int ds_state_read (const char *path, ds_buf *out, ds_error *e) {
  int fd, r;
  do
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0 && errno == ENOENT)
    return 0;
  if (fd < 0)
    return fail(e, path,
                errno == ELOOP ? "is a symbolic link" : strerror(errno));
  r = take(fd, path, out, e);
  close(fd);
  return r;
}
