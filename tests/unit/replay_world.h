/* Random programs on machines that go back, each with the oracle beside it. */
#ifndef SHEAF_TESTS_REPLAY_WORLD_H
#define SHEAF_TESTS_REPLAY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "traces/replay/replay.h"

enum { MEM = 40, SCRATCH = 64, BUNDLES = 14, ROUNDS = 3000 };

/* --- programs ------------------------------------------------------------------- */

static inline uint32_t word(struct rng *g)
{
    return rng_below(g, 24);
}

static inline void alu_slot(struct rng *g, struct text *t)
{
    static const char *const ops[] = {"+", "-", "*", "^", "&", "|", "<", "==", "<<", "//"};
    const uint32_t op = rng_below(g, 100) ? rng_below(g, 9) : 9;
    text_addf(t, "[\"%s\",%u,%u,%u]", ops[op], word(g), word(g), word(g));
}

/* Word 30 counts up and is kept out of harm: loops go on for long, not for ever. */
static inline void flow_slot(struct rng *g, uint32_t bundle, struct text *t)
{
    switch (rng_below(g, 6)) {
    case 0: text_addf(t, "[\"cond_jump\",%u,%u]", word(g), rng_below(g, BUNDLES)); break;
    case 1: text_addf(t, "[\"cond_jump\",31,%u]", rng_below(g, bundle + 1)); break;
    case 2: text_addf(t, "[\"pause\"]"); break;
    case 3: text_addf(t, "[\"trace_write\",%u]", word(g)); break;
    case 4: text_addf(t, "[\"coreid\",%u]", word(g)); break;
    default: text_addf(t, "[\"add_imm\",%u,%u,%u]", word(g), word(g), word(g)); break;
    }
}

static inline struct prog *draw_program(struct rng *g)
{
    struct text t = {0};
    text_add(&t, "[{\"load\":[[\"const\",31,1],[\"const\",30,1]]}");
    for (uint32_t b = 1; b < BUNDLES; b++) {
        text_add(&t, ",{\"alu\":[");
        alu_slot(g, &t);
        text_add(&t, ",");
        alu_slot(g, &t);
        text_addf(&t, "],\"valu\":[[\"+\",%u,%u,%u]]", 32 + word(g), word(g), 32 + word(g));
        if (rng_below(g, 2))
            text_addf(&t, ",\"load\":[[\"load\",%u,%u],[\"const\",25,%u]]", word(g), 24 + rng_below(g, 7),
                      word(g));
        if (rng_below(g, 2))
            text_addf(&t, ",\"store\":[[\"store\",%u,%u]]", 25 + rng_below(g, 2), word(g));
        text_add(&t, ",\"flow\":[");
        flow_slot(g, b, &t);
        text_add(&t, rng_below(g, 8) ? "]}" : "]},{}");
    }
    text_addf(&t, ",{\"alu\":[[\"+\",30,30,31]],\"flow\":[[\"jump\",%u]]}]", 1 + rng_below(g, BUNDLES / 2));
    struct prog *p = NULL;
    struct diag d = {0};
    if (!text_ok(&t) || prog_read_json(t.at, t.n, "drawn", &p, &d) != ST_OK)
        fail_msg("%s\n%s", d.text, t.at);
    text_free(&t);
    return p;
}

struct world {
    struct prog *p;
    struct sim_config config;
    uint32_t mem[MEM];
    struct replay *r;
    struct sim *fresh; /* the oracle, from the start each time */
};

static inline void create_of(struct world *w, struct prog *p, struct rng *g, uint32_t cores, bool late)
{
    struct diag d;
    w->p = p;
    w->config = sim_default_config();
    w->config.machine.cores = cores;
    w->config.machine.scratch = SCRATCH;
    for (unsigned e = 0; late && e < ENGINE_DEBUG; e++)
        w->config.machine.latency[e] = 1 + rng_below(g, 6);
    w->config.pause = rng_below(g, 2);
    w->config.trace_limit = 200;
    w->config.cycle_limit = ROUNDS + rng_below(g, ROUNDS);
    for (unsigned i = 0; i < MEM; i++)
        w->mem[i] = rng_below(g, 30);
    assert_int_equal(replay_create(w->p, &w->config, w->mem, MEM, &w->r, &d), ST_OK);
    w->r->every = 1 + rng_below(g, 40);
    w->r->most = rng_below(g, 3) ? 2 + rng_below(g, 30) : 0;
    struct sim_config oracle = w->config;
    oracle.simulator = SIM_STEP;
    assert_int_equal(sim_create(w->p, &oracle, w->mem, MEM, &w->fresh, &d), ST_OK);
}

/* `late`: on a machine with latencies. */
static inline void create(struct world *w, struct rng *g, uint32_t cores, bool late)
{
    create_of(w, draw_program(g), g, cores, late);
}

static inline void destroy(struct world *w)
{
    replay_destroy(w->r);
    sim_destroy(w->fresh);
    prog_destroy(w->p);
}

/* One round; false when there is none. */
static inline bool fresh_step(struct sim *s)
{
    bool stopped = true;
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        stopped = stopped && s->cores[c].state == CORE_STOPPED;
    if (stopped || s->fault.kind != FAULT_NONE)
        return false;
    (void)sim_step(s, 1);
    return true;
}

static inline void assert_same(const struct sim *a, const struct sim *b)
{
    assert_int_equal(a->cycle, b->cycle);
    assert_int_equal(a->rounds, b->rounds);
    assert_int_equal(a->double_writes, b->double_writes);
    assert_int_equal(a->fault.kind, b->fault.kind);
    assert_string_equal(a->fault.what, b->fault.what);
    assert_memory_equal(a->mem, b->mem, MEM * sizeof *a->mem);
    for (uint32_t c = 0; c < a->config.machine.cores; c++) {
        const struct sim_core *x = &a->cores[c], *y = &b->cores[c];
        assert_int_equal(x->pc, y->pc);
        assert_int_equal(x->state, y->state);
        assert_int_equal(x->loop_from, y->loop_from);
        assert_int_equal(x->loop_to, y->loop_to);
        assert_memory_equal(x->scratch, y->scratch, SCRATCH * sizeof *x->scratch);
        assert_int_equal(x->trace.n, y->trace.n);
        if (x->trace.n)
            assert_memory_equal(x->trace.at, y->trace.at, x->trace.n * sizeof *x->trace.at);
    }
}

static inline struct replay *replay_of(struct prog **p, const char *text, const uint32_t *mem, size_t words)
{
    struct diag d = {0};
    struct replay *r = NULL;
    struct sim_config config = sim_default_config();
    if (prog_read_asm(text, strlen(text), "case", p, &d) != ST_OK ||
        replay_create(*p, &config, mem, words, &r, &d) != ST_OK)
        fail_msg("%s", d.text);
    return r;
}

#define LOOP                                       \
    ".name i 0\n.name one 1\n.name v 8 8\n"        \
    "{ load: const i, 1000; const one, 1 }\n"      \
    "again: { alu: - i, i, one; + v+2, v+2, i }\n" \
    "{ flow: cond_jump i, @again; store: store one, i }\n"

#endif
