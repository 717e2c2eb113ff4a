/* How fast the engines simulate: cycles and slots a second of each on
 *
 *   scalar  tree_hash:scalar, standard instance: one slot a bundle, straight line
 *   dense   a generated loop whose bundles fill the machine: 12 alu, 6 valu, 2 load,
 *           1 or 2 store and 1 flow slots less a few left out, about 20 in all;
 *           operations and addresses are random, so bundles read what they overwrite
 *
 * A run is timed from a reset machine with its code predecoded. Medians of several.
 *
 * usage: bench [--runs N] [--bundles N]    (of the dense loop's body) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernel.h"
#include "sim/base/random.h"
#include "sim/machine.h"

enum { MEM_WORDS = 4096, DENSE_CYCLES = 1000000, MAX_RUNS = 101 };

/* Scratch of the dense program: vectors of data, then words that stay as they are. */
enum { DATA = 1024, ADDRESS = 1100, ADDRESSES = 64, COUNTER = 1200, ONE, TIMES };

struct load {
    const char *name;
    const struct prog *prog;
    const uint32_t *mem;
    size_t mem_words;
};

static void *need(void *p)
{
    if (!p) {
        (void)fprintf(stderr, "bench: out of memory\n");
        exit(2);
    }
    return p;
}

static void add(struct prog *p, enum isa_op op, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                int64_t literal)
{
    const struct isa_slot s = {(uint8_t)op,
                               (uint8_t)isa_info(op)->engine,
                               {(int32_t)a, (int32_t)b, (int32_t)c, (int32_t)d},
                               literal};
    need(prog_add_slot(p, s) ? p : NULL);
}

static void group(struct prog *p, enum isa_engine e)
{
    need(prog_add_group(p, e) ? p : NULL);
}

static void bundle(struct prog *p)
{
    need(prog_add_bundle(p, 0) ? p : NULL);
}

/* Any operator that is defined for all operands. */
static enum isa_op any_operator(struct rng *r)
{
    for (;;) {
        const enum isa_op op = (enum isa_op)rng_below(r, OP_VALU_ADD);
        if (!isa_info(op)->partial)
            return op;
    }
}

static uint32_t word(struct rng *r)
{
    return rng_below(r, DATA);
}

static uint32_t vector(struct rng *r)
{
    return 8 * rng_below(r, DATA / 8);
}

/* Of the lower or the upper half of memory. */
static uint32_t address(struct rng *r, uint32_t half)
{
    return ADDRESS + 2 * rng_below(r, ADDRESSES / 2) + half;
}

/* A destination that no other slot of the bundle has. */
static uint32_t fresh(struct rng *r, bool *taken, uint32_t n)
{
    for (;;) {
        const uint32_t at = n == 1 ? word(r) : vector(r);
        bool free = true;
        for (uint32_t i = 0; i < n; i++)
            free = free && !taken[at + i];
        if (!free)
            continue;
        memset(taken + at, 1, n * sizeof *taken);
        return at;
    }
}

static void dense_bundle(struct prog *p, struct rng *r)
{
    bool taken[DATA] = {false};
    bundle(p);
    group(p, ENGINE_ALU);
    for (uint32_t n = 8 + rng_below(r, 4); n--;)
        add(p, any_operator(r), fresh(r, taken, 1), word(r), word(r), 0, 0);
    group(p, ENGINE_VALU);
    for (uint32_t n = 4 + rng_below(r, 3); n--;)
        if (rng_below(r, 3) == 0)
            add(p, OP_MULTIPLY_ADD, fresh(r, taken, 8), vector(r), vector(r), vector(r), 0);
        else
            add(p, isa_to_valu(any_operator(r)), fresh(r, taken, 8), vector(r), vector(r), 0, 0);
    group(p, ENGINE_LOAD);
    add(p, OP_VLOAD, fresh(r, taken, 8), address(r, 0), 0, 0, 0);
    add(p, OP_LOAD, fresh(r, taken, 1), address(r, 1), 0, 0, 0);
    group(p, ENGINE_STORE);
    add(p, OP_VSTORE, address(r, 0), vector(r), 0, 0, 0);
    if (rng_below(r, 2))
        add(p, OP_STORE, address(r, 1), word(r), 0, 0, 0);
    group(p, ENGINE_FLOW);
    add(p, OP_VSELECT, fresh(r, taken, 8), vector(r), vector(r), vector(r), 0);
}

static void one_slot(struct prog *p, enum isa_engine e)
{
    bundle(p);
    group(p, e);
}

static struct prog *dense_program(uint32_t bundles)
{
    struct rng r = {1};
    struct prog *p = need(prog_create());
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        one_slot(p, ENGINE_LOAD);
        add(p, OP_CONST, ADDRESS + i, 0, 0, 0, (i % 2) * MEM_WORDS / 2 + 8 * rng_below(&r, MEM_WORDS / 16));
    }
    for (uint32_t i = 0; i < DATA; i += 8) {
        one_slot(p, ENGINE_LOAD);
        add(p, OP_VLOAD, i, ADDRESS + rng_below(&r, ADDRESSES), 0, 0, 0);
    }
    one_slot(p, ENGINE_LOAD);
    add(p, OP_CONST, ONE, 0, 0, 0, 1);
    add(p, OP_CONST, COUNTER, 0, 0, 0, 1 + DENSE_CYCLES / bundles);
    const int64_t top = (int64_t)p->bundles.n;
    for (uint32_t i = 0; i < bundles; i++)
        dense_bundle(p, &r);
    one_slot(p, ENGINE_ALU);
    add(p, OP_ALU_SUB, COUNTER, COUNTER, ONE, 0, 0);
    one_slot(p, ENGINE_FLOW);
    add(p, OP_COND_JUMP, COUNTER, 0, 0, 0, top);
    return p;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean slots a bundle over the program's text, as a factor from cycles to slots. */
static double slots_a_cycle(const struct load *l)
{
    uint32_t cycles = 0;
    for (uint32_t b = 0; b < l->prog->bundles.n; b++)
        cycles += prog_costs_cycle(l->prog, b);
    return cycles ? (double)l->prog->slots.n / cycles : 0;
}

static void measure(const struct load *l, enum sim_engine engine, unsigned runs)
{
    struct sim_config config = sim_default_config();
    config.engine = engine;
    config.debug = false;
    struct sim *s;
    struct diag d;
    if (sim_create(l->prog, &config, l->mem, l->mem_words, &s, &d) != ST_OK) {
        (void)fprintf(stderr, "bench: %s\n", d.text);
        exit(2);
    }
    double rate[MAX_RUNS];
    for (unsigned i = 0; i < runs; i++) {
        sim_reset(s, l->mem);
        const double start = now();
        const enum sim_end end = sim_run(s);
        rate[i] = (double)s->cycle / (now() - start) / 1e6;
        if (end != SIM_STOPPED) {
            (void)fprintf(stderr, "bench: %s did not run to its end\n", l->name);
            exit(1);
        }
    }
    qsort(rate, runs, sizeof *rate, by_value);
    const double median = rate[runs / 2];
    (void)printf("%-8s %-6s %10llu %12.1f %12.1f %9.1f .. %.1f\n", l->name, sim_engine_name(engine),
                 (unsigned long long)s->cycle, median, median * slots_a_cycle(l), rate[0], rate[runs - 1]);
    sim_destroy(s);
}

static void both(const struct load *l, unsigned runs)
{
    measure(l, SIM_STEP, runs < 5 ? runs : 5);
    measure(l, SIM_FAST, runs);
}

static void bench_scalar(unsigned runs)
{
    const struct kern *k = kern_find("tree_hash", strlen("tree_hash"));
    struct kern_request rq = {.params = kern_defaults(k), .machine = isa_default_machine()};
    struct kern_problem *problem;
    struct kern_stages stages = {0};
    struct diag d;
    if (kern_problem_create(k, &rq.params, 0, 1, &problem, &d) != ST_OK ||
        kern_build(k, kern_find_variant(k, "scalar"), &rq, &stages, &d) != ST_OK) {
        (void)fprintf(stderr, "bench: %s\n", d.text);
        exit(2);
    }
    const struct load l = {"scalar", stages.list.at[0].prog, problem->image, problem->words};
    both(&l, runs);
    kern_stages_free(&stages);
    kern_problem_destroy(problem);
}

static void bench_dense(unsigned runs, uint32_t bundles)
{
    struct prog *p = dense_program(bundles);
    static uint32_t mem[MEM_WORDS];
    struct rng r = {2};
    for (unsigned i = 0; i < MEM_WORDS; i++)
        mem[i] = (uint32_t)rng_next(&r);
    const struct load l = {"dense", p, mem, MEM_WORDS};
    both(&l, runs);
    prog_destroy(p);
}

int main(int argc, char **argv)
{
    unsigned long runs = 21, bundles = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        const unsigned long n = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--runs") == 0)
            runs = n < 1 ? 1 : n > MAX_RUNS ? MAX_RUNS : n;
        else if (strcmp(argv[i], "--bundles") == 0)
            bundles = n < 1 ? 1 : n > 1000000 ? 1000000 : n;
    }
    (void)printf(
        "program  engine     cycles   Mcycles/s     Mslots/s   Mcycles/s, least .. most of %lu runs\n", runs);
    bench_scalar((unsigned)runs);
    bench_dense((unsigned)runs, (uint32_t)bundles);
    return 0;
}
