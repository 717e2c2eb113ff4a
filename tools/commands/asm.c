/* asm and dis: a program from one format into the other. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/program/program.h"
#include "tools/commands/commands.h"
#include "tools/report.h"

/* As prog_load has it. */
enum { MAX_BYTES = 1 << 30 };

static int write(const struct prog *p, bool to_json, const char *path)
{
    struct text t = {0};
    struct diag d;
    if (to_json)
        prog_write_json(p, &t);
    else
        prog_write_asm(p, &t);
    if (!path || !text_ok(&t))
        return tool_print(&t);
    const enum status status = file_write(path, t.at ? t.at : "", t.n, &d);
    text_free(&t);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

static int convert(const struct options *o, bool to_json)
{
    const char *path = o->operands[0], *file = strcmp(path, "-") == 0 ? "standard input" : path;
    char *text;
    size_t size;
    struct diag d;
    struct prog *p;
    if (file_read_text(path, MAX_BYTES, &text, &size, &d) != ST_OK)
        return tool_diag(&d);
    const enum status status =
        to_json ? prog_read_asm(text, size, file, &p, &d) : prog_read_json(text, size, file, &p, &d);
    free(text);
    const int result = status == ST_OK ? write(p, to_json, opt_text(o, OPT_OUTPUT)) : tool_diag(&d);
    prog_destroy(p);
    return result;
}

static int assemble(const struct options *o)
{
    return convert(o, true);
}

static int disassemble(const struct options *o)
{
    return convert(o, false);
}

const struct command command_asm = {
    .name = "asm",
    .operands = "FILE",
    .doc = "turn assembly into JSON",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(OUTPUT),
    .run = assemble,
};

const struct command command_dis = {
    .name = "dis",
    .operands = "FILE",
    .doc = "turn a JSON program into assembly",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(OUTPUT),
    .run = disassemble,
};
