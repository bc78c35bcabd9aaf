#include "mime/layout.h"

#include "util/mem.h"

void ds_layout_clear (ds_layout *l) {
  ds_buf_clear(&l->text);
  ds_free(l->segments);
  memset(l, 0, sizeof *l);
}

uint64_t ds_layout_size (const ds_layout *l) {
  return l->text.len + l->bodies;
}

int ds_layout_prefix (ds_layout *l, ds_span text) {
  ds_buf whole;
  size_t i;
  int rc;
  ds_buf_init(&whole);
  ds_buf_putspan(&whole, text);
  ds_buf_putspan(&whole, ds_buf_span(&l->text));
  rc = ds_buf_failed(&whole) ? DS_ERR_NOMEM : DS_OK;
  if (rc == DS_OK) {
    ds_buf_swap(&l->text, &whole);
    for (i = 0; i < l->count; i++)
      l->segments[i].until += text.n;
  }
  ds_buf_clear(&whole);
  return rc;
}

int ds_layout_body (ds_layout *l, const ds_part *leaf) {
  ds_segment *s =
      (ds_segment *)ds_realloc(l->segments, (l->count + 1) * sizeof *s);
  if (s == NULL)
    return DS_ERR_NOMEM;
  l->segments = s;
  s[l->count].until = l->text.len;
  s[l->count++].leaf = leaf;
  if (leaf->size > UINT64_MAX / 2 - l->bodies)
    return DS_ERR_LIMIT;
  l->bodies += leaf->size;
  return DS_OK;
}

static int add (ds_layout *l, const ds_part *p, unsigned depth);

static int add_multi (ds_layout *l, const ds_part *p, unsigned depth) {
  const ds_part *child;
  int rc = DS_OK;
  /* only a multipart/related says the type of its root (RFC 2387 §3.1) */
  ds_buf_printf(
      &l->text, "Content-Type: multipart/%s;\r\n boundary=\"%s\"%s\r\n%s\r\n",
      p->multi, p->boundary,
      strcmp(p->multi, "related") == 0 ? ";\r\n type=\"text/html\"" : "",
      ds_part_8bit(p) ? "Content-Transfer-Encoding: 8bit\r\n" : "");
  for (child = p->first; child != NULL && rc == DS_OK; child = child->next) {
    ds_buf_printf(&l->text, "--%s\r\n", p->boundary);
    rc = add(l, child, depth);
    ds_buf_puts(&l->text, "\r\n");
  }
  ds_buf_printf(&l->text, "--%s--\r\n", p->boundary);
  return rc;
}

static int add (ds_layout *l, const ds_part *p, unsigned depth) {
  if (depth + p->depth > DS_DEPTH)
    return DS_ERR_LIMIT;
  if (p->multi != NULL)
    return add_multi(l, p, depth + 1);
  ds_buf_putspan(&l->text, ds_buf_span(&p->head));
  ds_buf_puts(&l->text, "\r\n");
  return ds_layout_body(l, p);
}

int ds_layout_add (ds_layout *l, const ds_part *p) {
  int rc = add(l, p, 1);
  return rc == DS_OK && ds_buf_failed(&l->text) ? DS_ERR_NOMEM : rc;
}
