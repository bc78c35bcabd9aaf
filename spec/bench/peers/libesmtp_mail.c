/*
** libesmtp_mail: B_N messages B_MSG to 127.0.0.1:B_PORT with libESMTP, in one
** session or, with B_REUSE=1, in one each; B_TLS=1: STARTTLS, unverified.
*/
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libesmtp.h> /* wants stdio.h before it */

static char *text;
static size_t text_n;

static long number (const char *name, long standard) {
  const char *v = getenv(name);
  return v != NULL && *v != '\0' ? atol(v) : standard;
}

static void load (const char *path) {
  FILE *f = fopen(path, "rb");
  text = (char *)malloc(1 << 20);
  if (f == NULL || text == NULL)
    exit(1);
  text_n = fread(text, 1, 1 << 20, f);
  fclose(f);
}

static const char *give (void **buf, int *len, void *ud) {
  (void)ud;
  if (*buf == NULL)
    *buf = malloc(1);
  if (len == NULL) {
    *(char *)*buf = 0;
    return NULL;
  }
  *len = *(char *)*buf ? 0 : (int)text_n;
  *(char *)*buf = 1;
  return *len > 0 ? text : NULL;
}

static void on_event (smtp_session_t s, int event, void *ud, ...) {
  va_list ap;
  (void)s;
  (void)ud;
  va_start(ap, ud);
  if (event == SMTP_EV_INVALID_PEER_CERTIFICATE) {
    (void)va_arg(ap, long);
    *va_arg(ap, int *) = 1;
  } else if (event == SMTP_EV_NO_PEER_CERTIFICATE ||
             event == SMTP_EV_WRONG_PEER_CERTIFICATE ||
             event == SMTP_EV_NO_CLIENT_CERTIFICATE)
    *va_arg(ap, int *) = 1;
  va_end(ap);
}

static int session (long n) {
  char server[32];
  smtp_session_t s = smtp_create_session();
  snprintf(server, sizeof server, "127.0.0.1:%ld", number("B_PORT", 25));
  smtp_set_server(s, server);
  smtp_set_hostname(s, "client.example.org");
  smtp_set_eventcb(s, on_event, NULL);
  if (number("B_TLS", 0))
    smtp_starttls_enable(s, Starttls_REQUIRED);
  while (n-- > 0) {
    smtp_message_t m = smtp_add_message(s);
    smtp_set_reverse_path(m, "sender@example.org");
    smtp_set_messagecb(m, give, NULL);
    smtp_add_recipient(m, "rcpt@example.com");
  }
  n = smtp_start_session(s);
  smtp_destroy_session(s);
  return n == 1;
}

int main (void) {
  long n = number("B_N", 1), each = number("B_REUSE", 0) == 1 ? 1 : n;
  signal(SIGPIPE, SIG_IGN);
  load(getenv("B_MSG"));
  for (; n > 0; n -= each)
    if (!session(each))
      return 1;
  return 0;
}
