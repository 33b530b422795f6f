// One kept HTTP/1.1 connection that asks for paths and throws the bodies away with MSG_TRUNC: nothing of a
// body is copied, so that the generator leaves the machine to the server. Non-blocking, edge-triggered, one thread.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum state { CLOSED, CONNECTING, IDLE, SENDING, HEAD, BODY };
enum result { PENDING, DONE, FAILED };

struct conn {
    int fd;
    enum state state;
    char request[1024], head[4096];
    int request_length, sent, head_length;
    int status;
    long long length, left; // of the body; length is -1 when the server did not say
    double due, first;      // when the request was to be sent, when the first byte of the answer came
};

static int epoll_fd, server_port;
static const char *server_address = "127.0.0.1";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void set_up(int port)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1);
    server_port = port;
    epoll_fd = epoll_create1(0);
}

static void conn_close(struct conn *c)
{
    if (c->state != CLOSED)
        close(c->fd);
    c->state = CLOSED;
}

// `receive_buffer` 0 leaves the size to the kernel.
static int conn_open(struct conn *c, int receive_buffer)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(server_port) };
    if (inet_pton(AF_INET, server_address, &to.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", server_address);
        exit(2);
    }
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    if (receive_buffer)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
        close(c->fd);
        return -1;
    }
    c->state = CONNECTING;
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
    return 0;
}

static enum result conn_fail(struct conn *c)
{
    conn_close(c);
    return FAILED;
}

// Goes as far as the socket lets it. DONE leaves the connection IDLE (or CLOSED where the server said so).
static enum result conn_step(struct conn *c)
{
    static char sink[1 << 20];
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        struct tcp_info info;
        socklen_t info_size = sizeof info;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            return conn_fail(c);
        if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0 && info.tcpi_state != TCP_ESTABLISHED)
            return PENDING;
        c->state = c->request_length ? SENDING : IDLE;
    }
    if (c->state == SENDING) {
        while (c->sent < c->request_length) {
            ssize_t n = send(c->fd, c->request + c->sent, c->request_length - c->sent, MSG_NOSIGNAL);
            if (n < 0)
                return errno == EAGAIN ? PENDING : conn_fail(c);
            c->sent += n;
        }
        c->state = HEAD;
        c->head_length = 0;
        c->first = 0;
    }
    if (c->state == HEAD) {
        for (;;) {
            // Peeked first: what follows the empty line is the body and stays in the socket.
            ssize_t n = recv(c->fd, c->head, sizeof c->head - 1, MSG_PEEK);
            if (n < 0)
                return errno == EAGAIN ? PENDING : conn_fail(c);
            if (n == 0)
                return conn_fail(c);
            if (!c->first)
                c->first = now();
            c->head[n] = 0;
            char *end = strstr(c->head, "\r\n\r\n");
            if (!end) {
                if (n == sizeof c->head - 1)
                    return conn_fail(c);
                if (n == c->head_length)
                    return PENDING;
                c->head_length = n;
                continue;
            }
            end[2] = 0;
            recv(c->fd, sink, end + 4 - c->head, 0);
            char *length = strcasestr(c->head, "\r\ncontent-length:");
            c->status = atoi(c->head + 9);
            c->length = c->left = length ? atoll(length + 17) : -1;
            if (c->length < 0)
                return conn_fail(c);
            break;
        }
        c->state = BODY;
    }
    if (c->state == BODY) {
        while (c->left > 0) {
            ssize_t n = recv(c->fd, sink, c->left < (long long)sizeof sink ? c->left : (long long)sizeof sink, MSG_TRUNC);
            if (n < 0)
                return errno == EAGAIN ? PENDING : conn_fail(c);
            if (n == 0)
                return conn_fail(c);
            c->left -= n;
        }
        c->state = IDLE;
        c->request_length = 0;
        if (strcasestr(c->head, "\r\nconnection: close"))
            conn_close(c);
        return DONE;
    }
    if (c->state == IDLE) { // the server hung up between two requests, or said what nobody asked for
        char byte;
        if (recv(c->fd, &byte, 1, MSG_PEEK) >= 0)
            conn_close(c);
    }
    return PENDING;
}

// Asks for `path` on the connection, opening it if need be. May be DONE at once: a quick server answers before this returns.
static enum result conn_ask(struct conn *c, const char *path, double due)
{
    c->request_length = snprintf(c->request, sizeof c->request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n\r\n", path);
    if (c->request_length >= (int)sizeof c->request) {
        fprintf(stderr, "path too long: %s\n", path);
        exit(1);
    }
    c->sent = 0;
    c->due = due;
    if (c->state == CLOSED)
        return conn_open(c, 0) < 0 ? FAILED : PENDING;
    c->state = SENDING;
    return conn_step(c);
}

// Waits for events, at most until the moment `until`.
static int wait_events(struct epoll_event *events, int count, double until)
{
    double left = until - now();
    if (left < 0)
        left = 0;
    struct timespec t = { .tv_sec = (time_t)left, .tv_nsec = (long)((left - (time_t)left) * 1e9) };
    int n = epoll_pwait2(epoll_fd, events, count, &t, NULL);
    return n < 0 ? 0 : n;
}

struct lines {
    char **line;
    int count;
};

static struct lines read_lines(const char *file)
{
    struct lines all = { 0 };
    FILE *in = fopen(file, "r");
    if (!in)
        die(file);
    char *line = NULL;
    size_t size = 0;
    for (ssize_t n; (n = getline(&line, &size, in)) > 0;) {
        line[strcspn(line, "\r\n")] = 0;
        if (all.count % 1024 == 0)
            all.line = realloc(all.line, (all.count + 1024) * sizeof *all.line);
        all.line[all.count++] = strdup(line);
    }
    free(line);
    fclose(in);
    if (!all.count) {
        fprintf(stderr, "%s is empty\n", file);
        exit(1);
    }
    return all;
}

struct samples {
    double *value;
    long count, room;
};

static void add(struct samples *s, double value)
{
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->value = realloc(s->value, s->room * sizeof *s->value);
    }
    s->value[s->count++] = value;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Prints `"name_ms": {"p50": ..., ...}`; sorts the samples.
static void print_percentiles(const char *name, struct samples *s)
{
    static const struct { const char *label; double share; } points[] = {
        { "p50", .5 }, { "p90", .9 }, { "p95", .95 }, { "p99", .99 }, { "p999", .999 }, { "max", 1 },
    };
    qsort(s->value, s->count, sizeof *s->value, ascending);
    printf("\"%s_ms\": {", name);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        long at = (long)(points[i].share * s->count);
        if (at >= s->count)
            at = s->count - 1;
        printf("%s\"%s\": %.3f", i ? ", " : "", points[i].label, s->count ? s->value[at] * 1e3 : 0);
    }
    printf("}");
}
