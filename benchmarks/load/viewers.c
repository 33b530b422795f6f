// Viewers of an HLS film, from one thread.
//
//   viewers -p PORT -f PATHS -l LENGTH [-n 5000] [-e 4] [-t 60]      a segment every `-e` seconds each, for `-t` seconds
//           [-m STOPPED -b BIGPATH]                                  and viewers that ask for BIGPATH and never read on
//
// PATHS has a path a line; viewer v asks for line (v + k * viewers) mod lines as its k-th segment. Starts are spread evenly
// over the period. A segment that is not there when the next is due is late; the viewer then leaves that next one out.
// The last line of the output is JSON; "stopped N" is said before it, when all the stopped viewers have got an answer.
#include "http.h"

static struct samples latency;
static long done, errors, wrong;
static long long bytes, expected = -1;

static void count(struct conn *c, enum result r)
{
    if (r == PENDING)
        return;
    if (r == FAILED || c->status != 200)
        errors++;
    else if (expected >= 0 && c->length != expected)
        wrong++;
    else {
        done++;
        add(&latency, now() - c->due);
    }
    if (r == DONE)
        bytes += c->length;
}

int main(int argc, char **argv)
{
    int port = 0, viewers = 5000, stopped = 0;
    double period = 4, seconds = 60;
    const char *paths = NULL, *big = NULL;
    for (int o; (o = getopt(argc, argv, "p:f:l:n:e:t:m:b:")) != -1;) {
        switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'f': paths = optarg; break;
        case 'l': expected = atoll(optarg); break;
        case 'n': viewers = atoi(optarg); break;
        case 'e': period = atof(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'm': stopped = atoi(optarg); break;
        case 'b': big = optarg; break;
        default: return 2;
        }
    }
    if (!port || (viewers && !paths) || (stopped && !big)) {
        fprintf(stderr, "usage: viewers -p PORT -f PATHS -l LENGTH [-n N] [-e PERIOD] [-t SECONDS] [-m STOPPED -b BIGPATH]\n");
        return 2;
    }
    set_up(port);

    // A stopped viewer reads nothing: its few kilobytes of receive window fill, and the rest is the server's to hold.
    int *held = calloc(stopped + 1, sizeof *held), stopped_failed = 0;
    struct conn one = { 0 };
    for (int i = 0; i < stopped; i++) {
        one.request_length = snprintf(one.request, sizeof one.request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n\r\n", big);
        one.sent = 0;
        if (conn_open(&one, 4096) < 0) {
            stopped_failed++;
            held[i] = -1;
            continue;
        }
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, one.fd, NULL);
        fcntl(one.fd, F_SETFL, 0); // blocking: send waits for the connection
        struct timeval limit = { .tv_sec = 5 };
        setsockopt(one.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        char first[13] = { 0 };
        if (send(one.fd, one.request, one.request_length, MSG_NOSIGNAL) < 0 || recv(one.fd, first, 12, MSG_PEEK) < 12 ||
            strncmp(first + 9, "200", 3))
            stopped_failed++;
        held[i] = one.fd;
    }
    if (stopped) {
        printf("stopped %d\n", stopped - stopped_failed);
        fflush(stdout);
    }

    struct lines all = viewers ? read_lines(paths) : (struct lines){ 0 };
    struct conn *v = calloc(viewers + 1, sizeof *v);
    struct epoll_event events[256];
    long late = 0, unfinished = 0;
    double start = now(), end = start + seconds;
    long ticks = viewers ? (long)(seconds / period * viewers) : 0;
    long tick = 0;

    for (;;) {
        double due = tick < ticks ? start + tick * period / viewers : end;
        double at = now();
        if (at >= due && tick < ticks) {
            struct conn *c = &v[tick % viewers];
            if (c->state != IDLE && c->state != CLOSED)
                late++;
            else
                count(c, conn_ask(c, all.line[tick % all.count], due));
            tick++;
            if (tick % 64)
                continue;
            due = at; // far behind: look at the sockets all the same
        }
        if (at >= end)
            break;
        int n = wait_events(events, 256, due);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            int asked = c->request_length > 0;
            enum result r = conn_step(c);
            if (asked)
                count(c, r);
        }
    }
    // What was asked within the last period may still be on its way; only what is older is late.
    for (int i = 0; i < viewers; i++)
        if (v[i].state != IDLE && v[i].state != CLOSED) {
            unfinished++;
            if (end - v[i].due >= period)
                late++;
        }
    printf("{\"viewers\": %d, \"stopped\": %d, \"stopped_failed\": %d, \"seconds\": %.1f, \"done\": %ld, \"late\": %ld, \"errors\": %ld, "
           "\"wrong_length\": %ld, \"unfinished\": %ld, \"bytes\": %lld, ",
        viewers, stopped, stopped_failed, now() - start, done, late, errors, wrong, unfinished, bytes);
    print_percentiles("latency", &latency);
    printf("}\n");
    return 0;
}
