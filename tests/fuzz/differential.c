/* Differential fuzzer: random programs on random machines, the step simulator against
 * the fast one, and now and then against a batch of several memories, whole state compared: scratch, memory,
 * traces, cycles, rounds, pcs, states, double writes, fault record. Programs are drawn from the operation
 * table; addresses come from a tiny pool, so that slots of a bundle read and overwrite each other's words,
 * vectors overlap and destinations alias sources.
 *
 * usage: differential [--cases N] [--seed S]    (0 cases: until interrupted)
 *
 * Case i of seed S is case 0 of seed S + i. A mismatch prints its seed, the machine
 * and the program as JSON, and the exit status is 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/batch.h"
#include "sim/engine/batch_frame.h"
#include "tests/fuzz/random_program.h"

enum { CALLS = 8, MAX_INSTANCES = 150 };

/* --- the comparison --------------------------------------------------------------- */

static const char *core_difference(const struct sim *a, const struct sim *b, uint32_t c)
{
    const struct sim_core *x = &a->cores[c], *y = &b->cores[c];
    if (x->pc != y->pc)
        return "pc";
    if (x->state != y->state)
        return "core state";
    if (x->loop_from != y->loop_from || x->loop_to != y->loop_to)
        return "last loop";
    if (memcmp(x->scratch, y->scratch, a->config.machine.scratch * sizeof *x->scratch) != 0)
        return "scratch";
    if (x->trace.n != y->trace.n ||
        (x->trace.n && memcmp(x->trace.at, y->trace.at, x->trace.n * sizeof *x->trace.at) != 0))
        return "trace";
    return NULL;
}

static const char *difference(const struct sim *a, const struct sim *b)
{
    const struct sim_fault *x = &a->fault, *y = &b->fault;
    if (x->kind != y->kind)
        return "fault kind";
    if (x->core != y->core || x->cycle != y->cycle || x->pc != y->pc || x->engine != y->engine ||
        x->slot != y->slot)
        return "fault place";
    if (strcmp(x->slot_text, y->slot_text) != 0 || strcmp(x->what, y->what) != 0)
        return "fault text";
    if (a->cycle != b->cycle)
        return "cycle";
    if (a->rounds != b->rounds)
        return "rounds";
    if (a->work != b->work)
        return "work";
    if (a->double_writes != b->double_writes)
        return "double writes";
    if (a->mem_words && memcmp(a->mem, b->mem, a->mem_words * sizeof *a->mem) != 0)
        return "memory";
    for (uint32_t c = 0; c < a->config.machine.cores; c++) {
        const char *what = core_difference(a, b, c);
        if (what)
            return what;
    }
    return NULL;
}

static struct sim *start(struct fuzz *f, enum sim_simulator simulator)
{
    struct sim *s;
    struct diag d;
    f->config.simulator = simulator;
    if (sim_create(f->p, &f->config, f->mem, f->mem_words, &s, &d) != ST_OK) {
        (void)fprintf(stderr, "differential: seed %" PRIu64 ": %s\n", f->seed, d.text);
        exit(2);
    }
    return s;
}

/* The same calls on both, compared after each. */
static const char *in_parallel(struct fuzz *f, struct sim *a, struct sim *b)
{
    for (unsigned i = 0; i < CALLS; i++) {
        const bool whole = one_in(f, 2);
        const uint64_t rounds = below(f, one_in(f, 2) ? 3 : 90);
        const enum sim_end x = whole ? sim_run(a) : sim_step(a, rounds);
        const enum sim_end y = whole ? sim_run(b) : sim_step(b, rounds);
        const char *what = x != y ? "end of the call" : difference(a, b);
        if (what)
            return what;
    }
    return NULL;
}

/* One run of a against chunks of b. */
static const char *in_chunks(struct fuzz *f, struct sim *a, struct sim *b)
{
    const enum sim_end x = sim_run(a);
    enum sim_end y;
    do
        y = one_in(f, 2) ? sim_step(b, 1 + below(f, one_in(f, 2) ? 2 : 60))
                         : sim_run_for(b, 1 + below(f, 200));
    while (y == SIM_MORE);
    return x != y ? "end of the run" : difference(a, b);
}

/* A batch, with each of the host's loops, against step on each memory, whose state is
 * left in a where they differ, and the batch's in *b. */
static const char *as_batch(struct fuzz *f, struct sim *a, const struct sim **b, struct sim_batch **batch)
{
    static uint32_t mems[MAX_INSTANCES * MAX_MEM];
    struct diag d;
    const uint32_t n = 1 + below(f, one_in(f, 8) ? MAX_INSTANCES : 20);
    draw_memories(f, mems, n);
    if (batch_create(f->p, &f->config, mems, f->mem_words, n, batch, &d) != ST_OK) {
        (void)fprintf(stderr, "differential: seed %" PRIu64 ": %s\n", f->seed, d.text);
        exit(2);
    }
    batch_loop *loop;
    for (unsigned k = 0; (loop = batch_loop_at(k)); k++) {
        if (k)
            batch_reset(*batch, mems);
        batch_use(*batch, loop);
        if (one_in(f, 3))
            while (!batch_run_for(*batch, 1 + below(f, one_in(f, 2) ? 100 : 10000)))
                continue;
        else
            batch_run(*batch);
        for (uint32_t i = 0; i < n; i++) {
            uint64_t runs = 1;
            sim_reset(a, mems + (size_t)i * f->mem_words);
            while (sim_run(a) == SIM_PAUSED)
                runs++;
            *b = batch_state(*batch, i);
            const char *what = batch_runs(*batch, i) != runs ? "runs" : difference(a, *b);
            if (what)
                return what;
        }
    }
    return NULL;
}

static void report(const struct fuzz *f, const struct sim *a, const struct sim *b, const char *what)
{
    struct text t = {0};
    text_addf(&t, "seed %" PRIu64 ": the simulators differ in: %s\nstep: cycle %" PRIu64 ", ", f->seed, what,
              a->cycle);
    sim_fault_text(a, &t);
    text_addf(&t, "\nother: cycle %" PRIu64 ", ", b->cycle);
    sim_fault_text(b, &t);
    text_addf(&t,
              "\npause %d, debug %d, strict %d, cycle limit %" PRIu64 ", trace limit %" PRIu64 ", %u words\n",
              f->config.pause, f->config.debug, f->config.strict, f->config.cycle_limit,
              f->config.trace_limit, f->mem_words);
    prog_write_json(f->p, &t);
    (void)printf("%s\n", t.at ? t.at : what);
    text_free(&t);
}

/* Adds how it ended to `faults`. */
static bool run_case(uint64_t seed, uint64_t *faults)
{
    struct fuzz f = {.r = {seed}, .seed = seed};
    draw_machine(&f);
    draw_program(&f);
    struct sim *a = start(&f, SIM_STEP), *b = start(&f, SIM_FAST);
    const char *what = one_in(&f, 3) ? in_chunks(&f, a, b) : in_parallel(&f, a, b);
    if (!what && one_in(&f, 4)) {
        sim_reset(a, f.mem);
        sim_reset(b, f.mem);
        what = in_parallel(&f, a, b);
    }
    const struct sim *other = b;
    struct sim_batch *batch = NULL;
    faults[a->fault.kind]++;
    if (!what && (f.batch || one_in(&f, 5)))
        what = as_batch(&f, a, &other, &batch);
    if (what)
        report(&f, a, other, what);
    batch_destroy(batch);
    sim_destroy(a);
    sim_destroy(b);
    prog_destroy(f.p);
    return !what;
}

int main(int argc, char **argv)
{
    uint64_t cases = 20000, seed = 1, passed = 0, failed = 0, faults[FAULT_KINDS] = {0};
    for (int i = 1; i < argc; i++) {
        uint64_t *to = strcmp(argv[i], "--cases") == 0  ? &cases
                       : strcmp(argv[i], "--seed") == 0 ? &seed
                                                        : NULL;
        if (!to || i + 1 == argc) {
            (void)fprintf(stderr, "usage: differential [--cases N] [--seed S]\n");
            return 2;
        }
        *to = strtoull(argv[++i], NULL, 10);
    }
    for (uint64_t i = 0; (!cases || i < cases) && failed < 5; i++)
        run_case(seed + i, faults) ? passed++ : failed++;
    for (unsigned k = 0; k < FAULT_KINDS; k++)
        (void)printf("%-16s %" PRIu64 "\n", sim_fault_name((enum sim_fault_kind)k), faults[k]);
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed != 0;
}
