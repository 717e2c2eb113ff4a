/* Whole files in and out. */
#ifndef SHEAF_BASE_FILE_H
#define SHEAF_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sim/base/diag.h"

/* Reads all of `path` ("-" is standard input) into `*data`, a malloc'd block of
 * `*size` bytes followed by a NUL, owned by the caller. At most `limit` bytes:
 * more is ST_LIMIT, so that an endless input cannot exhaust memory. Directories
 * and unreadable files are ST_IO. On failure *data is NULL and `d` says why. */
enum status file_read(const char *path, size_t limit, char **data, size_t *size, struct diag *d);

/* The same of a text: without a byte order mark of UTF-8, and lines end in a line feed alone. */
enum status file_read_text(const char *path, size_t limit, char **data, size_t *size, struct diag *d);

/* A file being written. What is there already stays until the new one is whole: that lies beside it, under a
 * name of its own, and takes its place at the end. A link's target is replaced, there or not yet; the mode is
 * kept. Standard output
 * ("-"), devices and pipes are written to as they are. What a killed process left of the same file is
 * removed. */
struct file_out {
    FILE *f;
    const char *path;
    char *fresh, *target; /* NULL for what is not replaced */
};

/* ST_OK, then file_end has to follow; or ST_IO, ST_NOMEM. `path` is borrowed until then. */
enum status file_begin(const char *path, struct file_out *out, struct diag *d);

/* Closes it, and puts it in its place if it is to be kept; `sync`: so that it is there after a loss of power.
 * ST_IO with the old file as it was. */
enum status file_end(struct file_out *out, bool keep, bool sync, struct diag *d);

/* Writes `size` bytes to `path` so. */
enum status file_write(const char *path, const void *data, size_t size, struct diag *d);

/* The same, synced, for a regular file only: what else has that name is left alone, ST_IO. */
enum status file_replace(const char *path, const void *data, size_t size, struct diag *d);

/* Whether two paths are one regular file. */
bool file_same(const char *a, const char *b);

#endif
