/* A kernel that offers no congestion control by name: gcc -shared -fPIC nocongestion.c, LD_PRELOAD. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
    if (level == IPPROTO_TCP && name == TCP_CONGESTION) {
        errno = ENOENT;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, length);
}
