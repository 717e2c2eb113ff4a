/* Who wrote a word and who will read it, against a plain walk over all rounds. */
#include "tests/unit/replay_world.h"
#include "traces/replay/provenance.h"

/* Writes in flight, each with the cycle it is there from. */
struct flight {
    struct {
        uint64_t due, at;
        uint32_t word, slot;
    } write[400];
    size_t n;
};

/* All of a bundle's that was executed at the position `at` in the cycle. */
static void take_off(struct flight *f, const struct world *w, uint32_t bundle, uint64_t at, uint64_t cycle)
{
    const struct prog_span span = prog_bundle_slots(w->p, bundle);
    for (uint32_t i = span.begin; i < span.end; i++) {
        const struct isa_slot *s = &w->p->slots.at[i];
        const struct isa_effects fx = isa_effects(s, w->config.machine.vlen);
        for (uint32_t k = 0; fx.writes && k < fx.write.n; k++, f->n++) {
            assert_true(f->n < sizeof f->write / sizeof *f->write);
            f->write[f->n].due = cycle + w->config.machine.latency[s->engine];
            f->write[f->n].at = at;
            f->write[f->n].word = (uint32_t)fx.write.first + k;
            f->write[f->n].slot = i;
        }
    }
}

/* Takes out the next one that is there now, the earliest due first, those of one cycle as issued; false
 * if there is none. A core that does not run has waited for all. */
static bool land(struct flight *f, const struct sim *s, uint64_t *at, uint32_t *word, uint32_t *slot)
{
    size_t first = f->n;
    for (size_t i = 0; i < f->n; i++)
        if ((f->write[i].due <= s->cycle || s->cores[0].state != CORE_RUNNING) &&
            (first == f->n || f->write[i].due < f->write[first].due))
            first = i;
    if (first == f->n)
        return false;
    *at = f->write[first].at;
    *word = f->write[first].word;
    *slot = f->write[first].slot;
    memmove(&f->write[first], &f->write[first + 1], (--f->n - first) * sizeof f->write[0]);
    return true;
}

/* The last change of a word is by the slot that is said to have written it. */
static void writers_are_those_of_the_last_write(void **state)
{
    (void)state;
    struct rng g = {10};
    unsigned known = 0;
    for (unsigned n = 0; n < 60; n++) {
        struct world w;
        create(&w, &g, 1, n % 2);
        replay_go(w.r, rng_below(&g, 600));
        const uint64_t now = replay_at(w.r);
        const struct word_range word_range = {0, 0, SCRATCH};
        struct provenance by[SCRATCH];
        assert_true(provenance_writers(w.r, &word_range, by));
        assert_int_equal(replay_at(w.r), now);
        int64_t last[SCRATCH];
        uint32_t slot[SCRATCH], by_slot, to;
        uint64_t issued;
        struct flight f = {.n = 0};
        for (unsigned i = 0; i < SCRATCH; i++)
            last[i] = -1;
        /* Afresh, from the slots of each bundle as it is executed; one that faults writes nothing. */
        sim_reset(w.fresh, w.mem);
        for (uint64_t at = 0; at < now; at++) {
            const int64_t pc = w.fresh->cores[0].pc;
            const uint64_t cycle = w.fresh->cycle;
            assert_true(fresh_step(w.fresh));
            if (w.fresh->fault.kind != FAULT_NONE)
                continue;
            if ((uint64_t)pc < w.p->bundles.n)
                take_off(&f, &w, (uint32_t)pc, at, cycle);
            while (land(&f, w.fresh, &issued, &to, &by_slot)) {
                last[to] = (int64_t)issued;
                slot[to] = by_slot;
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
    struct provenance by[MOST];
    size_t n;
    bool written[WORDS];
};

static bool covers(struct isa_range range, uint32_t word)
{
    return word >= range.first && word < range.first + range.n;
}

/* A bundle executed without a fault. */
static void read_all(const struct world *w, uint32_t bundle, uint64_t at, uint32_t first, struct expected *x)
{
    const struct prog_span span = prog_bundle_slots(w->p, bundle);
    for (uint32_t s = span.begin; s < span.end && x->n < MOST; s++) {
        const struct isa_effects fx = isa_effects(&w->p->slots.at[s], w->config.machine.vlen);
        bool reads = false;
        for (unsigned k = 0; k < fx.reads * WORDS; k++)
            reads = reads || (!x->written[k % WORDS] && covers(fx.read[k / WORDS], first + k % WORDS));
        if (reads)
            x->by[x->n++] = (struct provenance){.at = at, .slot = s};
    }
}

/* What was issued before `now` and lands later ends a word's value, too. */
static void expect_readers(const struct world *w, uint64_t now, uint32_t first, struct expected *x)
{
    bool more = true;
    struct flight f = {.n = 0};
    uint64_t issued;
    uint32_t to, slot;
    sim_reset(w->fresh, w->mem);
    while (more && x->n < MOST && !(x->written[0] && x->written[1])) {
        const int64_t pc = w->fresh->cores[0].pc;
        const uint64_t at = w->fresh->rounds, cycle = w->fresh->cycle;
        more = fresh_step(w->fresh) && w->fresh->fault.kind == FAULT_NONE;
        if (!more)
            break;
        if ((uint64_t)pc < w->p->bundles.n) {
            if (at >= now)
                read_all(w, (uint32_t)pc, at, first, x);
            take_off(&f, w, (uint32_t)pc, at, cycle);
        }
        while (land(&f, w->fresh, &issued, &to, &slot))
            if (at >= now && to - first < WORDS)
                x->written[to - first] = true;
    }
}

static void readers_are_those_before_the_next_write(void **state)
{
    (void)state;
    struct rng g = {13};
    unsigned ends[PROVENANCE_FAR + 1] = {0}, known = 0;
    for (unsigned n = 0; n < 200; n++) {
        struct world w;
        create(&w, &g, 1, n % 2);
        replay_go(w.r, rng_below(&g, 60));
        const uint64_t now = replay_at(w.r);
        const struct word_range word_range = {0, rng_below(&g, 34), WORDS};
        struct provenance by[MOST];
        enum provenance_end end;
        struct expected x = {.n = 0};
        const size_t found = provenance_readers(w.r, &word_range, by, MOST, &end);
        assert_int_equal(replay_at(w.r), now);
        expect_readers(&w, now, word_range.first, &x);
        assert_int_equal(found, x.n);
        for (size_t i = 0; i < found; i++) {
            assert_int_equal(by[i].slot, x.by[i].slot);
            assert_int_equal(by[i].at, x.by[i].at);
        }
        assert_int_equal(end, x.n == MOST                    ? PROVENANCE_MORE
                              : x.written[0] && x.written[1] ? PROVENANCE_WRITTEN
                                                             : PROVENANCE_ENDED);
        ends[end]++;
        known += (unsigned)found;
        destroy(&w);
    }
    assert_true(known > 500 && ends[PROVENANCE_WRITTEN] > 10 && ends[PROVENANCE_ENDED] > 20 &&
                ends[PROVENANCE_MORE] > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_are_those_of_the_last_write),
        cmocka_unit_test(readers_are_those_before_the_next_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
