/* The machine that goes back: after any walk its state is that of a fresh run's as many rounds on;
 * what is searched for backwards and forwards is what a plain walk over all rounds finds. */
#include "tests/unit/replay_world.h"
#include "traces/replay/breakpoints.h"

static void walks_end_where_fresh_runs_are(void **state)
{
    (void)state;
    struct rng g = {7};
    unsigned faults = 0, paused = 0, longest = 0;
    for (unsigned n = 0; n < 120; n++) {
        struct world w;
        create(&w, &g, 1 + n % 3, n % 2);
        for (unsigned walk = 0; walk < 12; walk++) {
            const uint64_t at = replay_at(w.r), to = rng_below(&g, rng_below(&g, 3) ? 200 : ROUNDS + 50);
            replay_go(w.r, rng_below(&g, 2) && to < at ? at - to : to);
            longest = replay_at(w.r) > longest ? (unsigned)replay_at(w.r) : longest;
            faults += w.r->sim->fault.kind != FAULT_NONE;
            paused += w.r->sim->cores[0].state == CORE_PAUSED;
            sim_reset(w.fresh, w.mem);
            for (uint64_t i = 0; i < replay_at(w.r); i++)
                assert_true(fresh_step(w.fresh));
            assert_same(w.r->sim, w.fresh);
            if (replay_at(w.r) < to && to >= at)
                assert_true(replay_ended(w.r));
        }
        assert_true(w.r->marks.n <= w.r->most);
        destroy(&w);
    }
    /* The programs are worth it. */
    assert_true(faults > 50 && paused > 10 && longest > ROUNDS / 2);
}

/* What a cycle limit's message says of loops is part of the state. */
static void loops_are_remembered(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"flow\":[[\"jump\",2]]},{\"flow\":[[\"jump\",0]]},{\"flow\":[[\"jump\",1]]}]";
    struct rng g = {12};
    struct world w;
    struct prog *p;
    struct diag d;
    assert_int_equal(prog_read_json(text, strlen(text), "loops", &p, &d), ST_OK);
    create_of(&w, p, &g, 1, false);
    w.r->every = 3;
    w.r->most = 50;
    replay_go(w.r, 100);
    for (unsigned at = 99; at-- > 0;) {
        replay_go(w.r, at);
        sim_reset(w.fresh, w.mem);
        for (unsigned i = 0; i < at; i++)
            assert_true(fresh_step(w.fresh));
        assert_same(w.r->sim, w.fresh);
    }
    destroy(&w);
}

static void a_cycle_is_reached_at_its_first_round(void **state)
{
    (void)state;
    struct rng g = {8};
    for (unsigned n = 0; n < 60; n++) {
        struct world w;
        create(&w, &g, 1 + n % 2, n % 4 > 1);
        for (unsigned walk = 0; walk < 6; walk++) {
            const uint64_t cycle = rng_below(&g, 400);
            replay_go_cycle(w.r, cycle);
            sim_reset(w.fresh, w.mem);
            while (w.fresh->cycle < cycle && fresh_step(w.fresh))
                ;
            assert_same(w.r->sim, w.fresh);
        }
        destroy(&w);
    }
}

/* Positions after which the oracle's word, of core 0 or of memory, is another one. */
static unsigned changes(struct sim *s, const uint32_t *mem, const uint32_t *at, uint64_t *out, unsigned most)
{
    unsigned n = 0;
    sim_reset(s, mem);
    for (uint64_t position = 1; n < most; position++) {
        const uint32_t before = *at;
        if (!fresh_step(s))
            break;
        if (*at != before)
            out[n++] = position;
    }
    return n;
}

static void watches_find_every_change_in_both_directions(void **state)
{
    enum { MOST = 400 };
    (void)state;
    struct rng g = {9};
    unsigned found = 0;
    for (unsigned n = 0; n < 160; n++) {
        struct world w;
        create(&w, &g, 1 + n % 2, n % 4 > 1);
        const bool mem = n % 3 == 0;
        const uint32_t address = word(&g);
        static uint64_t expected[MOST];
        const unsigned count =
            changes(w.fresh, w.mem, mem ? &w.fresh->mem[address] : &w.fresh->cores[0].scratch[address],
                    expected, MOST);
        struct breakpoints all = {0};
        struct breakpoint_hit hit;
        const struct word_range word_range = {mem ? WORD_RANGE_MEM : 0, address, 1};
        assert_int_equal(breakpoints_add(&all, (struct stop){.kind = BREAK_CHANGE, .word_range = word_range}),
                         1);
        for (unsigned i = 0; i < count; i++) {
            assert_true(breakpoints_forth(&all, w.r, UINT64_MAX, &hit));
            assert_int_equal(replay_at(w.r), expected[i]);
            assert_int_equal(hit.value, word_range_word(&word_range, w.r->sim, 0));
        }
        for (unsigned i = count; i-- > 1;) {
            assert_true(breakpoints_back(&all, w.r, &hit));
            assert_int_equal(replay_at(w.r), expected[i - 1]);
            assert_int_equal(hit.value, word_range_word(&word_range, w.r->sim, 0));
        }
        if (count) {
            assert_false(breakpoints_back(&all, w.r, &hit));
            assert_int_equal(replay_at(w.r), 0);
        }
        found += count;
        breakpoints_clear(&all);
        destroy(&w);
    }
    assert_true(found > 500);
}

static void words_set_by_hand_stay_set(void **state)
{
    (void)state;
    struct prog *p;
    struct diag d;
    const uint32_t mem[4] = {0};
    struct replay *r = replay_of(&p, LOOP, mem, 4);
    r->every = 16;
    replay_go(r, 5000);
    assert_int_equal(r->sim->rounds, 2002); /* the last one finds the program's end */
    replay_go(r, 101);
    assert_int_equal(r->sim->cores[0].scratch[0], 950);
    assert_int_equal(replay_set(r, 0, 0, 3, &d), ST_OK);
    assert_int_equal(replay_set(r, UINT32_MAX, 2, 77, &d), ST_OK);
    replay_go(r, 5000);
    assert_int_equal(r->sim->rounds, 101 + 2 * 3 + 1);
    assert_int_equal(r->sim->mem[2], 77);
    replay_go(r, 100);
    assert_int_equal(r->sim->cores[0].scratch[0], 950);
    assert_int_equal(r->sim->mem[2], 0);
    replay_go(r, 103);
    assert_int_equal(r->sim->cores[0].scratch[0], 2);
    assert_int_equal(replay_set(r, 0, 1536, 3, &d), ST_INPUT);
    assert_int_equal(replay_set(r, UINT32_MAX, 4, 3, &d), ST_INPUT);
    /* What is set earlier wins over what was set later. */
    replay_go(r, 3);
    assert_int_equal(replay_set(r, 0, 0, 2, &d), ST_OK);
    replay_go(r, 5000);
    assert_int_equal(r->sim->rounds, 3 + 2 * 2 + 1);
    assert_int_equal(r->sim->mem[2], 0);
    replay_destroy(r);
    prog_destroy(p);
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

static void interrupts_end_what_takes_long(void **state)
{
    (void)state;
    struct prog *p;
    struct replay *r = replay_of(&p, "{ flow: jump 0 }\n", NULL, 0);
    struct breakpoints all = {0};
    struct breakpoint_hit hit;
    const struct word_range word_range = {0, 5, 1};
    replay_go(r, 20000);
    r->interrupt = at_once;
    replay_go(r, UINT64_MAX);
    assert_true(r->interrupted);
    assert_true(replay_at(r) < 200000);
    replay_return(r, 20000);
    assert_int_equal(breakpoints_add(&all, (struct stop){.kind = BREAK_WRITE, .word_range = word_range}), 1);
    assert_false(breakpoints_back(&all, r, &hit));
    assert_true(r->interrupted);
    assert_int_equal(replay_at(r), 20000);
    breakpoints_clear(&all);
    replay_destroy(r);
    prog_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_end_where_fresh_runs_are),
        cmocka_unit_test(loops_are_remembered),
        cmocka_unit_test(a_cycle_is_reached_at_its_first_round),
        cmocka_unit_test(watches_find_every_change_in_both_directions),
        cmocka_unit_test(words_set_by_hand_stay_set),
        cmocka_unit_test(interrupts_end_what_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
