#include "mime/domain.h"

#include <stdio.h>

#include "mime/utf8.h"
#include "util/addr.h"

#define LABEL_MAX 63

static int refuse (ds_error *e, const char *why, ds_span s) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL, "%s: '%.*s'", why,
                      (int)(s.n < 80 ? s.n : 80), s.p);
}

/* NULL, or what is wrong with it */
static const char *label (ds_span s) {
  size_t i;
  if (s.n == 0)
    return "a domain has no empty labels";
  if (s.n > LABEL_MAX)
    return "a label of the domain is longer than 63 octets";
  if (s.p[0] == '-' || s.p[s.n - 1] == '-')
    return "a label of a domain neither begins nor ends with a hyphen";
  for (i = 0; i < s.n; i++)
    if (!ds_is_alpha((unsigned char)s.p[i]) &&
        !ds_is_digit((unsigned char)s.p[i]) && s.p[i] != '-')
      return "a domain is made of letters, digits, hyphens and dots";
  return NULL;
}

static int numeric (ds_span s) {
  size_t i = 0;
  while (i < s.n && ds_is_digit((unsigned char)s.p[i]))
    i++;
  return i == s.n;
}

/* length first: nothing long is ever looked into */
int ds_domain_check (ds_span s, ds_error *e) {
  size_t begin = 0, i, labels = 0;
  if (s.n == 0)
    return refuse(e, "the domain is missing", s);
  if (s.n > DS_DOMAIN_MAX)
    return refuse(e, "the domain is longer than 253 octets", s);
  if (!ds_utf8_ascii(s))
    return refuse(e, "a domain outside ASCII needs IDN support", s);
  for (i = 0; i <= s.n; i++)
    if (i == s.n || s.p[i] == '.') {
      ds_span part = ds_span_of(s.p + begin, i - begin);
      const char *why = label(part);
      if (why != NULL)
        return refuse(e, why, s);
      labels++;
      if (i == s.n && numeric(part))
        return refuse(e, "the last label of a domain is not a number", s);
      begin = i + 1;
    }
  if (labels < 2)
    return refuse(e, "a mail domain has at least two labels", s);
  return DS_OK;
}

int ds_domain_literal (ds_span s, char *out, ds_error *e) {
  static const ds_span tag = {"IPv6:", 5};
  ds_span in = s;
  ds_ip ip;
  char text[DS_IP_TEXT];
  int six;
  if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
    return refuse(e, "an address literal stands in [ ]", s);
  in = ds_span_of(s.p + 1, s.n - 2);
  six = in.n > tag.n && ds_span_eqi(ds_span_of(in.p, tag.n), tag);
  if (six)
    in = ds_span_of(in.p + tag.n, in.n - tag.n);
  if (in.n >= DS_IP_TEXT || ds_ip_parse(in.p, in.n, &ip) != DS_OK ||
      ip.family != (six ? 6 : 4))
    return refuse(e, "this is no address literal", s);
  ds_ip_format(&ip, text);
  return snprintf(out, 64, "[%s%s]", six ? tag.p : "", text);
}
