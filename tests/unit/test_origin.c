/* Who wrote a word and who will read it, against a plain walk over all rounds. */
#include "tests/unit/replay_world.h"
#include "traces/origin.h"

/* The last change of a word is by the slot that is said to have written it. */
static void writers_are_those_of_the_last_write(void **state)
{
    (void)state;
    struct rng g = {10};
    unsigned known = 0;
    for (unsigned n = 0; n < 60; n++) {
        struct world w;
        create(&w, &g, 1);
        replay_go(w.r, rng_below(&g, 600));
        const uint64_t now = replay_at(w.r);
        const struct place place = {0, 0, SCRATCH};
        struct origin by[SCRATCH];
        assert_true(origin_writers(w.r, &place, by));
        assert_int_equal(replay_at(w.r), now);
        int64_t last[SCRATCH];
        uint32_t slot[SCRATCH];
        for (unsigned i = 0; i < SCRATCH; i++)
            last[i] = -1;
        /* Afresh, from the slots of each bundle as it is executed; one that faults writes nothing. */
        sim_reset(w.fresh, w.mem);
        for (uint64_t at = 0; at < now; at++) {
            const int64_t pc = w.fresh->cores[0].pc;
            assert_true(fresh_step(w.fresh));
            if (w.fresh->fault.kind != FAULT_NONE || (uint64_t)pc >= w.p->bundles.n)
                continue;
            const struct prog_span span = prog_bundle_slots(w.p, (uint32_t)pc);
            for (uint32_t i = span.begin; i < span.end; i++) {
                const struct isa_effects fx = isa_effects(&w.p->slots.at[i], w.config.machine.vlen);
                for (uint32_t k = 0; fx.writes && k < fx.write.n; k++) {
                    last[fx.write.first + k] = (int64_t)at;
                    slot[fx.write.first + k] = i;
                }
            }
        }
        for (unsigned i = 0; i < SCRATCH; i++) {
            assert_int_equal(by[i].slot == UINT32_MAX, last[i] < 0);
            if (last[i] >= 0) {
                assert_int_equal(by[i].at, last[i]);
                assert_int_equal(by[i].slot, slot[i]);
                known++;
            }
        }
        destroy(&w);
    }
    assert_true(known > 500);
}

enum { MOST = 30, WORDS = 2 };

/* What is expected, found by looking at every slot of every bundle. */
struct expected {
    struct origin by[MOST];
    size_t n;
    bool written[WORDS];
};

static bool covers(struct isa_range range, uint32_t word)
{
    return word >= range.first && word < range.first + range.n;
}

/* A bundle executed without a fault: first everything is read, then written. */
static void read_and_write(const struct world *w, uint32_t bundle, uint64_t at, uint32_t first,
                           struct expected *x)
{
    const struct prog_span span = prog_bundle_slots(w->p, bundle);
    for (uint32_t s = span.begin; s < span.end && x->n < MOST; s++) {
        const struct isa_effects fx = isa_effects(&w->p->slots.at[s], w->config.machine.vlen);
        bool reads = false;
        for (unsigned k = 0; k < fx.reads * WORDS; k++)
            reads = reads || (!x->written[k % WORDS] && covers(fx.read[k / WORDS], first + k % WORDS));
        if (reads)
            x->by[x->n++] = (struct origin){.at = at, .slot = s};
    }
    for (uint32_t s = span.begin; s < span.end; s++) {
        const struct isa_effects fx = isa_effects(&w->p->slots.at[s], w->config.machine.vlen);
        for (unsigned k = 0; k < WORDS; k++)
            x->written[k] = x->written[k] || (fx.writes && covers(fx.write, first + k));
    }
}

static void expect_readers(const struct world *w, uint64_t now, uint32_t first, struct expected *x)
{
    bool more = true;
    sim_reset(w->fresh, w->mem);
    for (uint64_t at = 0; at < now; at++)
        assert_true(fresh_step(w->fresh));
    while (more && x->n < MOST && !(x->written[0] && x->written[1])) {
        const int64_t pc = w->fresh->cores[0].pc;
        const uint64_t at = w->fresh->rounds;
        more = fresh_step(w->fresh) && w->fresh->fault.kind == FAULT_NONE;
        if (more && (uint64_t)pc < w->p->bundles.n)
            read_and_write(w, (uint32_t)pc, at, first, x);
    }
}

static void readers_are_those_before_the_next_write(void **state)
{
    (void)state;
    struct rng g = {13};
    unsigned ends[ORIGIN_FAR + 1] = {0}, known = 0;
    for (unsigned n = 0; n < 200; n++) {
        struct world w;
        create(&w, &g, 1);
        replay_go(w.r, rng_below(&g, 60));
        const uint64_t now = replay_at(w.r);
        const struct place place = {0, rng_below(&g, 34), WORDS};
        struct origin by[MOST];
        enum origin_end end;
        struct expected x = {.n = 0};
        const size_t found = origin_readers(w.r, &place, by, MOST, &end);
        assert_int_equal(replay_at(w.r), now);
        expect_readers(&w, now, place.first, &x);
        assert_int_equal(found, x.n);
        for (size_t i = 0; i < found; i++) {
            assert_int_equal(by[i].slot, x.by[i].slot);
            assert_int_equal(by[i].at, x.by[i].at);
        }
        assert_int_equal(end, x.n == MOST                    ? ORIGIN_MORE
                              : x.written[0] && x.written[1] ? ORIGIN_WRITTEN
                                                             : ORIGIN_ENDED);
        ends[end]++;
        known += (unsigned)found;
        destroy(&w);
    }
    assert_true(known > 500 && ends[ORIGIN_WRITTEN] > 10 && ends[ORIGIN_ENDED] > 20 &&
                ends[ORIGIN_MORE] > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_are_those_of_the_last_write),
        cmocka_unit_test(readers_are_those_before_the_next_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
