// Requests at a fixed rate, or one after the other.
//
//   requests -p PORT -f PATHS -l LENGTH -r RATE [-t 10] [-w 1]      open loop: RATE a second, whatever the server does
//   requests -p PORT -f PATHS -l LENGTH -c COUNT                    COUNT requests, one at a time, on one connection
//
// At a rate, times run from the moment the request was due, so that a server that stalls is charged for all who wait. The
// first `-w` seconds warm up and are not counted. The output is one line of JSON.
#include "http.h"

enum { CONNECTIONS = 1000 };

static struct conn conns[CONNECTIONS], *idle[CONNECTIONS];
static struct samples first, whole;
static long errors, wrong, opened, open_now, free_count;
static long long expected = -1;
static double counted_from;

static void finish(struct conn *c, enum result r)
{
    if (r == PENDING)
        return;
    c->request_length = 0;
    idle[free_count++] = c;
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
    for (int o; (o = getopt(argc, argv, "p:f:l:r:t:w:c:")) != -1;) {
        switch (o) {
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
    if (!port || !paths || (rate <= 0 && count <= 0)) {
        fprintf(stderr, "usage: requests -p PORT -f PATHS -l LENGTH (-r RATE [-t SECONDS] [-w SECONDS] | -c COUNT)\n");
        return 2;
    }
    set_up(port);

    struct lines all = read_lines(paths);
    struct epoll_event events[64];
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
            if (!free_count && opened == CONNECTIONS) {
                overrun++; // the server is so far behind that no connection is left
                asked++;
                continue;
            }
            struct conn *c = free_count ? idle[--free_count] : &conns[opened++];
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
