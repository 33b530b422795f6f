// Peers that hold connections and do little with them, from one thread.
//
//   slow -p PORT -k KIND [-n 5000] [-t 60] [-f PATH] [-o 0] [-r 1000]
//
// KIND is silent (never a byte), half (a head without an end), kept (one request for PATH, then rest), or read (PATH, with a
// receive buffer of 4 KiB, at RATE bytes a second each, for ever; with -o each from another place of it, so many bytes further on). "open N" is said when all have begun. The last line is JSON: how many were
// refused, how many the server ended, and the seconds after which the first and the last of them went.
#include "http.h"
#include <netinet/in.h>

int main(int argc, char **argv)
{
    int port = 0, peers = 5000, rate = 1000;
    long long step = 0;
    double seconds = 60;
    const char *kind = "", *path = "/";
    for (int o; (o = getopt(argc, argv, "p:k:n:t:f:o:r:")) != -1;) {
        switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'k': kind = optarg; break;
        case 'n': peers = atoi(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'f': path = optarg; break;
        case 'o': step = atoll(optarg); break;
        case 'r': rate = atoi(optarg); break;
        default: return 2;
        }
    }
    int reads = !strcmp(kind, "read"), asks = reads || !strcmp(kind, "kept"), half = !strcmp(kind, "half");
    if (!port || !(asks || half || !strcmp(kind, "silent"))) {
        fprintf(stderr, "usage: slow -p PORT -k silent|half|kept|read [-n N] [-t SECONDS] [-f PATH] [-o BYTES] [-r BYTES_PER_SECOND]\n");
        return 2;
    }
    char request[2048];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n%s", path, half ? "X-Half: " : "\r\n");
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int *fd = calloc(peers, sizeof *fd), open_now = 0, refused = 0, ended = 0;
    static char buffer[1 << 16];
    double first = 0, last = 0, start = now();
    for (int i = 0; i < peers; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
        if (reads)
            setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        fd[i] = -1;
        if (step)
            length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nRange: bytes=%lld-\r\n\r\n", path, i * step);
        if (connect(s, (struct sockaddr *)&to, sizeof to) < 0 || ((asks || half) && send(s, request, length, MSG_NOSIGNAL) < 0)) {
            refused++;
            close(s);
            continue;
        }
        fcntl(s, F_SETFL, O_NONBLOCK);
        fd[i] = s;
        open_now++;
    }
    printf("open %d\n", open_now);
    fflush(stdout);
    // Ten rounds a second; a reader takes its tenth of the rate in each.
    for (double end = now() + seconds; now() < end;) {
        double round = now() + 0.1;
        for (int i = 0; i < peers; i++) {
            if (fd[i] < 0)
                continue;
            ssize_t n = recv(fd[i], buffer, reads ? rate / 10 : (int)sizeof buffer, 0);
            if (n > 0 || (n < 0 && errno == EAGAIN))
                continue;
            close(fd[i]);
            fd[i] = -1;
            last = now() - start;
            if (!ended++)
                first = last;
        }
        if (now() < round)
            usleep((useconds_t)((round - now()) * 1e6));
    }
    printf("{\"open\": %d, \"refused\": %d, \"ended\": %d, \"first_s\": %.1f, \"last_s\": %.1f}\n", open_now, refused, ended, first, last);
    return 0;
}
