#include "mime/scan.h"

#include <string.h>

#include "mime/base64.h"
#include "mime/crlf.h"

#define SLICE 2048
#define LINE  998 /* RFC 5322 §2.1.1 */

static const char *const names[] = {"7bit", "8bit", "quoted-printable",
                                    "base64"};

const char *ds_encoding_name (ds_encoding how) {
  return names[how];
}

void ds_scan_init (ds_scan *s) {
  memset(s, 0, sizeof *s);
  ds_qp_init(&s->qp);
}

/* is some octet NUL, is some ≥ 0x80? */
static void look (ds_scan *s, const char *p, size_t n) {
  const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
  uint64_t v, any = 0, nul = 0;
  for (; n >= 8; n -= 8, p += 8) {
    memcpy(&v, p, 8);
    any |= v;
    nul |= (v - ones) & ~v;
  }
  v = ones; /* neither */
  memcpy(&v, p, n);
  any |= v;
  nul |= (v - ones) & ~v;
  s->eight |= (any & tops) != 0;
  s->nul |= (nul & tops) != 0;
}

static const char from[] = "From ";
#define FROM ((int)sizeof from - 1)

/* the next n octets of a line: its first ones, and the last */
static void look_at_ends (ds_scan *s, const char *p, size_t n) {
  size_t i;
  for (i = 0; i < n && s->from < FROM && s->line + i == (size_t)s->from &&
              p[i] == from[s->from];
       i++)
    s->fragile |= ++s->from == FROM;
  if (n > 0)
    s->blank = p[n - 1] == ' ' || p[n - 1] == '\t';
}

static void end_line (ds_scan *s) {
  s->fragile |= s->blank;
  s->line = 0;
  s->blank = s->from = 0;
}

static void count_lines (ds_scan *s, const char *p, size_t n) {
  const char *end = p + n;
  while (p < end) {
    size_t k = ds_crlf_run(p, (size_t)(end - p));
    look_at_ends(s, p, k);
    p += k;
    s->line += k;
    s->size += k;
    if (s->line > s->longest)
      s->longest = s->line;
    s->cr = s->cr && k == 0;
    if (p == end)
      break;
    if (*p == '\r' || !s->cr)
      s->size += 2;
    end_line(s);
    s->cr = *p++ == '\r';
    if (s->cr && p < end && *p == '\n') {
      s->cr = 0;
      p++;
    }
  }
}

/* the size of quoted-printable comes from the encoder that will be used, so
   that what is announced is what is sent */
void ds_scan_update (ds_scan *s, const void *p, size_t n) {
  const char *in = (const char *)p;
  char qp[4 * SLICE];
  while (n > 0) {
    size_t k = n < SLICE ? n : SLICE;
    look(s, in, k);
    count_lines(s, in, k);
    s->qp_size += ds_qp_update(&s->qp, in, k, qp);
    in += k;
    n -= k;
  }
}

void ds_scan_final (ds_scan *s) {
  char qp[4 * SLICE];
  s->qp_size += ds_qp_final(&s->qp, qp);
  if (s->line > 0) {
    s->size += 2;
    s->qp_size += 2;
  }
  end_line(s);
}

int ds_scan_plain (const ds_scan *s) {
  return !s->nul && s->longest <= LINE;
}

uint64_t ds_scan_encoded (const ds_scan *s, ds_encoding how) {
  return how == DS_ENC_BASE64 ? ds_base64_size(s->size)
         : how == DS_ENC_QP   ? s->qp_size
                              : s->size;
}

ds_encoding ds_scan_best (const ds_scan *s, ds_care care) {
  int frail = s->fragile && care == DS_CARE_SIGNED;
  if (ds_scan_plain(s) && !s->eight && !frail)
    return DS_ENC_7BIT;
  if (ds_scan_plain(s) && s->eight && care == DS_CARE_8BIT)
    return DS_ENC_8BIT;
  return s->qp_size <= ds_base64_size(s->size) ? DS_ENC_QP : DS_ENC_BASE64;
}
