/*
** socket: non-blocking sockets as the loop needs them; no error is a number
** here, each is a ds_failure.
*/
#ifndef ds_net_socket_h
#define ds_net_socket_h

#include "deliver/delivery.h"

/*
** ds_socket_connect: begin a connection (TCP, without delay of small writes)
** or connect a datagram socket; bound to op->local and op->interface.  The
** descriptor, or -1 with *f and *text (static) set.  *done: it is connected.
*/
int ds_socket_connect (const ds_op *op, int *done, ds_failure *f,
                       const char **text);

/* the connection is made, or failed: 0 or -1 with *f, *text */
int ds_socket_connected (int fd, ds_failure *f, const char **text);

/* is it? (ds_socket_connected has found no error, which there may still be) */
int ds_socket_is_connected (int fd);

/* is there anything to be read, an end or an error included? */
int ds_socket_readable (int fd);

/* both ends' addresses, as the kernel has them; family 0 when it does not
   tell */
void ds_socket_ends (int fd, ds_ip *local, ds_ip *peer);

#define DS_SOCKET_AGAIN  (-2) /* not now */
#define DS_SOCKET_SIGNAL (-3) /* a signal came while it waited */

/* octets sent or received (0 received: the peer closed), DS_SOCKET_AGAIN, or
   -1 with *f and *text; none of them waits */
long ds_socket_send (int fd, ds_span data, int more, ds_failure *f,
                     const char **text);
long ds_socket_receive (int fd, void *p, size_t n, ds_failure *f,
                        const char **text);

/*
** ds_socket_patient: from now on ds_socket_wait may be used with it, which is
** ds_socket_receive but waits for DS_SOCKET_PATIENCE: one system call where
** epoll takes two.  0, or -1: it may not.
*/
#define DS_SOCKET_PATIENCE DS_SECOND
int ds_socket_patient (int fd);
long ds_socket_wait (int fd, void *p, size_t n, ds_failure *f,
                     const char **text);

/* abort: discard what is unsent and answer with a reset */
void ds_socket_close (int fd, int abort);

#endif
