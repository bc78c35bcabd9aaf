/*
** mem: the allocation hook.  Every allocation of the core goes through it,
** so that a host can count, limit or fail them.
*/
#ifndef ds_mem_h
#define ds_mem_h

#include <stddef.h>

/*
** A realloc that also frees: p NULL allocates, n 0 frees and returns NULL.
** NULL for n > 0 means out of memory; p is then untouched.
*/
typedef void *(*ds_mem_fn)(void *ud, void *p, size_t n);

/*
** ds_mem_set: use fn for every allocation from now on; NULL restores the C
** library's.  The one global of the core: set it before anything is
** allocated, or with a function that can free the other's blocks.
*/
void ds_mem_set (ds_mem_fn fn, void *ud);
void ds_mem_get (ds_mem_fn *fn, void **ud);

void *ds_malloc (size_t n);              /* n 0 gives a block all the same */
void *ds_calloc (size_t n, size_t size); /* zeroed; NULL when n*size wraps */
void *ds_realloc (void *p, size_t n);    /* n 0 frees */
void ds_free (void *p);                  /* NULL is fine */

/* wipe out a secret, whatever a compiler thinks of writes nobody reads */
void ds_wipe (void *p, size_t n);

/* ds_strndup: a copy of n bytes with a NUL behind; NULL when out of memory */
char *ds_strndup (const char *s, size_t n);

#endif
