#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/vector.h"

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

bool vector_run(const struct vector *v, enum sim_engine engine, struct text *difference)
{
    struct prog *p;
    struct diag d;
    enum status status = prog_read_json(v->program, v->program_size, NULL, &p, &d);
    struct sim *s = NULL;
    if (status == ST_OK) {
        struct sim_config config = sim_default_config();
        config.machine = v->machine;
        config.engine = engine;
        config.pause = v->pause;
        config.debug = v->debug;
        config.values = v->values.at;
        config.n_values = v->values.n;
        status = sim_create(p, &config, v->mem.at, v->mem.n, &s, &d);
    }
    bool good = status != ST_NOMEM;
    if (status == ST_OK) {
        uint64_t runs = 1;
        while (sim_run(s) == SIM_PAUSED)
            runs++;
        good = compare(v, s, runs, difference);
    } else if (good) {
        text_addf(difference, "rejected: %s", d.text);
    }
    sim_destroy(s);
    prog_destroy(p);
    return good;
}
