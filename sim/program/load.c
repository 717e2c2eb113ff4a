#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/program/program.h"

/* More than the largest program can need in any sensible layout. */
enum { MAX_BYTES = 1 << 30 };

static bool is_assembly(const char *path, const char *text, size_t size)
{
    const size_t n = strlen(path);
    if (strcmp(path, "-") != 0)
        return n > 2 && strcmp(path + n - 2, ".s") == 0;
    const char *const end = text + size;
    while (text < end && strchr(" \t\r\n", *text))
        text++;
    return text < end && *text != '[' && *text != '{';
}

/* Reads the file and hands its text to the reader that its name asks for; assembly is one program. */
static enum status load(const char *path, size_t limit, struct prog **one, struct prog_list *several,
                        struct diag *d)
{
    char *text;
    size_t size;
    enum status status = file_read_text(path, limit, &text, &size, d);
    if (status != ST_OK)
        return status;
    const char *file = strcmp(path, "-") == 0 ? "standard input" : path;
    if (is_assembly(path, text, size))
        status = prog_read_asm(text, size, file, one, d);
    else if (several)
        status = prog_read_json_list(text, size, file, several, d);
    else
        status = prog_read_json(text, size, file, one, d);
    free(text);
    return status;
}

enum status prog_load_within(const char *path, size_t limit, struct prog **out, struct diag *d)
{
    *out = NULL;
    return load(path, limit, out, NULL, d);
}

enum status prog_load(const char *path, struct prog **out, struct diag *d)
{
    return prog_load_within(path, MAX_BYTES, out, d);
}

enum status prog_load_list(const char *path, struct prog_list *out, struct diag *d)
{
    struct prog *one = NULL;
    *out = (struct prog_list){.list = {0}};
    enum status status = load(path, MAX_BYTES, &one, out, d);
    if (status == ST_OK && one && !vec_push(&out->list, (struct prog_named){"", one})) {
        prog_destroy(one);
        status = diag_set(d, ST_NOMEM, "out of memory while reading a program");
    }
    return status;
}
