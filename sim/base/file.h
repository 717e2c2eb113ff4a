/* Whole files in and out. */
#ifndef SHEAF_BASE_FILE_H
#define SHEAF_BASE_FILE_H

#include <stddef.h>

#include "sim/base/diag.h"

/* Reads all of `path` ("-" is standard input) into `*data`, a malloc'd block of
 * `*size` bytes followed by a NUL, owned by the caller. At most `limit` bytes:
 * more is ST_LIMIT, so that an endless input cannot exhaust memory. Directories
 * and unreadable files are ST_IO. On failure *data is NULL and `d` says why. */
enum status file_read(const char *path, size_t limit, char **data, size_t *size, struct diag *d);

/* Writes `size` bytes to `path` ("-" is standard output), replacing it. ST_IO
 * with a diag when anything, the final close included, fails. */
enum status file_write(const char *path, const void *data, size_t size, struct diag *d);

/* The same for a regular file, in one step: whoever reads it, and whenever this ends,
 * finds the old file or the new one, whole. A link's target is replaced. What else has
 * that name (a device, a directory) is left alone: ST_IO. */
enum status file_replace(const char *path, const void *data, size_t size, struct diag *d);

#endif
