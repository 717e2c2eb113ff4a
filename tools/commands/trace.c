#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "tools/commands/commands.h"
#include "tools/commands/page.h"
#include "tools/report.h"
#include "tools/session/execute.h"
#include "traces/formats/trace.h"

/* Cycles that are streamed without being asked for: an endless loop ends here. */
enum { MAX_CYCLES = 1000000 };

/* A kind of file. `write` writes what a job does to `path`: EXIT_FINE, EXIT_FAULTED or EXIT_USAGE,
 * with one error printed but for the first. */
struct format {
    const char *name, *ending;
    int (*write)(const struct format *f, const struct options *o, const struct job *j, const char *path);
    const struct trace_format *stream; /* of those that are written while the programs run */
};

/* --- running -------------------------------------------------------------------------- */

/* The programs one after the other on the same memory, until a fault, or until nothing is left to
 * be written. The fault, if there is one, is appended to `fault`. */
static enum status run_programs(struct trace *t, const struct job *j, const struct sim_config *config,
                                uint32_t *mem, struct text *fault, struct diag *d)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < j->programs.list.n && status == ST_OK && !fault->n && trace_goes_on(t); i++) {
        struct sim *s;
        status = sim_create(j->programs.list.at[i].prog, config, mem, j->mem_words, &s, d);
        if (status != ST_OK)
            return status;
        status = trace_run(t, (uint32_t)i, s, d);
        if (s->fault.kind != FAULT_NONE)
            sim_fault_text(s, fault);
        if (status == ST_OK && !text_ok(fault))
            status = diag_set(d, ST_NOMEM, "out of memory for the trace");
        if (j->mem_words)
            memcpy(mem, s->mem, j->mem_words * sizeof *mem);
        sim_destroy(s);
    }
    return status;
}

/* The whole trace, complete whatever happens on the way. */
static enum status write_trace(const struct trace_format *format, const struct trace_options *options,
                               const struct job *j, const struct sim_config *config, struct out *out,
                               struct text *fault, struct diag *d)
{
    const size_t n = j->programs.list.n;
    struct trace_program *programs = calloc(n + 1, sizeof *programs);
    uint32_t *mem = malloc(j->mem_words * sizeof *mem + 1);
    struct trace *t = NULL;
    enum status status = programs && mem ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for the trace");
    for (size_t i = 0; programs && i < n; i++)
        programs[i] = (struct trace_program){j->programs.list.at[i].prog, j->programs.list.at[i].name};
    if (mem && j->mem_words)
        memcpy(mem, j->mem, j->mem_words * sizeof *mem);
    if (status == ST_OK)
        status = trace_create(&t, format, options, &config->machine, programs, (uint32_t)n, out, d);
    if (status == ST_OK) {
        status = run_programs(t, j, config, mem, fault, d);
        const enum status ended = trace_end(t, status == ST_OK ? d : NULL);
        status = status == ST_OK ? ended : status;
    }
    trace_destroy(t);
    free(programs);
    free(mem);
    return status;
}

/* --- the file --------------------------------------------------------------------------- */

struct file {
    FILE *f;
    int why; /* it failed: errno */
};

static bool to_file(void *user, const void *data, size_t size)
{
    struct file *file = user;
    const bool good = fwrite(data, 1, size, file->f) == size && fflush(file->f) == 0;
    file->why = good ? 0 : errno;
    return good;
}

/* "-" is standard output. */
static int write_file(const char *path, const struct trace_format *format,
                      const struct trace_options *options, const struct job *j,
                      const struct sim_config *config, struct text *fault)
{
    struct diag d;
    struct file_out to;
    struct out *out = malloc(sizeof *out);
    if (!out)
        return tool_error("out of memory for the trace");
    if (file_begin(path, &to, &d) != ST_OK) {
        free(out);
        return tool_diag(&d);
    }
    struct file file = {.f = to.f};
    out_begin(out, to_file, &file);
    const enum status status = write_trace(format, options, j, config, out, fault, &d);
    const bool good = out_end(out);
    free(out);
    struct diag unwritten;
    const enum status kept = file_end(&to, good && status == ST_OK, false, &unwritten);
    if (status != ST_OK)
        return tool_diag(&d);
    if (!good)
        return tool_error("%s: %s", strcmp(path, "-") == 0 ? "standard output" : path, strerror(file.why));
    return kept == ST_OK ? EXIT_FINE : tool_diag(&unwritten);
}

static int write_stream(const struct format *f, const struct options *o, const struct job *j,
                        const char *path)
{
    struct trace_options options = {.limit = opt_given(o, OPT_CYCLES) ? UINT64_MAX : MAX_CYCLES};
    struct sim_config config;
    bool cross_check;
    if (!opt_range(o, OPT_CYCLES, &options.from, &options.to) || !opt_engines(o, options.engine) ||
        !execute_config(j, o, &config, &cross_check))
        return EXIT_USAGE;
    struct text fault = {0};
    int status = write_file(path, f->stream, &options, j, &config, &fault);
    if (status == EXIT_FINE && fault.n) {
        (void)tool_error("fault: %s", fault.at);
        status = EXIT_FAULTED;
    }
    text_free(&fault);
    return status;
}

static int write_html(const struct format *f, const struct options *o, const struct job *j, const char *path)
{
    (void)f;
    return opt_given(o, OPT_ENGINES) ? tool_error("--engines: a page has all of them")
                                     : page_write(o, j, path);
}

/* --- the command ------------------------------------------------------------------------ */

static const struct format formats[] = {
    {"chrome", ".json", write_stream, &trace_chrome},
    {"perfetto", ".pftrace", write_stream, &trace_perfetto},
    {"vcd", ".vcd", write_stream, &trace_vcd},
    {"vcd-plain", NULL, write_stream, &trace_vcd_plain},
    {"html", ".html", write_html, NULL},
};

enum { FORMATS = sizeof formats / sizeof *formats };

static bool has_ending(const char *path, const char *ending)
{
    const size_t n = strlen(path), length = ending ? strlen(ending) : 0;
    return length && n >= length && strcmp(path + n - length, ending) == 0;
}

/* NULL with one error printed. */
static const struct format *choose_format(const struct options *o, const char *path)
{
    const char *name = opt_text(o, OPT_FORMAT);
    struct text t = {0};
    for (unsigned i = 0; i < FORMATS; i++) {
        const struct format *f = &formats[i];
        if (name ? strcmp(name, f->name) == 0 : has_ending(path, f->ending)) {
            text_free(&t);
            return f;
        }
        if (name || f->ending)
            text_addf(&t, "%s%s", i == 0 ? "" : i + 1 < FORMATS ? ", " : " or ", name ? f->name : f->ending);
    }
    const char *expected = t.at ? t.at : "another";
    if (name)
        (void)tool_error("--format %s: expected %s", name, expected);
    else
        (void)tool_error("-o %s: expected a file ending in %s, or --format", path, expected);
    text_free(&t);
    return NULL;
}

static int trace(const struct options *o)
{
    const char *path = opt_text(o, OPT_OUTPUT);
    if (!path)
        return tool_error("trace: expected -o FILE");
    const struct format *f = choose_format(o, path);
    if (!f)
        return EXIT_USAGE;
    if (f->stream && opt_given(o, OPT_AGAINST))
        return tool_error("--against: only a page (.html) compares");
    struct job j = {0};
    int status = job_open(&j, o);
    if (status == EXIT_FINE)
        status = f->write(f, o, &j, path);
    job_free(&j);
    return status;
}

const struct command command_trace = {
    .name = "trace",
    .operands = "PROGRAM",
    .doc = "write what every slot does, cycle by cycle: -o FILE.json (Chrome), .pftrace (Perfetto), .vcd, "
           ".html (a report)",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(CYCLES) | OPT(ENGINES) | OPT(AGAINST) | OPT(FORMAT) | OPT(OUTPUT) | OPT(SET) | OPT(SEED) |
               OPT(CONTRACT) | OPT(KERNEL) | OPT(MEM) | OPT(CYCLE_LIMIT) | OPT(STRICT) | OPT(PAUSE) |
               OPT(NO_DEBUG) | OPT(MACHINE) | OPT(CORES) | OPT(SCRATCH) | OPT(EFFORT) | OPT(JOBS) |
               OPT(RECORD),
    .run = trace,
};
