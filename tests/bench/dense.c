#include "tests/bench/dense.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/random.h"

/* Scratch: vectors of data, then words that stay as they are. */
enum { DATA = 1024, ADDRESS = 1100, ADDRESSES = 64, COUNTER = 1200, ONE, TIMES };

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
        const enum isa_op op = (enum isa_op)rng_below(r, ISA_BINARIES);
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

struct prog *dense_program(uint32_t bundles, uint32_t times)
{
    struct rng r = {1};
    struct prog *p = need(prog_create());
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        one_slot(p, ENGINE_LOAD);
        add(p, OP_CONST, ADDRESS + i, 0, 0, 0,
            (i % 2) * DENSE_WORDS / 2 + 8 * rng_below(&r, DENSE_WORDS / 16));
    }
    for (uint32_t i = 0; i < DATA; i += 8) {
        one_slot(p, ENGINE_LOAD);
        add(p, OP_VLOAD, i, ADDRESS + rng_below(&r, ADDRESSES), 0, 0, 0);
    }
    one_slot(p, ENGINE_LOAD);
    add(p, OP_CONST, ONE, 0, 0, 0, 1);
    add(p, OP_CONST, COUNTER, 0, 0, 0, times);
    const int64_t top = (int64_t)p->bundles.n;
    for (uint32_t i = 0; i < bundles; i++)
        dense_bundle(p, &r);
    one_slot(p, ENGINE_ALU);
    add(p, OP_ALU_SUB, COUNTER, COUNTER, ONE, 0, 0);
    one_slot(p, ENGINE_FLOW);
    add(p, OP_COND_JUMP, COUNTER, 0, 0, 0, top);
    return p;
}

void dense_memory(uint64_t seed, uint32_t *mem)
{
    struct rng r = {seed};
    for (unsigned i = 0; i < DENSE_WORDS; i++)
        mem[i] = (uint32_t)rng_next(&r);
}
