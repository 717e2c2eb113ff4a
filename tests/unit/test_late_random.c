/* Results that take more than a cycle: random programs on both simulators and in a batch
 * against a model of its own, which knows nothing but a list of writes, each with the
 * cycle and the core after whose turn it is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/engine/batch.h"
#include "sim/observe.h"

enum { MEM = 64, COPIES = 70, CORES = 3, WORDS = 48, LANES = 4, BUNDLES = 40, TAME = 4, FOREVER = INT32_MAX };

static uint32_t memory[MEM];

/* A write becomes true in cycle `cycle`, after core `core` has had its turn. */
struct pending {
    uint32_t cycle, core, due, address, value;
    bool in_memory, gone;
};

struct model {
    const struct prog *p;
    uint32_t mem[MEM], word[CORES][WORDS], pc[CORES];
    enum sim_core_state state[CORES];
    bool had[CORES]; /* its turn in this round, by a bundle that costs, or to stop */
    uint32_t cycle;
    struct pending write[BUNDLES * CORES * 64];
    size_t n;
};

/* Makes true what comes before this core's turn in this cycle, the oldest first. */
static void settle(struct model *m, uint32_t cycle, uint32_t core)
{
    for (;;) {
        struct pending *first = NULL;
        for (size_t i = 0; i < m->n; i++) {
            struct pending *x = &m->write[i];
            const bool before = x->cycle < cycle || (x->cycle == cycle && x->core < core && m->had[x->core]);
            if (x->gone || !before)
                continue;
            if (!first || x->cycle < first->cycle ||
                (x->cycle == first->cycle &&
                 (x->core < first->core || (x->core == first->core && x->due < first->due))))
                first = x;
        }
        if (!first)
            return;
        *(first->in_memory ? &m->mem[first->address] : &m->word[first->core][first->address]) = first->value;
        first->gone = true;
    }
}

static void write_later(struct model *m, uint32_t core, unsigned engine, bool in_memory, uint32_t address,
                        uint32_t value)
{
    const uint32_t due = m->cycle + m->p->machine.latency[engine] - 1;
    m->write[m->n++] = (struct pending){due, core, due, address, value, in_memory, false};
    assert_true(m->n < sizeof m->write / sizeof *m->write);
}

static void do_slot(struct model *m, uint32_t core, const struct isa_slot *s)
{
    const struct isa_info *info = isa_info((enum isa_op)s->op);
    const struct isa_effects fx = isa_effects(s, LANES);
    const uint32_t *w = m->word[core];
    const bool is_memory = info->engine == ENGINE_LOAD || info->engine == ENGINE_STORE;
    const uint32_t lanes = info->engine == ENGINE_STORE ? fx.read[1].n : fx.writes ? fx.write.n : 0;
    if (info->kind == KIND_COND_JUMP && w[fx.read[0].first])
        m->pc[core] = (uint32_t)s->literal;
    if (info->kind == KIND_HALT || info->kind == KIND_PAUSE)
        m->state[core] = info->kind == KIND_HALT ? CORE_STOPPED : CORE_PAUSED;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        uint32_t in[ISA_MAX_ARGS] = {0};
        for (unsigned i = 0; i < fx.reads; i++)
            in[i] = w[fx.read[i].first + (fx.read[i].n > 1 ? lane : 0)];
        if (info->engine == ENGINE_STORE)
            write_later(m, core, ENGINE_STORE, true, in[0] + lane, in[1]);
        else if (is_memory && info->kind != KIND_PURE)
            write_later(m, core, ENGINE_LOAD, false, (uint32_t)fx.write.first + lane, m->mem[in[0] + lane]);
        else if (info->kind == KIND_COREID)
            write_later(m, core, ENGINE_FLOW, false, (uint32_t)fx.write.first, core);
        else
            write_later(m, core, info->engine, false, (uint32_t)fx.write.first + lane,
                        isa_eval((enum isa_op)s->op, in[0], in[1], in[2], (uint32_t)s->literal));
    }
}

/* Whether the bundle takes a cycle. */
static bool turn(struct model *m, uint32_t core)
{
    const uint32_t pc = m->pc[core]++;
    settle(m, m->cycle, core);
    if (pc >= m->p->bundles.n) {
        m->state[core] = CORE_STOPPED;
    } else {
        const struct prog_span slots = prog_bundle_slots(m->p, pc);
        for (uint32_t i = slots.begin; i < slots.end; i++)
            do_slot(m, core, &m->p->slots.at[i]);
    }
    for (size_t i = 0; i < m->n && m->state[core] != CORE_RUNNING; i++)
        if (m->write[i].core == core && m->write[i].cycle > m->cycle)
            m->write[i].cycle = m->cycle;
    const bool costs = pc < m->p->bundles.n && prog_groups(m->p, pc).end > prog_groups(m->p, pc).begin;
    m->had[core] = costs || m->state[core] == CORE_STOPPED;
    return costs;
}

static void model_run(struct model *m)
{
    for (;;) {
        bool costs = false, running = false, paused = false;
        memset(m->had, 0, sizeof m->had);
        for (uint32_t c = 0; c < m->p->machine.cores; c++)
            if (m->state[c] == CORE_RUNNING)
                costs = turn(m, c) || costs;
        m->cycle += costs;
        for (uint32_t c = 0; c < m->p->machine.cores; c++) {
            running = running || m->state[c] == CORE_RUNNING;
            paused = paused || m->state[c] == CORE_PAUSED;
        }
        if (!running && !paused)
            break;
        for (uint32_t c = 0; !running && c < m->p->machine.cores; c++)
            if (m->state[c] == CORE_PAUSED)
                m->state[c] = CORE_RUNNING;
    }
    settle(m, FOREVER, CORES);
}

/* --- random programs ---------------------------------------------------------------- */

/* The first TAME words hold addresses of memory and are written by the first bundle alone. */
static void draw_slot(struct rng *r, struct prog *p, enum isa_engine e)
{
    struct isa_slot s = {.engine = (uint8_t)e};
    const struct isa_info *info;
    do {
        s.op = (uint8_t)rng_below(r, ISA_OPS);
        info = isa_info((enum isa_op)s.op);
    } while (info->engine != e || info->partial || info->kind == KIND_JUMP || info->kind == KIND_TRACE ||
             info->kind == KIND_JUMP_INDIRECT || info->kind == KIND_COND_JUMP_REL || s.op == OP_LOAD_OFFSET ||
             ((info->kind == KIND_HALT || info->kind == KIND_PAUSE) && rng_below(r, 6)));
    bool address = e == ENGINE_LOAD || e == ENGINE_STORE;
    for (unsigned i = 0; i < info->args; i++) {
        const bool tame = address && info->role[i] == ROLE_SRC;
        if (isa_role_is_address(info->role[i]))
            s.arg[i] = (int32_t)(tame ? rng_below(r, TAME) : TAME + rng_below(r, WORDS - LANES - TAME));
        else
            s.literal =
                info->role[i] == ROLE_TARGET ? (int64_t)p->bundles.n + rng_below(r, 6) : rng_below(r, 9);
        address = address && !tame;
    }
    assert_true(prog_add_slot(p, s));
}

static struct prog *draw_program(struct rng *r)
{
    struct prog *p = prog_create();
    assert_non_null(p);
    p->machine.vlen = LANES;
    p->machine.scratch = WORDS;
    p->machine.cores = 1 + rng_below(r, CORES);
    p->machine.slots[ENGINE_LOAD] = TAME;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        p->machine.latency[e] = rng_below(r, 3)   ? 1 + rng_below(r, 5)
                                : rng_below(r, 2) ? 1
                                                  : 1 + rng_below(r, 64);
    assert_true(prog_add_bundle(p, 0) && prog_add_group(p, ENGINE_LOAD));
    for (unsigned i = 0; i < TAME; i++)
        assert_true(prog_add_slot(p, (struct isa_slot){.op = OP_CONST,
                                                       .engine = ENGINE_LOAD,
                                                       .arg = {(int32_t)i},
                                                       .literal = rng_below(r, MEM - LANES)}));
    for (unsigned b = 1; b < BUNDLES; b++) {
        const bool nothing = rng_below(r, 8) == 0;
        assert_true(prog_add_bundle(p, 0));
        for (unsigned e = 0; e < ENGINE_DEBUG && !nothing; e++) {
            if (rng_below(r, 2) && e)
                continue;
            assert_true(prog_add_group(p, (enum isa_engine)e));
            for (uint32_t n = rng_below(r, e == ENGINE_FLOW ? 2 : 3); n; n--)
                draw_slot(r, p, (enum isa_engine)e);
        }
    }
    return p;
}

static void compare(const struct model *m, const struct sim *s, unsigned seed, const char *who)
{
    bool same = s->cycle == m->cycle && memcmp(s->mem, m->mem, sizeof m->mem) == 0;
    for (uint32_t c = 0; c < m->p->machine.cores; c++)
        same = same && memcmp(s->cores[c].scratch, m->word[c], sizeof m->word[c]) == 0;
    if (!same)
        fail_msg("seed %u: %s differs from the model: cycle %llu, expected %u, fault %s", seed, who,
                 (unsigned long long)s->cycle, m->cycle, sim_fault_name(s->fault.kind));
}

static void watch(void *user, const struct sim_bundle *b)
{
    (void)b;
    ++*(uint64_t *)user;
}

/* Both simulators, watched or in steps, again after a reset, and many in a batch. */
static void run_all(const struct prog *p, const struct model *m, unsigned seed)
{
    struct sim_config config = sim_default_config();
    struct diag d = {0};
    config.machine = p->machine;
    config.pause = true;
    for (enum sim_simulator e = SIM_STEP; e < SIM_SIMULATORS; e++) {
        struct sim *s;
        config.simulator = e;
        assert_int_equal(sim_create(p, &config, memory, MEM, &s, &d), ST_OK);
        while (sim_run(s) == SIM_PAUSED)
            continue;
        compare(m, s, seed, sim_simulator_name(e));
        sim_reset(s, memory);
        (void)sim_step(s, seed % 30);
        sim_reset(s, memory);
        uint64_t bundles = 0;
        const struct sim_sink sink = {.bundle = watch, .user = &bundles};
        sim_observe(s, seed % 2 ? &sink : NULL);
        for (enum sim_end end = SIM_MORE; end == SIM_MORE || end == SIM_PAUSED;)
            end = sim_step(s, 1 + seed % 3);
        compare(m, s, seed, "what runs in steps");
        sim_destroy(s);
    }
    static uint32_t memories[COPIES][MEM];
    for (unsigned i = 0; i < COPIES; i++)
        memcpy(memories[i], memory, sizeof memory);
    struct sim_batch *b;
    assert_int_equal(batch_create(p, &config, memories[0], MEM, COPIES, &b, &d), ST_OK);
    batch_run(b);
    compare(m, batch_state(b, 0), seed, "a batch");
    compare(m, batch_state(b, COPIES - 1), seed, "a batch");
    batch_destroy(b);
}

static void random_programs_do_as_the_model_says(void **state)
{
    (void)state;
    static struct model m;
    for (unsigned seed = 1; seed <= 400; seed++) {
        struct rng r = {seed};
        struct prog *p = draw_program(&r);
        for (uint32_t i = 0; i < MEM; i++)
            memory[i] = (uint32_t)rng_next(&r);
        m = (struct model){.p = p};
        memcpy(m.mem, memory, sizeof memory);
        model_run(&m);
        run_all(p, &m, seed);
        prog_destroy(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_programs_do_as_the_model_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
