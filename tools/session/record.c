#include "tools/session/record.h"

#include <stdlib.h>
#include <string.h>

#include "tools/session/execute.h"

/* The rest of a program whose window is over. */
static void finish(struct sim *s, struct program_record *program)
{
    while (program->history.end == SIM_MORE || program->history.end == SIM_PAUSED)
        program->history.end = sim_run(s);
    program->cycles = s->cycle;
}

static int program_record(const struct kern_program *program, const struct sim_config *config,
                          struct hist_window window, uint32_t *mem, size_t words, struct record *out)
{
    struct sim *s = NULL;
    struct diag d;
    if (!vec_push(&out->programs, (struct program_record){.program = program}))
        return tool_error("out of memory");
    struct program_record *r = &out->programs.at[out->programs.n - 1];
    enum status status = sim_create(program->prog, config, mem, words, &s, &d);
    if (status == ST_OK)
        status = hist_record(s, window, &r->history, &d);
    if (status == ST_OK) {
        finish(s, r);
        out->cycles += r->cycles;
        out->fault = s->fault;
        if (s->fault.kind != FAULT_NONE)
            sim_fault_text(s, &out->fault_text);
        if (words)
            memcpy(mem, s->mem, words * sizeof *mem);
    }
    sim_destroy(s);
    return status == ST_OK ? EXIT_FINE : tool_diag(&d);
}

int record_job(const struct job *j, const struct options *o, struct record *out)
{
    struct sim_config config;
    struct hist_window window;
    bool cross_check;
    *out = (struct record){.fault = {.kind = FAULT_NONE}};
    if (!execute_config(j, o, &config, &cross_check) || !opt_range(o, OPT_CYCLES, &window.from, &window.to))
        return EXIT_USAGE;
    uint32_t *mem = malloc(j->mem_words * sizeof *mem + 1);
    if (!mem)
        return tool_error("out of memory for %zu words of memory", j->mem_words);
    if (j->mem_words)
        memcpy(mem, j->mem, j->mem_words * sizeof *mem);
    int status = EXIT_FINE;
    for (size_t i = 0; i < j->programs.list.n && status == EXIT_FINE && out->fault.kind == FAULT_NONE; i++)
        status = program_record(&j->programs.list.at[i], &config, window, mem, j->mem_words, out);
    if (status == EXIT_FINE && j->instance && out->fault.kind == FAULT_NONE) {
        out->checked = true;
        out->wrong = kern_first_wrong(j->instance, mem, &out->first);
    }
    free(mem);
    return status;
}

void record_free(struct record *r)
{
    for (size_t i = 0; i < r->programs.n; i++)
        hist_free(&r->programs.at[i].history);
    vec_free(&r->programs);
    text_free(&r->fault_text);
}

struct profile_request record_request(const struct job *j, const struct program_record *s,
                                      enum breakdown_by by)
{
    const struct bound *b = &s->program->bound;
    const bool whole = s->history.cycles == s->cycles && !s->history.clipped;
    struct profile_request rq = {.by = by};
    if (b->cycles && whole) {
        rq.builder_bound = b->cycles;
        rq.builder_binds = bound_what(b);
    }
    if (j->instance && j->programs.list.n == 1 && whole && j->kernel->io_words)
        j->kernel->io_words(j->instance, &rq.in, &rq.out);
    return rq;
}

int record_status(const struct record *r)
{
    if (r->fault.kind != FAULT_NONE) {
        (void)tool_error("fault: %s", r->fault_text.at ? r->fault_text.at : sim_fault_name(r->fault.kind));
        return EXIT_FAULTED;
    }
    if (!r->wrong)
        return EXIT_FINE;
    (void)tool_error("wrong result: %s[%u] is %u, expected %u", r->first.array, r->first.index,
                     r->first.found, r->first.expected);
    return EXIT_FAILED;
}
