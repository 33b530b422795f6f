// Many players of one live rendition, each on one kept connection. With parts: a blocking reload, the part that it brought, the next reload. Says when each
// part reached them: the spread over all players, and how long after the last of its frames was sent (flvpub writes that time into each). Plain: the playlist,
// its newest segment, and a second later the playlist again.
//
//   players ADDRESS PORT PATH COUNT SECONDS clear|tls|plain        PATH: of the playlist; tls brings HTTP/2
#define _GNU_SOURCE
#include "h2.h"
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
    double due;       // the next reload of a plain playlist; 0: something is asked for
    char got[128];    // the part or segment that is asked for
    struct h2 *h2;
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
static int is_plain, is_tls;

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
    char path[1200], text[1400];
    if (p->is_part)
        snprintf(path, sizeof path, "%s%s", p->folder, p->got);
    else if (p->msn < 0)
        snprintf(path, sizeof path, "%s%s", p->folder, name);
    else
        snprintf(path, sizeof path, "%s%s?_HLS_msn=%ld&_HLS_part=%ld", p->folder, name, p->msn, p->part);
    p->due = 0;
    if (p->h2) {
        failed += !h2_ask(p->h2, path);
        return;
    }
    int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    if (send(p->fd, text, length, MSG_NOSIGNAL) != length)
        failed++;
}

// The newest segment, if it is another than the last.
static void read_plain(struct player *p, const char *body, double when)
{
    const char *line = NULL;
    for (const char *at = body; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (*at != '#' && *at != '\n')
            line = at;
    reloads++;
    char newest[sizeof p->got];
    if (!line) {
        failed++;
        return;
    }
    snprintf(newest, sizeof newest, "%.*s", (int)strcspn(line, "\r\n"), line);
    p->is_part = strcmp(newest, p->got) != 0;
    if (!p->is_part)
        p->due = when + 1;
    memcpy(p->got, newest, sizeof newest);
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
    if (is_plain)
        p->due = now() + 1;
    if (is_plain || p->number >= SAMPLED)
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

// How long the answer's head is, when it is here whole; 0: not yet; -1: the connection is over, or it is no answer.
static long answer(struct player *p, char *buffer, long *length)
{
    if (p->h2) {
        if (h2_read(p->h2, buffer, &p->have, BUFFER - 1) < 0)
            return -1;
        *length = p->have;
        return !p->h2->is_done ? 0 : p->h2->ok ? 1 : -1;
    }
    for (;;) {
        ssize_t r = recv(p->fd, buffer + p->have, BUFFER - 1 - p->have, MSG_DONTWAIT);
        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (r <= 0)
            return -1;
        p->have += r;
        buffer[p->have] = 0;
        char *end = strstr(buffer, "\r\n\r\n"), *said = strcasestr(buffer, "\r\nContent-Length:");
        if (!end || !said || p->have < end + 4 - buffer + (*length = atol(said + 17)))
            continue;
        return strncmp(buffer + 9, "200", 3) == 0 ? end + 4 - buffer : -1;
    }
}

static int on_answer(struct player *p, double when)
{
    char *buffer = rest[p->number];
    long length = 0, head;
    while ((head = answer(p, buffer, &length)) > 0) {
        char *body = p->h2 ? buffer : buffer + head;
        body[length] = 0;
        if (p->is_part)
            read_part(p, body, length);
        else if (is_plain)
            read_plain(p, body, when);
        else
            read_playlist(p, body, when);
        p->have = 0;
        if (p->due == 0)
            ask(p);
    }
    return head;
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
    if (argc != 7)
        return fprintf(stderr, "usage: players ADDRESS PORT PATH COUNT SECONDS clear|tls|plain\n"), 2;
    is_plain = strcmp(argv[6], "plain") == 0;
    is_tls = strcmp(argv[6], "tls") == 0;
    SSL_CTX *context = is_tls ? SSL_CTX_new(TLS_client_method()) : NULL;
    if (context)
        SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\2h2", 3);
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
        if (context && !(p->h2 = h2_open(context, p->fd)))
            return ERR_print_errors_fp(stderr), 1;
        fcntl(p->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->fd, &e);
        ask(p);
    }
    // Two seconds until all have found the edge.
    double begin = now(), from = begin + 2;
    while (now() < from + seconds) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll_fd, events, 256, is_plain ? 10 : 100);
        double when = now();
        for (int i = 0; is_plain && i < count; i++)
            if (players[i].due > 0 && players[i].due <= when)
                ask(&players[i]);
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
