#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/program/program.h"

/* More than the largest program can need in any sensible layout. */
enum { MAX_BYTES = 1 << 30 };

enum status prog_load(const char *path, struct prog **out, struct diag *d)
{
    *out = NULL;
    char *text;
    size_t size;
    enum status status = file_read(path, MAX_BYTES, &text, &size, d);
    if (status != ST_OK)
        return status;
    const char *file = strcmp(path, "-") == 0 ? "standard input" : path;
    status = prog_read_json(text, size, file, out, d);
    free(text);
    return status;
}
