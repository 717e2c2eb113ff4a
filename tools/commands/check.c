#include <inttypes.h>

#include "sim/program/check.h"
#include "tools/commands/commands.h"
#include "tools/report.h"
#include "tools/session/execute.h"

enum { MAX_FINDINGS = 1000 }; /* of a program, shown one by one */

/* What has been found so far, and the report of it. */
struct check {
    struct job job;
    bool as_json;
    size_t errors, warnings;
    struct text text;
    struct json_out json; /* writes into text */
};

static void add(struct check *c, const struct prog *p, const struct prog_finding *f)
{
    if (!c->as_json) {
        prog_finding_text(p, f, &c->text);
        text_add(&c->text, "\n");
        return;
    }
    json_open(&c->json, NULL, '{');
    json_text(&c->json, "severity", f->severity == PROG_ERROR ? "error" : "warning");
    json_text(&c->json, "kind", f->kind);
    json_number(&c->json, "bundle", f->bundle);
    if (f->engine != ISA_ENGINES) {
        json_text(&c->json, "engine", isa_engine_name(f->engine));
        json_number(&c->json, "slot", f->slot);
        json_text(&c->json, "slot_text", f->slot_text);
    }
    json_text(&c->json, "text", f->text);
    json_close(&c->json, '}');
}

static int check_program(struct check *c, const struct prog *p)
{
    struct prog_findings found = {0};
    const enum status status = prog_check(p, &c->job.machine, MAX_FINDINGS, &found);
    for (size_t i = 0; status == ST_OK && i < found.list.n; i++)
        add(c, p, &found.list.at[i]);
    c->errors += found.errors;
    c->warnings += found.warnings;
    prog_findings_free(&found);
    return status == ST_OK ? EXIT_FINE : tool_error("out of memory for the findings");
}

/* What a run tripped over, as a finding of its program. */
static void add_fault(struct check *c, enum prog_severity severity, const struct outcome *out)
{
    const struct sim_fault *f = &out->fault;
    struct text what = {0};
    text_addf(&what, "on a run, cycle %" PRIu64 ", core %u: %s", f->cycle, f->core, f->what);
    if (severity == PROG_WARNING)
        text_addf(&what, "; such writes in all: %" PRIu64, out->double_writes);
    const struct prog_finding finding = {
        .severity = severity,
        .bundle = (uint32_t)f->pc,
        .engine = f->engine,
        .slot = f->slot,
        .kind = sim_fault_name(f->kind),
        .text = what.at ? what.at : f->what,
        .slot_text = f->slot_text,
    };
    add(c, out->program->prog, &finding);
    text_free(&what);
    *(severity == PROG_ERROR ? &c->errors : &c->warnings) += 1;
}

/* Double writes cost nothing to count; where there are any, a strict run says where
 * the first is. */
static int check_run(struct check *c, const struct options *o)
{
    struct sim_config config;
    bool cross_check;
    struct outcome out = {0}, strict = {0};
    if (!execute_config(&c->job, o, &config, &cross_check))
        return EXIT_USAGE;
    config.strict = false;
    int status = execute(&c->job, &config, cross_check, &out);
    if (status == EXIT_FINE && out.difference.n) {
        (void)tool_error("the simulators differ: %s", out.difference.at);
        status = EXIT_FAILED;
    }
    if (status == EXIT_FINE && out.fault.kind != FAULT_NONE)
        add_fault(c, PROG_ERROR, &out);
    if (status == EXIT_FINE && out.double_writes) {
        config.strict = true;
        status = execute(&c->job, &config, false, &strict);
        strict.double_writes = out.double_writes;
        if (status == EXIT_FINE && strict.fault.kind != FAULT_NONE)
            add_fault(c, PROG_WARNING, &strict);
    }
    outcome_free(&out);
    outcome_free(&strict);
    return status;
}

static int finish(struct check *c, bool strict, bool run)
{
    if (c->as_json) {
        json_close(&c->json, ']');
        json_number(&c->json, "errors", c->errors);
        json_number(&c->json, "warnings", c->warnings);
        json_bool(&c->json, "run", run);
        json_close(&c->json, '}');
        text_add(&c->text, "\n");
    } else {
        text_addf(&c->text, "%zu error%s, %zu warning%s%s\n", c->errors, c->errors == 1 ? "" : "s",
                  c->warnings, c->warnings == 1 ? "" : "s", run ? "" : " (not run)");
    }
    const int status = tool_print(&c->text);
    const bool failed = c->errors || (strict && c->warnings);
    return status != EXIT_FINE ? status : failed ? EXIT_FAILED : EXIT_FINE;
}

static int check(const struct options *o)
{
    struct check c = {.as_json = opt_given(o, OPT_JSON), .json = {.text = &c.text}};
    if (c.as_json) {
        json_open(&c.json, NULL, '{');
        json_open(&c.json, "findings", '[');
    }
    int status = job_open(&c.job, o);
    for (size_t i = 0; i < c.job.programs.list.n && status == EXIT_FINE; i++)
        status = check_program(&c, c.job.programs.list.at[i].prog);
    /* A run would only come upon the same errors again. */
    const bool run = c.errors == 0 && c.job.mem;
    if (status == EXIT_FINE && run)
        status = check_run(&c, o);
    if (status == EXIT_FINE)
        status = finish(&c, opt_given(o, OPT_STRICT), run);
    text_free(&c.text);
    job_free(&c.job);
    return status;
}

const struct command command_check = {
    .name = "check",
    .operands = "PROGRAM",
    .doc = "find hazards and broken limits, in the program and (with an instance or --mem) on a run",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(KERNEL) | OPT(MEM) | OPT(SIMULATOR) |
               OPT(CYCLE_LIMIT) | OPT(STRICT) | OPT(PAUSE) | OPT(NO_DEBUG) | OPT(MACHINE) | OPT(CORES) |
               OPT(SCRATCH) | OPT(EFFORT) | OPT(JOBS) | OPT(JSON),
    .run = check,
};
