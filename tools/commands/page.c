#include "tools/commands/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "tools/session/record.h"
#include "traces/html/html.h"

/* A program of the page, run and explained. */
struct side {
    struct record record;
    struct profile *profiles; /* by program of the record */
    struct html_part *parts;
    size_t n; /* profiles made */
};

static void side_free(struct side *s)
{
    for (size_t i = 0; i < s->n; i++)
        profile_free(&s->profiles[i]);
    free(s->profiles);
    free(s->parts);
    record_free(&s->record);
}

/* Whether a page can show it, before it is looked into at length. */
static enum status side_fits(const struct record *r, struct diag *d)
{
    uint64_t slots = 0, cycles = 0;
    for (size_t i = 0; i < r->programs.n; i++) {
        slots += hist_n(&r->programs.at[i].history);
        cycles += r->programs.at[i].history.cycles;
    }
    return html_fits(slots, cycles, d);
}

static int side_make(struct side *s, const struct options *o, const struct job *j)
{
    struct diag d;
    const int status = record_job(j, o, &s->record);
    if (status != EXIT_FINE)
        return status;
    if (side_fits(&s->record, &d) != ST_OK)
        return tool_diag(&d);
    const size_t n = s->record.programs.n;
    s->profiles = calloc(n + 1, sizeof *s->profiles);
    s->parts = calloc(n + 1, sizeof *s->parts);
    if (!s->profiles || !s->parts)
        return tool_error("out of memory for the page");
    while (s->n < n) {
        const struct program_record *program = &s->record.programs.at[s->n];
        const struct profile_request rq = record_request(j, program, BREAKDOWN_KINDS);
        struct profile *p = &s->profiles[s->n];
        s->parts[s->n++] = (struct html_part){program->program->name, p};
        if (profile_make(&program->history, &rq, p, &d) != ST_OK)
            return tool_diag(&d);
    }
    return EXIT_FINE;
}

/* The options of the other program: a kernel needs no --kernel, and a program from a file is given
 * the kernel of the first operand, if that is one. */
static bool other_options(const struct options *o, const struct job *j, const char *const *operand,
                          struct options *out)
{
    const bool file = job_is_file(*operand);
    bool good = true;
    *out = (struct options){.command = o->command, .operands = operand, .n_operands = 1};
    for (size_t i = 0; i < o->given.n; i++)
        if (file || o->given.at[i].id != OPT_KERNEL)
            good = vec_push(&out->given, o->given.at[i]) && good;
    if (file && j->variant && !opt_given(o, OPT_MEM))
        good = vec_push(&out->given, (struct option_given){OPT_KERNEL, j->kernel->name}) && good;
    return good || (tool_error("out of memory"), false);
}

static int other_make(struct side *s, const struct options *o, const struct job *first, struct job *j)
{
    const char *operand = opt_text(o, OPT_AGAINST);
    struct options other;
    int status = other_options(o, first, &operand, &other) ? job_open(j, &other) : EXIT_USAGE;
    if (status == EXIT_FINE)
        status = side_make(s, &other, j);
    vec_free(&other.given);
    return status;
}

static int write_page(const struct html_side *side, const struct html_side *against, const char *path)
{
    struct text t = {0};
    struct diag d;
    enum status status = html_write(side, against, &t, &d);
    if (status == ST_OK)
        status = file_write(path, t.at, t.n, &d);
    text_free(&t);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

int page_write(const struct options *o, const struct job *j, const char *path)
{
    struct side side = {0}, against = {0};
    struct job other = {0};
    const bool two = opt_given(o, OPT_AGAINST);
    int status = side_make(&side, o, j);
    if (status == EXIT_FINE && two)
        status = other_make(&against, o, j, &other);
    if (status == EXIT_FINE)
        status = write_page(&(struct html_side){j->operand, side.parts, side.n},
                            two ? &(struct html_side){other.operand, against.parts, against.n} : NULL, path);
    if (status == EXIT_FINE)
        status = record_status(&side.record);
    if (status == EXIT_FINE && two)
        status = record_status(&against.record);
    side_free(&side);
    side_free(&against);
    job_free(&other);
    return status;
}
