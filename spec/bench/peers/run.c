/*
** run SECONDS PROGRAM ARGUMENT…: run it, its output to /dev/null, on the
** processor BENCH_CPU if that is set; print what it cost as
** "status wall cpu rss": seconds, and KiB at most.  It is ended after SECONDS.
*/
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void become (char **argv) {
  const char *cpu = getenv("BENCH_CPU");
  int null = open("/dev/null", O_RDWR);
  if (cpu != NULL) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)atoi(cpu), &one);
    sched_setaffinity(0, sizeof one, &one); /* best effort */
  }
  dup2(null, 0);
  dup2(null, 1);
  execvp(argv[0], argv);
  perror(argv[0]);
  _exit(127);
}

static pid_t child;

static void too_long (int sig) {
  (void)sig;
  kill(child, SIGKILL);
}

int main (int argc, char **argv) {
  struct rusage u;
  double began = now(), wall;
  int status;
  if (argc < 3)
    return 2;
  child = fork();
  if (child == 0)
    become(argv + 2);
  signal(SIGALRM, too_long);
  alarm((unsigned)atoi(argv[1]));
  while (wait4(child, &status, 0, &u) != child)
    ;
  wall = now() - began;
  printf("%d %.6f %.6f %ld\n",
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), wall,
         (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
             (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6,
         u.ru_maxrss);
  return 0;
}
