/*
** directsend: the C library.  A delivery (deliver/delivery.h) is driven by
** the loop (net/loop.h) or by the caller's own sockets; spec/c/smoke.c is a
** whole program.
*/
#ifndef directsend_h
#define directsend_h

#ifdef __cplusplus
extern "C" {
#endif

#include "deliver/delivery.h"
#include "dns/conf.h"
#include "net/loop.h"
#include "net/sys.h"
#include "tls/tls.h"
#include "util/addr.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/source.h"

#ifdef __cplusplus
}
#endif

#endif
