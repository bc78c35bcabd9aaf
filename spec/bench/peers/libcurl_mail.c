/*
** libcurl_mail: B_N messages B_MSG to 127.0.0.1:B_PORT with libcurl's multi
** interface, B_CONC at once, connections kept; B_TLS=1: STARTTLS, unverified;
** B_REUSE=1: a new connection each; B_ATTACH: a file sent as an attachment.
*/
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t text_n;
static long left, open_now;

typedef struct job {
  CURL *easy;
  size_t at;
} job;

static long number (const char *name, long standard) {
  const char *v = getenv(name);
  return v != NULL && *v != '\0' ? atol(v) : standard;
}

static size_t give (char *to, size_t size, size_t count, void *ud) {
  job *j = (job *)ud;
  size_t n = size * count;
  if (n > text_n - j->at)
    n = text_n - j->at;
  memcpy(to, text + j->at, n);
  j->at += n;
  return n;
}

static void load (const char *path) {
  FILE *f = fopen(path, "rb");
  text = (char *)malloc(1 << 20);
  if (f == NULL || text == NULL)
    exit(1);
  text_n = fread(text, 1, 1 << 20, f);
  fclose(f);
}

static void attach (CURL *c, const char *path) {
  curl_mime *m = curl_mime_init(c);
  curl_mimepart *p = curl_mime_addpart(m);
  curl_mime_data(p, "See the file.", CURL_ZERO_TERMINATED);
  p = curl_mime_addpart(m);
  curl_mime_filedata(p, path);
  curl_mime_encoder(p, "base64");
  curl_easy_setopt(c, CURLOPT_MIMEPOST, m);
}

static void prepare (job *j, struct curl_slist *to) {
  char url[64];
  const char *file = getenv("B_ATTACH");
  CURL *c = j->easy = curl_easy_init();
  snprintf(url, sizeof url, "smtp://127.0.0.1:%ld/client.example.org",
           number("B_PORT", 25));
  curl_easy_setopt(c, CURLOPT_URL, url);
  curl_easy_setopt(c, CURLOPT_MAIL_FROM, "sender@example.org");
  curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
  curl_easy_setopt(c, CURLOPT_PRIVATE, j);
  if (file != NULL && *file != '\0')
    attach(c, file);
  else {
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(c, CURLOPT_READDATA, j);
  }
  if (number("B_TLS", 0)) {
    curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (number("B_REUSE", 0) == 1)
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
}

static void again (CURLM *multi, job *j) {
  if (left-- <= 0)
    return;
  j->at = 0;
  open_now++;
  curl_multi_add_handle(multi, j->easy);
}

static void reap (CURLM *multi) {
  CURLMsg *m;
  int more;
  while ((m = curl_multi_info_read(multi, &more)) != NULL) {
    job *j;
    if (m->data.result != CURLE_OK) {
      fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(m->data.result));
      exit(1);
    }
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&j);
    curl_multi_remove_handle(multi, j->easy);
    open_now--;
    again(multi, j);
  }
}

int main (void) {
  long conc = number("B_CONC", 1), i;
  job *jobs = (job *)calloc((size_t)conc, sizeof *jobs);
  struct curl_slist *to = curl_slist_append(NULL, "rcpt@example.com");
  CURLM *multi;
  int running;
  load(getenv("B_MSG"));
  left = number("B_N", 1);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, conc + 8);
  for (i = 0; i < conc; i++) {
    prepare(&jobs[i], to);
    again(multi, &jobs[i]);
  }
  while (open_now > 0) {
    curl_multi_perform(multi, &running);
    if (running > 0)
      curl_multi_poll(multi, NULL, 0, 1000, NULL);
    reap(multi);
  }
  curl_multi_cleanup(multi);
  return 0;
}
