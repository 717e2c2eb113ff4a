#include "sim/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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
    size_t capacity = 1 << 16, n = 0;
    char *buffer = malloc(capacity + 1);
    while (buffer) {
        n += fread(buffer + n, 1, capacity - n, f);
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
        if (n < capacity)
            break;
        capacity *= 2;
        char *grown = realloc(buffer, capacity + 1);
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

enum status file_read_text(const char *path, size_t limit, char **data, size_t *size, struct diag *d)
{
    const enum status status = file_read(path, limit, data, size, d);
    static const char mark[] = "\xef\xbb\xbf";
    size_t from = status == ST_OK && *size >= 3 && memcmp(*data, mark, 3) == 0 ? 3 : 0, to = 0;
    for (; status == ST_OK && from < *size; from++)
        if ((*data)[from] != '\r' || from + 1 == *size || (*data)[from + 1] != '\n')
            (*data)[to++] = (*data)[from];
    if (status == ST_OK) {
        (*data)[to] = '\0';
        *size = to;
    }
    return status;
}

/* --- output --------------------------------------------------------------------------- */

/* What a path stands for in the end, through links, whether it is there or not. The caller's to free. */
static char *resolve(const char *path)
{
    enum { MAX_LINKS = 40 };
    char *at = strdup(path);
    for (unsigned i = 0; at && i < MAX_LINKS; i++) {
        char to[4096];
        const ssize_t n = readlink(at, to, sizeof to - 1);
        if (n < 0)
            return at;
        to[n] = '\0';
        const char *slash = to[0] == '/' ? NULL : strrchr(at, '/');
        char *next = NULL;
        if (asprintf(&next, "%.*s%s", slash ? (int)(slash - at + 1) : 0, at, to) < 0)
            next = NULL;
        free(at);
        at = next;
    }
    return at;
}

/* Unfinished files beside `target` whose process is gone: TARGET.PID.NUMBER.new. */
static void sweep_up(const char *target)
{
    const char *slash = strrchr(target, '/'), *base = slash ? slash + 1 : target;
    char *folder = slash ? strndup(target, (size_t)(slash - target) + 1) : strdup(".");
    DIR *list = folder ? opendir(folder) : NULL;
    const size_t n = strlen(base);
    for (const struct dirent *e; list && (e = readdir(list));) {
        char *end;
        if (strncmp(e->d_name, base, n) != 0 || e->d_name[n] != '.')
            continue;
        const long pid = strtol(e->d_name + n + 1, &end, 10);
        const size_t rest = strlen(end);
        if (pid > 0 && *end == '.' && rest == 21 && strcmp(end + 17, ".new") == 0 &&
            kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            (void)unlinkat(dirfd(list), e->d_name, 0);
    }
    if (list)
        (void)closedir(list);
    free(folder);
}

/* Opens a file beside the target, of a name that nobody can know before. errno says why not. */
static bool open_fresh(struct file_out *out)
{
    for (unsigned tries = 0; tries < 16; tries++) {
        uint64_t number;
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return false;
        char *fresh = NULL;
        if (asprintf(&fresh, "%s.%ld.%016llx.new", out->target, (long)getpid(), (unsigned long long)number) <
            0) {
            errno = ENOMEM;
            return false;
        }
        const int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0) {
            struct stat there;
            out->fresh = fresh;
            if (stat(out->target, &there) == 0)
                (void)fchmod(fd, there.st_mode & 07777);
            out->f = fdopen(fd, "wb");
            if (!out->f)
                (void)close(fd);
            return out->f != NULL;
        }
        const int why = errno;
        free(fresh);
        errno = why;
        if (why != EEXIST)
            return false;
    }
    return false;
}

static void release(struct file_out *out)
{
    free(out->fresh);
    free(out->target);
    out->fresh = out->target = NULL;
    out->f = NULL;
}

enum status file_begin(const char *path, struct file_out *out, struct diag *d)
{
    struct stat there;
    *out = (struct file_out){.path = path};
    if (strcmp(path, "-") == 0) {
        out->f = stdout;
        return ST_OK;
    }
    const bool special = stat(path, &there) == 0 && !S_ISREG(there.st_mode);
    if (special) {
        out->f = fopen(path, "wb");
        return out->f ? ST_OK : fail(d, ST_IO, path, strerror(errno));
    }
    out->target = resolve(path);
    if (!out->target)
        return fail(d, ST_NOMEM, path, "out of memory while writing");
    sweep_up(out->target);
    if (access(out->target, F_OK) == 0 && access(out->target, W_OK) != 0) {
        const int why = errno;
        release(out);
        return fail(d, ST_IO, path, strerror(why));
    }
    if (open_fresh(out))
        return ST_OK;
    const int why = errno;
    if (out->fresh)
        (void)unlink(out->fresh);
    release(out);
    return fail(d, ST_IO, path, strerror(why));
}

enum status file_end(struct file_out *out, bool keep, bool sync, struct diag *d)
{
    bool good = fflush(out->f) == 0 && !ferror(out->f);
    int why = errno;
    if (good && sync && out->fresh && fsync(fileno(out->f)) != 0) {
        good = false;
        why = errno;
    }
    if (out->f != stdout && fclose(out->f) != 0 && good) {
        good = false;
        why = errno;
    }
    if (out->fresh && good && keep && rename(out->fresh, out->target) != 0) {
        good = false;
        why = errno;
    }
    if (out->fresh && !(good && keep))
        (void)unlink(out->fresh);
    release(out);
    return good || !keep ? ST_OK : fail(d, ST_IO, out->path, strerror(why));
}

static enum status put(const char *path, const void *data, size_t size, bool sync, struct diag *d)
{
    struct file_out out;
    enum status status = file_begin(path, &out, d);
    if (status != ST_OK)
        return status;
    const bool good = fwrite(data, 1, size, out.f) == size;
    const int why = errno;
    status = file_end(&out, good, sync, d);
    return good ? status : fail(d, ST_IO, path, strerror(why));
}

enum status file_write(const char *path, const void *data, size_t size, struct diag *d)
{
    return put(path, data, size, false, d);
}

enum status file_replace(const char *path, const void *data, size_t size, struct diag *d)
{
    struct stat there;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return fail(d, ST_IO, path, "not a regular file");
    return put(path, data, size, true, d);
}

bool file_same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}
