#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/engine/batch.h"
#include "tools/commands/conformance_case.h"

static bool words_differ(const char *what, const uint32_t *found, size_t n, const uint32_t *expected,
                         size_t m, struct text *out)
{
    if (n != m) {
        text_addf(out, "%s: %zu words, expected %zu", what, n, m);
        return true;
    }
    for (size_t i = 0; i < n; i++)
        if (found[i] != expected[i]) {
            text_addf(out, "%s word %zu is %u, expected %u", what, i, found[i], expected[i]);
            return true;
        }
    return false;
}

/* One core; false when out of memory. */
static bool compare_core(const struct sim *s, uint32_t core, const struct vector_core *v, struct text *out)
{
    const struct sim_core *c = &s->cores[core];
    const uint32_t size = s->config.machine.scratch;
    char what[32];
    (void)snprintf(what, sizeof what, "core %u: scratch", core);
    if (c->pc != v->pc) {
        text_addf(out, "core %u: pc is %" PRId64 ", expected %" PRId64, core, c->pc, v->pc);
        return true;
    }
    uint32_t *scratch = calloc(size, sizeof *scratch);
    if (!scratch)
        return false;
    bool differs = false;
    for (size_t i = 0; i < v->scratch.n && !differs; i++) {
        const struct vector_word w = v->scratch.at[i];
        differs = w.address >= size;
        if (differs)
            text_addf(out, "%s has no word %u", what, w.address);
        else
            scratch[w.address] = w.value;
    }
    differs = differs || words_differ(what, c->scratch, size, scratch, size, out);
    free(scratch);
    (void)snprintf(what, sizeof what, "core %u: trace", core);
    if (!differs)
        (void)words_differ(what, c->trace.at, c->trace.n, v->trace.at, v->trace.n, out);
    return true;
}

static bool compare(const struct vector *v, const struct sim *s, uint64_t runs, struct text *out)
{
    if (s->fault.kind != v->fault) {
        text_addf(out, "fault %s, expected %s", sim_fault_name(s->fault.kind), sim_fault_name(v->fault));
        if (s->fault.kind != FAULT_NONE) {
            text_add(out, ": ");
            sim_fault_text(s, out);
        }
    } else if (s->cycle != v->cycles) {
        text_addf(out, "%" PRIu64 " cycles, expected %" PRIu64, s->cycle, v->cycles);
    } else if (v->fault == FAULT_NONE) {
        if (runs != v->runs)
            text_addf(out, "%" PRIu64 " runs, expected %" PRIu64, runs, v->runs);
        else if (s->config.machine.cores != v->cores.n)
            text_addf(out, "%u cores, expected %zu", s->config.machine.cores, v->cores.n);
        else
            (void)words_differ("memory", s->mem, s->mem_words, v->end_mem.at, v->end_mem.n, out);
        for (uint32_t c = 0; c < v->cores.n && out->n == 0; c++)
            if (!compare_core(s, c, &v->cores.at[c], out))
                return false;
    }
    return text_ok(out);
}

static bool reject(enum status status, const struct diag *d, struct text *out)
{
    text_addf(out, "rejected: %s", d->text);
    return status != ST_NOMEM;
}

static bool run_alone(const struct vector *v, const struct prog *p, const struct sim_config *config,
                      struct text *difference)
{
    struct sim *s;
    struct diag d;
    const enum status status = sim_create(p, config, v->mem.at, v->mem.n, &s, &d);
    if (status != ST_OK)
        return reject(status, &d, difference);
    uint64_t runs = 1;
    while (sim_run(s) == SIM_PAUSED)
        runs++;
    const bool good = compare(v, s, runs, difference);
    sim_destroy(s);
    return good;
}

static bool run_batch(const struct vector *v, const struct prog *p, const struct sim_config *config,
                      uint32_t instances, struct text *difference)
{
    struct sim_batch *b;
    struct diag d;
    uint32_t *mems = calloc(instances, v->mem.n * sizeof *mems + 1);
    if (!mems)
        return false;
    for (uint32_t i = 0; i < instances; i++)
        for (size_t w = 0; w < v->mem.n; w++)
            mems[i * v->mem.n + w] = v->mem.at[w];
    const enum status status = batch_create(p, config, mems, v->mem.n, instances, &b, &d);
    free(mems);
    if (status != ST_OK)
        return reject(status, &d, difference);
    batch_run(b);
    bool good = true;
    for (uint32_t i = 0; i < instances && good && difference->n == 0; i++)
        good = compare(v, batch_state(b, i), batch_runs(b, i), difference);
    batch_destroy(b);
    return good;
}

bool vector_run(const struct vector *v, enum sim_simulator simulator, uint32_t instances,
                struct text *difference)
{
    struct prog *p;
    struct diag d;
    const enum status status = prog_read_json(v->program, v->program_size, NULL, &p, &d);
    if (status != ST_OK)
        return reject(status, &d, difference);
    struct sim_config config = sim_default_config();
    config.machine = v->machine;
    config.simulator = simulator;
    config.pause = v->pause;
    config.debug = v->debug;
    config.values = v->values.at;
    config.n_values = v->values.n;
    const bool good =
        instances ? run_batch(v, p, &config, instances, difference) : run_alone(v, p, &config, difference);
    prog_destroy(p);
    return good;
}
