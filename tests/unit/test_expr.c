/* Expressions and places: values, errors, and texts that are neither. */
#include "tests/unit/replay_world.h"
#include "traces/replay/expr.h"

struct value {
    const char *text;
    uint64_t expected;
};

static void expressions_have_values(void **state)
{
    (void)state;
    static const struct value values[] = {
        {"i", 999},
        {"$s[0]", 999},
        {"v[2]", 1000},
        {"v[one + 1] + 1", 1001},
        {"m[s[1]]", 40},
        {"2 + 3 * 4", 14},
        {"(2 + 3) * 4", 20},
        {"10 - 4 - 3", 3},
        {"1 << 4 | 3", 19},
        {"0x10 ^ 1 & 3", 17},
        {"7 // 2 % 2", 1},
        {"-1", 0xffffffff},
        {"0 - 1", 0xffffffff},
        {"!i", 0},
        {"i == 999 && pc == 2", 1},
        {"i != 999 || cycle >= 2", 1},
        {"cycle < 2", 0},
        {"round <= 2", 1},
        {"core > 0", 0},
        {"2 == 2 <= 3", 0},
        {"0 && m[4000]", 0},
        {"1 || 1 // 0", 1},
    };
    static const char *const wrong[] = {
        "",        "i +",  "v",    "nosuch", "s[",    "s[1",  "s 1", "(i",  "i i", "1x",
        "s[1536]", "m[4]", "v[8]", "1 // 0", "i = 3", "i[1]", "$i",  "\"i", "@",   "99999999999999999999",
    };
    struct prog *p;
    const uint32_t mem[4] = {0, 40, 0, 0};
    struct replay *r = replay_of(&p, LOOP, mem, 4);
    replay_go(r, 2);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        struct expr *e = NULL;
        struct diag d = {0};
        uint64_t found = 0;
        if (expr_parse(values[i].text, p, &e, &d) != ST_OK || expr_value(e, r->sim, 0, &found, &d) != ST_OK)
            fail_msg("%s: %s", values[i].text, d.text);
        if (found != values[i].expected)
            fail_msg("%s is %llu", values[i].text, (unsigned long long)found);
        expr_free(e);
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct expr *e = NULL;
        struct diag d = {0};
        uint64_t found;
        if (expr_parse(wrong[i], p, &e, &d) == ST_OK && expr_value(e, r->sim, 0, &found, &d) == ST_OK)
            fail_msg("%s has a value", wrong[i]);
        assert_true(d.text[0]);
        expr_free(e);
    }
    replay_destroy(r);
    prog_destroy(p);
}

/* Any text is an expression, or an error. */
static void hostile_expressions_are_refused(void **state)
{
    (void)state;
    struct prog *p;
    struct replay *r = replay_of(&p, LOOP, NULL, 0);
    struct rng g = {11};
    char text[2000];
    struct diag d;
    struct expr *e;
    struct word_range word_range;
    for (unsigned n = 0; n < 40000; n++) {
        static const char *const pieces[] = {"(",  ")",  "[", "]", "-",  "!",  "i",  "v",
                                             "s[", "m[", "1", "+", "*",  ":",  "&&", "||",
                                             "<",  "==", "$", " ", "\"", "\\", "//", "0x"};
        size_t length = 0;
        const uint32_t count = n % 400 == 0 ? 900 : rng_below(&g, 12);
        const uint32_t same = n % 400 == 0 ? rng_below(&g, 24) : 24;
        for (uint32_t i = 0; i < count; i++)
            length += (size_t)sprintf(text + length, "%s", pieces[same < 24 ? same : rng_below(&g, 24)]);
        text[length] = '\0';
        uint64_t value;
        if (expr_parse(text, p, &e, &d) == ST_OK)
            (void)expr_value(e, r->sim, 0, &value, &d);
        expr_free(e);
        if (word_range_parse(text, r->sim, 0, &word_range, &d) == ST_OK && word_range.core != WORD_RANGE_MEM)
            assert_true(word_range.n > 0 && word_range.first + word_range.n <= 1536);
    }
    replay_destroy(r);
    prog_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_have_values),
        cmocka_unit_test(hostile_expressions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
