/* Recorded runs for tests of what explains a run: of programs written out, and of random ones. */
#ifndef SHEAF_TESTS_RECORDING_H
#define SHEAF_TESTS_RECORDING_H

#include <string.h>

#include "sim/base/random.h"
#include "traces/record/history.h"

struct recording {
    struct prog *p;
    struct sim *s;
    struct history h;
};

static inline void record_on(struct recording *r, struct prog *p, const struct sim_config *config,
                             const uint32_t *mem, size_t words)
{
    struct diag d;
    r->p = p;
    assert_int_equal(sim_create(p, config, mem, words, &r->s, &d), ST_OK);
    assert_int_equal(hist_record(r->s, (struct hist_window){0, UINT64_MAX}, &r->h, &d), ST_OK);
}

/* On the machine of the program, with the memory 0, 1, ... 63. */
static inline struct recording record_json(const char *json)
{
    struct recording r;
    struct prog *p;
    struct diag d;
    uint32_t mem[64];
    for (uint32_t i = 0; i < 64; i++)
        mem[i] = i;
    if (prog_read_json(json, strlen(json), "case", &p, &d) != ST_OK)
        fail_msg("%s", d.text);
    struct sim_config config = sim_default_config();
    config.machine = p->machine;
    config.pause = true;
    record_on(&r, p, &config, mem, 64);
    return r;
}

static inline void recording_free(struct recording *r)
{
    hist_free(&r->h);
    sim_destroy(r->s);
    prog_destroy(r->p);
}

/* --- random programs -------------------------------------------------------------- */

/* Words up to ADDRESSES are written by anyone, the others only by the prologue: addresses. */
enum { DRAWN_SCRATCH = 32, DRAWN_VLEN = 4, DRAWN_ADDRESSES = 24, DRAWN_MEM = 40 };

static inline struct isa_slot draw_slot(struct rng *g, enum isa_engine e, uint32_t bundles)
{
    struct isa_slot s = {.engine = (uint8_t)e};
    const struct isa_info *info;
    bool rare;
    do {
        s.op = (uint8_t)rng_below(g, ISA_OPS);
        info = isa_info((enum isa_op)s.op);
        rare = info->partial || info->kind == KIND_HALT || info->kind == KIND_JUMP_INDIRECT;
    } while (info->engine != e || (rare && rng_below(g, 12)));
    bool address = e == ENGINE_LOAD || e == ENGINE_STORE;
    for (unsigned i = 0; i < info->args; i++) {
        const enum isa_role role = info->role[i];
        if (isa_role_is_address(role)) {
            const bool tame = address && role == ROLE_SRC && rng_below(g, 40);
            s.arg[i] = tame ? (int32_t)(DRAWN_ADDRESSES + rng_below(g, 4))
                            : (int32_t)rng_below(g, DRAWN_ADDRESSES - DRAWN_VLEN);
            address = address && role != ROLE_SRC;
        } else {
            s.literal = role == ROLE_RELATIVE ? (int64_t)rng_below(g, 5) - 2
                        : role == ROLE_TARGET ? rng_below(g, bundles + 1)
                        : role == ROLE_LANE   ? rng_below(g, DRAWN_VLEN)
                                              : rng_below(g, DRAWN_MEM - DRAWN_VLEN);
        }
    }
    return s;
}

/* No bundle is free where there are latencies. */
static inline void draw_bundle(struct rng *g, struct prog *p, uint32_t bundles)
{
    const size_t before = p->groups.n;
    assert_true(prog_add_bundle(p, 0));
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        if (rng_below(g, e == ENGINE_FLOW ? 3 : 2))
            continue;
        assert_true(prog_add_group(p, (enum isa_engine)e));
        for (uint32_t n = rng_below(g, p->machine.slots[e] + 1); n > 0; n--)
            assert_true(prog_add_slot(p, draw_slot(g, (enum isa_engine)e, bundles)));
    }
    if (isa_machine_waits(&p->machine) && p->groups.n == before)
        assert_true(prog_add_group(p, ENGINE_ALU));
}

/* The memory that the program of a seed starts with. */
static inline void drawn_memory(uint64_t seed, uint32_t mem[DRAWN_MEM])
{
    struct rng g = {~seed};
    for (uint32_t i = 0; i < DRAWN_MEM; i++)
        mem[i] = rng_below(&g, DRAWN_MEM);
}

/* Loops and jumps, several cores, every operation, pauses, swaps and faults. `late`: on a machine with
 * latencies. */
static inline struct recording record_drawn(uint64_t seed, bool late)
{
    struct rng g = {seed};
    struct recording r;
    struct prog *p = prog_create();
    assert_non_null(p);
    struct sim_config config = sim_default_config();
    config.machine.vlen = DRAWN_VLEN;
    config.machine.scratch = DRAWN_SCRATCH;
    config.machine.cores = 1 + rng_below(&g, 4) % 3;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        config.machine.slots[e] = 1 + rng_below(&g, 4);
    for (unsigned e = 0; late && e < ENGINE_DEBUG; e++)
        config.machine.latency[e] = 1 + rng_below(&g, 1 + (uint32_t)seed % 6);
    config.pause = true;
    config.cycle_limit = 12 + rng_below(&g, 60);
    p->machine = config.machine;
    const uint32_t bundles = 4 + rng_below(&g, 25);
    for (uint32_t i = 0; i < 4; i++) {
        const struct isa_slot s = {.op = OP_CONST,
                                   .engine = ENGINE_LOAD,
                                   .arg = {(int32_t)(DRAWN_ADDRESSES + i)},
                                   .literal = rng_below(&g, DRAWN_MEM - DRAWN_VLEN)};
        assert_true(prog_add_bundle(p, 0) && prog_add_group(p, ENGINE_LOAD) && prog_add_slot(p, s));
    }
    for (uint32_t i = 0; i < bundles; i++)
        draw_bundle(&g, p, bundles + 4);
    uint32_t mem[DRAWN_MEM];
    drawn_memory(seed, mem);
    record_on(&r, p, &config, mem, DRAWN_MEM);
    return r;
}

static inline struct recording record_random(uint64_t seed)
{
    return record_drawn(seed, false);
}

#endif
