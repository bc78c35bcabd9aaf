#include "mime/media.h"

#include "mime/param.h"
#include "mime/utf8.h"

#define NAME_MAX_OCTETS 1024

static const struct {
  const char *ending, *type;
} types[] = {
    {"7z", "application/x-7z-compressed"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eml", "message/rfc822"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"heic", "image/heic"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"json", "application/json"},
    {"log", "text/plain"},
    {"md", "text/markdown"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"ogg", "audio/ogg"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/"
             "vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"txt", "text/plain"},
    {"vcf", "text/vcard"},
    {"wav", "audio/wav"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx",
     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

static ds_span behind (ds_span s, size_t n) {
  return ds_span_of(s.p + n, s.n - n);
}

/* where c stands first, s.n if nowhere */
static size_t find (ds_span s, int c) {
  size_t i = 0;
  while (i < s.n && s.p[i] != c)
    i++;
  return i;
}

/* what stands behind the last c, all of s if there is none */
static ds_span last (ds_span s, int c) {
  size_t i = s.n;
  while (i > 0 && s.p[i - 1] != c)
    i--;
  return behind(s, i);
}

const char *ds_media_of (ds_span name) {
  ds_span ending = last(name, '.');
  size_t i;
  for (i = 0; i < sizeof types / sizeof types[0] && ending.n < name.n; i++)
    if (ds_span_eqi(ending, ds_span_str(types[i].ending)))
      return types[i].type;
  return "application/octet-stream";
}

static ds_span trim (ds_span s) {
  while (s.n > 0 && s.p[0] == ' ')
    s = behind(s, 1);
  while (s.n > 0 && s.p[s.n - 1] == ' ')
    s.n--;
  return s;
}

/* "left<c>right", both tokens */
static int pair (ds_span s, int c) {
  size_t i = find(s, c);
  return i < s.n && ds_param_token_ok(ds_span_of(s.p, i)) &&
         ds_param_token_ok(behind(s, i + 1));
}

int ds_media_ok (ds_span type) {
  static const ds_span multi = {"multipart/", 10};
  size_t n = find(type, ';');
  if (type.n > 250 || !pair(trim(ds_span_of(type.p, n)), '/') ||
      (type.n > multi.n && ds_span_eqi(ds_span_of(type.p, multi.n), multi)))
    return 0;
  while (n < type.n) {
    type = behind(type, n + 1);
    n = find(type, ';');
    if (!pair(trim(ds_span_of(type.p, n)), '='))
      return 0;
  }
  return 1;
}

/* U+061C, U+200E, U+200F, U+202A-202E, U+2066-2069 */
static int turns (ds_span s) {
  size_t i;
  for (i = 0; i + 1 < s.n; i++) {
    const unsigned char *p = (const unsigned char *)s.p + i;
    if (p[0] == 0xd8 && p[1] == 0x9c)
      return 1;
    if (p[0] == 0xe2 && i + 2 < s.n &&
        ((p[1] == 0x80 &&
          (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae))) ||
         (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
      return 1;
  }
  return 0;
}

/* "C:\x", "\\host\x", "..\x": elsewhere a backslash is a letter like others */
static int windows (ds_span s) {
  return (s.n > 2 && ds_is_alpha((unsigned char)s.p[0]) && s.p[1] == ':' &&
          s.p[2] == '\\') ||
         (s.n > 1 && s.p[0] == '\\' && s.p[1] == '\\') ||
         (s.n > 1 && s.p[0] == '.' && s.p[1] == '\\') ||
         (s.n > 2 && s.p[0] == '.' && s.p[1] == '.' && s.p[2] == '\\');
}

int ds_media_name (ds_span path, ds_span *name, ds_error *e) {
  ds_span s = last(path, '/');
  const char *why = NULL;
  if (windows(path))
    s = last(s, '\\');
  if (s.n == 0 || ds_span_eq(s, ds_span_str(".")) ||
      ds_span_eq(s, ds_span_str("..")))
    why = "this is no file name";
  else if (s.n > NAME_MAX_OCTETS)
    why = "the file name is longer than 1024 octets";
  else if (!ds_utf8_line(path))
    why = "line breaks, control characters and invalid UTF-8 cannot stand in "
          "a file name";
  else if (turns(s))
    why = "marks that turn the direction of writing cannot stand in a file "
          "name";
  *name = s;
  return why == NULL ? DS_OK : ds_error_usage(e, why);
}
