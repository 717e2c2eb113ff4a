#include "sim/base/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status fail(struct diag *d, enum status status, const char *path, const char *what)
{
    (void)diag_set(d, status, "%s", what);
    if (d)
        (void)snprintf(d->file, sizeof d->file, "%s", path);
    return status;
}

static enum status read_all(FILE *f, const char *path, size_t limit, char **data, size_t *size, struct diag *d)
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
