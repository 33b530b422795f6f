// Downloads, one after another on each of some kept connections.
//
//   downloads -a ADDRESS -p PORT -f PATHS -l LENGTH [-n 1] [-t 40] [-w 4]
//             [-e PERIOD]    each connection asks once a PERIOD at most, as a player at the live edge does; a body that took longer is late
//             [-c COUNT]     ends after so many bodies a connection
//             [-m]           each body on a connection of its own
//
// Connection v asks for line (v + k * connections) mod lines as its k-th. The first `-w` seconds warm up: their bytes and times are not counted.
// The output is one line of JSON; bytes are those of bodies, whole or not, and `share` is the least and the most that a connection got.
#include "http.h"

struct download {
    struct conn conn;
    long asked;
    long long told; // bytes of the body that runs, counted already
    long long bytes;
    double next;
};

static struct samples whole;
static long done, late, errors, wrong;
static long long expected = -1;
static double counted_from, period;
static int fresh;

static void count_bytes(struct download *d)
{
    long long here = d->conn.state == BODY || d->conn.request_length == 0 ? d->conn.length - d->conn.left : d->told;
    if (now() >= counted_from && here > d->told)
        d->bytes += here - d->told;
    d->told = here;
}

// True: the next may be asked for.
static int settle(struct download *d, enum result r)
{
    if (r != FAILED && (d->conn.state == BODY || r == DONE))
        count_bytes(d);
    if (r == PENDING)
        return 0;
    double took = now() - d->conn.due;
    if (r == FAILED || d->conn.status != 200)
        errors++;
    else if (expected >= 0 && d->conn.length != expected)
        wrong++;
    else if (d->conn.due >= counted_from) {
        done++;
        add(&whole, took);
        if (period > 0 && took > period) {
            late++;
            fprintf(stderr, "late: %ld, %.2f s\n", d->asked, took);
        }
    }
    if (fresh)
        conn_close(&d->conn);
    d->conn.request_length = 0;
    d->next = d->conn.due + period;
    if (r == FAILED && d->next < now() + 0.1)
        d->next = now() + 0.1; // a server that is gone is not to be stormed
    return 1;
}

int main(int argc, char **argv)
{
    int port = 0, connections = 1;
    long most = 0;
    double seconds = 40, warm = 4;
    const char *paths = NULL;
    for (int o; (o = getopt(argc, argv, "a:p:f:l:n:t:w:e:c:m")) != -1;) {
        switch (o) {
        case 'a': server_address = optarg; break;
        case 'p': port = atoi(optarg); break;
        case 'f': paths = optarg; break;
        case 'l': expected = atoll(optarg); break;
        case 'n': connections = atoi(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'w': warm = atof(optarg); break;
        case 'e': period = atof(optarg); break;
        case 'c': most = atol(optarg); break;
        case 'm': fresh = 1; break;
        default: return 2;
        }
    }
    if (!port || !paths || connections < 1) {
        fprintf(stderr, "usage: downloads -p PORT -f PATHS -l LENGTH [-a ADDRESS] [-n CONNECTIONS] [-t SECONDS] [-w SECONDS] [-e PERIOD] [-c COUNT] [-m]\n");
        return 2;
    }
    set_up(port);
    struct lines all = read_lines(paths);
    struct download *d = calloc(connections, sizeof *d);
    struct epoll_event events[256];
    double start = now(), end = start + warm + seconds;
    counted_from = start + warm;
    // Spread over the warming up: all at once would be a burst that no site sees.
    for (int v = 0; v < connections; v++)
        d[v].next = start + warm / 2 * v / connections;
    for (int left = connections; left > 0 && now() < end;) {
        double until = end;
        left = connections;
        for (int v = 0; v < connections; v++) {
            struct download *one = &d[v];
            while (one->conn.request_length == 0 && (!most || one->asked < most) && now() >= one->next) {
                one->told = 0;
                const char *path = all.line[(v + one->asked++ * connections) % all.count];
                if (!settle(one, conn_ask(&one->conn, path, now())))
                    break;
            }
            if (one->conn.request_length == 0 && most && one->asked >= most)
                left--;
            else if (one->conn.request_length == 0 && one->next < until)
                until = one->next;
        }
        if (!left)
            break;
        int n = wait_events(events, 256, until);
        for (int i = 0; i < n; i++) {
            struct download *one = events[i].data.ptr; // its first member is the connection
            if (one->conn.request_length > 0)
                settle(one, conn_step(&one->conn));
            else
                conn_step(&one->conn);
        }
    }
    double took = now() - counted_from;
    long long bytes = 0, least = -1, greatest = 0;
    for (int v = 0; v < connections; v++) {
        bytes += d[v].bytes;
        if (least < 0 || d[v].bytes < least)
            least = d[v].bytes;
        if (d[v].bytes > greatest)
            greatest = d[v].bytes;
    }
    printf("{\"connections\": %d, \"seconds\": %.2f, \"bytes\": %lld, \"done\": %ld, \"late\": %ld, \"errors\": %ld, \"wrong_length\": %ld, "
           "\"share\": [%lld, %lld], ", connections, took, bytes, done, late, errors, wrong, least, greatest);
    print_percentiles("whole", &whole);
    printf("}\n");
    return 0;
}
