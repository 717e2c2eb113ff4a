/* sheaf optimize: anyone's program with fewer cycles, held against the one that came in. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/optimize/optimize.h"
#include "kernels/judge/judge.h"
#include "sim/base/file.h"
#include "tools/commands/commands.h"
#include "tools/report.h"
#include "tools/session/job.h"
#include "traces/profile/profile.h"

enum { INPUTS = 100, EVALS_NORMAL = 300, EVALS_THOROUGH = 5000, MAX_ASSUMED = 64 };

/* What is worked on. */
struct work {
    struct job job;
    const struct options *o;
    struct judge_inputs made; /* a kernel's */
    struct optimize_inputs in;
    struct optimize_array arrays[KERN_MAX_ARRAYS];
    struct optimize_options options;
    struct optimized result;
    bool shows_progress;
};

/* --- what is asked ------------------------------------------------------------------- */

static bool progress(void *context, const struct search_progress *p)
{
    const struct work *w = context;
    if (w->shows_progress)
        (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " schedules, %u cycles ", p->evaluations, p->budget,
                      p->cycles);
    return true;
}

/* "fold,number" */
static int leave_out(struct work *w)
{
    const char *text = opt_text(w->o, OPT_WITHOUT);
    while (text) {
        const size_t n = strcspn(text, ",");
        if (n == 4 && strncmp(text, "fold", n) == 0)
            w->options.fold = false;
        else if (n == 6 && strncmp(text, "number", n) == 0)
            w->options.number = false;
        else
            return tool_error("--without %.*s: expected fold or number", (int)n, text);
        text = text[n] ? text + n + 1 : NULL;
    }
    return EXIT_FINE;
}

static int read_options(struct work *w)
{
    static const uint64_t evals[] = {0, EVALS_NORMAL, EVALS_THOROUGH};
    const struct options *o = w->o;
    uint64_t effort, inputs, workers;
    w->options = optimize_default_options();
    if (!opt_number(o, OPT_EFFORT, 2, 1, &effort) ||
        !opt_number(o, OPT_EVALS, UINT32_MAX, evals[effort], &w->options.evaluations) ||
        !opt_number(o, OPT_INPUTS, JUDGE_MAX_INPUTS, INPUTS, &inputs) || !job_workers(o, &workers))
        return EXIT_USAGE;
    if (inputs == 0)
        return tool_error("--inputs 0: expected at least 1");
    w->in.n = (uint32_t)inputs;
    w->in.assume = !opt_given(o, OPT_NO_ASSUME);
    w->options.threads = (unsigned)workers;
    w->options.lift.keep_scratch = opt_given(o, OPT_KEEP_SCRATCH);
    w->options.lift.pause = opt_given(o, OPT_PAUSE);
    w->options.seed = w->job.seed;
    w->options.progress = progress;
    w->options.context = w;
    w->shows_progress = isatty(STDERR_FILENO) && !opt_given(o, OPT_JSON);
    return leave_out(w);
}

/* Inputs of the kernel, of every shape that a judgement has. */
static int make_inputs(struct work *w)
{
    struct job *j = &w->job;
    struct judge_rules r = judge_default_rules(j->kernel);
    struct diag d;
    r.params = j->params;
    r.contract = j->contract;
    r.inputs = w->in.n;
    r.seeded = true;
    r.seed = j->seed;
    if (judge_inputs_create(&r, NULL, &w->made, &d) != ST_OK)
        return tool_diag(&d);
    w->in.images = w->made.images;
    w->in.words = w->made.words;
    w->in.n_arrays = j->instance->n_arrays;
    w->in.header = w->in.n_arrays ? j->instance->arrays[0].words : 0;
    for (unsigned i = 0; i < w->in.n_arrays; i++)
        w->arrays[i] = (struct optimize_array){j->instance->arrays[i].name, j->instance->arrays[i].first,
                                               j->instance->arrays[i].words};
    w->in.arrays = w->arrays;
    return EXIT_FINE;
}

/* One memory image says nothing of others: only what is assumed of its words is known. */
static int use_memory(struct work *w)
{
    static const uint32_t none[1] = {0};
    w->in.n = 1;
    w->in.images = w->job.mem ? w->job.mem : none;
    w->in.words = w->job.mem_words;
    w->in.assume = false;
    w->in.header = 0;
    return EXIT_FINE;
}

/* --- the report ---------------------------------------------------------------------- */

static void report_steps(const struct optimized *x, struct text *t)
{
    text_addf(t, "\n%-32s %10s %10s %10s\n", "step", "operations", "bundles", "gain");
    for (unsigned i = 0; i < x->steps; i++) {
        const struct optimize_step *s = &x->step[i];
        const int64_t gain = i ? (int64_t)x->step[i - 1].bundles - (int64_t)s->bundles : 0;
        text_addf(t, "%-32s %10u %10u ", s->name, s->ops, s->bundles);
        if (i)
            text_addf(t, "%10" PRId64, gain);
        else
            text_addf(t, "%10s", "");
        text_add(t, "\n");
    }
}

static void report_folded(const struct optimized *x, struct text *t)
{
    const struct fold_counts *f = &x->folded;
    if (f->constants + f->copies + f->simplified + f->dead)
        text_addf(t, "folded     %u constants, %u copies, %u simplified; %u slots are gone\n", f->constants,
                  f->copies, f->simplified, f->dead);
}

static void report_numbered(const struct optimized *x, struct text *t)
{
    const struct number_counts *n = &x->numbered;
    if (n->repeated + n->loads + n->stores + n->fused)
        text_addf(
            t, "repeated   %u values, %u loads, %u stores overwritten unread; %u products and sums are one\n",
            n->repeated, n->loads, n->stores, n->fused);
}

static void report_assumptions(const struct work *w, struct text *t)
{
    const struct optimized *x = &w->result;
    text_add(t, "\nassumed\n");
    text_add(t, "  runs end without a fault\n");
    if (w->in.header && w->in.assume)
        text_addf(t, "  memory words 0 to %u are as in every instance of these sizes\n", w->in.header - 1);
    if (x->given)
        text_addf(t,
                  "  %u accesses touch only the words, or the array, that they touched on %u inputs\n"
                  "  (--no-assume does without)\n",
                  x->given, w->in.n < 16 ? w->in.n : 16);
    if (x->debug_slots)
        text_addf(t, "left out   %u debug slots\n", x->debug_slots);
}

static void report_text(const struct work *w, struct text *t)
{
    const struct optimized *x = &w->result;
    job_text(&w->job, t);
    const uint64_t runs = x->runs ? x->runs : 1, before = x->runs ? x->cycles_before : x->bundles;
    text_addf(t, "cycles     %" PRIu64, before / runs);
    if (x->prog && before)
        text_addf(t, " before, %" PRIu64 " after (%.3f of that)", x->cycles_after / runs,
                  (double)x->cycles_after / (double)before);
    text_add(t, "\n");
    const uint32_t bound = x->work > x->dep ? x->work : x->dep;
    if (bound && x->regions == 1)
        profile_bound_text(bound, x->work >= x->dep ? "work" : "dep", x->step[x->steps - 1].bundles, t);
    text_addf(t, "accesses   %u proved, %u assumed, %u not known\n", x->proved, x->given, x->unknown);
    if (x->prog)
        text_addf(t, "checked    verified; memory and trace buffers are the same on %u inputs\n",
                  x->compared);
    else
        text_addf(t, "result     unchanged: %s\n", x->why);
    report_folded(x, t);
    report_numbered(x, t);
    report_steps(x, t);
    report_assumptions(w, t);
}

static void report_json(const struct work *w, const char *path, struct text *t)
{
    const struct optimized *x = &w->result;
    struct json_out j = {.text = t};
    json_open(&j, NULL, '{');
    job_json(&w->job, &j);
    json_bool(&j, "changed", x->prog != NULL);
    json_text(&j, "why", x->prog ? NULL : x->why);
    json_number(&j, "inputs", w->in.n);
    json_number(&j, "cycles_before", x->runs ? x->cycles_before / x->runs : x->bundles);
    json_number(&j, "cycles", x->runs ? x->cycles_after / x->runs : x->bundles);
    json_open(&j, "bounds", '{');
    json_number(&j, "work", x->work);
    json_number(&j, "dep", x->dep);
    json_close(&j, '}');
    json_open(&j, "steps", '[');
    for (unsigned i = 0; i < x->steps; i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "name", x->step[i].name);
        json_number(&j, "operations", x->step[i].ops);
        json_number(&j, "bundles", x->step[i].bundles);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_open(&j, "accesses", '{');
    json_number(&j, "proved", x->proved);
    json_number(&j, "assumed", x->given);
    json_number(&j, "unknown", x->unknown);
    json_close(&j, '}');
    json_open(&j, "folded", '{');
    json_number(&j, "constants", x->folded.constants);
    json_number(&j, "copies", x->folded.copies);
    json_number(&j, "simplified", x->folded.simplified);
    json_number(&j, "dead", x->folded.dead);
    json_close(&j, '}');
    json_open(&j, "repeated", '{');
    json_number(&j, "values", x->numbered.repeated);
    json_number(&j, "loads", x->numbered.loads);
    json_number(&j, "stores", x->numbered.stores);
    json_number(&j, "multiply_adds", x->numbered.fused);
    json_close(&j, '}');
    json_number(&j, "debug_slots_left_out", x->debug_slots);
    json_text(&j, "output", path);
    json_close(&j, '}');
    text_add(t, "\n");
}

/* --- the command --------------------------------------------------------------------- */

static int write_result(const struct work *w, const char *path)
{
    const struct prog *p = w->result.prog ? w->result.prog : w->job.programs.list.at[0].prog;
    struct text t = {0};
    struct diag d;
    const size_t n = strlen(path);
    if (n > 2 && strcmp(path + n - 2, ".s") == 0)
        prog_write_asm(p, &t);
    else
        prog_write_json(p, &t);
    enum status status =
        text_ok(&t) ? file_write(path, t.at, t.n, &d) : diag_set(&d, ST_NOMEM, "out of memory");
    text_free(&t);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

static int improve(struct work *w)
{
    struct diag d;
    const struct prog *p = w->job.programs.list.at[0].prog;
    const enum status status = optimize_on(p, &w->in, &w->options, &w->result, &d);
    if (w->shows_progress)
        (void)fprintf(stderr, "\r%60s\r", "");
    if (status == ST_OK)
        return EXIT_FINE;
    (void)tool_diag(&d);
    return status == ST_INPUT ? EXIT_FAILED : EXIT_USAGE;
}

static int work_on(struct work *w)
{
    const struct options *o = w->o;
    const char *path = opt_text(o, OPT_OUTPUT);
    int status = job_open(&w->job, o);
    if (status == EXIT_FINE && w->job.programs.list.n != 1)
        status = tool_error("%s is %zu programs, expected one", w->job.operand, w->job.programs.list.n);
    if (status == EXIT_FINE)
        status = read_options(w);
    if (status == EXIT_FINE)
        status = w->job.instance ? make_inputs(w) : use_memory(w);
    if (status == EXIT_FINE)
        status = improve(w);
    if (status == EXIT_FINE && path)
        status = write_result(w, path);
    if (status != EXIT_FINE)
        return status;
    struct text t = {0};
    if (opt_given(o, OPT_JSON))
        report_json(w, path, &t);
    else
        report_text(w, &t);
    return tool_print(&t);
}

static int optimize(const struct options *o)
{
    const char *path = opt_text(o, OPT_OUTPUT);
    if (path && strcmp(path, "-") == 0)
        return tool_error("-o -: the report goes to standard output, expected a file");
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return tool_error("out of memory");
    w->o = o;
    const int status = work_on(w);
    optimized_free(&w->result);
    judge_inputs_free(&w->made);
    job_free(&w->job);
    free(w);
    return status;
}

const struct command command_optimize = {
    .name = "optimize",
    .operands = "PROGRAM",
    .doc = "make any program faster, and prove it: -o FILE.json or FILE.s",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(KERNEL) | OPT(MEM) | OPT(MACHINE) | OPT(CORES) |
               OPT(SCRATCH) | OPT(PAUSE) | OPT(INPUTS) | OPT(EFFORT) | OPT(EVALS) | OPT(JOBS) |
               OPT(NO_ASSUME) | OPT(WITHOUT) | OPT(KEEP_SCRATCH) | OPT(OUTPUT) | OPT(JSON),
    .run = optimize,
};
