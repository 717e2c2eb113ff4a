/* Random kernels on random machines through the builder: every program that comes out
 * is simulated and compared with a direct evaluation of the ir. Then the program is
 * corrupted; whenever that changes the result of a run, the verifier must object.
 *
 * usage: random_ir [--cases N] [--seed S]    (0 cases: until interrupted)
 *
 * Case i of seed S is case 0 of seed S + i. A failure prints its seed and what was
 * wrong, and the exit status is 1. */
#include "tests/fuzz/random_ir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/build.h"
#include "builder/passes/bound.h"
#include "builder/passes/fold.h"
#include "builder/passes/verify.h"

enum { CORRUPTIONS = 8, IMAGES = 2 };

struct counts {
    uint64_t cases, built, too_small, no_engine, corrupted, changed, objected, folded, dead;
};

void rir_need(bool good)
{
    if (!good) {
        (void)fprintf(stderr, "random_ir: out of memory\n");
        exit(2);
    }
}

static bool wrong(uint64_t seed, const char *what)
{
    (void)printf("case of seed %" PRIu64 ": %s\n", seed, what);
    return false;
}

static void draw_image(struct rng *r, uint32_t *mem)
{
    for (unsigned i = 0; i < RIR_MEM; i++)
        mem[i] = rng_below(r, 4) ? (uint32_t)rng_next(r) : rng_below(r, 40);
}

/* --- building ---------------------------------------------------------------- */

/* Keys that mean something, keys that mean nothing, and mixtures. */
static void draw_keys(struct rng *r, const struct sched_graph *p, float *keys)
{
    const unsigned kind = rng_below(r, 4);
    rir_need(build_keys(p, (float)rng_below(r, 3), keys));
    for (uint32_t i = 0; i < p->graph.nodes; i++) {
        const float noise = (float)rng_unit(r);
        if (kind == 0)
            keys[i] = noise;
        else if (kind == 1)
            keys[i] = (float)i;
        else if (kind == 2)
            keys[i] += 20 * noise;
    }
}

/* Schedules at random keys and options for every region, and how they compare with
 * their lower bounds. */
static enum status build_random(struct rng *r, const struct ir *ir, struct emitted *out, bool *below_bound,
                                struct diag *d)
{
    const uint32_t n = (uint32_t)ir->regions.n;
    struct schedule *schedules = calloc(n, sizeof *schedules);
    rir_need(schedules != NULL);
    struct sched_options o = sched_default_options(ir);
    o.live_limit = rng_below(r, 3) ? o.live_limit : rng_below(r, o.live_limit + 1);
    o.valu_bias = (float)(rng_unit(r) * 40 - 20);
    o.flow_bias = (float)(rng_unit(r) * 40 - 20);
    o.const_bias = (float)(rng_unit(r) * 40 - 20);
    for (uint32_t i = 0; i < n; i++) {
        struct sched_graph p;
        rir_need(sched_graph_init(&p, ir, i) && schedule_init(&schedules[i], &p));
        float *keys = calloc(p.graph.nodes + 1u, sizeof *keys);
        rir_need(keys != NULL);
        draw_keys(r, &p, keys);
        rir_need(schedule_run(&schedules[i], &p, keys, &o));
        struct bound b;
        rir_need(bound_region(&p, &b));
        *below_bound = *below_bound || schedules[i].length < b.cycles;
        free(keys);
        sched_graph_free(&p);
    }
    const enum status status = build_emit(ir, schedules, out, d);
    for (uint32_t i = 0; i < n; i++)
        schedule_free(&schedules[i]);
    free(schedules);
    return status;
}

static bool engine_missing(const struct isa_machine *m)
{
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (!m->slots[e])
            return true;
    return false;
}

static uint64_t words_of(const struct ir *ir)
{
    uint64_t words = 0;
    for (size_t b = 0; b < ir->blocks.n; b++)
        words += ir->blocks.at[b].words;
    return words;
}

/* --- corruptions ------------------------------------------------------------- */

static bool runs_right(const struct ir *ir, const struct prog *p, uint64_t seed)
{
    struct rng r = {seed};
    for (unsigned i = 0; i < IMAGES; i++) {
        uint32_t mem[RIR_MEM], expected[RIR_MEM];
        draw_image(&r, mem);
        memcpy(expected, mem, sizeof mem);
        rir_need(rir_evaluate(ir, expected));
        if (!rir_simulate(p, mem, NULL) || memcmp(mem, expected, sizeof mem) != 0)
            return false;
    }
    return true;
}

static bool corrupt(struct rng *r, const struct ir *ir, struct emitted *e, uint64_t seed, struct counts *n)
{
    struct rir_copy copy = {0};
    struct diag d;
    bool good = true;
    rir_save(e, &copy);
    for (unsigned i = 0; i < CORRUPTIONS && good; i++) {
        const char *what = rir_corrupt(r, e);
        if (!what)
            continue;
        const enum status status = verify_program(ir, e, NULL, &d);
        rir_need(status != ST_NOMEM);
        const bool right = runs_right(ir, e->prog, seed);
        n->corrupted++;
        n->changed += !right;
        n->objected += status != ST_OK;
        if (!right && status == ST_OK)
            good = wrong(seed, what);
        rir_restore(e, &copy);
    }
    vec_free(&copy.slots);
    vec_free(&copy.groups);
    vec_free(&copy.bundles);
    vec_free(&copy.origins);
    return good;
}

/* --- folding ----------------------------------------------------------------- */

/* Folds the ir; on the same memory it must leave the same memory as before. */
static bool fold(struct rng *r, struct ir *ir, uint64_t seed, struct counts *n)
{
    uint32_t before[RIR_MEM], after[RIR_MEM];
    struct fold_counts counts;
    struct diag d;
    draw_image(r, before);
    memcpy(after, before, sizeof before);
    if (!rir_evaluate(ir, before))
        return wrong(seed, "the drawn kernel is not a proper one");
    rir_need(fold_ir(ir, &counts, &d) == ST_OK);
    n->folded += counts.constants + counts.copies + counts.simplified;
    n->dead += counts.dead;
    if (!rir_evaluate(ir, after) || memcmp(before, after, sizeof before) != 0)
        return wrong(seed, "folding changes the kernel's result");
    return true;
}

/* --- a case ------------------------------------------------------------------ */

static bool check_built(struct rng *r, const struct ir *ir, struct emitted *e, uint64_t seed,
                        struct counts *n)
{
    n->built++;
    uint32_t mem[RIR_MEM], expected[RIR_MEM];
    uint64_t cycles;
    draw_image(r, mem);
    memcpy(expected, mem, sizeof mem);
    if (!rir_evaluate(ir, expected))
        return wrong(seed, "the drawn kernel is not a proper one");
    if (!rir_simulate(e->prog, mem, &cycles))
        return wrong(seed, "the program faults");
    if (memcmp(mem, expected, sizeof mem) != 0)
        return wrong(seed, "the program's result differs from the kernel's");
    if (ir->regions.n == 1 && cycles != build_cycles(e))
        return wrong(seed, "the program's cycles are not its bundles");
    return corrupt(r, ir, e, seed, n);
}

static bool check_ir(struct rng *r, struct ir *ir, uint64_t seed, struct counts *n)
{
    struct emitted e;
    struct diag d = {0};
    enum status status = ir_status(ir, &d);
    if (status != ST_OK)
        return wrong(seed, d.text);
    if (rng_below(r, 2) && !fold(r, ir, seed, n))
        return false;
    status = build_check(ir, &d);
    if (status != ST_OK) {
        n->no_engine++;
        const bool proper = status == ST_INPUT && engine_missing(&ir->machine) && d.text[0];
        return proper || wrong(seed, d.text);
    }
    bool below_bound = false;
    status = build_random(r, ir, &e, &below_bound, &d);
    if (status == ST_OK && below_bound) {
        emit_free(&e);
        return wrong(seed, "a schedule is shorter than its bound");
    }
    if (status == ST_LIMIT)
        status = build_simple(ir, &e, &d);
    if (status == ST_LIMIT && words_of(ir) > ir->machine.scratch && d.text[0]) {
        n->too_small++;
        return true;
    }
    if (status != ST_OK)
        return wrong(seed, d.text);
    const bool good = check_built(r, ir, &e, seed, n);
    emit_free(&e);
    return good;
}

static bool one_case(uint64_t seed, struct counts *n)
{
    struct rng r = {seed};
    (void)rng_next(&r);
    const struct isa_machine machine = rir_draw_machine(&r);
    struct ir *ir = rir_draw(&r, &machine);
    n->cases++;
    const bool good = check_ir(&r, ir, seed, n);
    ir_destroy(ir);
    return good;
}

int main(int argc, char **argv)
{
    uint64_t cases = 300, seed = 1;
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--cases") == 0)
            cases = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    struct counts n = {0};
    for (uint64_t i = 0; !cases || i < cases; i++)
        if (!one_case(seed + i, &n))
            return 1;
    (void)printf("%" PRIu64 " kernels: %" PRIu64 " programs, %" PRIu64 " too large for scratch, %" PRIu64
                 " for missing engines; %" PRIu64 " corruptions: %" PRIu64 " changed results, %" PRIu64
                 " objections; %" PRIu64 " ops folded, %" PRIu64 " dead\n",
                 n.cases, n.built, n.too_small, n.no_engine, n.corrupted, n.changed, n.objected, n.folded,
                 n.dead);
    return 0;
}
