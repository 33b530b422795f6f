// As much of HTTP/2 over TLS (RFC 9113, RFC 7541) as asks for one thing after the other on a connection and reads what comes.
#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <string.h>

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, CONTINUATION = 9, ACK = 1, END_STREAM = 1 };

struct h2 {
    SSL *ssl;
    uint32_t stream; // of the last request
    int raw_have, ok, is_done;
    long taken; // of the connection's window, not given back yet
    unsigned char raw[1 << 17];
};

static int h2_frame(struct h2 *c, int type, int flags, uint32_t stream, const void *body, int length)
{
    unsigned char frame[2048] = {length >> 16, length >> 8, length, type, flags, stream >> 24, stream >> 16, stream >> 8, stream};
    memcpy(frame + 9, body, length);
    return SSL_write(c->ssl, frame, 9 + length) == 9 + length;
}

// The socket is connected and waits; afterwards it may be made non-blocking.
static struct h2 *h2_open(SSL_CTX *context, int fd)
{
    struct h2 *c = calloc(1, sizeof *c);
    c->ssl = SSL_new(context);
    SSL_set_fd(c->ssl, fd);
    if (SSL_connect(c->ssl) != 1)
        return NULL;
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // No push, and a window of a stream and of the connection that is never the bound.
    static const unsigned char settings[] = {0, 2, 0, 0, 0, 0, 0, 4, 0x3f, 0xff, 0xff, 0xff}, window[] = {0x3f, 0, 0, 0};
    SSL_write(c->ssl, preface, sizeof preface - 1);
    h2_frame(c, SETTINGS, 0, 0, settings, sizeof settings);
    h2_frame(c, 8, 0, 0, window, 4);
    c->stream = -1;
    return c;
}

static int h2_text(unsigned char *to, int index, const char *text)
{
    // A literal that is not indexed (6.2.2), its name by the static table, not coded.
    int length = strlen(text), at = 0;
    to[at++] = index;
    if (length < 127) {
        to[at++] = length;
    } else {
        to[at++] = 127;
        int rest = length - 127;
        for (; rest >= 128; rest >>= 7)
            to[at++] = 128 | (rest & 127);
        to[at++] = rest;
    }
    memcpy(to + at, text, length);
    return at + length;
}

static int h2_ask(struct h2 *c, const char *path)
{
    unsigned char block[1500] = {0x82 /* :method GET */, 0x87 /* :scheme https */};
    int length = 2 + h2_text(block + 2, 1, "bench");
    length += h2_text(block + length, 4, path);
    c->stream += 2;
    c->ok = c->is_done = 0;
    return h2_frame(c, HEADERS, END_STREAM | 4, c->stream, block, length);
}

// Reads what is there into the body. Negative: the connection is over. c->is_done: the answer is whole.
static int h2_read(struct h2 *c, char *body, int *have, int most)
{
    for (;;) {
        int r = SSL_read(c->ssl, c->raw + c->raw_have, sizeof c->raw - c->raw_have);
        if (r <= 0)
            return SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_READ ? 0 : -1;
        c->raw_have += r;
        unsigned char *at = c->raw, *end = c->raw + c->raw_have;
        while (end - at >= 9) {
            int length = at[0] << 16 | at[1] << 8 | at[2], type = at[3], flags = at[4];
            uint32_t stream = (uint32_t)at[5] << 24 | at[6] << 16 | at[7] << 8 | at[8];
            if (end - at < 9 + length)
                break;
            unsigned char *got = at + 9;
            if (type == DATA && stream == c->stream) {
                if (*have + length >= most)
                    return -1;
                memcpy(body + *have, got, length);
                *have += length;
                c->taken += length;
                c->is_done |= flags & END_STREAM;
            } else if (type == HEADERS && stream == c->stream) {
                // The table's size may be said before the first field (6.3).
                while ((*got & 0xe0) == 0x20)
                    got++;
                c->ok = *got == 0x88 /* :status 200 */;
                c->is_done |= flags & END_STREAM;
            } else if (type == SETTINGS && !(flags & ACK)) {
                h2_frame(c, SETTINGS, ACK, 0, NULL, 0);
            } else if (type == PING && !(flags & ACK)) {
                h2_frame(c, PING, ACK, 0, got, 8);
            } else if (type == GOAWAY || type == RST_STREAM) {
                return -1;
            }
            at += 9 + length;
        }
        c->raw_have = end - at;
        memmove(c->raw, at, c->raw_have);
        if (c->taken > 1 << 24) {
            unsigned char window[] = {c->taken >> 24, c->taken >> 16, c->taken >> 8, c->taken};
            h2_frame(c, 8, 0, 0, window, 4);
            c->taken = 0;
        }
        if (c->is_done)
            return 0;
    }
}
