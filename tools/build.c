#include <string.h>

#include "sim/base/file.h"
#include "tools/commands.h"
#include "tools/job.h"
#include "tools/report.h"

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

/* One program as it is, several as {"stages": [...]}. */
static void print_stages(const struct kern_stages *s, bool assembly, struct text *t)
{
    if (s->list.n == 1 && assembly) {
        prog_write_asm(s->list.at[0].prog, t);
    } else if (s->list.n == 1) {
        prog_write_json(s->list.at[0].prog, t);
    } else {
        struct json_out j = {.text = t};
        json_open(&j, NULL, '{');
        json_open(&j, "stages", '[');
        for (size_t i = 0; i < s->list.n; i++) {
            json_open(&j, NULL, '{');
            json_text(&j, "name", s->list.at[i].name);
            text_add(t, ", \"program\": ");
            prog_write_json(s->list.at[i].prog, t);
            json_close(&j, '}');
        }
        json_close(&j, ']');
        json_close(&j, '}');
        text_add(t, "\n");
    }
}

static int write(const struct job *j, const char *path)
{
    const bool assembly = path && ends_in(path, ".s");
    if (assembly && j->stages.list.n > 1)
        return tool_error("%s: a variant of %zu programs is written as .json", path, j->stages.list.n);
    struct text t = {0};
    struct diag d;
    print_stages(&j->stages, assembly, &t);
    if (!path || !text_ok(&t))
        return tool_print(&t);
    const enum status status = file_write(path, t.at, t.n, &d);
    text_free(&t);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

static int build(const struct options *o)
{
    struct job j = {0};
    int status = job_build(&j, o);
    if (status == EXIT_FINE)
        status = write(&j, opt_text(o, OPT_OUTPUT));
    job_free(&j);
    return status;
}

const struct command command_build = {
    .name = "build",
    .operands = "KERNEL[:VARIANT]",
    .doc = "emit a kernel's program: -o FILE.json or FILE.s, else JSON on standard output",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(MACHINE) | OPT(CORES) | OPT(SCRATCH) | OPT(EFFORT) | OPT(JOBS) | OPT(OUTPUT),
    .run = build,
};
