#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/commands/commands.h"
#include "tools/commands/profile.h"
#include "tools/commands/programs.h"
#include "traces/profile/strip.h"

/* Columns of the terminal, or of a page. */
static unsigned screen_width(void)
{
    enum { PAGE = 100, LABELS = 10, LEAST = 20, MOST = 400 };
    struct winsize size;
    unsigned width = PAGE;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        width = size.ws_col;
    width = width < LEAST + LABELS ? LEAST + LABELS : width > MOST ? MOST : width;
    return width - LABELS;
}

bool profile_wants_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) && term && *term;
}

static void program_line(const struct program_record *s, bool first, struct text *t)
{
    text_add(t, first ? "" : "\n");
    job_operand_text(s->program->name, t);
}

static int timeline(const struct record *r, const struct options *o, struct text *t)
{
    uint64_t from, to;
    if (!opt_range(o, OPT_TIMELINE, &from, &to))
        return EXIT_USAGE;
    for (size_t i = 0; i < r->programs.n; i++) {
        const struct program_record *s = &r->programs.at[i];
        const uint64_t first = s->history.first_cycle, end = first + s->history.cycles;
        const uint64_t a = from > first ? from : first, z = to < end ? to : end;
        if (a >= z)
            return tool_error("--timeline %s: the recorded cycles are %" PRIu64 " to %" PRIu64,
                              opt_text(o, OPT_TIMELINE), first, end);
        if (z - a > STRIP_MAX_TIMELINE)
            return tool_error("--timeline %s: %" PRIu64 " cycles, at most %d", opt_text(o, OPT_TIMELINE),
                              z - a, STRIP_MAX_TIMELINE);
        if (r->programs.n > 1)
            program_line(s, i == 0, t);
        strip_timeline(&s->history, a, z, profile_wants_colour(), t);
    }
    return EXIT_FINE;
}

static int profile_stage(const struct job *j, const struct program_record *s, const struct options *o,
                         struct profile *out)
{
    const char *name = opt_text(o, OPT_BY);
    const enum breakdown_by by = name ? breakdown_find_name(name) : BREAKDOWN_KINDS;
    *out = (struct profile){.h = NULL};
    if (name && by == BREAKDOWN_KINDS)
        return tool_error("--by %s: expected stage, round, strand, label or time", name);
    if (name && !breakdown_known(s->program->prog, by))
        return tool_error("--by %s: the program does not say; %s can tell", name,
                          by == BREAKDOWN_LABEL ? "assembly with labels" : "programs that the builder made");
    const struct profile_request rq = record_request(j, s, by);
    struct diag d;
    return profile_make(&s->history, &rq, out, &d) == ST_OK ? EXIT_FINE : tool_diag(&d);
}

/* What the programs of a variant take, one beside the other. */
static int report_programs(const struct job *j, const struct record *r, const struct options *o,
                           struct text *t, struct json_out *json)
{
    struct program_table table = {.launch = 0};
    uint64_t launch;
    int status = opt_number(o, OPT_LAUNCH, UINT32_MAX, 0, &launch) ? EXIT_FINE : EXIT_USAGE;
    if (status == EXIT_FINE)
        status = programs_find(j, r, launch, &table);
    if (status == EXIT_FINE && json) {
        json_open(json, "ladder", '[');
        programs_json(&table, j->variant ? j->variant->name : j->operand, json);
        json_close(json, ']');
    } else if (status == EXIT_FINE) {
        text_addf(t, "cycles     %" PRIu64 " in %zu programs\n\n", r->cycles, r->programs.n);
        programs_head(t);
        programs_text(&table, j->variant ? j->variant->name : "programs", 0, t);
        for (size_t i = 0; i < table.rows.n; i++)
            if (*table.rows.at[i].advice) {
                text_add(t, i ? "" : "\n");
                text_add_shown(t, table.rows.at[i].name, 16, TEXT_WHOLE);
                text_addf(t, " %s\n", table.rows.at[i].advice);
            }
    }
    programs_free(&table);
    return status;
}

static void result_text(const struct record *r, struct text *t)
{
    text_addf(t, "result     %s\n",
              r->fault.kind != FAULT_NONE ? "none"
              : r->wrong                  ? "wrong"
              : r->checked                ? "correct"
                                          : "not checked");
}

static int print_text(const struct job *j, const struct record *r, const struct options *o, struct text *t)
{
    job_text(j, t);
    result_text(r, t);
    if (r->programs.n > 1) {
        const int status = report_programs(j, r, o, t, NULL);
        if (status != EXIT_FINE)
            return status;
    }
    for (size_t i = 0; i < r->programs.n; i++) {
        const struct program_record *s = &r->programs.at[i];
        struct profile p;
        if (r->programs.n > 1)
            program_line(s, false, t);
        const int status = profile_stage(j, s, o, &p);
        if (status == EXIT_FINE)
            profile_text(&p, screen_width(), profile_wants_colour(), t);
        profile_free(&p);
        if (status != EXIT_FINE)
            return status;
    }
    return EXIT_FINE;
}

/* One program's profile are the object's keys; several are in a list, beside their cycles. */
int profile_print_json(const struct job *j, const struct record *r, const struct options *o, struct text *t)
{
    struct json_out out = {.text = t};
    json_open(&out, NULL, '{');
    job_json(j, &out);
    if (r->checked)
        json_bool(&out, "correct", !r->wrong);
    else
        json_text(&out, "correct", NULL);
    if (r->programs.n > 1) {
        json_number(&out, "cycles", r->cycles);
        const int status = report_programs(j, r, o, t, &out);
        if (status != EXIT_FINE)
            return status;
        json_open(&out, "programs", '[');
    }
    for (size_t i = 0; i < r->programs.n; i++) {
        struct profile p;
        const int status = profile_stage(j, &r->programs.at[i], o, &p);
        if (status == EXIT_FINE && r->programs.n > 1) {
            json_open(&out, NULL, '{');
            json_text(&out, "name", r->programs.at[i].program->name);
        }
        if (status == EXIT_FINE)
            profile_json(&p, &out);
        if (status == EXIT_FINE && r->programs.n > 1)
            json_close(&out, '}');
        profile_free(&p);
        if (status != EXIT_FINE)
            return status;
    }
    if (r->programs.n > 1)
        json_close(&out, ']');
    json_close(&out, '}');
    text_add(t, "\n");
    return EXIT_FINE;
}

static int run(const struct options *o)
{
    struct job job = {0};
    struct record r = {0};
    struct text t = {0};
    if (opt_given(o, OPT_TIMELINE) && opt_given(o, OPT_JSON))
        return tool_error(
            "--timeline is a picture, expected no --json: `sheaf trace -o FILE.json` has every slot");
    if (opt_given(o, OPT_LADDER))
        return programs_ladder(o);
    int status = job_open(&job, o);
    if (status == EXIT_FINE)
        status = record_job(&job, o, &r);
    if (status == EXIT_FINE)
        status = opt_given(o, OPT_TIMELINE) ? timeline(&r, o, &t)
                 : opt_given(o, OPT_JSON)   ? profile_print_json(&job, &r, o, &t)
                                            : print_text(&job, &r, o, &t);
    if (status == EXIT_FINE)
        status = tool_print_coloured(&t);
    if (status == EXIT_FINE)
        status = record_status(&r);
    text_free(&t);
    record_free(&r);
    job_free(&job);
    return status;
}

const struct command command_profile = {
    .name = "profile",
    .operands = "PROGRAM",
    .doc = "say where every cycle and slot of a run went, what bounds it, and what to do next",
    .min_operands = 1,
    .max_operands = 1,
    .options = OPT(SET) | OPT(SEED) | OPT(CONTRACT) | OPT(KERNEL) | OPT(MEM) | OPT(CYCLE_LIMIT) |
               OPT(STRICT) | OPT(PAUSE) | OPT(NO_DEBUG) | OPT(MACHINE) | OPT(CORES) | OPT(SCRATCH) |
               OPT(EFFORT) | OPT(JOBS) | OPT(RECORD) | OPT(CYCLES) | OPT(BY) | OPT(TIMELINE) | OPT(LADDER) |
               OPT(LAUNCH) | OPT(JSON),
    .run = run,
};
