/* Tuning records: read back as written, every damage to one found where it is, files
 * whole whenever their writer dies. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernels/tuned.h"
#include "sim/base/random.h"

static struct text written(const struct tuning *t)
{
    struct text text = {0};
    tuning_write(t, "test", &text);
    assert_true(text_ok(&text));
    return text;
}

/* --- text -------------------------------------------------------------------- */

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
static void word_range(const char *text, size_t at, unsigned *line, unsigned *column)
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
        word_range(part, n, &line, &column);
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
            word_range(whole.at, at, &line, &column);
            whole.at[at] = others[k];
            /* A minus in word_range of a digit may make another number, and a blank or a line's
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

#define HEAD "cycles 1\noptions live_limit=1 valu_bias=0 flow_bias=0 ahead=0 const_bias=0\n"

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
        HEAD "picks 16777217\n",
        HEAD "picks 0\nkeys 16777217\n",
        HEAD "picks 0\nkeys 2\n2147483647 1\nend\n",
        HEAD "picks 0\nkeys 16777216\n1\nend\n",
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

/* --- files ------------------------------------------------------------------- */

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/sheaf_search.XXXXXX", path[64], link[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/r.tune", folder);
    (void)snprintf(link, sizeof link, "%s/link", folder);
    struct tuning t = {.cycles = 0}, u;
    struct diag d;
    assert_true(vec_push(&t.keys, 5));
    t.cycles = 1;
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
    char folder[] = "/tmp/sheaf_search.XXXXXX", path[64];
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
    }
    /* What a writer left behind is removed by the next one. */
    assert_int_equal(tuned_save(path, "test", &t, &d), ST_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    tuning_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_truncated), cmocka_unit_test(test_corrupted),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_files),     cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
