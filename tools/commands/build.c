#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "tools/commands/commands.h"
#include "tools/report.h"
#include "tools/session/job.h"

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

/* One program as it is, several as {"stages": [...]}. */
static void print_programs(const struct kern_programs *s, bool assembly, struct text *t)
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

static int write_program(const struct job *j, const char *path)
{
    const bool assembly = path && ends_in(path, ".s");
    if (assembly && j->programs.list.n > 1)
        return tool_error("%s: a variant of %zu programs is written as .json", path, j->programs.list.n);
    struct text t = {0};
    struct diag d;
    print_programs(&j->programs, assembly, &t);
    if (!path || !text_ok(&t))
        return tool_print(&t);
    const enum status status = file_write(path, t.at, t.n, &d);
    text_free(&t);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

/* Bundles of straight-line code that cost a cycle: what a run of it takes. */
static uint64_t cycles_of(const struct kern_programs *s)
{
    uint64_t cycles = 0;
    for (size_t i = 0; i < s->list.n; i++)
        for (uint32_t b = 0; b < s->list.at[i].prog->bundles.n; b++)
            cycles += prog_costs_cycle(s->list.at[i].prog, b);
    return cycles;
}

/* To people at a terminal, or as JSON: what was built, and how good it is. */
static int report(const struct job *j, const struct options *o)
{
    struct text t = {0};
    const struct bound bound = job_bound(j);
    const uint64_t cycles = cycles_of(&j->programs);
    if (opt_given(o, OPT_JSON)) {
        struct json_out out = {.text = &t};
        json_open(&out, NULL, '{');
        job_json(j, &out);
        if (bound.cycles)
            json_number(&out, "cycles", cycles);
        else
            json_text(&out, "cycles", NULL);
        json_bound(&out, &bound, cycles);
        json_text(&out, "output", opt_text(o, OPT_OUTPUT));
        json_close(&out, '}');
        text_add(&t, "\n");
        return tool_print(&t);
    }
    if (bound.cycles && isatty(STDERR_FILENO)) {
        job_text(j, &t);
        text_addf(&t, "cycles     %" PRIu64 "\n", cycles);
        text_bound(&t, &bound, cycles);
        (void)fputs(text_ok(&t) ? t.at : "", stderr);
    }
    text_free(&t);
    return EXIT_FINE;
}

static int print_dump(struct job *j)
{
    if (j->dump.text.n)
        return tool_print(&j->dump.text);
    return tool_error("--dump: %s:%s goes through no passes", j->kernel->name, j->variant->name);
}

static int build(const struct options *o)
{
    const char *path = opt_text(o, OPT_OUTPUT);
    const bool dump = opt_given(o, OPT_DUMP), json = opt_given(o, OPT_JSON);
    if (json && (!path || dump))
        return tool_error(path ? "expected --json or --dump, not both" : "--json needs -o FILE");
    struct job j = {0};
    int status = job_build(&j, o);
    if (status == EXIT_FINE && dump)
        status = print_dump(&j);
    if (status == EXIT_FINE && (path || !dump))
        status = write_program(&j, path);
    if (status == EXIT_FINE && path)
        status = report(&j, o);
    job_free(&j);
    return status;
}

const struct command command_build = {
    .name = "build",
    .operands = "KERNEL[:VARIANT]",
    .doc = "emit a kernel's program: -o FILE.json or FILE.s, else JSON on standard output",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(MACHINE) | OPT(CORES) | OPT(SCRATCH) | OPT(EFFORT) |
               OPT(JOBS) | OPT(RECORD) | OPT(DUMP) | OPT(OUTPUT) | OPT(JSON),
    .run = build,
};
