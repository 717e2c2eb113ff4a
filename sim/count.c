#include "sim/count.h"

#include <stdlib.h>

static bool has_jumps(const struct prog *p)
{
    for (size_t i = 0; i < p->slots.n; i++)
        if (isa_is_jump((enum isa_op)p->slots.at[i].op))
            return true;
    return false;
}

void count_bundle(const struct prog *p, uint32_t bundle, uint64_t times, uint64_t slots[ISA_ENGINES])
{
    const struct prog_span groups = prog_groups(p, bundle);
    for (uint32_t g = groups.begin; g < groups.end; g++) {
        const struct prog_span span = prog_slots(p, g);
        slots[p->groups.at[g].engine] += times * (span.end - span.begin);
    }
}

static bool is_at_bundle(const struct sim *s, uint32_t core)
{
    const struct sim_core *c = &s->cores[core];
    return c->state == CORE_RUNNING && c->pc >= 0 && (uint64_t)c->pc < s->prog->bundles.n;
}

enum sim_end count_run(struct sim *s, uint64_t *times)
{
    const uint32_t cores = s->config.machine.cores;
    int64_t at[ISA_MAX_CORES] = {0};
    enum sim_end end = SIM_MORE;
    while (end == SIM_MORE || end == SIM_PAUSED) {
        (void)sim_step(s, 0); /* resumes paused cores */
        for (uint32_t c = 0; c < cores; c++)
            at[c] = is_at_bundle(s, c) ? s->cores[c].pc : -1;
        end = sim_step(s, 1);
        /* At a fault, neither the faulting core nor those behind it have executed theirs. */
        for (uint32_t c = 0; c < (end == SIM_FAULTED ? s->fault.core : cores); c++)
            if (at[c] >= 0)
                times[at[c]]++;
    }
    return end;
}

static bool count_again(const struct sim *s, const struct sim_config *config, const uint32_t *mem,
                        uint64_t slots[ISA_ENGINES])
{
    struct sim_config fast = *config; /* the quicker one */
    fast.simulator = SIM_FAST;
    uint64_t *times = calloc(s->prog->bundles.n + 1, sizeof *times);
    struct sim *again = NULL;
    const bool good = times && sim_create(s->prog, &fast, mem, s->mem_words, &again, NULL) == ST_OK;
    if (good) {
        (void)count_run(again, times);
        for (uint32_t b = 0; b < s->prog->bundles.n; b++)
            count_bundle(s->prog, b, times[b], slots);
    }
    sim_destroy(again);
    free(times);
    return good;
}

bool count_slots(const struct sim *s, const struct sim_config *config, const uint32_t *mem,
                 uint64_t slots[ISA_ENGINES], bool *failed)
{
    if (has_jumps(s->prog)) {
        if (s->fault.kind == FAULT_CYCLE_LIMIT || s->fault.kind == FAULT_ROUND_LIMIT ||
            s->fault.kind == FAULT_WORK_LIMIT)
            return false;
        *failed = !count_again(s, config, mem, slots);
        return !*failed;
    }
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        for (uint32_t b = 0; b < s->prog->bundles.n && b < s->cores[c].pc; b++)
            count_bundle(s->prog, b, 1, slots);
    return true;
}
