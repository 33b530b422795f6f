// Requests at a fixed rate, or one after the other.
//
//   requests -p PORT -f PATHS -l LENGTH -r RATE [-t 10] [-w 1]      open loop: RATE a second, whatever the server does
//   requests -p PORT -f PATHS -l LENGTH -c COUNT                    COUNT requests, one at a time, on one connection
//   [-a ADDRESS]          the server's, 127.0.0.1 unless told
//   [-n CONNECTIONS]      at a rate: so many are opened first, and all are used in turn. Without it the one that was idle last is
//
// At a rate, times run from the moment the request was due, so that a server that stalls is charged for all who wait. The
// first `-w` seconds warm up and are not counted. The output is one line of JSON.
#include "http.h"

enum { CONNECTIONS = 1000 };

static struct conn conns[CONNECTIONS], *idle[CONNECTIONS];
static int kept;
static struct samples first, whole;
static long errors, wrong, opened, open_now, free_count, first_idle;
static long long expected = -1;
static double counted_from;

static void put(struct conn *c)
{
    idle[(first_idle + free_count++) % CONNECTIONS] = c;
}

static struct conn *take(void)
{
    free_count--;
    if (!kept)
        return idle[(first_idle + free_count) % CONNECTIONS];
    struct conn *c = idle[first_idle];
    first_idle = (first_idle + 1) % CONNECTIONS;
    return c;
}

// False: not all are open within ten seconds.
static int open_all(struct epoll_event *events)
{
    // A few at a time: a thousand SYNs at once would fill the queue of a narrow link and come again a second later.
    double until = now() + 10;
    int ready = 0;
    while (ready < kept && now() < until) {
        while (opened < kept && opened - ready < 20)
            conn_open(&conns[opened++], 0);
        int n = wait_events(events, 64, until);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (c->state != CONNECTING)
                continue;
            conn_step(c);
            if (c->state == IDLE) {
                put(c);
                ready++;
            }
        }
    }
    return ready == kept;
}

static void finish(struct conn *c, enum result r)
{
    if (r == PENDING)
        return;
    c->request_length = 0;
    put(c);
    open_now--;
    if (r == FAILED || c->status != 200)
        errors++;
    else if (expected >= 0 && c->length != expected)
        wrong++;
    else if (c->due >= counted_from) {
        add(&first, c->first - c->due);
        add(&whole, now() - c->due);
    }
}

int main(int argc, char **argv)
{
    int port = 0, count = 0;
    double rate = 0, seconds = 10, warm = 1;
    const char *paths = NULL;
    for (int o; (o = getopt(argc, argv, "a:n:p:f:l:r:t:w:c:")) != -1;) {
        switch (o) {
        case 'a': server_address = optarg; break;
        case 'n': kept = atoi(optarg); break;
        case 'p': port = atoi(optarg); break;
        case 'f': paths = optarg; break;
        case 'l': expected = atoll(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'w': warm = atof(optarg); break;
        case 'c': count = atoi(optarg); break;
        default: return 2;
        }
    }
    if (!port || !paths || (rate <= 0 && count <= 0) || kept > CONNECTIONS) {
        fprintf(stderr, "usage: requests -p PORT -f PATHS -l LENGTH (-r RATE [-t SECONDS] [-w SECONDS] [-n CONNECTIONS] | -c COUNT) [-a ADDRESS]\n");
        return 2;
    }
    set_up(port);

    struct lines all = read_lines(paths);
    struct epoll_event events[64];
    if (!open_all(events)) {
        fprintf(stderr, "%d connections did not open within 10 s\n", kept);
        return 1;
    }
    long asked = 0, overrun = 0;
    double start = now() + 0.01, limit = count ? start + 120 : start + warm + seconds;
    counted_from = count ? 0 : start + warm;
    long total = count ? count : (long)((warm + seconds) * rate);

    while (now() < limit + 2) {
        double at = now();
        double due = asked >= total ? limit + 2 : count ? at : start + asked / rate;
        if (asked >= total && open_now == 0)
            break;
        if (asked < total && at >= due && (!count || open_now == 0)) {
            if (!free_count && opened == (kept ? kept : CONNECTIONS)) {
                overrun++; // the server is so far behind that no connection is left
                asked++;
                continue;
            }
            struct conn *c = free_count ? take() : &conns[opened++];
            open_now++;
            finish(c, conn_ask(c, all.line[asked % all.count], due));
            asked++;
            if (!count)
                continue;
        }
        int n = wait_events(events, 64, count ? limit : due);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (c->request_length > 0)
                finish(c, conn_step(c));
            else
                conn_step(c);
        }
    }
    printf("{\"asked\": %ld, \"counted\": %ld, \"errors\": %ld, \"wrong_length\": %ld, \"overrun\": %ld, \"unfinished\": %ld, \"connections\": %ld, ",
        asked, first.count, errors, wrong, overrun, open_now, opened);
    print_percentiles("first_byte", &first);
    printf(", ");
    print_percentiles("whole", &whole);
    printf("}\n");
    return 0;
}
