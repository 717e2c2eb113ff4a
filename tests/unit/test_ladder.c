/* The rungs of tree_hash's ladder and the general form of its best: every variant on
 * sizes of all sorts, under every contract, with narrow and wide data, on both simulators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/tree_hash/tree_hash.h"

static const char *const rungs[] = {"packed", "resident", "grouped", "interleaved"};
enum { RUNGS = sizeof rungs / sizeof *rungs };

static uint64_t run_on(const struct prog *program, const struct kern_instance *p,
                       enum sim_simulator simulator, bool strict)
{
    struct sim_config config = sim_default_config();
    config.simulator = simulator;
    config.strict = strict;
    struct sim *s;
    struct diag d;
    assert_int_equal(sim_create(program, &config, p->image, p->words, &s, &d), ST_OK);
    if (sim_run(s) != SIM_STOPPED)
        fail_msg("height %d, rounds %d, batch %d: did not stop", (int)p->params.at[TREE_HEIGHT],
                 (int)p->params.at[TREE_ROUNDS], (int)p->params.at[TREE_BATCH]);
    struct kern_wrong wrong;
    if (kern_first_wrong(p, s->mem, &wrong))
        fail_msg("height %d, rounds %d, batch %d: %s[%u] is %u, expected %u", (int)p->params.at[TREE_HEIGHT],
                 (int)p->params.at[TREE_ROUNDS], (int)p->params.at[TREE_BATCH], wrong.array, wrong.index,
                 wrong.found, wrong.expected);
    const uint64_t cycles = s->cycle;
    sim_destroy(s);
    return cycles;
}

/* Builds once, runs on some seeds; the cycles, which no seed changes. */
static uint64_t check(const char *variant, const struct kern_params *params, unsigned contract,
                      unsigned seeds, bool step)
{
    const struct kern_variant *v = kern_find_variant(&tree_hash, variant);
    assert_non_null(v);
    /* `best` lets loads of one bundle overlap: the later one's words stay. */
    const bool strict = strcmp(variant, "best") != 0;
    const struct kern_request rq = {
        .params = *params, .contract = contract, .machine = isa_default_machine()};
    struct kern_programs programs;
    struct diag d;
    if (kern_build(&tree_hash, v, &rq, &programs, &d) != ST_OK)
        fail_msg("%s: %s", variant, d.text);
    assert_int_equal(programs.list.n, 1);
    uint64_t cycles = 0;
    for (unsigned seed = 0; seed < seeds; seed++) {
        struct kern_params drawn = *params;
        drawn.at[TREE_BITS] = seed % 2 ? 30 : 32;
        drawn.at[TREE_START] = contract == TREE_FULL;
        struct kern_instance *p;
        assert_int_equal(kern_instance_create(&tree_hash, &drawn, contract, seed, &p, &d), ST_OK);
        const uint64_t now = run_on(programs.list.at[0].prog, p, SIM_FAST, strict);
        if (step)
            assert_int_equal(run_on(programs.list.at[0].prog, p, SIM_STEP, strict), now);
        if (seed)
            assert_int_equal(now, cycles);
        cycles = now;
        kern_instance_destroy(p);
    }
    kern_programs_free(&programs);
    return cycles;
}

static void test_small(void **state)
{
    (void)state;
    static const int64_t heights[] = {0, 1, 2, 3, 4, 8, 10}, batches[] = {1, 2, 7, 8, 9, 24, 64};
    static const int64_t rounds[] = {1, 2, 3, 5, 11, 14};
    unsigned n = 0;
    for (unsigned h = 0; h < sizeof heights / sizeof *heights; h++)
        for (unsigned b = 0; b < sizeof batches / sizeof *batches; b++)
            for (unsigned r = 0; r < sizeof rounds / sizeof *rounds; r++) {
                const struct kern_params params = {{heights[h], rounds[r], batches[b], 0, 30}};
                for (unsigned v = 0; v < RUNGS; v++, n++)
                    (void)check(rungs[v], &params, n % 5 < TREE_CONTRACTS ? n % 5 : TREE_FULL, 2, n % 3 == 0);
            }
}

/* What is too much for one region: loops over rounds, over the batch, and both; what
 * is left over at their ends. */
static void test_loops(void **state)
{
    (void)state;
    static const int64_t cases[][3] = {{5, 700, 3},  {4, 33, 70},   {3, 1, 2000}, {6, 3, 1029},
                                       {6, 17, 514}, {10, 513, 10}, {12, 2, 777}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct kern_params params = {{cases[i][0], cases[i][1], cases[i][2], 0, 30}};
        for (unsigned v = 0; v < RUNGS; v++)
            (void)check(rungs[v], &params, TREE_FULL, 2, false);
    }
}

/* `best` when walkers start anywhere: trees with and without cached levels, gathers and
 * tables; rounds fewer and more than levels, so that walkers are done before the clock
 * passes the root, as it does, and after; groups that wait and that roam; sizes that are
 * too much for one region. */
static void test_best(void **state)
{
    (void)state;
    static const int64_t cases[][3] = {
        {0, 1, 1},    {0, 5, 9},   {1, 1, 7},    {1, 6, 24},   {2, 3, 8},    {2, 7, 17},   {3, 4, 64},
        {3, 9, 40},   {4, 2, 9},   {4, 9, 64},   {5, 12, 33},  {6, 6, 100},  {6, 7, 100},  {6, 8, 100},
        {7, 30, 64},  {8, 1, 64},  {8, 8, 64},   {8, 20, 100}, {10, 10, 80}, {10, 11, 80}, {10, 12, 80},
        {10, 14, 24}, {12, 8, 64}, {12, 16, 96}, {3, 500, 9},  {5, 40, 700}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct kern_params params = {{cases[i][0], cases[i][1], cases[i][2], 0, 30}};
        (void)check("best", &params, TREE_FULL, 6, i % 4 == 0);
    }
}

/* Each rung is at least as fast as the one before, and as the counts known elsewhere. */
static void test_order(void **state)
{
    (void)state;
    static const uint64_t known[RUNGS] = {14756, 10916, 5124, 4997};
    const struct kern_params params = kern_defaults(&tree_hash);
    uint64_t before = 147734;
    for (unsigned v = 0; v < RUNGS; v++) {
        const uint64_t cycles = check(rungs[v], &params, TREE_FULL, 3, true);
        assert_true(cycles <= known[v]);
        assert_true(cycles <= before);
        before = cycles;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
