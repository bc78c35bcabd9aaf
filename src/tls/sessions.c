/*
** Sessions kept for resumption, in memory, by what they were made for.  Keeping
** them is a courtesy: without memory the next handshake is a full one.
*/
#include <openssl/evp.h>
#include <string.h>

#include "tls/inner.h"

#define SLACK    60 /* seconds that clocks of deliveries may lie apart */
#define MOST_KEY 16 /* sessions with one key, for connections side by side */
#define LIFETIME (24 * 60 * 60) /* seconds, of all that comes of a handshake */

/* -- the list: oldest first -- */

static void drop (ds_tls_sessions *all, size_t i) {
  SSL_SESSION_free(all->kept[i].session);
  all->count--;
  memmove(&all->kept[i], &all->kept[i + 1],
          (all->count - i) * sizeof *all->kept);
}

static ds_tls_kept *push (ds_tls_sessions *all) {
  if (all->count == all->room) {
    size_t room = all->room > 0 ? all->room * 2 : 4;
    ds_tls_kept *to = (ds_tls_kept *)ds_realloc(all->kept, room * sizeof *to);
    if (to == NULL)
      return NULL;
    all->kept = to;
    all->room = room;
  }
  return &all->kept[all->count++];
}

void ds_tls_sessions_clear (ds_tls_sessions *all) {
  while (all->count > 0)
    drop(all, all->count - 1);
  ds_free(all->kept);
  all->kept = NULL;
  all->room = 0;
}

static int has_key (const ds_tls_kept *k, const unsigned char *key) {
  return memcmp(k->key, key, DS_SHA256) == 0;
}

/* the newest `most` with this key stay */
static void thin (ds_tls_sessions *all, const unsigned char *key, size_t most) {
  size_t i, n = 0;
  for (i = all->count; i-- > 0;)
    if (has_key(&all->kept[i], key) && ++n > most)
      drop(all, i);
}

/* -- keeping -- */

/* by one connection at a time: TLS 1.3 promises nothing to who shows a ticket
   twice, and lets him be recognised (RFC 8446 §C.4) */
static int used_once (const SSL_SESSION *s) {
  return SSL_SESSION_get_protocol_version(s) >= TLS1_3_VERSION;
}

static int64_t lifetime (const SSL_SESSION *s) {
  int64_t n = (int64_t)SSL_SESSION_get_ticket_lifetime_hint(s);
  if (n == 0 && !used_once(s)) /* then it is left to us (RFC 5077 §3.3) */
    n = (int64_t)SSL_SESSION_get_timeout(s);
  return n;
}

/* 1: s is the list's now */
static int keep (ds_tls *t, SSL_SESSION *s, int64_t until) {
  ds_tls_sessions *all = &t->ctx->sessions;
  ds_tls_kept *k;
  if (until <= t->time || !SSL_SESSION_is_resumable(s))
    return 0;
  thin(all, t->key, used_once(s) ? MOST_KEY - 1 : 0);
  if (all->count >= all->most)
    drop(all, 0);
  if ((k = push(all)) == NULL)
    return 0;
  k->session = s;
  k->born = t->born;
  k->until = until;
  memcpy(k->key, t->key, DS_SHA256);
  return 1;
}

/* what comes of a resumed session ages with it: its peer was last looked at
   when that began (RFC 8446 §4.6.1) */
static int keep_new (ds_tls *t, SSL_SESSION *s) {
  int64_t until = t->time + lifetime(s);
  if (!SSL_session_reused(t->ssl))
    t->born = t->time;
  return keep(t, s, until < t->born + LIFETIME ? until : t->born + LIFETIME);
}

/* a doubt would be lost on who resumes */
static int keeps (const ds_tls *t) {
  return t->keeps && t->doubt == NULL && (t->check != DS_TLS_JUDGE || t->held);
}

int ds_tls_session_new (SSL *ssl, SSL_SESSION *s) {
  ds_tls *t = (ds_tls *)SSL_get_app_data(ssl);
  ds_tls_forget(t);
  return keeps(t) && keep_new(t, s);
}

/* OpenSSL does not tell of a session that replaces a resumed one in TLS 1.2 */
static void keep_again (ds_tls *t) {
  SSL_SESSION *s = SSL_get1_session(t->ssl);
  int kept = s == t->offered ? keep(t, s, t->until) : keep_new(t, s);
  if (!kept)
    SSL_SESSION_free(s);
}

void ds_tls_shaken (ds_tls *t) {
  if (!t->keeps)
    return;
  if (!t->up) /* nobody shall try what may be the reason once more */
    thin(&t->ctx->sessions, t->key, 0);
  else if (SSL_session_reused(t->ssl)) {
    t->held = t->dane || t->check != DS_TLS_ENCRYPT;
    if (SSL_version(t->ssl) < TLS1_3_VERSION)
      keep_again(t);
  }
}

/* a host that gives no ticket for a used one takes that again (Postfix does):
   without it every other handshake would be a full one */
void ds_tls_leave (ds_tls *t) {
  if (t->up && t->spare != NULL && SSL_session_reused(t->ssl) &&
      keep(t, t->spare, t->until))
    t->spare = NULL;
  ds_tls_forget(t);
}

void ds_tls_forget (ds_tls *t) {
  SSL_SESSION_free(t->spare);
  t->spare = NULL;
}

/* -- offering -- */

static int has_ended (const ds_tls *t, const ds_tls_kept *k) {
  X509 *leaf = SSL_SESSION_get0_peer(k->session);
  time_t now = (time_t)t->time;
  if (t->time < k->born - SLACK || t->time >= k->until || leaf == NULL ||
      !SSL_SESSION_is_resumable(k->session))
    return 1;
  return (t->dane || t->check != DS_TLS_ENCRYPT) &&
         X509_cmp_time(X509_get0_notAfter(leaf), &now) <= 0;
}

/* the i-th leaves the list where it serves once.  OpenSSL spoils what it has
   used: it gets a copy then */
static void use (ds_tls *t, size_t i) {
  ds_tls_sessions *all = &t->ctx->sessions;
  ds_tls_kept *k = &all->kept[i];
  SSL_SESSION *s = k->session;
  t->born = k->born;
  t->until = k->until;
  if (used_once(s)) {
    t->spare = s;
    k->session = NULL;
    drop(all, i);
    s = SSL_SESSION_dup(s);
  }
  if (s != NULL && SSL_set_session(t->ssl, s) == 1)
    t->offered = s;
  if (t->spare != NULL)
    SSL_SESSION_free(s);
}

/* the newest */
static void offer (ds_tls *t) {
  ds_tls_sessions *all = &t->ctx->sessions;
  size_t i;
  for (i = all->count; i-- > 0;) {
    if (!has_key(&all->kept[i], t->key))
      continue;
    if (!has_ended(t, &all->kept[i])) {
      use(t, i);
      return;
    }
    drop(all, i);
  }
}

/* -- whose a session is -- */

static void add (EVP_MD_CTX *md, const void *p, size_t n) {
  uint64_t length = n;
  EVP_DigestUpdate(md, &length, sizeof length);
  EVP_DigestUpdate(md, p, n);
}

static void add_text (EVP_MD_CTX *md, const char *z) {
  add(md, z, strlen(z));
}

static void add_peer (EVP_MD_CTX *md, const ds_tls *t, const ds_tls_peer *p) {
  const ds_tlsa *r = p->tlsa;
  int how[2];
  size_t i;
  how[0] = t->check;
  how[1] = t->dane;
  add(md, how, sizeof how);
  add_text(md, p->session_key);
  add_text(md, t->host);
  add(md, &p->name_count, sizeof p->name_count);
  for (i = 0; i < p->name_count; i++)
    add_text(md, p->names[i]);
  for (i = 0; i < p->tlsa_count; i++, r++) {
    unsigned char head[3];
    head[0] = r->usage;
    head[1] = r->selector;
    head[2] = r->matching;
    add(md, head, sizeof head);
    add(md, r->data.p, r->data.n);
  }
}

static int make_key (ds_tls *t, const ds_tls_peer *p) {
  EVP_MD_CTX *md = EVP_MD_CTX_new();
  int ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
  if (ok) {
    add_peer(md, t, p);
    ok = EVP_DigestFinal_ex(md, t->key, NULL) == 1;
  }
  EVP_MD_CTX_free(md);
  return ok;
}

void ds_tls_resume (ds_tls *t, const ds_tls_peer *p) {
  t->keeps = p->session_key != NULL && make_key(t, p);
  if (!t->keeps) {
    SSL_set_options(t->ssl, SSL_OP_NO_TICKET);
    return;
  }
  SSL_clear_options(t->ssl, SSL_OP_NO_TICKET);
  offer(t);
}
