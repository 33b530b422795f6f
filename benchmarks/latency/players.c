// Many players of one low-latency rendition, each on one kept connection: a blocking reload, the part that it brought, the next reload. Says when each part
// reached them: the spread over all players, and how long after the last of its frames was sent (flvpub writes that time into each).
//
//   players ADDRESS PORT PATH COUNT SECONDS        PATH: of the playlist, below a session each ("%d" is the number of the player), or one for all
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK "LIVEBENCHMARKER!"
enum { BUFFER = 1 << 19, PARTS = 4096, SAMPLED = 4 };
enum asking { PLAYLIST, PART };

struct player {
    int fd, number, have, is_part;
    long msn, part;   // of the next reload; -1: what there is
    char folder[512]; // of the playlist, with a slash at its end
    long head, length;
    char got[64]; // the part that is asked for
};

struct part {
    long msn, part;
    double first, last, stamp;
    int answers;
    double *at;
};

static struct part parts[PARTS];
static int part_count, count, epoll_fd;
static long failed, bytes, reloads, fetched;
static char **rest;
static struct sockaddr_in server;
static char name[64];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static struct part *find(long msn, long number)
{
    for (int i = part_count - 1; i >= 0 && i > part_count - 64; i--)
        if (parts[i].msn == msn && parts[i].part == number)
            return &parts[i];
    if (part_count == PARTS)
        return NULL;
    struct part *new = &parts[part_count++];
    *new = (struct part){.msn = msn, .part = number, .at = malloc(sizeof(double) * count)};
    return new;
}

static void ask(struct player *p)
{
    char text[1400];
    int length = p->is_part ? snprintf(text, sizeof text, "GET %s%s HTTP/1.1\r\nHost: bench\r\n\r\n", p->folder, p->got)
        : p->msn < 0 ? snprintf(text, sizeof text, "GET %s%s HTTP/1.1\r\nHost: bench\r\n\r\n", p->folder, name)
        : snprintf(text, sizeof text, "GET %s%s?_HLS_msn=%ld&_HLS_part=%ld HTTP/1.1\r\nHost: bench\r\n\r\n", p->folder, name, p->msn, p->part);
    if (send(p->fd, text, length, MSG_NOSIGNAL) != length)
        failed++;
}

// What the playlist says comes next, and which part it brought.
static void read_playlist(struct player *p, const char *body, double when)
{
    const char *hint = strstr(body, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v"), *line = NULL;
    for (const char *at = body; (at = strstr(at, "#EXT-X-PART:")); at++)
        line = at;
    if (!hint || !line || sscanf(hint + strlen("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v"), "%ld.%ld", &p->msn, &p->part) != 2) {
        failed++;
        return;
    }
    const char *uri = strstr(line, "URI=\"") + 5;
    long msn, part;
    if (sscanf(uri, "v%ld.%ld", &msn, &part) != 2) {
        failed++;
        return;
    }
    snprintf(p->got, sizeof p->got, "v%ld.%ld.m4s", msn, part);
    struct part *of = find(msn, part);
    if (of && of->answers < count) {
        if (of->answers == 0)
            of->first = when;
        of->last = when;
        of->at[of->answers++] = when;
    }
    p->is_part = 1;
    reloads++;
}

static void read_part(struct player *p, const char *body, long length)
{
    fetched++;
    bytes += length;
    p->is_part = 0;
    if (p->number >= SAMPLED)
        return;
    long msn, part;
    uint64_t newest = 0;
    sscanf(p->got, "v%ld.%ld", &msn, &part);
    for (const char *at = body; (at = memmem(at, body + length - at, MARK, 16)); at += 16) {
        uint64_t stamp = 0;
        if (at + 32 <= body + length && sscanf(at + 16, "%16lx", &stamp) == 1 && stamp > newest)
            newest = stamp;
    }
    struct part *of = find(msn, part);
    if (of && newest)
        of->stamp = newest / 1e6;
}

static int on_answer(struct player *p, double when)
{
    char *buffer = rest[p->number];
    for (;;) {
        ssize_t r = recv(p->fd, buffer + p->have, BUFFER - 1 - p->have, MSG_DONTWAIT);
        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (r <= 0)
            return -1;
        p->have += r;
        buffer[p->have] = 0;
        char *end = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "\r\nContent-Length:");
        if (!end || !length)
            continue;
        long head = end + 4 - buffer, body = atol(length + 17);
        if (p->have < head + body)
            continue;
        if (strncmp(buffer + 9, "200", 3) != 0) {
            failed++;
            return -1;
        }
        if (p->is_part)
            read_part(p, buffer + head, body);
        else
            read_playlist(p, buffer + head, when);
        p->have = 0;
        ask(p);
    }
}

static int compare(const void *a, const void *b)
{
    return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

static double at(double *sorted, int n, double share)
{
    return n ? sorted[(int)((n - 1) * share)] * 1e3 : -1;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return fprintf(stderr, "usage: players ADDRESS PORT PATH COUNT SECONDS\n"), 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    count = atoi(argv[4]);
    double seconds = atof(argv[5]);
    snprintf(name, sizeof name, "%s", strrchr(argv[3], '/') + 1);
    epoll_fd = epoll_create1(0);
    struct player *players = calloc(count, sizeof *players);
    rest = calloc(count, sizeof *rest);
    for (int i = 0; i < count; i++) {
        struct player *p = &players[i];
        *p = (struct player){.number = i, .msn = -1, .fd = socket(AF_INET, SOCK_STREAM, 0)};
        rest[i] = malloc(BUFFER);
        snprintf(p->folder, sizeof p->folder, "%.*s/", (int)(strrchr(argv[3], '/') - argv[3]), argv[3]);
        if (connect(p->fd, (void *)&server, sizeof server) < 0)
            return perror("connect"), 1;
        int one = 1;
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(p->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->fd, &e);
        ask(p);
    }
    // Two seconds until all have found the edge.
    double begin = now(), from = begin + 2;
    while (now() < from + seconds) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll_fd, events, 256, 100);
        double when = now();
        for (int i = 0; i < n; i++) {
            struct player *p = events[i].data.ptr;
            if (on_answer(p, when) < 0) {
                epoll_ctl(epoll_fd, EPOLL_CTL_DEL, p->fd, NULL);
                close(p->fd);
                failed++;
            }
        }
    }
    double *spread = malloc(sizeof(double) * PARTS), *first = malloc(sizeof(double) * PARTS), *middle = malloc(sizeof(double) * PARTS);
    int whole = 0, seen = 0, stamped = 0;
    // The last two are still on their way.
    for (int i = 0; i < part_count - 2; i++) {
        struct part *part = &parts[i];
        if (part->first < from)
            continue;
        seen++;
        if (part->answers >= count - failed)
            whole++;
        qsort(part->at, part->answers, sizeof(double), compare);
        spread[seen - 1] = part->at[part->answers - 1] - part->first;
        if (part->stamp) {
            first[stamped] = part->first - part->stamp;
            middle[stamped++] = part->at[part->answers / 2] - part->stamp;
        }
    }
    qsort(spread, seen, sizeof(double), compare);
    qsort(first, stamped, sizeof(double), compare);
    qsort(middle, stamped, sizeof(double), compare);
    printf("{\"players\": %d, \"parts\": %d, \"whole\": %d, \"failed\": %ld, \"reloads\": %ld, \"fetched\": %ld, \"bytes\": %ld, \"stamped\": %d, "
           "\"spread_p50\": %.2f, \"spread_p99\": %.2f, \"first_p50\": %.2f, \"first_p99\": %.2f, \"median_p50\": %.2f, \"median_p99\": %.2f}\n",
           count, seen, whole, failed, reloads, fetched, bytes, stamped, at(spread, seen, .5), at(spread, seen, .99), at(first, stamped, .5), at(first, stamped, .99),
           at(middle, stamped, .5), at(middle, stamped, .99));
    return 0;
}
