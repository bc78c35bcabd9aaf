#include "deliver/sts.h"

#include <string.h>

#include "util/mem.h"

#define VERSION         "STSv1"
#define NAME_MAX_OCTETS 32

void ds_sts_init (ds_sts *p) {
  memset(p, 0, sizeof *p);
}

void ds_sts_clear (ds_sts *p) {
  ds_free(p->patterns);
  ds_sts_init(p);
}

/* ------------------------------------------------------------------ text */

static int blank (int c) {
  return c == ' ' || c == '\t';
}

static ds_span trim (ds_span s) {
  while (s.n > 0 && blank((unsigned char)s.p[0]))
    s = ds_span_of(s.p + 1, s.n - 1);
  while (s.n > 0 && blank((unsigned char)s.p[s.n - 1]))
    s.n--;
  return s;
}

static int is (ds_span s, const char *word) {
  return ds_span_eq(s, ds_span_str(word));
}

/* what stands before the next `end`; *rest is behind it, or has no octets and
   no place */
static ds_span cut (ds_span *rest, char end) {
  ds_span all = *rest;
  const char *p = all.n > 0 ? (const char *)memchr(all.p, end, all.n) : NULL;
  if (p == NULL) {
    *rest = ds_span_of(NULL, 0);
    return all;
  }
  *rest = ds_span_of(p + 1, all.n - (size_t)(p - all.p) - 1);
  return ds_span_of(all.p, (size_t)(p - all.p));
}

/* digits alone, ten at most; < 0: it is something else */
static int64_t number (ds_span s) {
  int64_t v = 0;
  size_t i;
  if (s.n == 0 || s.n > 10)
    return -1;
  for (i = 0; i < s.n; i++) {
    if (!ds_is_digit((unsigned char)s.p[i]))
      return -1;
    v = v * 10 + (s.p[i] - '0');
  }
  return v;
}

static int alphanumeric (int c) {
  return ds_is_alpha(c) || ds_is_digit(c);
}

/* a field's name, ours or of an extension (RFC 8461 §3.1, §3.2) */
static int is_name (ds_span s) {
  size_t i;
  if (s.n == 0 || s.n > NAME_MAX_OCTETS || !alphanumeric((unsigned char)s.p[0]))
    return 0;
  for (i = 1; i < s.n; i++)
    if (!alphanumeric((unsigned char)s.p[i]) &&
        memchr("_-.", s.p[i], 3) == NULL)
      return 0;
  return 1;
}

/* ------------------------------------------------------------- the record */

static int is_id (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++)
    if (!alphanumeric((unsigned char)s.p[i]))
      return 0;
  return s.n > 0 && s.n < DS_STS_ID;
}

static int is_value (ds_span s) {
  size_t i;
  for (i = 0; i < s.n; i++) {
    int c = (unsigned char)s.p[i];
    if (c < 0x21 || c > 0x7e || c == ';' || c == '=')
      return 0;
  }
  return s.n > 0;
}

static void keep_id (char id[DS_STS_ID], ds_span s) {
  memcpy(id, s.p, s.n);
  id[s.n] = '\0';
}

/* the fields behind "v=STSv1;" */
static int record_fields (ds_span rest, char id[DS_STS_ID]) {
  id[0] = '\0';
  while (rest.p != NULL) {
    ds_span value = trim(cut(&rest, ';'));
    ds_span name;
    if (value.n == 0 && rest.p == NULL)
      break; /* a last ';' */
    name = cut(&value, '=');
    if (!is_name(name) || value.p == NULL)
      return 0;
    if (!is(name, "id") ? !is_value(value) : !is_id(value))
      return 0;
    if (is(name, "id") && id[0] == '\0')
      keep_id(id, value);
  }
  return id[0] != '\0';
}

/* "v=STSv1;" with blanks before the ';' */
static int announces (const ds_dns_record *r, ds_span *fields) {
  ds_span s = ds_span_of((const char *)r->data, r->size), version;
  if (s.n == 0)
    return 0;
  version = cut(&s, ';');
  while (version.n > 0 && blank((unsigned char)version.p[version.n - 1]))
    version.n--;
  *fields = s;
  return s.p != NULL && is(version, "v=" VERSION);
}

int ds_sts_record (const ds_dns_record *records, size_t n, char id[DS_STS_ID]) {
  ds_span fields = {NULL, 0}, found;
  size_t i, count = 0;
  for (i = 0; i < n; i++)
    if (announces(&records[i], &found)) {
      fields = found;
      count++;
    }
  return count == 1 && record_fields(fields, id);
}

/* ------------------------------------------------------------- the policy */

typedef struct reading {
  ds_sts *policy;
  ds_error *e;
  int version, aged; /* these fields were seen */
} reading;

static int wrong (reading *r, const char *what) {
  return ds_error_set(r->e, DS_ERR_PROTOCOL, DS_KIND_PROTOCOL, NULL,
                      "the MTA-STS policy %s", what);
}

static int pattern_ok (ds_span s) {
  if (s.n > 2 && s.p[0] == '*' && s.p[1] == '.')
    s = ds_span_of(s.p + 2, s.n - 2);
  return ds_dns_name_ok(s, 0) && memchr(s.p, '_', s.n) == NULL;
}

static int add_pattern (ds_sts *p, ds_span s) {
  char *grown = (char *)ds_realloc(p->patterns, p->size + s.n + 1);
  size_t i;
  if (grown == NULL)
    return DS_ERR_NOMEM;
  p->patterns = grown;
  for (i = 0; i < s.n; i++)
    grown[p->size + i] = (char)ds_lower((unsigned char)s.p[i]);
  grown[p->size + s.n] = '\0';
  p->size += s.n + 1;
  p->count++;
  return DS_OK;
}

static int take_mx (reading *r, ds_span v) {
  if (!pattern_ok(v))
    return wrong(r, "names an mx that is no host or *.domain");
  if (r->policy->count >= DS_STS_PATTERNS)
    return wrong(r, "names too many hosts");
  if (add_pattern(r->policy, v) != DS_OK)
    return ds_error_set(r->e, DS_ERR_NOMEM, DS_KIND_LOCAL, NULL,
                        "out of memory");
  return DS_OK;
}

static int take_mode (reading *r, ds_span v) {
  if (r->policy->mode != DS_STS_UNKNOWN)
    return DS_OK;
  r->policy->mode = is(v, "enforce")   ? DS_STS_ENFORCE
                    : is(v, "testing") ? DS_STS_TESTING
                    : is(v, "none")    ? DS_STS_NONE
                                       : DS_STS_UNKNOWN;
  return r->policy->mode != DS_STS_UNKNOWN
             ? DS_OK
             : wrong(r, "has a mode other than enforce, testing and none");
}

static int take_max_age (reading *r, ds_span v) {
  int64_t n = number(v);
  if (r->aged)
    return DS_OK;
  if (n < 0 || n > DS_STS_MAX_AGE)
    return wrong(r, "has a max_age that is not 0 to 31557600 seconds");
  r->aged = 1;
  r->policy->max_age = (uint32_t)n;
  return DS_OK;
}

static int take_version (reading *r, ds_span v) {
  if (!r->version && !is(v, VERSION))
    return wrong(r, "has a version other than STSv1");
  r->version = 1;
  return DS_OK;
}

static int policy_line (reading *r, ds_span value) {
  ds_span name = cut(&value, ':');
  if (!is_name(name) || value.p == NULL)
    return wrong(r, "has a line that is not \"name: value\"");
  value = trim(value);
  if (is(name, "version"))
    return take_version(r, value);
  if (is(name, "mode"))
    return take_mode(r, value);
  if (is(name, "max_age"))
    return take_max_age(r, value);
  if (is(name, "mx"))
    return take_mx(r, value);
  return DS_OK;
}

static int complete (reading *r) {
  if (!r->version)
    return wrong(r, "has no version");
  if (r->policy->mode == DS_STS_UNKNOWN)
    return wrong(r, "has no mode");
  if (!r->aged)
    return wrong(r, "has no max_age");
  if (r->policy->count == 0 && r->policy->mode != DS_STS_NONE)
    return wrong(r, "names no mx");
  return DS_OK;
}

int ds_sts_parse (ds_span text, ds_sts *p, ds_error *e) {
  reading r = {p, e, 0, 0};
  int code = DS_OK;
  if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
    return wrong(&r, "holds a NUL");
  while (text.n > 0 && code == DS_OK) {
    ds_span line = cut(&text, '\n');
    if (line.n > 0 && line.p[line.n - 1] == '\r')
      line.n--;
    if (trim(line).n > 0)
      code = policy_line(&r, line);
  }
  if (code == DS_OK)
    code = complete(&r);
  if (code != DS_OK)
    ds_sts_clear(p);
  return code;
}

const char *ds_sts_pattern (const ds_sts *p, size_t i) {
  const char *z = p->patterns;
  while (i-- > 0)
    z += strlen(z) + 1;
  return z;
}

static int matches (const char *pattern, const char *host) {
  const char *dot = strchr(host, '.');
  if (pattern[0] != '*')
    return ds_span_eqi(ds_span_str(pattern), ds_span_str(host));
  return dot != NULL && dot != host &&
         ds_span_eqi(ds_span_str(pattern + 1), ds_span_str(dot));
}

int ds_sts_lists (const ds_sts *p, const char *host) {
  const char *z = p->patterns;
  size_t i;
  for (i = 0; i < p->count; i++, z += strlen(z) + 1)
    if (matches(z, host))
      return 1;
  return 0;
}

/* ------------------------------------------------------- what is remembered */

#define HOUR 3600
#define DAY  86400

#define PATIENCE 300 /* after a fetch that failed */

void ds_sts_entry_init (ds_sts_entry *e) {
  memset(e, 0, sizeof *e);
}

void ds_sts_entry_clear (ds_sts_entry *e) {
  ds_sts_clear(&e->policy);
  ds_sts_entry_init(e);
}

int64_t ds_sts_entry_ends (const ds_sts_entry *e) {
  return e->policy.mode == DS_STS_UNKNOWN
             ? 0
             : e->fetched + (int64_t)e->policy.max_age;
}

/* a time that lies ahead was taken from a clock that was wrong */
static int within (int64_t then, int64_t now, int64_t span) {
  return then <= now && now - then < span;
}

const ds_sts *ds_sts_entry_policy (const ds_sts_entry *e, int64_t now) {
  if (e->policy.mode == DS_STS_UNKNOWN || now >= ds_sts_entry_ends(e))
    return NULL;
  return &e->policy;
}

int ds_sts_entry_stale (const ds_sts_entry *e, int64_t now) {
  if (e->policy.mode != DS_STS_UNKNOWN && now >= ds_sts_entry_ends(e))
    return 1;
  if (e->failed != 0 && !within(e->failed, now, PATIENCE))
    return 1;
  return !within(e->checked, now, HOUR);
}

int ds_sts_entry_wants (const ds_sts_entry *e, const char *id, int64_t now) {
  int64_t half = (int64_t)e->policy.max_age / 2;
  if (strcmp(e->failed_id, id) == 0 && within(e->failed, now, PATIENCE))
    return 0;
  if (ds_sts_entry_policy(e, now) == NULL || strcmp(e->id, id) != 0)
    return 1;
  return !within(e->fetched, now, half < DAY ? half : DAY);
}

static const char *const modes[] = {"unknown", "none", "testing", "enforce"};

/* "-" for what is not there */
static const char *or_dash (const char *z) {
  return z[0] != '\0' ? z : "-";
}

int ds_sts_entry_write (const ds_sts_entry *e, ds_buf *out) {
  size_t i;
  ds_buf_printf(out, "sts1 %s %s %lld %lu %lld %s %lld", modes[e->policy.mode],
                or_dash(e->id), (long long)e->fetched,
                (unsigned long)e->policy.max_age, (long long)e->checked,
                or_dash(e->failed_id), (long long)e->failed);
  for (i = 0; i < e->policy.count; i++)
    ds_buf_printf(out, " %s", ds_sts_pattern(&e->policy, i));
  return out->failed ? DS_ERR_NOMEM : DS_OK;
}

static int read_mode (ds_span s, ds_sts_mode *mode) {
  int m = DS_STS_UNKNOWN;
  while (m <= DS_STS_ENFORCE && !is(s, modes[m]))
    m++;
  *mode = (ds_sts_mode)m;
  return m <= DS_STS_ENFORCE;
}

static int read_id (ds_span s, char id[DS_STS_ID]) {
  if (is(s, "-"))
    return 1;
  if (is_id(s))
    keep_id(id, s);
  return id[0] != '\0';
}

static int read_time (ds_span s, int64_t *t) {
  *t = number(s);
  return *t >= 0;
}

/* the words before the patterns */
static int read_head (ds_sts_entry *e, ds_span *line) {
  int64_t max_age = -1;
  if (!is(cut(line, ' '), "sts1") ||
      !read_mode(cut(line, ' '), &e->policy.mode) ||
      !read_id(cut(line, ' '), e->id) ||
      !read_time(cut(line, ' '), &e->fetched) ||
      !read_time(cut(line, ' '), &max_age) || max_age > DS_STS_MAX_AGE ||
      !read_time(cut(line, ' '), &e->checked) ||
      !read_id(cut(line, ' '), e->failed_id) ||
      !read_time(cut(line, ' '), &e->failed))
    return 0;
  e->policy.max_age = (uint32_t)max_age;
  return 1;
}

int ds_sts_entry_read (ds_sts_entry *e, ds_span line) {
  int ok;
  ds_sts_entry_init(e);
  ok = line.n > 0 && read_head(e, &line);
  while (ok && line.p != NULL) {
    ds_span s = cut(&line, ' ');
    ok = pattern_ok(s) && e->policy.count < DS_STS_PATTERNS;
    if (ok && add_pattern(&e->policy, s) != DS_OK) {
      ds_sts_entry_clear(e);
      return DS_ERR_NOMEM;
    }
  }
  ok = ok && (e->policy.count > 0 || e->policy.mode < DS_STS_TESTING);
  if (!ok)
    ds_sts_entry_clear(e);
  return ok;
}
