/* The search and its records: the same for a seed whatever the threads, going on and
 * never losing, stopping when asked; records read back as written, and every damage
 * to one found where it is. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder/moves.h"
#include "kernels/tree_hash.h"
#include "kernels/tuned.h"
#include "sim/base/file.h"

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
                move_draw_choices(&c, &(struct mix){.base = {{0}}}, true, &rng);
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
    struct state s = {.cost = 0};
    struct diag d;
    assert_int_equal(state_make(&s, &k, 0, &d), ST_OK);
    s.options = sched_default_options(s.ir);
    assert_true(state_first_keys(&s, 2, 2) && state_evaluate(&s, 1));
    for (unsigned step = 0; step < 100; step++) {
        move_keys(&s, &rng, 1.0 - step / 100.0);
        assert_true(state_evaluate(&s, step % 2));
        /* A tuning holds the point exactly. */
        struct tuning t = {.cycles = 0};
        struct state again;
        assert_true(tuning_of(&t, &s));
        assert_int_equal(tuning_replay(&t, &k, 0, &again, &d), ST_OK);
        assert_true(again.cost == s.cost);
        state_free(&again);
        tuning_free(&t);
    }
    state_free(&s);
}

/* --- records ----------------------------------------------------------------- */

static enum status reread(const struct text *text, const char *title, struct diag *d)
{
    struct tuning t;
    memset(d, 0, sizeof *d);
    const enum status status = tuning_read(text->at, text->n, "r.tune", title, &t, d);
    if (status == ST_OK) {
        struct text again = {0};
        tuning_write(&t, "test", &again);
        assert_string_equal(again.at, text->at);
        text_free(&again);
    }
    tuning_free(&t);
    return status;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const unsigned sizes[] = {0, 1, 19, 20, 21, 99, 100, 101, 250};
    struct rng rng = {1};
    for (unsigned i = 0; i < 9; i++)
        for (unsigned j = 0; j < 9; j++) {
            struct tuning t = {.cycles = 1 + rng_below(&rng, 1000), .options = {.live_limit = 1440}};
            t.options.flow_bias = 300.125f;
            t.options.valu_bias = -3.5f;
            for (unsigned n = 0; n < sizes[i]; n++)
                assert_true(vec_push(&t.pick, (uint8_t)rng_below(&rng, 10)));
            for (unsigned n = 0; n < sizes[j]; n++)
                assert_true(vec_push(&t.keys, n % 7 == 3   ? INT32_MAX / 2
                                              : n % 7 == 5 ? INT32_MIN / 2
                                                           : (int32_t)rng_below(&rng, 100000) - 50000));
            struct text text = written(&t);
            struct diag d;
            assert_int_equal(reread(&text, "test", &d), ST_OK);
            assert_int_equal(reread(&text, NULL, &d), ST_OK);
            assert_int_equal(reread(&text, "tes", &d), ST_INPUT);
            assert_int_equal(reread(&text, "testing", &d), ST_INPUT);
            assert_int_equal(d.line, 2);
            assert_int_equal(d.column, 5);
            text_free(&text);
            tuning_free(&t);
        }
}

/* A record of a few hundred bytes with every line in it. */
static struct text example(void)
{
    struct tuning t = {.cycles = 877, .options = {.live_limit = 1440, .valu_bias = -2, .flow_bias = 300}};
    for (unsigned n = 0; n < 104; n++)
        assert_true(vec_push(&t.pick, (uint8_t)(n % 3)));
    for (int32_t n = 0; n < 45; n++)
        assert_true(vec_push(&t.keys, n * n * 5 - 300));
    struct text text = written(&t);
    tuning_free(&t);
    return text;
}

/* Line and column of an offset, from 1. */
static void place(const char *text, size_t at, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at; i++) {
        *column = text[i] == '\n' ? 1 : *column + 1;
        *line += text[i] == '\n';
    }
}

static void test_truncated(void **state)
{
    (void)state;
    struct text whole = example();
    struct diag d;
    for (size_t n = 0; n < whole.n; n++) {
        /* Memory of just that size: reading on would be noticed. */
        char *part = malloc(n + 1);
        assert_non_null(part);
        memcpy(part, whole.at, n);
        part[n] = '\0';
        const struct text text = {.at = part, .n = n};
        unsigned line, column;
        assert_int_equal(reread(&text, "test", &d), ST_INPUT);
        place(part, n, &line, &column);
        assert_int_equal(d.line, line);
        assert_in_range(d.column, 1, column);
        assert_string_equal(d.file, "r.tune");
        assert_non_null(strstr(d.text, "expected "));
        free(part);
    }
    text_free(&whole);
}

static void test_corrupted(void **state)
{
    (void)state;
    static const char others[] = {'~', '\0', '\n', ' ', '-', '\x80'};
    struct text whole = example();
    struct diag d;
    for (size_t at = 0; at < whole.n; at++)
        for (size_t k = 0; k < sizeof others; k++) {
            const char was = whole.at[at];
            if (was == others[k])
                continue;
            unsigned line, column;
            place(whole.at, at, &line, &column);
            whole.at[at] = others[k];
            /* A minus in place of a digit may make another number, and a blank or a line's
             * end one number more, which is found at the latest when there are too many. */
            const enum status status = reread(&whole, "test", &d);
            if (status == ST_OK)
                assert_int_equal(others[k], '-');
            else
                assert_int_equal(status, ST_INPUT);
            if (!strchr("- \n", others[k]) || !others[k]) {
                assert_int_equal(d.line, line);
                assert_in_range(d.column, 1, column);
            }
            whole.at[at] = was;
        }
    assert_int_equal(reread(&whole, "test", &d), ST_OK);
    text_add(&whole, "\n");
    assert_int_equal(reread(&whole, "test", &d), ST_INPUT);
    assert_non_null(strstr(d.text, "nothing after the end"));
    text_free(&whole);
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "cycles 0\n",
        "cycles 2147483648\n",
        "cycles 99999999999999999999\n",
        "cycles -1\n",
        "cycles\n",
        "cycles 1\noptions live_limit=-1 ",
        "cycles 1\noptions live_limit=1 valu_bias=1000001 ",
        "cycles 1\noptions live_limit=1 valu_bias=0 flow_bias=0 const_bias=0\npicks 16777217\n",
        "cycles 1\noptions live_limit=1 valu_bias=0 flow_bias=0 const_bias=0\npicks 0\nkeys 16777217\n",
        "cycles 1\noptions live_limit=1 valu_bias=0 flow_bias=0 const_bias=0\npicks 0\nkeys 2\n2147483647 "
        "1\nend\n",
        "cycles 1\noptions live_limit=1 valu_bias=0 flow_bias=0 const_bias=0\npicks 0\nkeys "
        "16777216\n1\nend\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct text text = {0};
        struct diag d;
        text_addf(&text, "sheaf-tuning 1\nfor test\n%s", heads[i]);
        assert_int_equal(reread(&text, "test", &d), ST_INPUT);
        assert_in_range(d.line, 3, 7);
        text_free(&text);
    }
}

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

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/sheaf_search.XXXXXX", path[64], link[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/r.tune", folder);
    (void)snprintf(link, sizeof link, "%s/link", folder);
    struct tuning t = {.cycles = 0}, u;
    struct diag d;
    search_on(&t, 1, 8, 1, NULL);
    assert_int_equal(tuned_load(path, "test", &u, &d), ST_IO);
    assert_int_equal(tuned_save(path, "test", &t, &d), ST_OK);
    assert_int_equal(tuned_load(path, "test", &u, &d), ST_OK);
    struct text a = written(&t), b = written(&u);
    assert_string_equal(a.at, b.at);
    tuning_free(&u);
    assert_int_equal(tuned_load(path, "another", &u, &d), ST_INPUT);
    /* Through a link the record itself is replaced; what is no file is left alone. */
    assert_int_equal(symlink(path, link), 0);
    t.cycles = 12345;
    assert_int_equal(tuned_save(link, "test", &t, &d), ST_OK);
    assert_int_equal(tuned_load(path, "test", &u, &d), ST_OK);
    assert_int_equal(u.cycles, 12345);
    tuning_free(&u);
    assert_int_equal(tuned_save(folder, "test", &t, &d), ST_IO);
    assert_int_equal(tuned_save("/dev/null", "test", &t, &d), ST_IO);
    assert_int_equal(tuned_save("/nowhere/r.tune", "test", &t, &d), ST_IO);
    /* Nothing else is left behind. */
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    text_free(&a);
    text_free(&b);
    tuning_free(&t);
}

/* Saves records over each other until it is killed. */
static void save_forever(const char *path, const struct tuning *t)
{
    struct diag d;
    for (;;)
        if (tuned_save(path, "test", t, &d) != ST_OK)
            _exit(1);
}

/* Killed at any moment, a writer of large records leaves a whole one. */
static void test_killed(void **state)
{
    (void)state;
    char folder[] = "/tmp/sheaf_search.XXXXXX", path[64], left[128];
    struct tuning t = {.cycles = 1}, u;
    struct diag d;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/r.tune", folder);
    for (int32_t n = 0; n < 100000; n++)
        assert_true(vec_push(&t.keys, n * 7 % 1000));
    assert_int_equal(tuned_save(path, "test", &t, &d), ST_OK);
    for (unsigned round = 0; round < 10; round++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            save_forever(path, &t);
        (void)usleep(10000 + 3700 * round);
        assert_int_equal(kill(child, SIGKILL), 0);
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        if (tuned_load(path, "test", &u, &d) != ST_OK)
            fail_msg("line %u: %s", d.line, d.text);
        assert_int_equal(u.keys.n, t.keys.n);
        tuning_free(&u);
        (void)snprintf(left, sizeof left, "%s.%ld.new", path, (long)child);
        (void)unlink(left);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    tuning_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_stop),           cmocka_unit_test(test_not_searchable),
        cmocka_unit_test(test_moves_in_range), cmocka_unit_test(test_moves_keep_keys),
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_corrupted),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_hostile),        cmocka_unit_test(test_title),
        cmocka_unit_test(test_files),          cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
