/* ask PORT WORD: say it to the sink on this port, print what it answers */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main (int argc, char **argv) {
  struct sockaddr_in a;
  char text[1024];
  long n;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (argc != 3)
    return 2;
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons((unsigned short)atoi(argv[1]));
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
      recv(fd, text, sizeof text, 0) <= 0)
    return 1;
  n = snprintf(text, sizeof text, "%s\r\n", argv[2]);
  if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n ||
      (n = recv(fd, text, sizeof text, 0)) <= 0)
    return 1;
  fwrite(text, 1, (size_t)n, stdout);
  close(fd);
  return 0;
}
