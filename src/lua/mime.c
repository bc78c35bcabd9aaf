/*
** core.mime: the transfer encodings by themselves (RFC 2045 §6.7, §6.8), in
** lines of at most 76 characters with CRLF:
**   base64(octets), qp(text)    all of it at once
**   pieces(encoding, octets)    an iterator over it piece by piece, for what is
**                               large: "base64" or "quoted-printable"
** Line ends of quoted-printable text become CRLF, and its last line has one.
*/
#include <stdint.h>

#include "lua/compat.h"
#include "lua/core.h"
#include "mime/base64.h"
#include "mime/qp.h"
#include "util/span.h"

#define PIECE ((size_t)DS_BASE64_IN * 280) /* octets that make one */

typedef struct coder {
  int is_text; /* quoted-printable */
  ds_base64 base64;
  ds_qp qp;
} coder;

static void start (coder *c, int is_text) {
  c->is_text = is_text;
  ds_base64_init(&c->base64);
  ds_qp_init(&c->qp);
}

/* room for n octets, finished */
static size_t bound (const coder *c, size_t n) {
  return c->is_text ? ds_qp_bound(n) + ds_qp_bound(0) + 2
                    : ds_base64_bound(n) + DS_BASE64_LINE;
}

static size_t update (coder *c, ds_span s, char *out) {
  return c->is_text ? ds_qp_update(&c->qp, s.p, s.n, out)
                    : ds_base64_update(&c->base64, s.p, s.n, out);
}

static size_t finish (coder *c, char *out) {
  size_t n;
  if (!c->is_text)
    return ds_base64_final(&c->base64, out);
  n = ds_qp_final(&c->qp, out);
  if (c->qp.column > 0) {
    memcpy(out + n, "\r\n", 2);
    n += 2;
  }
  ds_qp_init(&c->qp);
  return n;
}

static ds_span check_span (lua_State *L, int i) {
  size_t n;
  const char *s = luaL_checklstring(L, i, &n);
  luaL_argcheck(L, n <= SIZE_MAX / 4, i, "too long");
  return ds_span_of(s, n);
}

static int whole (lua_State *L, int is_text) {
  ds_span s = check_span(L, 1);
  coder c;
  char *out;
  size_t n;
  start(&c, is_text);
  out = (char *)lua_newuserdata(L, bound(&c, s.n));
  n = update(&c, s, out);
  n += finish(&c, out + n);
  lua_pushlstring(L, out, n);
  return 1;
}

static int mime_base64 (lua_State *L) {
  return whole(L, 0);
}

static int mime_qp (lua_State *L) {
  return whole(L, 1);
}

typedef struct pieces {
  coder c;
  ds_span rest; /* of the string that is the iterator's second upvalue */
  char out[1];
} pieces;

static int next_piece (lua_State *L) {
  pieces *p = (pieces *)lua_touserdata(L, lua_upvalueindex(1));
  size_t n = 0;
  while (n == 0 && p->rest.n > 0) {
    size_t k = p->rest.n < PIECE ? p->rest.n : PIECE;
    n = update(&p->c, ds_span_of(p->rest.p, k), p->out);
    p->rest = ds_span_of(p->rest.p + k, p->rest.n - k);
  }
  if (p->rest.n == 0)
    n += finish(&p->c, p->out + n);
  if (n == 0)
    return 0;
  lua_pushlstring(L, p->out, n);
  return 1;
}

static int mime_pieces (lua_State *L) {
  static const char *const names[] = {"base64", "quoted-printable", NULL};
  ds_span s = check_span(L, 2);
  coder c;
  pieces *p;
  start(&c, luaL_checkoption(L, 1, NULL, names));
  p = (pieces *)lua_newuserdata(L, sizeof *p + bound(&c, PIECE));
  p->c = c;
  p->rest = s;
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, next_piece, 2);
  return 1;
}

void ds_lua_open_mime (lua_State *L) {
  static const luaL_Reg functions[] = {
      {"base64", mime_base64},
      {"qp", mime_qp},
      {"pieces", mime_pieces},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "mime");
}
