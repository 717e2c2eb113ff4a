#include "sim/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status fail(struct diag *d, enum status status, const char *path, const char *what)
{
    (void)diag_set(d, status, "%s", what);
    if (d)
        (void)snprintf(d->file, sizeof d->file, "%s", path);
    return status;
}

static enum status read_all(FILE *f, const char *path, size_t limit, char **data, size_t *size,
                            struct diag *d)
{
    size_t room = 1 << 16, n = 0;
    char *buffer = malloc(room + 1);
    while (buffer) {
        n += fread(buffer + n, 1, room - n, f);
        if (ferror(f)) {
            const int why = errno;
            free(buffer);
            return fail(d, ST_IO, path, strerror(why));
        }
        if (n > limit) {
            free(buffer);
            (void)diag_set(d, ST_LIMIT, "larger than the limit of %zu bytes", limit);
            if (d)
                (void)snprintf(d->file, sizeof d->file, "%s", path);
            return ST_LIMIT;
        }
        if (n < room)
            break;
        room *= 2;
        char *grown = realloc(buffer, room + 1);
        if (!grown)
            free(buffer);
        buffer = grown;
    }
    if (!buffer)
        return fail(d, ST_NOMEM, path, "out of memory while reading");
    buffer[n] = '\0';
    *data = buffer;
    *size = n;
    return ST_OK;
}

enum status file_read(const char *path, size_t limit, char **data, size_t *size, struct diag *d)
{
    *data = NULL;
    *size = 0;
    const bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (!f)
        return fail(d, ST_IO, path, strerror(errno));
    const enum status status = read_all(f, path, limit, data, size, d);
    if (!standard)
        (void)fclose(f);
    return status;
}

enum status file_write(const char *path, const void *data, size_t size, struct diag *d)
{
    const bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdout : fopen(path, "wb");
    if (!f)
        return fail(d, ST_IO, path, strerror(errno));
    bool good = fwrite(data, 1, size, f) == size;
    good = fflush(f) == 0 && good;
    const int why = errno;
    if (!standard)
        good = fclose(f) == 0 && good;
    return good ? ST_OK : fail(d, ST_IO, path, strerror(why));
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        const ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return fsync(fd) == 0;
}

/* A new file with that content; 0, or why not. */
static int write_new(const char *path, const void *data, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return errno;
    int why = write_all(fd, data, size) ? 0 : errno;
    if (close(fd) != 0 && !why)
        why = errno;
    if (why)
        (void)unlink(path);
    return why;
}

enum status file_replace(const char *path, const void *data, size_t size, struct diag *d)
{
    struct stat there;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return fail(d, ST_IO, path, "not a regular file");
    /* The name of what is there, or the path itself. */
    char *target = realpath(path, NULL);
    if (!target)
        target = strdup(path);
    char *fresh = NULL;
    if (!target || asprintf(&fresh, "%s.%ld.new", target, (long)getpid()) < 0) {
        free(target);
        return fail(d, ST_NOMEM, path, "out of memory while writing");
    }
    int why = write_new(fresh, data, size);
    if (!why && rename(fresh, target) != 0) {
        why = errno;
        (void)unlink(fresh);
    }
    free(fresh);
    free(target);
    return why ? fail(d, ST_IO, path, strerror(why)) : ST_OK;
}
