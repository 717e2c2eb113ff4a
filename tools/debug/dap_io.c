#include "tools/debug/dap_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sim/base/vec.h"

enum { MAX_HEADER = 4096, PIECE = 1 << 16 };

bool dap_io_open(struct dap_io *io)
{
    *io = (struct dap_io){.in = dup(STDIN_FILENO), .out = dup(STDOUT_FILENO)};
    const int nothing = open("/dev/null", O_RDONLY);
    const bool good = io->in >= 0 && io->out >= 0 && nothing >= 0 && fflush(stdout) == 0 &&
                      dup2(nothing, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
    if (nothing >= 0)
        (void)close(nothing);
    return good;
}

void dap_io_close(struct dap_io *io)
{
    if (io->in >= 0)
        (void)close(io->in);
    if (io->out >= 0)
        (void)close(io->out);
    free(io->at);
}

static void drop(struct dap_io *io, size_t n)
{
    io->n -= n;
    memmove(io->at, io->at + n, io->n);
}

/* Reads what has come, waiting for it. False at the end. */
static bool fill(struct dap_io *io)
{
    if (!vec_grow((void **)&io->at, &io->capacity, io->n, PIECE, 1))
        io->ended = true;
    while (!io->ended) {
        const ssize_t got = read(io->in, io->at + io->n, PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        io->ended = got <= 0;
        if (got > 0)
            io->n += (size_t)got;
        break;
    }
    const size_t skipped = io->skip < io->n ? io->skip : io->n;
    io->skip -= skipped;
    if (skipped)
        drop(io, skipped);
    return !io->ended;
}

/* The length of the header with the empty line behind it, 0 while that has not come. */
static size_t header_length(const struct dap_io *io)
{
    const char *end = io->n ? memmem(io->at, io->n, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - io->at) + 4 : 0;
}

/* The value of the last Content-Length among the `n` bytes, which end in an empty line; false
 * without a sensible one. What is before it may be left of a message whose length was wrong. */
static bool content_length(const char *at, size_t n, size_t *out)
{
    static const char key[] = "Content-Length:";
    size_t i = n, digits = 0;
    while (i && strncasecmp(at + i - 1, key, sizeof key - 1) != 0)
        i--;
    if (!i)
        return false;
    const char *c = at + i + sizeof key - 2;
    while (*c == ' ')
        c++;
    for (*out = 0; *c >= '0' && *c <= '9' && digits < 18; c++, digits++)
        *out = *out * 10 + (size_t)(*c - '0');
    return digits && *c == '\r';
}

/* A whole message, or one that can be seen to be wrong, is at hand. */
static bool at_hand(const struct dap_io *io)
{
    size_t length;
    const size_t header = io->skip ? 0 : header_length(io);
    if (!header)
        return io->n > MAX_HEADER;
    return !content_length(io->at, header, &length) || length > DAP_MAX_BYTES || io->n - header >= length;
}

bool dap_io_ready(struct dap_io *io)
{
    struct pollfd p = {.fd = io->in, .events = POLLIN};
    while (!io->ended && !at_hand(io) && poll(&p, 1, 0) > 0)
        (void)fill(io);
    return io->ended || at_hand(io);
}

enum dap_read dap_io_read(struct dap_io *io, json_t **message, const char **problem)
{
    size_t length;
    *message = NULL;
    while (!at_hand(io))
        if (!fill(io))
            return DAP_ENDED;
    const size_t header = header_length(io);
    if (!header) {
        drop(io, io->n);
        *problem = "a header that does not end";
        return DAP_BAD;
    }
    const bool known = content_length(io->at, header, &length);
    drop(io, header);
    if (!known) {
        *problem = "a header without Content-Length";
        return DAP_BAD;
    }
    if (length > DAP_MAX_BYTES) {
        const size_t here = length < io->n ? length : io->n;
        io->skip = length - here;
        drop(io, here);
        *problem = "a message of more than 8 MB";
        return DAP_BAD;
    }
    *message = json_loadb(io->at, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    drop(io, length);
    *problem = "a message that is not JSON";
    return *message ? DAP_MESSAGE : DAP_BAD;
}

static bool write_all(int file, const char *at, size_t n)
{
    while (n) {
        const ssize_t put = write(file, at, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        n -= (size_t)put;
    }
    return true;
}

bool dap_io_write(struct dap_io *io, json_t *message)
{
    char header[64];
    char *body = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (!body)
        return false;
    const size_t n = strlen(body);
    const int length = snprintf(header, sizeof header, "Content-Length: %zu\r\n\r\n", n);
    const bool good = write_all(io->out, header, (size_t)length) && write_all(io->out, body, n);
    io->ended = io->ended || !good;
    free(body);
    return good;
}
