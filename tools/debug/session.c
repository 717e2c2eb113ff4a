#include <stdlib.h>
#include <string.h>

#include "tools/debug/debug.h"

static enum status out_of_memory(struct diag *d)
{
    return diag_set(d, ST_NOMEM, "out of memory");
}

/* Runs the programs before number `program` on s->mem. */
static enum status run_before(struct session *s, size_t program, struct diag *d)
{
    const size_t bytes = s->job.mem_words * sizeof *s->mem;
    enum status status = ST_OK;
    if (bytes)
        memcpy(s->mem, s->job.mem, bytes);
    for (size_t i = 0; i < program && status == ST_OK; i++) {
        struct sim *sim;
        status = sim_create(s->job.programs.list.at[i].prog, &s->config, s->mem, s->job.mem_words, &sim, d);
        if (status != ST_OK)
            return status;
        while (sim_run(sim) == SIM_PAUSED)
            ;
        if (sim->fault.kind != FAULT_NONE)
            status = diag_set(d, ST_INPUT, "program %zu ends in a fault", i);
        if (bytes)
            memcpy(s->mem, sim->mem, bytes);
        sim_destroy(sim);
    }
    return status;
}

enum status session_program(struct session *s, size_t program, struct diag *d)
{
    struct replay *r;
    if (program >= s->job.programs.list.n)
        return diag_set(d, ST_INPUT, "no program %zu: the variant has %zu", program, s->job.programs.list.n);
    uint32_t *before = s->mem;
    s->mem = malloc(s->job.mem_words * sizeof *s->mem + 1);
    enum status status = s->mem ? run_before(s, program, d) : out_of_memory(d);
    if (status == ST_OK)
        status =
            replay_create(s->job.programs.list.at[program].prog, &s->config, s->mem, s->job.mem_words, &r, d);
    if (status != ST_OK) {
        free(s->mem);
        s->mem = before;
        return status;
    }
    if (s->r) {
        r->interrupt = s->r->interrupt;
        r->user = s->r->user;
    }
    replay_destroy(s->r);
    free(before);
    breakpoints_clear(&s->stops);
    s->stops.core = s->core = 0;
    s->r = r;
    s->program = program;
    return ST_OK;
}

int session_open(struct session *s, const struct options *o)
{
    bool cross_check;
    struct diag d = {0};
    *s = (struct session){0};
    const int status = job_open(&s->job, o);
    if (status != EXIT_FINE)
        return status;
    if (!execute_config(&s->job, o, &s->config, &cross_check))
        return EXIT_USAGE;
    return session_program(s, 0, &d) == ST_OK ? EXIT_FINE : tool_diag(&d);
}

void session_close(struct session *s)
{
    breakpoints_clear(&s->stops);
    replay_destroy(s->r);
    free(s->mem);
    job_free(&s->job);
    *s = (struct session){0};
}

enum status session_words(struct session *s, const char *text, struct word_range *word_range,
                          struct provenance *origin, struct diag *d)
{
    origin->slot = UINT32_MAX;
    const enum status status = word_range_parse(text, s->r->sim, s->core, word_range, d);
    if (status != ST_INPUT || !provenance_value(s->r, text, s->core, word_range, origin))
        return status;
    return ST_OK;
}

enum status session_bundle(const struct session *s, const char *text, uint32_t *bundle, struct diag *d)
{
    const struct prog *p = session_prog(s);
    for (size_t i = 0; i < p->labels.n; i++)
        if (strcmp(p->labels.at[i].name, text) == 0) {
            *bundle = p->labels.at[i].bundle;
            return ST_OK;
        }
    char *end;
    const unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n >= p->bundles.n)
        return diag_set(d, ST_INPUT, "no label or bundle `%.60s`, the program has %zu bundles", text,
                        p->bundles.n);
    *bundle = (uint32_t)n;
    return ST_OK;
}
