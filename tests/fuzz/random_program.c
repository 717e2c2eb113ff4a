#include "tests/fuzz/random_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEYS = 80 };

uint32_t below(struct fuzz *f, uint32_t n)
{
    return rng_below(&f->r, n);
}

bool one_in(struct fuzz *f, uint32_t n)
{
    return below(f, n) == 0;
}

static void need(bool good)
{
    if (!good) {
        (void)fprintf(stderr, "out of memory\n");
        exit(2);
    }
}

uint32_t interesting(struct fuzz *f)
{
    static const uint32_t corners[] = {0, 1, 2, 31, 32, 33, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    switch (below(f, 4)) {
    case 0: return corners[below(f, sizeof corners / sizeof *corners)];
    case 1: return (uint32_t)rng_next(&f->r);
    default: return below(f, MAX_MEM + 4);
    }
}

/* --- the machine ---------------------------------------------------------------- */

void draw_machine(struct fuzz *f)
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

void draw_program(struct fuzz *f)
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

/* So that some instances diverge and others stay. */
void draw_memories(struct fuzz *f, uint32_t *mems, uint32_t n)
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
