// TLS clients of 127.0.0.1, from one thread.
//
//   tls -p PORT handshakes [-t 4] [-r] [-2]        handshakes one after the other; -r resumed, -2 TLS 1.2 (else 1.3)
//   tls -p PORT stopped -n COUNT -u PATH           COUNT viewers that ask for PATH and never read on; stays until its input ends
//
// The cipher is AES-128-GCM. A resumed handshake is checked to be one. The last line of the output is JSON.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int port;
static SSL_CTX *context;
static SSL_SESSION *ticket;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL *dial(int receive_buffer)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0)
        die("socket");
    if (receive_buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    // Ten thousand ports a minute: the client's side must not wait in TIME_WAIT.
    struct linger reset = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, "localhost");
    return ssl;
}

static void ask(SSL *ssl, const char *path)
{
    char request[1024];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\n\r\n", path);
    if (SSL_write(ssl, request, n) != n)
        die("write");
}

static void hang_up(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    // Without it the library takes the session for a broken one and does not resume it.
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    close(fd);
}

static void handshakes(double seconds, int resume)
{
    char body[4096];
    long done = 0, resumed = 0;
    if (resume) {
        SSL *first = dial(0);
        if (SSL_connect(first) != 1)
            die("handshake");
        ask(first, "/health/live");
        if (SSL_read(first, body, sizeof body) <= 0)
            die("read");
        // TLS 1.3 sends its tickets after the handshake, with the first bytes that are read.
        ticket = SSL_get1_session(first);
        hang_up(first);
    }
    double start = now(), longest = 0;
    for (double at = start; at < start + seconds; done++) {
        SSL *ssl = dial(0);
        if (resume && ticket)
            SSL_set_session(ssl, ticket);
        if (SSL_connect(ssl) != 1)
            die("handshake");
        resumed += SSL_session_reused(ssl);
        hang_up(ssl);
        double end = now();
        if (end - at > longest)
            longest = end - at;
        at = end;
    }
    printf("{\"done\": %ld, \"resumed\": %ld, \"seconds\": %.3f, \"longest_ms\": %.2f}\n", done, resumed, now() - start, longest * 1e3);
}

static void stopped(int count, const char *path)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        SSL *ssl = dial(4096);
        if (SSL_connect(ssl) == 1)
            ask(ssl, path);
        else
            failed++;
        // The SSL object stays, and so does the connection.
    }
    printf("{\"stopped\": %d, \"failed\": %d}\n", count - failed, failed);
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

int main(int argc, char **argv)
{
    double seconds = 4;
    int resume = 0, old = 0, count = 0;
    const char *path = NULL;
    for (int o; (o = getopt(argc, argv, "p:t:r2n:u:")) != -1;) {
        switch (o) {
        case 'p': port = atoi(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'r': resume = 1; break;
        case '2': old = 1; break;
        case 'n': count = atoi(optarg); break;
        case 'u': path = optarg; break;
        default: return 2;
        }
    }
    const char *mode = optind < argc ? argv[optind] : "";
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_min_proto_version(context, old ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(context, old ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:!AES256");
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    // With a cache of its own the library would use a TLS 1.3 ticket once only.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (port && !strcmp(mode, "handshakes"))
        handshakes(seconds, resume);
    else if (port && !strcmp(mode, "stopped") && count > 0 && path)
        stopped(count, path);
    else {
        fprintf(stderr, "usage: tls -p PORT handshakes [-t SECONDS] [-r] [-2] | tls -p PORT stopped -n COUNT -u PATH\n");
        return 2;
    }
    return 0;
}
