#include "mime/part.h"

#include "mime/base64.h"
#include "mime/media.h"
#include "mime/param.h"
#include "util/mem.h"
#include "util/source.h"

#define CHUNK 16384

static void *no_memory (ds_error *e) {
  ds_error_nomem(e);
  return NULL;
}

static ds_part *new_part (ds_error *e) {
  ds_part *p = (ds_part *)ds_calloc(1, sizeof *p);
  return p != NULL ? p : (ds_part *)no_memory(e);
}

void ds_part_free (ds_part *p) {
  if (p == NULL)
    return;
  while (p->first != NULL) {
    ds_part *child = p->first;
    p->first = child->next;
    ds_part_free(child);
  }
  ds_buf_clear(&p->head);
  ds_free(p);
}

/* a finished leaf, or NULL when its header could not be written */
static ds_part *finished (ds_part *p, ds_error *e) {
  if (!ds_buf_failed(&p->head))
    return p;
  ds_part_free(p);
  return (ds_part *)no_memory(e);
}

static int scan_content (const ds_content *c, ds_scan *s, ds_error *e) {
  char *chunk = (char *)ds_malloc(CHUNK);
  uint64_t at = 0;
  long n = 0;
  if (chunk == NULL) {
    no_memory(e);
    return DS_ERR_NOMEM;
  }
  ds_scan_init(s);
  while ((n = c->read(c->ud, at, chunk, CHUNK, e)) > 0) {
    ds_scan_update(s, chunk, (size_t)n);
    at += (uint64_t)n;
  }
  ds_scan_final(s);
  ds_free(chunk);
  return (int)n;
}

static void put_encoding (ds_part *p) {
  ds_field_text(&p->head, ds_span_str("Content-Transfer-Encoding"),
                ds_span_str(ds_encoding_name(p->how)), DS_FIELD_LINE, NULL);
}

static void as_text (ds_part *p, const ds_scan *s, ds_encoding how) {
  p->text = 1;
  p->how = how;
  p->size = ds_scan_encoded(s, how);
  p->fragile = s->fragile && (how == DS_ENC_7BIT || how == DS_ENC_8BIT);
}

ds_part *ds_part_text (const char *subtype, const ds_content *c,
                       const ds_scan *seen, ds_care care, ds_error *e) {
  ds_part *p;
  ds_scan own;
  if (seen == NULL && scan_content(c, &own, e) != DS_OK)
    return NULL;
  if (seen == NULL)
    seen = &own;
  if ((p = new_part(e)) == NULL)
    return NULL;
  p->content = *c;
  as_text(p, seen, ds_scan_best(seen, care));
  ds_buf_printf(&p->head, "Content-Type: text/%s; charset=%s\r\n", subtype,
                seen->eight ? "utf-8" : "us-ascii");
  put_encoding(p);
  return finished(p, e);
}

static int check_name (const ds_attachment *a, ds_span *name, ds_error *e) {
  ds_error why = {0};
  *name = a->name;
  if (a->name.n == 0 || ds_media_name(a->name, name, &why) == DS_OK)
    return DS_OK;
  return ds_error_set(e, why.code, why.kind, "name", "%s", why.text);
}

static int check (const ds_attachment *a, ds_span *name, ds_span *type,
                  ds_error *e) {
  int rc = check_name(a, name, e);
  *type = a->type;
  if (rc != DS_OK)
    return rc;
  if (type->n == 0)
    *type = ds_span_str(ds_media_of(*name));
  if (!ds_media_ok(*type))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "type",
                        "this is no media type for a file");
  if (a->cid.n > 0 && !ds_ident_ok(a->cid, 1))
    return ds_error_set(e, DS_ERR_USAGE, DS_KIND_USAGE, "cid",
                        "a Content-ID is printable ASCII without spaces, < "
                        "and >");
  return DS_OK;
}

/* may it go as it is?  What can only be read with waiting is not looked at. */
static int unencoded (ds_part *p, const ds_scan *seen, ds_care care,
                      ds_error *e) {
  ds_scan own;
  ds_encoding how;
  int rc = DS_OK;
  if (seen == NULL && (rc = scan_content(&p->content, &own, e)) == DS_OK)
    seen = &own;
  if (rc != DS_OK)
    return rc == DS_SOURCE_WAIT ? 0 : rc;
  how = ds_scan_best(seen, care);
  if (how != DS_ENC_7BIT && how != DS_ENC_8BIT)
    return 0;
  as_text(p, seen, how);
  return 1;
}

/* how it goes, and as what */
static int choose (ds_part *p, const ds_attachment *a, ds_span *type,
                   ds_care care, ds_error *e) {
  static const ds_span message = {"message/", 8};
  if (type->n > message.n &&
      ds_span_eqi(ds_span_of(type->p, message.n), message)) {
    int rc = unencoded(p, a->seen, care, e);
    if (rc != 0)
      return rc < 0 ? rc : DS_OK;
    *type = ds_span_str("application/octet-stream");
  }
  p->how = DS_ENC_BASE64;
  p->size = ds_base64_size(p->content.size);
  return DS_OK;
}

static void put_head (ds_part *p, ds_span type, ds_span name, ds_span cid,
                      int shown) {
  ds_field f;
  ds_field_begin(&f, &p->head, ds_span_str("Content-Type"));
  ds_field_first(&f, type);
  if (name.n > 0)
    ds_param_words(&f, "name", name);
  ds_field_end(&f);
  put_encoding(p);
  ds_field_begin(&f, &p->head, ds_span_str("Content-Disposition"));
  ds_field_token(&f, ds_span_str(shown ? "inline" : "attachment"));
  if (name.n > 0)
    ds_param(&f, "filename", name);
  ds_field_end(&f);
  if (cid.n > 0)
    ds_buf_printf(&p->head, "Content-ID: <%.*s>\r\n", (int)cid.n, cid.p);
}

ds_part *ds_part_attachment (const ds_attachment *a, ds_care care,
                             ds_error *e) {
  ds_span name, type;
  ds_part *p;
  if (check(a, &name, &type, e) != DS_OK || (p = new_part(e)) == NULL)
    return NULL;
  p->content = a->content;
  if (choose(p, a, &type, care, e) != DS_OK) {
    ds_part_free(p);
    return NULL;
  }
  put_head(p, type, name, a->cid, a->shown);
  return finished(p, e);
}

ds_part *ds_part_message (const ds_attachment *a, int eight, int global,
                          ds_error *e) {
  ds_span name;
  ds_part *p;
  if (check_name(a, &name, e) != DS_OK || (p = new_part(e)) == NULL)
    return NULL;
  p->content = a->content;
  p->how = eight ? DS_ENC_8BIT : DS_ENC_7BIT;
  p->size = a->content.size;
  put_head(p, ds_span_str(global ? "message/global" : "message/rfc822"), name,
           ds_span_of("", 0), a->shown);
  return finished(p, e);
}

ds_part *ds_part_multi (const char *subtype, ds_random_fn random, void *ud,
                        ds_error *e) {
  ds_part *p = new_part(e);
  if (p == NULL)
    return NULL;
  p->multi = subtype;
  if (ds_boundary(p->boundary, subtype[0], random, ud, e) == DS_OK)
    return p;
  ds_part_free(p);
  return NULL;
}

void ds_part_add (ds_part *multi, ds_part *p) {
  if (multi->last != NULL)
    multi->last->next = p;
  else
    multi->first = p;
  multi->last = p;
}

unsigned ds_part_depth (const ds_part *p) {
  const ds_part *child;
  unsigned most = p->depth;
  for (child = p->first; child != NULL; child = child->next) {
    unsigned depth = ds_part_depth(child);
    if (depth > most)
      most = depth;
  }
  return most + 1;
}

int ds_part_8bit (const ds_part *p) {
  const ds_part *child;
  if (p->multi == NULL)
    return p->how == DS_ENC_8BIT;
  for (child = p->first; child != NULL; child = child->next)
    if (ds_part_8bit(child))
      return 1;
  return 0;
}
