#include <inttypes.h>
#include <string.h>

#include "sim/image.h"
#include "tools/commands/commands.h"
#include "tools/report.h"
#include "tools/session/execute.h"

/* Everything the report says. */
struct run {
    struct job job;
    struct sim_config config;
    bool cross_check;
    struct outcome out;
    uint64_t launch; /* declared cycles for starting a program */
    bool checked, wrong;
    struct kern_wrong first; /* where wrong */
};

static double utilization(const struct run *r, unsigned engine)
{
    const struct isa_machine *m = &r->config.machine;
    const double capacity = (double)r->out.cycles * m->slots[engine] * m->cores;
    return capacity > 0 ? (double)r->out.slots[engine] / capacity : 0;
}

static void print_slots(const struct run *r, struct text *t)
{
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        text_addf(t, "%-10s %-6s %10" PRIu64 " %6.1f %%\n", e ? "" : "slots",
                  isa_engine_name((enum isa_engine)e), r->out.slots[e], 100 * utilization(r, e));
}

static void stage_line(const struct program_outcome *s, struct text *t)
{
    text_add(t, "  ");
    text_add_shown(t, s->name, 8, TEXT_WHOLE);
    text_addf(t, " %" PRIu64 "\n", s->cycles);
}

static void print_text(const struct run *r, struct text *t)
{
    const struct outcome *out = &r->out;
    const bool faulted = out->fault.kind != FAULT_NONE;
    job_text(&r->job, t);
    if (!r->job.instance)
        text_addf(t, "memory     %zu words\n", r->job.mem_words);
    text_addf(t, "cycles     %" PRIu64 "%s\n", out->cycles, faulted ? " before the fault" : "");
    for (size_t i = 0; i < out->programs.n && out->programs.n > 1; i++)
        stage_line(&out->programs.at[i], t);
    if (r->launch)
        text_addf(t, "launches   %" PRIu64 " cycles for starting %zu programs; %" PRIu64 " with them\n",
                  r->launch * out->programs.n, out->programs.n, out->cycles + r->launch * out->programs.n);
    const struct bound bound = job_bound(&r->job);
    if (!faulted)
        text_bound(t, &bound, out->cycles);
    if (out->counted)
        print_slots(r, t);
    if (r->wrong)
        text_addf(t, "result     wrong: %s[%u] is %u, expected %u\n", r->first.array, r->first.index,
                  r->first.found, r->first.expected);
    else if (r->checked)
        text_add(t, "result     correct\n");
    else
        text_add(t, faulted ? "result     none\n" : "result     not checked\n");
    if (out->cycles && !faulted)
        text_addf(t, "speed      %.1f million cycles a second (%s simulator, %.3g ms a run)\n",
                  1e-6 * (double)out->cycles / out->seconds, sim_simulator_name(r->config.simulator),
                  1e3 * out->seconds);
    /* The builder declares the order of such writes, and verifies what is read after them. */
    if (out->double_writes && r->job.variant)
        text_addf(t, "overlap    %" PRIu64 " double writes: the last slot wins, as declared\n",
                  out->double_writes);
    else if (out->double_writes)
        text_addf(t, "warning    %" PRIu64 " double writes in one bundle: the last slot wins\n",
                  out->double_writes);
}

static void json_engines(const struct run *r, struct json_out *j)
{
    if (!r->out.counted) {
        json_text(j, "slots", NULL);
        json_text(j, "utilization", NULL);
        return;
    }
    json_open(j, "slots", '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        json_number(j, isa_engine_name((enum isa_engine)e), r->out.slots[e]);
    json_close(j, '}');
    json_open(j, "utilization", '{');
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        json_decimal(j, isa_engine_name((enum isa_engine)e), utilization(r, e));
    json_close(j, '}');
}

static void print_json(const struct run *r, struct text *t)
{
    struct json_out j = {.text = t};
    const struct outcome *out = &r->out;
    json_open(&j, NULL, '{');
    job_json(&r->job, &j);
    if (r->job.instance)
        json_number(&j, "seed", r->job.seed);
    json_number(&j, "cycles", out->cycles);
    json_open(&j, "stages", '[');
    for (size_t i = 0; i < out->programs.n; i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "name", out->programs.at[i].name);
        json_number(&j, "cycles", out->programs.at[i].cycles);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_number(&j, "launch_cycles", r->launch * out->programs.n);
    const struct bound bound = out->fault.kind == FAULT_NONE ? job_bound(&r->job) : (struct bound){0};
    json_bound(&j, &bound, out->cycles);
    if (r->checked)
        json_bool(&j, "correct", !r->wrong);
    else
        json_text(&j, "correct", NULL);
    if (r->wrong) {
        json_open(&j, "wrong", '{');
        json_text(&j, "array", r->first.array);
        json_number(&j, "index", r->first.index);
        json_number(&j, "found", r->first.found);
        json_number(&j, "expected", r->first.expected);
        json_close(&j, '}');
    }
    json_open(&j, "faults", '[');
    json_fault(&out->fault, &j);
    json_close(&j, ']');
    json_engines(r, &j);
    json_number(&j, "double_writes", out->double_writes);
    json_text(&j, "simulator", r->cross_check ? "cross-check" : sim_simulator_name(r->config.simulator));
    json_decimal(&j, "cycles_per_second", out->seconds > 0 ? (double)out->cycles / out->seconds : 0);
    json_close(&j, '}');
    text_add(t, "\n");
}

/* Prints the report, and the one error where there is one. */
static int report(struct run *r, const struct options *o)
{
    struct text t = {0};
    struct diag d;
    if (opt_given(o, OPT_JSON))
        print_json(r, &t);
    else
        print_text(r, &t);
    if (tool_print(&t) != EXIT_FINE)
        return EXIT_USAGE;
    if (r->out.difference.n) {
        (void)tool_error("the simulators differ: %s", r->out.difference.at);
        return EXIT_FAILED;
    }
    if (r->out.fault.kind != FAULT_NONE) {
        (void)tool_error("fault: %s", r->out.fault_text.at);
        return EXIT_FAULTED;
    }
    const char *path = opt_text(o, OPT_OUTPUT);
    if (path && image_write(path, r->out.mem, r->job.mem_words, &d) != ST_OK)
        return tool_diag(&d);
    return r->wrong ? EXIT_FAILED : EXIT_FINE;
}

static int run(const struct options *o)
{
    struct run r = {0};
    const char *path = opt_text(o, OPT_OUTPUT);
    if (path && strcmp(path, "-") == 0 && opt_given(o, OPT_JSON))
        return tool_error("-o - and --json: both would be standard output");
    int status = job_open(&r.job, o);
    if (status == EXIT_FINE && !execute_config(&r.job, o, &r.config, &r.cross_check))
        status = EXIT_USAGE;
    if (status == EXIT_FINE && !opt_number(o, OPT_LAUNCH, UINT32_MAX, 0, &r.launch))
        status = EXIT_USAGE;
    if (status == EXIT_FINE)
        status = execute(&r.job, &r.config, r.cross_check, &r.out);
    if (status == EXIT_FINE) {
        r.checked = r.job.instance && r.out.fault.kind == FAULT_NONE;
        r.wrong = r.checked && kern_first_wrong(r.job.instance, r.out.mem, &r.first);
        status = report(&r, o);
    }
    outcome_free(&r.out);
    job_free(&r.job);
    return status;
}

const struct command command_run = {
    .name = "run",
    .operands = "PROGRAM",
    .doc = "simulate a program, count its cycles and check its result",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(KERNEL) | OPT(MEM) | OPT(SIMULATOR) |
               OPT(CYCLE_LIMIT) | OPT(STRICT) | OPT(PAUSE) | OPT(NO_DEBUG) | OPT(MACHINE) | OPT(CORES) |
               OPT(SCRATCH) | OPT(EFFORT) | OPT(JOBS) | OPT(RECORD) | OPT(LAUNCH) | OPT(OUTPUT) | OPT(JSON),
    .run = run,
};
