/*
** sys: what the core needs from the machine, given as values and function
** pointers.  Nothing below `net` asks the machine itself.
*/
#ifndef ds_sys_h
#define ds_sys_h

#include <stddef.h>
#include <stdint.h>

/*
** Time is a count of microseconds on a monotonic clock of the driver's, given
** to every call.  It may start anywhere.
*/
typedef int64_t ds_time;
#define DS_NEVER  INT64_MAX
#define DS_SECOND INT64_C(1000000)

/* fill p with n bytes from a CSPRNG; 0, or DS_ERR_LOCAL */
typedef int (*ds_random_fn)(void *ud, void *p, size_t n);

typedef struct ds_sys {
  ds_random_fn random;
  void *ud;
  int64_t epoch; /* Unix time, in seconds, when ds_time was 0 */
} ds_sys;

#endif
