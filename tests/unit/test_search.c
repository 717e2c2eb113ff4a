/* The search: the same for a seed whatever the threads, going on and never losing,
 * stopping when asked; and what it makes of a record that anyone may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/search/candidate.h"
#include "kernels/tree_hash/tree_hash.h"
#include "kernels/tuned.h"

static const struct kern_variant *best(void)
{
    const struct kern_variant *v = kern_find_variant(&tree_hash, "best");
    assert_non_null(v);
    return v;
}

static struct kern_request small(void)
{
    struct kern_request rq = {.params = kern_defaults(&tree_hash), .machine = isa_default_machine()};
    rq.params.at[TREE_HEIGHT] = 4;
    rq.params.at[TREE_ROUNDS] = 8;
    rq.params.at[TREE_BATCH] = 32;
    return rq;
}

/* --- searching --------------------------------------------------------------- */

static void search_on(struct tuning *t, uint64_t seed, uint64_t evaluations, unsigned threads,
                      const struct tuned_watch *watch)
{
    const struct kern_request rq = small();
    struct search_options o = search_default_options();
    struct diag d;
    o.seed = seed;
    o.evaluations = evaluations;
    o.threads = threads;
    if (tuned_search(best(), &rq, &o, watch, t, &d) != ST_OK)
        fail_msg("%s", d.text);
}

static struct text written(const struct tuning *t)
{
    struct text text = {0};
    tuning_write(t, "test", &text);
    assert_true(text_ok(&text));
    return text;
}

/* From nothing, then on from there with another seed. */
static struct text searched_twice(uint64_t seed, unsigned threads)
{
    struct tuning t = {.cycles = 0};
    search_on(&t, seed, 203, threads, NULL);
    search_on(&t, seed + 100, 121, threads, NULL);
    const struct text text = written(&t);
    tuning_free(&t);
    return text;
}

static void test_threads(void **state)
{
    (void)state;
    struct text before = {0};
    for (uint64_t seed = 5; seed < 10; seed++) {
        struct text first = searched_twice(seed, 1);
        for (unsigned threads = 2; threads <= 5; threads++) {
            struct text text = searched_twice(seed, threads);
            assert_string_equal(text.at, first.at);
            text_free(&text);
        }
        if (before.at)
            assert_string_not_equal(first.at, before.at);
        text_free(&before);
        before = first;
    }
    text_free(&before);
}

static void test_resume(void **state)
{
    (void)state;
    const struct kern_request rq = small();
    struct tuning t = {.cycles = 0};
    struct bound bound;
    struct diag d;
    search_on(&t, 1, 8, 2, NULL);
    assert_true(t.cycles > 0);
    const double begun = t.cost;
    for (uint64_t seed = 2; seed < 8; seed++) {
        const double before = t.cost;
        search_on(&t, seed, 120, 2, NULL);
        assert_true(t.cost <= before);
        /* What is said of it is what comes of it. */
        const uint32_t cycles = t.cycles;
        const double cost = t.cost;
        assert_int_equal(tuned_check(best(), &rq, &t, &bound, &d), ST_OK);
        assert_int_equal(t.cycles, cycles);
        assert_true(t.cost == cost);
        assert_true(bound.cycles > 0 && bound.cycles <= cycles);
        assert_int_equal(bound.cycles, bound.work > bound.dep
                                           ? bound.work > bound.live ? bound.work : bound.live
                                       : bound.dep > bound.live ? bound.dep
                                                                : bound.live);
    }
    assert_true(t.cost < begun);
    /* A record that promises more than it holds does not stand in the way of a better one. */
    t.cycles = 1;
    t.cost = 0;
    search_on(&t, 9, 8, 1, NULL);
    assert_true(t.cycles >= bound.cycles);
    tuning_free(&t);
}

struct count {
    atomic_uint asked;
    unsigned limit, told;
    uint64_t evaluations;
};

static bool enough(void *context)
{
    struct count *c = context;
    return atomic_fetch_add(&c->asked, 1) >= c->limit;
}

static bool note(void *context, const struct search_progress *p)
{
    struct count *c = context;
    assert_true(p->evaluations >= c->evaluations);
    assert_true(p->budget == 1000000);
    c->evaluations = p->evaluations;
    c->told++;
    return true;
}

static bool refuse(void *context, const struct search_progress *p)
{
    (void)note(context, p);
    return false;
}

static void test_stop(void **state)
{
    (void)state;
    for (unsigned limit = 0; limit < 90; limit += 29) {
        struct count c = {.limit = limit};
        const struct tuned_watch watch = {note, enough, &c};
        struct tuning t = {.cycles = 0};
        search_on(&t, 3, 1000000, 2, &watch);
        assert_int_equal(c.evaluations, limit);
        assert_int_equal(c.told, 1);
        assert_int_equal(t.cycles > 0, limit > 0);
        tuning_free(&t);
    }
    struct count c = {.limit = 0};
    const struct tuned_watch watch = {refuse, NULL, &c};
    struct tuning t = {.cycles = 0};
    search_on(&t, 3, 1000000, 2, &watch);
    assert_int_equal(c.told, 1);
    assert_true(c.evaluations > 0 && c.evaluations < 1000 && t.cycles > 0);
    tuning_free(&t);
}

static void test_not_searchable(void **state)
{
    (void)state;
    const struct kern_request rq = small();
    struct diag d;
    assert_int_equal(tuned_searchable(best(), &rq, &d), ST_OK);
    assert_int_equal(tuned_searchable(kern_find_variant(&tree_hash, "scalar"), &rq, &d), ST_INPUT);
    struct tuning t = {.cycles = 0};
    struct search_options o = search_default_options();
    o.islands = 4;
    o.evaluations = 3;
    assert_int_equal(tuned_search(best(), &rq, &o, NULL, &t, &d), ST_INPUT);
}

/* --- moves ------------------------------------------------------------------- */

static void test_moves_in_range(void **state)
{
    (void)state;
    struct rng rng = {5};
    unsigned changed = 0;
    for (unsigned n = 0; n < 60; n++) {
        struct choices c = {.failed = false};
        for (unsigned i = 0; i < n; i++)
            (void)choices_ask(&c, rng_below(&rng, CHOICE_KINDS), 1 + rng_below(&rng, CHOICE_OPTIONS), 0);
        for (unsigned step = 0; step < 50; step++) {
            if (step % 10 == 0)
                move_draw_choices(&c, &(struct balance){.base = {{0}}}, true, &rng);
            else
                assert_int_equal(move_flip(&c, &rng), n > 0);
            assert_int_equal(c.pick.n, n);
            for (unsigned i = 0; i < n; i++) {
                assert_true(c.pick.at[i] < c.question.at[i].options);
                changed += c.pick.at[i] != 0;
            }
        }
        choices_free(&c);
    }
    assert_true(changed > 0);
}

static void test_moves_keep_keys(void **state)
{
    (void)state;
    const struct kern_request rq = small();
    const struct search_kernel k = {&rq, best()->make};
    struct rng rng = {6};
    struct candidate s = {.cost = 0};
    struct diag d;
    assert_int_equal(candidate_make(&s, &k, 0, &d), ST_OK);
    s.options = sched_default_options(s.ir);
    assert_true(candidate_first_keys(&s, 2, 2) && candidate_evaluate(&s, 1));
    for (unsigned step = 0; step < 100; step++) {
        move_keys(&s, &rng, 1.0 - step / 100.0);
        assert_true(candidate_evaluate(&s, step % 2));
        /* A tuning holds the point exactly. */
        struct tuning t = {.cycles = 0};
        struct candidate again;
        assert_true(tuning_of(&t, &s));
        assert_int_equal(tuning_replay(&t, &k, 0, &again, &d), ST_OK);
        assert_true(again.cost == s.cost);
        candidate_free(&again);
        tuning_free(&t);
    }
    candidate_free(&s);
}

/* --- records ----------------------------------------------------------------- */

/* Whatever numbers a record holds, it is a program or an error. */
static void test_hostile(void **state)
{
    (void)state;
    const struct kern_request rq = small();
    struct tuning t = {.cycles = 0};
    search_on(&t, 1, 40, 1, NULL);
    struct rng rng = {2};
    for (unsigned round = 0; round < 60; round++) {
        const uint32_t range = UINT32_C(1) << rng_below(&rng, 32);
        for (size_t i = 0; i < t.keys.n; i++)
            if (rng_below(&rng, 4) == 0)
                t.keys.at[i] = (int32_t)rng_below(&rng, range) - (int32_t)(range / 2);
        for (size_t i = 0; round > 40 && i < t.pick.n; i++)
            t.pick.at[i] = (uint8_t)rng_below(&rng, 10);
        t.options.live_limit = round % 3 ? rng_below(&rng, range) : INT32_MAX;
        struct bound bound;
        struct diag d;
        const enum status status = tuned_check(best(), &rq, &t, &bound, &d);
        assert_true(status == ST_OK || status == ST_LIMIT || status == ST_INPUT);
        if (status == ST_OK)
            assert_true(t.cycles >= bound.cycles);
    }
    t.keys.n--;
    struct bound bound;
    struct diag d;
    assert_int_equal(tuned_check(best(), &rq, &t, &bound, &d), ST_INPUT);
    tuning_free(&t);
}

static void test_title(void **state)
{
    (void)state;
    struct kern_request rq = small();
    struct text a = {0}, b = {0}, c = {0};
    tuned_title(&tree_hash, best(), &rq, &a);
    assert_string_equal(a.at, "tree_hash:best values height=4, rounds=8, batch=32");
    /* The data makes no difference to the program, the machine does. */
    rq.params.at[TREE_BITS] = 32;
    rq.params.at[TREE_START] = 1;
    tuned_title(&tree_hash, best(), &rq, &b);
    assert_string_equal(b.at, a.at);
    rq.machine.slots[ENGINE_LOAD] = 3;
    tuned_title(&tree_hash, best(), &rq, &c);
    assert_string_equal(c.at,
                        "tree_hash:best values height=4, rounds=8, batch=32 on vlen=8, scratch=1536, alu=12, "
                        "valu=6, load=3, store=2, flow=1");
    text_free(&a);
    text_free(&b);
    text_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_stop),           cmocka_unit_test(test_not_searchable),
        cmocka_unit_test(test_moves_in_range), cmocka_unit_test(test_moves_keep_keys),
        cmocka_unit_test(test_hostile),        cmocka_unit_test(test_title),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
