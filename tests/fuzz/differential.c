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

#include "sim/base/random.h"
#include "sim/engine/batch.h"
#include "sim/engine/batch_frame.h"

enum { MAX_MEM = 48, CALLS = 8, KEYS = 4, MAX_KEYS = 80, MAX_INSTANCES = 150 };

struct fuzz {
    struct rng r;
    uint64_t seed;
    struct sim_config config;
    struct prog *p;
    uint32_t mem[MAX_MEM], mem_words;
    struct sim_value values[KEYS];
    uint32_t bundles;
    /* Scratch words that hold addresses and such, not often written; the others
     * are drawn from `pool`. */
    uint32_t pool[6], tame;
    bool large; /* many full bundles over a wide scratch: what the fast simulator does in blocks */
    bool batch; /* for instances that run on and part here and there: one core, data from memory */
};

static uint32_t below(struct fuzz *f, uint32_t n)
{
    return rng_below(&f->r, n);
}

static bool one_in(struct fuzz *f, uint32_t n)
{
    return below(f, n) == 0;
}

static void need(bool good)
{
    if (!good) {
        (void)fprintf(stderr, "differential: out of memory\n");
        exit(2);
    }
}

static uint32_t interesting(struct fuzz *f)
{
    static const uint32_t corners[] = {0, 1, 2, 31, 32, 33, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    switch (below(f, 4)) {
    case 0: return corners[below(f, sizeof corners / sizeof *corners)];
    case 1: return (uint32_t)rng_next(&f->r);
    default: return below(f, MAX_MEM + 4);
    }
}

/* --- the machine ---------------------------------------------------------------- */

static void draw_machine(struct fuzz *f)
{
    static const uint32_t vlens[] = {8, 8, 8, 8, 8, 8, 1, 3, 4, 16};
    struct sim_config *c = &f->config;
    *c = sim_default_config();
    c->machine.vlen = vlens[below(f, sizeof vlens / sizeof *vlens)];
    f->large = one_in(f, 30);
    c->machine.scratch = 6 * c->machine.vlen + (f->large ? 1400 : below(f, 100));
    c->machine.cores = one_in(f, 3) ? 2 + below(f, 2) : 1;
    if (!f->large && one_in(f, 3))
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            c->machine.slots[e] = below(f, one_in(f, 8) ? ISA_MAX_SLOTS + 1 : 5);
    if (one_in(f, 20))
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            c->machine.latency[e] = 1 + below(f, one_in(f, 4) ? ISA_MAX_LATENCY : 4);
    c->pause = one_in(f, 2);
    c->debug = one_in(f, 2);
    c->strict = one_in(f, 4);
    c->cycle_limit = one_in(f, 3) ? below(f, 40) : 100 + below(f, 300);
    if (one_in(f, 4))
        c->trace_limit = below(f, 6);
    if (one_in(f, 6))
        c->round_limit = 1 + below(f, 300);
    if (one_in(f, 6))
        c->work_limit = 1 + below(f, one_in(f, 2) ? 100 : 2000);
    f->batch = !f->large && one_in(f, 3);
    if (f->batch) {
        c->machine = isa_default_machine();
        c->machine.scratch = 6 * c->machine.vlen + below(f, 100);
        c->debug = one_in(f, 10);
        c->strict = one_in(f, 20);
        c->cycle_limit = 60 + below(f, 300);
    }
    f->mem_words = one_in(f, f->batch ? 100 : 10) ? below(f, 8) : MAX_MEM - below(f, 8);
    for (uint32_t i = 0; i < MAX_MEM; i++)
        f->mem[i] = interesting(f);
    static const char *const keys[KEYS] = {"0", "[1,\"x\"]", "\"k\"", "7"};
    for (uint32_t i = 0; i < KEYS; i++)
        f->values[i] = (struct sim_value){keys[i], i};
    c->values = f->values;
    c->n_values = below(f, KEYS + 1);
}

/* --- the program ---------------------------------------------------------------- */

/* Bases for addresses: a few, close together. */
static void draw_pool(struct fuzz *f)
{
    const uint32_t words = f->config.machine.scratch, vlen = f->config.machine.vlen;
    f->tame = below(f, 4 * vlen);
    const uint32_t base = below(f, words - 3 * vlen);
    for (unsigned i = 0; i < 6; i++)
        f->pool[i] = base + below(f, one_in(f, 2) ? 2 * vlen : 4);
}

static int32_t draw_address(struct fuzz *f, enum isa_role role, bool tame)
{
    const int32_t words = (int32_t)f->config.machine.scratch, vlen = (int32_t)f->config.machine.vlen;
    if (one_in(f, f->large ? 20000 : 600)) {
        const int32_t hostile[] = {-1,        words,    words - 1, words - vlen, words - vlen + 1,
                                   INT32_MAX, INT32_MIN};
        return hostile[below(f, 7)];
    }
    if (tame)
        return (int32_t)(f->tame + below(f, 3));
    if (f->large ? !one_in(f, 60) : one_in(f, 4)) { /* anywhere (but not on the tame words of a large one) */
        const int32_t from = f->large ? (int32_t)f->tame + vlen + 3 : 0;
        return from + (int32_t)below(f, (uint32_t)(words - from - (isa_role_is_vector(role) ? vlen : 1) + 1));
    }
    return (int32_t)f->pool[below(f, 6)];
}

static int64_t draw_keys(struct fuzz *f, struct isa_slot *s)
{
    static const char *const keys[KEYS] = {"0", "[1,\"x\"]", "\"k\"", "7"};
    const bool list = s->op == OP_VCOMPARE;
    uint32_t n = !list ? 1 : one_in(f, 10) ? below(f, 4) : f->config.machine.vlen;
    const char *key = keys[below(f, KEYS)];
    const int64_t first = (int64_t)f->p->texts.n;
    if (list)
        s->arg[1] = (int32_t)n;
    for (; n; n--)
        need(prog_add_text(f->p, key, strlen(key)) >= 0);
    return first;
}

static int64_t draw_literal(struct fuzz *f, enum isa_role role, struct isa_slot *s)
{
    const int64_t far[] = {-1, INT64_MIN, INT64_MAX, INT64_C(1) << 33, f->bundles + 1};
    switch ((int)role) {
    case ROLE_LITERAL: return one_in(f, 3) ? -(int64_t)interesting(f) : interesting(f);
    case ROLE_LANE: return one_in(f, 200) ? far[below(f, 5)] : below(f, f->config.machine.vlen);
    case ROLE_TARGET: return one_in(f, 60) ? far[below(f, 5)] : below(f, f->bundles + 1);
    case ROLE_RELATIVE: return one_in(f, 60) ? far[below(f, 5)] : (int64_t)below(f, 7) - 3;
    case ROLE_KEY:
    case ROLE_KEYS: return draw_keys(f, s);
    default: {
        const int64_t text = prog_add_text(f->p, "[\"?\",1]", 7);
        need(text >= 0);
        return text;
    }
    }
}

/* Operations that mostly fault or leave are drawn less often. */
static enum isa_op draw_op(struct fuzz *f, enum isa_engine e)
{
    if (one_in(f, f->large ? 20000 : 700))
        return e == ENGINE_DEBUG ? OP_IGNORED : OP_UNKNOWN;
    for (;;) {
        const enum isa_op op = (enum isa_op)below(f, ISA_OPS);
        const struct isa_info *info = isa_info(op);
        if (info->engine != e || (info->partial && !one_in(f, f->large ? 100 : f->batch ? 25 : 5)))
            continue;
        if (info->kind == KIND_TRACE && f->batch && !one_in(f, 10))
            continue;
        if ((info->kind == KIND_HALT || info->kind == KIND_PAUSE || info->kind == KIND_JUMP) && !one_in(f, 4))
            continue;
        return op;
    }
}

static void add_slot(struct fuzz *f, enum isa_engine e)
{
    struct isa_slot s = {.op = (uint8_t)draw_op(f, e), .engine = (uint8_t)e};
    const struct isa_info *info = isa_info((enum isa_op)s.op);
    bool address =
        info->engine == ENGINE_LOAD || info->engine == ENGINE_STORE || info->kind == KIND_JUMP_INDIRECT;
    for (unsigned i = 0; i < info->args; i++) {
        const enum isa_role role = info->role[i];
        if (!isa_role_is_address(role)) {
            s.literal = draw_literal(f, role, &s);
            continue;
        }
        const bool tame = (address && role == ROLE_SRC) ? !one_in(f, f->large   ? 1000
                                                                     : f->batch ? 80
                                                                                : 12)
                          : info->partial && i == 2     ? !one_in(f, 3)
                          : info->kind == KIND_COMPARE  ? !one_in(f, 4)
                                                        : false;
        s.arg[i] = draw_address(f, role, tame);
        address &= role != ROLE_SRC;                /* a store's second source is data */
        if (isa_role_is_dest(role) && one_in(f, 3)) /* alias the sources still to come */
            f->pool[below(f, 6)] = s.arg[i] < 0 ? 0 : (uint32_t)s.arg[i];
    }
    need(prog_add_slot(f->p, s));
}

static void add_group(struct fuzz *f, enum isa_engine e)
{
    const uint32_t limit = e == ENGINE_DEBUG ? 2 : f->config.machine.slots[e];
    uint32_t n = f->large || one_in(f, 3) ? limit : below(f, limit + 1);
    n += one_in(f, f->large ? 20000 : 250);
    need(prog_add_group(f->p, e));
    while (n--)
        add_slot(f, e);
}

static void add_bundle(struct fuzz *f)
{
    enum isa_engine order[ISA_ENGINES];
    need(prog_add_bundle(f->p, 0));
    for (unsigned e = 0; e < ISA_ENGINES; e++) {
        const unsigned at = below(f, e + 1);
        order[e] = order[at];
        order[at] = (enum isa_engine)e;
    }
    const uint32_t share = f->large ? 1 : 1 + below(f, 3); /* of engines named: all, a half, a third */
    for (unsigned i = 0; i < ISA_ENGINES; i++)
        if (one_in(f, order[i] == ENGINE_FLOW || order[i] == ENGINE_DEBUG ? 2 * share : share))
            add_group(f, order[i]);
}

/* A bundle of one slot. */
static void add_load(struct fuzz *f, enum isa_op op, uint32_t dest, uint32_t address, int64_t literal)
{
    const struct isa_slot s = {.op = (uint8_t)op,
                               .engine = ENGINE_LOAD,
                               .arg = {(int32_t)dest, (int32_t)address},
                               .literal = literal};
    need(prog_add_bundle(f->p, 0) && prog_add_group(f->p, ENGINE_LOAD) && prog_add_slot(f->p, s));
}

/* The tame words get small values, each by a bundle of its own: addresses inside
 * memory, divisors, compared values. For a batch, some of them and the pool get words
 * from memory, where the instances differ. */
static void add_prologue(struct fuzz *f)
{
    if (!f->config.machine.slots[ENGINE_LOAD])
        return;
    for (unsigned i = 0; f->batch && i < 6; i++) {
        add_load(f, OP_CONST, f->tame, 0, below(f, MAX_MEM - 8 - f->config.machine.vlen));
        add_load(f, OP_VLOAD, f->pool[i], f->tame, 0);
    }
    for (uint32_t i = 0; i < 3 + f->config.machine.vlen; i++) {
        add_load(f, OP_CONST, f->tame + i, 0, below(f, MAX_MEM - 2 * f->config.machine.vlen + 10));
        if (f->batch && one_in(f, 4))
            add_load(f, OP_LOAD, f->tame + i, f->tame + i, 0);
    }
}

static void draw_program(struct fuzz *f)
{
    need((f->p = prog_create()) != NULL);
    f->p->machine = f->config.machine;
    f->p->object_form = true;
    draw_pool(f);
    const uint32_t bundles = f->large ? 120 : below(f, 24);
    f->bundles = bundles + (f->batch ? 18 : 3) + f->config.machine.vlen;
    add_prologue(f);
    for (uint32_t i = 0; i < bundles; i++)
        add_bundle(f);
}

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

/* Memories that have much in common, so that some instances part and others stay. */
static void draw_memories(struct fuzz *f, uint32_t *mems, uint32_t n)
{
    const uint32_t share = 1 + below(f, 60);
    for (uint32_t w = 0; f->batch && w < f->mem_words; w++)
        f->mem[w] = one_in(f, 4) ? interesting(f) : one_in(f, 2) ? below(f, 3) : below(f, MAX_MEM - 24);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *mem = mems + (size_t)i * f->mem_words;
        memcpy(mem, f->mem, f->mem_words * sizeof *mem);
        for (uint32_t w = 0; w < f->mem_words; w++)
            if (one_in(f, share))
                mem[w] = one_in(f, 3) ? interesting(f) : below(f, MAX_MEM - 24);
    }
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
