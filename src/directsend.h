/*
** directsend: the C library; examples/alert.c is a whole program.
**
** A message is written first (mime/message.h): its fields, then its bodies, out
** of strings (util/content.h) and files (net/file.h), which are read as it
** goes.  Streams (mime/stream.h) read it, one or many, with constant memory,
** the same octets each time; a stream is also the source of an envelope.
** Signatures (dkim/sign.h) are put in front of it with ds_layout_prefix.
**
** A delivery (deliver/delivery.h) takes it to one destination.  It is driven
** by the loop (net/loop.h), or by the caller's own sockets.
**
** What the headers show besides is there for these, and may change.
*/
#ifndef directsend_h
#define directsend_h

#ifdef __cplusplus
extern "C" {
#endif

#include "deliver/delivery.h"
#include "dkim/sign.h"
#include "dns/conf.h"
#include "mime/address.h"
#include "mime/message.h"
#include "mime/stream.h"
#include "net/file.h"
#include "net/loop.h"
#include "net/sys.h"
#include "tls/tls.h"
#include "util/addr.h"
#include "util/content.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/source.h"

#ifdef __cplusplus
}
#endif

#endif
