/*
** sys: what the core is given of this machine: its clocks, its random
** source, its name, its resolver configuration.
*/
#ifndef ds_net_sys_h
#define ds_net_sys_h

#include "dns/query.h"
#include "util/sys.h"

ds_time ds_now (void);       /* monotonic, microseconds */
int64_t ds_unix_time (void); /* seconds */

/* minutes east of UTC of local time at t (seconds); 0 where TZ says a day or
   more, which no date can tell */
int ds_zone (int64_t t);

/* getrandom(2), or the device where the kernel has none; 0 or DS_ERR_LOCAL */
int ds_random (void *ud, void *p, size_t n);

/* the clock and random source of this machine, for a config */
void ds_sys_native (ds_sys *s);

/* ds_machine_name: gethostname(2), "" when it fails; its length */
size_t ds_machine_name (char *out, size_t size);

int ds_is_terminal (int fd);

/* one line for the system's log, as mail.err from "directsend" */
void ds_log_failure (const char *text);

/*
** ds_resolv_conf: read path ("/etc/resolv.conf" when NULL) into *c, as
** ds_dns_conf_parse does; a missing or unreadable file means 127.0.0.1.
*/
void ds_resolv_conf (const char *path, ds_dns_config *c);

#endif
