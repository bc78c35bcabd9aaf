#include "idn/idn.h"

#include <idn2.h>
#include <stdint.h>

#define USUAL IDN2_NONTRANSITIONAL
#define STD3  (USUAL | IDN2_USE_STD3_ASCII_RULES)

/* is that what comes of the domain with these flags? */
static int becomes (const uint8_t *domain, int flags, const uint8_t *ascii) {
  uint8_t *again = NULL;
  int same = idn2_lookup_u8(domain, &again, flags) == IDN2_OK &&
             strcmp((const char *)ascii, (const char *)again) == 0;
  idn2_free(again);
  return same;
}

/* does the ASCII form lead back to itself over its Unicode form? */
static int comes_back (const uint8_t *ascii) {
  char *wide = NULL;
  int same = idn2_to_unicode_8z8z((const char *)ascii, &wide, 0) == IDN2_OK &&
             becomes((const uint8_t *)wide, STD3, ascii);
  idn2_free(wide);
  return same;
}

static int refuse (ds_error *e, ds_span domain, const char *why) {
  return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, NULL, "%s: '%.*s'", why,
                      (int)(domain.n < 80 ? domain.n : 80), domain.p);
}

int ds_idn_to_ascii (void *ud, ds_span domain, char out[DS_IDN_MAX + 1],
                     ds_error *e) {
  uint8_t in[DS_IDN_WIDE + 1], *ascii = NULL;
  const char *why = NULL;
  int rc;
  (void)ud;
  if (domain.n > DS_IDN_WIDE)
    return refuse(e, domain, "the domain is longer than 253 octets");
  memcpy(in, domain.p, domain.n);
  in[domain.n] = '\0';
  rc = idn2_lookup_u8(in, &ascii, STD3);
  if (rc == IDN2_MALLOC)
    return ds_error_nomem(e);
  if (rc != IDN2_OK)
    why = idn2_strerror(rc);
  else if (strlen((const char *)ascii) > DS_IDN_MAX)
    why = "the domain is longer than 253 octets";
  /* the rules of STD 3 make it drop some marks instead of refusing them */
  else if (!becomes(in, USUAL, ascii) || !comes_back(ascii))
    why = "the domain has no one form in ASCII";
  else
    memcpy(out, ascii, strlen((const char *)ascii) + 1);
  idn2_free(ascii);
  return why == NULL ? DS_OK : refuse(e, domain, why);
}
