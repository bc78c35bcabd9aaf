/*
** Trust lives with TLS: this file, alone below net, looks into the file
** system (for directories of hashed names), and lets OpenSSL read there.
*/
#include "tls/inner.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static int is_hex (int c) {
  return ds_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "5ed36f99.0": what `openssl rehash` makes */
static int hashed_name (const char *z) {
  int i;
  for (i = 0; i < 8; i++)
    if (!is_hex((unsigned char)z[i]))
      return 0;
  return z[8] == '.' && ds_is_digit((unsigned char)z[9]);
}

static int directory_hashed (const char *path) {
  DIR *d = opendir(path);
  struct dirent *entry;
  int found = 0;
  if (d == NULL)
    return 0;
  while (!found && (entry = readdir(d)) != NULL)
    found = hashed_name(entry->d_name);
  closedir(d);
  return found;
}

/* path may be a list "a:b", as OpenSSL reads it; 1 when one will do, < 0 when
   memory is out */
static int list_hashed (const char *path) {
  char *copy = ds_strndup(path, strlen(path)), *at, *end;
  int found = 0;
  if (copy == NULL)
    return DS_ERR_NOMEM;
  for (at = copy; at != NULL && !found; at = end) {
    end = strchr(at, ':');
    if (end != NULL)
      *end++ = '\0';
    found = directory_hashed(at);
  }
  ds_free(copy);
  return found;
}

static int no_memory (ds_error *e) {
  return ds_error_set(e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL, "out of memory");
}

static int holds_certificate (X509_STORE *store) {
  STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
  int i;
  for (i = 0; i < sk_X509_OBJECT_num(all); i++)
    if (X509_OBJECT_get_type(sk_X509_OBJECT_value(all, i)) == X509_LU_X509)
      return 1;
  return 0;
}

static int load_file (ds_tls_ctx *c, const char *what, const char *path,
                      ds_error *e) {
  errno = 0;
  if (SSL_CTX_load_verify_locations(c->ssl, path, NULL) == 1 &&
      holds_certificate(SSL_CTX_get_cert_store(c->ssl)))
    return DS_OK;
  return ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, what,
                      "%s: %s: no certificate could be read%s%s", what, path,
                      errno != 0 ? ": " : "",
                      errno != 0 ? strerror(errno) : "");
}

static int load_path (ds_tls_ctx *c, const char *what, const char *path,
                      ds_error *e) {
  int hashed = list_hashed(path);
  if (hashed < 0)
    return no_memory(e);
  if (hashed > 0 && SSL_CTX_load_verify_locations(c->ssl, NULL, path) == 1)
    return DS_OK;
  return ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, what,
                      "%s: %s: no hashed certificate there "
                      "(openssl rehash makes them)",
                      what, path);
}

static int load_given (ds_tls_ctx *c, ds_error *e) {
  int r = DS_OK;
  if (c->ca_file != NULL)
    r = load_file(c, "ca_file", c->ca_file, e);
  if (r == DS_OK && c->ca_path != NULL)
    r = load_path(c, "ca_path", c->ca_path, e);
  return r;
}

static const char *from_env (const char *name) {
  const char *z = secure_getenv(name);
  return z != NULL && z[0] != '\0' ? z : NULL;
}

/* the bundle costs 20 ms to parse, a hashed directory one small file when it
   is looked into: the bundle is for machines without, or when it is named */
static int load_system (ds_tls_ctx *c, ds_error *e) {
  const char *file = from_env(X509_get_default_cert_file_env());
  const char *path = from_env(X509_get_default_cert_dir_env());
  int hashed;
  if (path == NULL)
    path = X509_get_default_cert_dir();
  if ((hashed = list_hashed(path)) < 0)
    return no_memory(e);
  if (hashed > 0 && SSL_CTX_load_verify_locations(c->ssl, NULL, path) != 1)
    hashed = 0;
  if (file != NULL)
    return load_file(c, X509_get_default_cert_file_env(), file, e);
  file = X509_get_default_cert_file();
  if (hashed || load_file(c, "ca_file", file, NULL) == DS_OK)
    return DS_OK;
  return ds_error_set(e, DS_ERR_TLS, DS_KIND_TLS, "ca_file",
                      "no trust store: install ca-certificates or set "
                      "ca_file (nothing in %s or %s)",
                      path, file);
}

int ds_tls_trust (ds_tls_ctx *c, ds_error *e) {
  int r;
  if (c->trusted)
    return DS_OK;
  r = c->ca_file != NULL || c->ca_path != NULL ? load_given(c, e)
                                               : load_system(c, e);
  c->trusted = r == DS_OK;
  return r;
}
