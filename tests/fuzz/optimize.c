/* optimize on random programs: with jumps, double writes, aliasing, traces, pauses and faults. What comes
 * out, shorter or not, runs on other memories than it was made for, beside what went in: where that ends
 * without a fault, memory, trace buffers and, where it is to be kept, scratch are the same.
 *
 * usage: optimize [--cases N] [--seed S]
 *
 * Case i of seed S is case 0 of seed S + i. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/optimize/optimize.h"
#include "tests/fuzz/random_program.h"

enum { MEMORIES = 24 };

struct counts {
    uint64_t passed, failed, refused, shorter, runs, faults;
};

static struct sim *start(const struct fuzz *f, const struct prog *p)
{
    struct sim *s;
    struct diag d;
    if (sim_create(p, &f->config, f->mem, f->mem_words, &s, &d) != ST_OK) {
        (void)fprintf(stderr, "optimize: seed %" PRIu64 ": %s\n", f->seed, d.text);
        exit(2);
    }
    return s;
}

/* Until nothing is running, or for so long; false where it goes on. */
static bool run(struct sim *s, unsigned pauses)
{
    enum sim_end end = sim_run(s);
    for (unsigned i = 0; end == SIM_PAUSED && i < pauses; i++)
        end = sim_run(s);
    return end != SIM_PAUSED;
}

static const char *difference(const struct fuzz *f, const struct sim *a, const struct sim *b, bool scratch)
{
    const struct sim_core *x = &a->cores[0], *y = &b->cores[0];
    if (b->fault.kind != FAULT_NONE)
        return sim_fault_name(b->fault.kind);
    if (f->mem_words && memcmp(a->mem, b->mem, f->mem_words * sizeof *a->mem) != 0)
        return "memory";
    if (x->trace.n != y->trace.n ||
        (x->trace.n && memcmp(x->trace.at, y->trace.at, x->trace.n * sizeof *x->trace.at) != 0))
        return "trace";
    for (size_t i = 0; scratch && i < f->p->slots.n; i++) {
        const struct isa_slot *s = &f->p->slots.at[i];
        const struct isa_effects fx = isa_effects(s, a->config.machine.vlen);
        if (s->op < ISA_OPS && fx.writes &&
            memcmp(x->scratch + fx.write.first, y->scratch + fx.write.first,
                   fx.write.n * sizeof *x->scratch) != 0)
            return "scratch";
    }
    return NULL;
}

static void report(const struct fuzz *f, const struct prog *made, uint32_t input, const char *what)
{
    struct text t = {0};
    text_addf(&t, "seed %" PRIu64 ", memory %u: %s\nbefore: ", f->seed, input, what);
    prog_write_json(f->p, &t);
    text_add(&t, "after: ");
    prog_write_json(made, &t);
    (void)printf("%s\n", t.at ? t.at : what);
    text_free(&t);
}

static bool compare(struct fuzz *f, const struct prog *made, const struct optimize_options *o,
                    const uint32_t *mems, struct counts *n)
{
    struct sim *a = start(f, f->p), *b = start(f, made);
    const char *what = NULL;
    for (uint32_t i = 0; i < MEMORIES && !what; i++) {
        sim_reset(a, mems + (size_t)i * f->mem_words);
        sim_reset(b, mems + (size_t)i * f->mem_words);
        const bool ends = run(a, 40), too = run(b, 40);
        n->runs++;
        n->faults += a->fault.kind != FAULT_NONE;
        if (a->fault.kind == FAULT_NONE && ends)
            what = !too ? "goes on" : difference(f, a, b, o->lift.keep_scratch);
        if (what)
            report(f, made, i, what);
    }
    sim_destroy(a);
    sim_destroy(b);
    return !what;
}

/* Words that all memories have alike are taken for known. */
static void find_fixed(const struct fuzz *f, const uint32_t *mems, bool *fixed)
{
    for (uint32_t w = 0; w < f->mem_words; w++) {
        fixed[w] = true;
        for (uint32_t i = 1; i < MEMORIES; i++)
            fixed[w] = fixed[w] && mems[(size_t)i * f->mem_words + w] == mems[w];
    }
}

static bool run_case(uint64_t seed, struct counts *n)
{
    static uint32_t mems[MEMORIES * MAX_MEM];
    static bool fixed[MAX_MEM];
    struct fuzz f = {.r = {seed}, .seed = seed};
    struct optimize_options o = optimize_default_options();
    struct optimized x;
    struct diag d;
    draw_machine(&f);
    if (!one_in(&f, 8)) {
        f.config.machine.cores = 1;
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            f.config.machine.latency[e] = 1;
    }
    draw_program(&f);
    f.p->machine = f.config.machine;
    f.config.debug = f.config.strict = false;
    f.config.cycle_limit = 3000;
    f.config.round_limit = f.config.work_limit = 0;
    draw_memories(&f, mems, MEMORIES);
    find_fixed(&f, mems, fixed);
    if (one_in(&f, 2))
        o.lift.facts = (struct lift_facts){NULL, mems, fixed, f.mem_words};
    o.fold = !one_in(&f, 3);
    o.number = !one_in(&f, 3);
    o.passes = below(&f, 3);
    o.any = true;
    o.lift.pause = f.config.pause;
    o.lift.keep_scratch = one_in(&f, 2);
    bool good = true;
    const enum status status = optimize_program(f.p, &o, &x, &d);
    n->refused += status == ST_INPUT;
    if (status != ST_OK && status != ST_INPUT) {
        (void)printf("seed %" PRIu64 ": %s\n", seed, d.text);
        good = false;
    } else if (status == ST_OK && x.prog) {
        n->shorter += x.step[x.steps - 1].bundles < x.bundles;
        good = compare(&f, x.prog, &o, mems, n);
    }
    optimized_free(&x);
    prog_destroy(f.p);
    return good;
}

int main(int argc, char **argv)
{
    uint64_t cases = 1000, seed = 1;
    struct counts n = {0};
    for (int i = 1; i < argc; i++) {
        uint64_t *to = strcmp(argv[i], "--cases") == 0  ? &cases
                       : strcmp(argv[i], "--seed") == 0 ? &seed
                                                        : NULL;
        if (!to || i + 1 == argc) {
            (void)fprintf(stderr, "usage: optimize [--cases N] [--seed S]\n");
            return 2;
        }
        *to = strtoull(argv[++i], NULL, 10);
    }
    for (uint64_t i = 0; i < cases && n.failed < 3; i++)
        run_case(seed + i, &n) ? n.passed++ : n.failed++;
    (void)printf("%" PRIu64 " refused, %" PRIu64 " shorter; %" PRIu64 " runs, of which %" PRIu64 " fault\n",
                 n.refused, n.shorter, n.runs, n.faults);
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n", n.passed, n.failed);
    return n.failed != 0;
}
