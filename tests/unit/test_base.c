/* The base capacity: memory, text, random numbers, diagnostics, files. Known values
 * of the generator are those of Python's `random` module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "sim/base/file.h"
#include "sim/base/fnv.h"
#include "sim/base/json_out.h"
#include "sim/base/random.h"
#include "sim/base/text.h"
#include "sim/base/vec.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct arena a = {0};
    unsigned char *blocks[200];
    for (size_t i = 0; i < COUNT(blocks); i++) {
        const size_t bytes = 1 + i * 37; /* together far more than one chunk */
        blocks[i] = arena_alloc(&a, bytes);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < bytes; j++)
            assert_int_equal(blocks[i][j], 0);
        memset(blocks[i], (int)i + 1, bytes);
    }
    for (size_t i = 0; i < COUNT(blocks); i++)
        for (size_t j = 0; j < 1 + i * 37; j++)
            assert_int_equal(blocks[i][j], (unsigned char)(i + 1));
    arena_free(&a);
    assert_null(a.chunks);
    assert_non_null(arena_alloc(&a, 1)); /* and it can be used again */
    arena_free(&a);
}

static void arena_keeps_blocks_larger_than_a_chunk(void **state)
{
    (void)state;
    struct arena a = {0};
    const size_t big = 1 << 20;
    char *small = arena_text(&a, "small and more", 5);
    unsigned char *large = arena_alloc(&a, big);
    assert_non_null(large);
    memset(large, 0xff, big);
    char *after = arena_text(&a, "", 0);
    assert_string_equal(small, "small");
    assert_string_equal(after, "");
    assert_int_equal(large[big - 1], 0xff);
    arena_free(&a);
}

static void arena_refuses_impossible_sizes(void **state)
{
    (void)state;
    struct arena a = {0};
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_array(&a, SIZE_MAX / 4 + 2, 4)); /* the product wraps to 4 */
    assert_null(arena_array(&a, 1, SIZE_MAX - 3));
    uint64_t *words = arena_array(&a, 3, sizeof *words);
    assert_non_null(words);
    assert_true(words[0] == 0 && words[2] == 0);
    arena_free(&a);
}

static void vec_grows_and_keeps_its_elements(void **state)
{
    (void)state;
    VEC(uint32_t) v = {0};
    for (uint32_t i = 0; i < 10000; i++)
        assert_true(vec_push(&v, i * i));
    assert_int_equal(v.n, 10000);
    assert_true(v.capacity >= v.n);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(v.at[i], i * i);
    const uint32_t *before = v.at;
    assert_true(vec_reserve(&v, v.capacity - v.n)); /* there already */
    assert_ptr_equal(v.at, before);
    vec_free(&v);
    assert_null(v.at);
    assert_int_equal(v.n + v.capacity, 0);
}

static void vec_refuses_impossible_sizes(void **state)
{
    (void)state;
    VEC(uint64_t) v = {0};
    assert_true(vec_push(&v, 7));
    assert_false(vec_reserve(&v, SIZE_MAX));     /* n + extra overflows */
    assert_false(vec_reserve(&v, SIZE_MAX / 4)); /* the bytes overflow */
    assert_int_equal(v.n, 1);
    assert_int_equal(v.at[0], 7); /* as it was */
    vec_free(&v);
}

static void text_appends_of_every_kind(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "");
    assert_string_equal(t.at, "");
    text_add_n(&t, "abcdef", 3);
    text_addf(&t, "-%d-%s", 42, "x");
    assert_string_equal(t.at, "abc-42-x");
    assert_int_equal(t.n, strlen(t.at));
    for (int i = 0; i < 1000; i++)
        text_addf(&t, "%04d", i);
    assert_int_equal(t.n, 8 + 4000);
    assert_string_equal(t.at + 8 + 3996, "0999");
    assert_true(text_ok(&t));
    text_free(&t);
    assert_null(t.at);
}

static void text_failure_is_sticky_and_harmless(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "kept");
    text_add_n(&t, "", SIZE_MAX - 100); /* refused before anything is copied */
    assert_false(text_ok(&t));
    text_add(&t, " more");
    text_addf(&t, "%d", 1);
    assert_string_equal(t.at, "kept");
    assert_false(text_ok(&t));
    text_free(&t);
}

/* Against Python: what bytes are a character is what b.decode("utf-8") says. */
static void characters_of_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n, length;
        uint32_t character;
    } known[] = {
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0},
        {"\x7f", 1, 1, 0x7f},
        {"\xc2\x80", 2, 2, 0x80},
        {"\xdf\xbf", 2, 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 3, 0x800},
        {"\xed\x9f\xbf", 3, 3, 0xd7ff},
        {"\xee\x80\x80", 3, 3, 0xe000},
        {"\xef\xbf\xbf", 3, 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\x80", 1, 0, 0},             /* in the middle of one */
        {"\xc0\x80", 2, 0, 0},         /* longer than it has to be */
        {"\xc1\xbf", 2, 0, 0},         /* also */
        {"\xe0\x9f\xbf", 3, 0, 0},     /* also */
        {"\xf0\x8f\xbf\xbf", 4, 0, 0}, /* also */
        {"\xed\xa0\x80", 3, 0, 0},     /* half a surrogate pair */
        {"\xed\xbf\xbf", 3, 0, 0},     /* also */
        {"\xf4\x90\x80\x80", 4, 0, 0}, /* beyond the last */
        {"\xf8\x88\x80\x80", 4, 0, 0}, /* of five bytes */
        {"\xff", 1, 0, 0},             /* none at all */
        {"\xc3", 1, 0, 0},             /* cut off */
        {"\xf0\x90\x80", 3, 0, 0},     /* also */
        {"\xc3(", 2, 0, 0},            /* not gone on with */
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        uint32_t c = 0;
        assert_int_equal(text_decode(known[i].bytes, known[i].n, &c), known[i].length);
        assert_int_equal(c, known[i].character);
    }
}

static void controls_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } known[] = {
        {"plain \\x41 \xc3\xa4 \xe4\xb8\xad \xf0\x9f\x98\x80",
         "plain \\x41 \xc3\xa4 \xe4\xb8\xad \xf0\x9f\x98\x80"},
        {"a\x1b[2J\n\t\x7f", "a\\u001b[2J\\u000a\\u0009\\u007f"},
        {"\xc2\x80\xc2\x9f\xc2\xa0", "\\u0080\\u009f\xc2\xa0"},
        {"\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf", "\\u202a\\u202e\xe2\x80\xaf"},
        {"\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xa8\xe2\x80\xa9",
         "\\u2066\\u2069\\u061c\\u200e\\u200f\\u2028\\u2029"},
        {"\xff\xc3(\xed\xa0\x80", "\\xff\\xc3(\\xed\\xa0\\x80"},
        {"\\u001b\\xff", "\\u001b\\xff"}, /* what is escaped stays */
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        struct text t = {0};
        struct diag d;
        text_add_shown(&t, known[i].text, 0, TEXT_WHOLE);
        assert_string_equal(t.at, known[i].shown);
        text_free(&t);
        (void)diag_set(&d, ST_INPUT, "%s", known[i].text);
        assert_string_equal(d.text, known[i].shown);
    }
    struct text t = {0};
    text_add_shown(&t, "\xc3\xa4\x01", 9, TEXT_WHOLE); /* an a with dots is one column */
    text_add_shown(&t, "abcdef", 2, 4);
    text_add_shown(&t, "ab\x01", 6, 6); /* no half of what is escaped */
    assert_string_equal(t.at, "\xc3\xa4\\u0001  abcdab    ");
    text_free(&t);
    assert_int_equal(text_clip("abc", 3, 3), 3);
    assert_int_equal(text_clip("ab\xc3\xa4", 4, 3), 2);
    assert_int_equal(text_clip("\xf0\x9f\x98\x80", 4, 3), 0);
}

static void diag_shows_what_it_quotes(void **state)
{
    (void)state;
    struct diag d;
    char long_text[2 * DIAG_TEXT], out[1000];
    memset(long_text, '\x1b', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    (void)diag_set(&d, ST_INPUT, "%s", long_text);
    assert_true(strlen(d.text) > DIAG_TEXT - 10);
    assert_int_equal(strlen(d.text) % 6, 0); /* whole escapes only */
    for (unsigned before = 0; before < 400; before++) {
        char line[500];
        memset(line, before % 3 ? '\x1b' : 'a', before);
        memcpy(line + before, "X\x1b\n", 4);
        (void)diag_at(&d, "f\x1b.json", line, before + 3, before, "here");
        assert_int_equal(d.source[d.caret - 1], 'X');
        assert_true(diag_render(&d, out, sizeof out) < sizeof out);
        assert_null(strchr(out, '\x1b'));
        assert_non_null(strstr(out, "f\\u001b.json:1:"));
    }
    (void)diag_at(&d, NULL, "\xc3\xa4\xc2\x9b?", 5, 4, "here");
    assert_string_equal(d.source, "\xc3\xa4\\u009b?");
    assert_int_equal(d.caret, 8);
}

static void json_quotes_any_bytes(void **state)
{
    (void)state;
    struct text t = {0};
    json_quote(&t, "a\"\\\n\x7f\xc2\x9b\xe2\x80\xae\xc3\xa4\xff\xe0\x80\x80\xed\xa0\x80z");
    assert_string_equal(t.at, "\"a\\\"\\\\\\u000a\\u007f\\u009b\\u202e\xc3\xa4\\ufffd\\ufffd\\ufffd\\ufffd"
                              "\\ufffd\\ufffd\\ufffdz\"");
    text_free(&t);
}

static void mt_draws_what_python_draws(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        uint32_t first[3], at_2000;
    } known[] = {
        {0, {0xd82c07cd, 0x629f6fbe, 0xc2094cac}, 0xe8ef99e9},
        {1, {0x2265b1f5, 0x91b7584a, 0xd8f16adf}, 0x3f10c021},
        {123, {0x0d67b366, 0x44867db3, 0x1651ddae}, 0x016710e2},
        {UINT32_MAX, {0xa2a6c909, 0x9e9c04f4, 0x3404e941}, 0x9d68bdd3},
        {UINT64_C(1) << 32, {0x1ced31d7, 0x59ef8bbc, 0x6af6d506}, 0xf674a066},
        {(UINT64_C(1) << 40) + 17, {0xa952c64a, 0xc3ac4aa7, 0x3dd426c6}, 0x70a9815f},
        {UINT64_MAX, {0x05965e7e, 0x3faff328, 0x568d6a40}, 0xf56f6509},
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        struct mt g;
        mt_seed(&g, known[i].seed);
        uint32_t last = 0;
        for (int draw = 0; draw < 2000; draw++) {
            last = mt_next(&g);
            if (draw < 3)
                assert_int_equal(last, known[i].first[draw]);
        }
        assert_int_equal(last, known[i].at_2000);
    }
}

static void randint_draws_what_python_draws(void **state)
{
    (void)state;
    static const struct {
        int64_t low, high, known[8];
        int n;
    } draws[] = {
        {0, (1 << 30) - 1, {239081663, 53710184, 590620971, 525901256}, 4},
        {-5, 5, {-2, -3, -4, 5, 3, -4, 4, 1}, 8},
        {7, 7, {7, 7}, 2},
        {0, INT64_C(0xfffffffd), {402418010, 939042955}, 2},
        {1, 256, {120, 14, 102, 215}, 4},
    };
    struct mt g;
    mt_seed(&g, 42); /* one stream: rejected draws count too */
    for (size_t i = 0; i < COUNT(draws); i++)
        for (int k = 0; k < draws[i].n; k++)
            assert_true(mt_randint(&g, draws[i].low, draws[i].high) == draws[i].known[k]);
}

static void many_draws_are_as_one_by_one(void **state)
{
    (void)state;
    static const int64_t ranges[][2] = {{0, (1 << 30) - 1}, {-127, 127}, {0, 0}, {3, 1000000}};
    uint32_t many[1500];
    struct mt a, b;
    mt_seed(&a, 7);
    mt_seed(&b, 7);
    for (size_t i = 0; i < COUNT(ranges); i++) {
        mt_randints(&a, ranges[i][0], ranges[i][1], many, COUNT(many));
        for (size_t k = 0; k < COUNT(many); k++)
            assert_int_equal(many[k], (uint32_t)mt_randint(&b, ranges[i][0], ranges[i][1]));
        assert_int_equal(mt_next(&a), mt_next(&b));
    }
}

static void rng_is_splitmix_and_stays_in_range(void **state)
{
    (void)state;
    struct rng r = {0};
    assert_true(rng_next(&r) == UINT64_C(0xe220a8397b1dcdaf)); /* the published sequence for seed 0 */
    assert_true(rng_next(&r) == UINT64_C(0x6e789e6aa1b965f4));
    unsigned seen = 0;
    for (int i = 0; i < 1000; i++) {
        const uint32_t x = rng_below(&r, 6);
        assert_in_range(x, 0, 5);
        seen |= 1u << x;
        const double u = rng_unit(&r);
        assert_true(u >= 0 && u < 1);
    }
    assert_int_equal(seen, 63);
    assert_int_equal(rng_below(&r, 1), 0);
}

static void fnv_known_values(void **state)
{
    (void)state;
    const uint32_t zero[] = {0}, several[] = {1, 0x01020304, 0xffffffff};
    const uint32_t text[] = {1651470182, 555840097}; /* "foobar!!", least significant byte first */
    assert_true(fnv1a64_words(NULL, 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(fnv1a64_words(zero, 1) == UINT64_C(0x4d25767f9dce13f5));
    assert_true(fnv1a64_words(several, 3) == UINT64_C(0xa57d473fb9d8c75c));
    assert_true(fnv1a64_words(text, 2) == UINT64_C(0x745faceb4ecb0ede));
}

static void check_render(const struct diag *d, const char *expected)
{
    char out[1000];
    assert_int_equal(diag_render(d, out, sizeof out), strlen(expected));
    assert_string_equal(out, expected);
}

static void diag_points_at_the_place(void **state)
{
    (void)state;
    static const char input[] = "first\n  \"add\": [1, x],\nlast";
    struct diag d;
    const size_t offset = (size_t)(strchr(input, 'x') - input);
    assert_int_equal(diag_at(&d, "a.json", input, sizeof input - 1, offset, "found %c", 'x'), ST_INPUT);
    assert_int_equal(d.line, 2);
    assert_int_equal(d.column, 14);
    check_render(&d, "a.json:2:14: found x\n    \"add\": [1, x],\n               ^");
}

static void diag_at_the_very_end_and_without_a_name(void **state)
{
    (void)state;
    struct diag d;
    (void)diag_at(&d, NULL, "[1", 2, 99, "found the end");
    check_render(&d, "input:1:3: found the end\n  [1\n    ^");
    (void)diag_at(&d, NULL, "", 0, 0, "empty");
    check_render(&d, "input:1:1: empty");
    assert_int_equal(diag_set(&d, ST_LIMIT, "too %s", "much"), ST_LIMIT);
    check_render(&d, "too much");
    assert_int_equal(diag_set(NULL, ST_IO, "nobody listens"), ST_IO);
    assert_int_equal(diag_at(NULL, NULL, "", 0, 0, "nobody listens"), ST_INPUT);
}

static void diag_clips_long_lines_around_the_place(void **state)
{
    (void)state;
    char line[5000];
    memset(line, '.', sizeof line);
    line[4000] = 'X';
    line[4001] = '\t';
    struct diag d;
    (void)diag_at(&d, "long", line, sizeof line, 4000, "here");
    assert_int_equal(d.column, 4001);
    assert_true(strlen(d.source) < DIAG_LINE);
    assert_in_range(d.caret, 1, strlen(d.source));
    assert_int_equal(d.source[d.caret - 1], 'X');
    assert_int_equal(d.source[d.caret], ' '); /* a tab would move the caret */
    char tiny[8];
    assert_true(diag_render(&d, tiny, sizeof tiny) > sizeof tiny); /* clipped, and says what it needs */
    assert_int_equal(strlen(tiny), sizeof tiny - 1);
}

/* A scratch directory for the file tests, removed afterwards. */
static char directory[] = "/tmp/sheaf_test_base.XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s/file", mkdtemp(directory));
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static void file_round_trip(void **state)
{
    (void)state;
    enum { SIZE = 300000 }; /* several times the first buffer */
    char *out = malloc(SIZE), *in = NULL;
    size_t size = 0;
    struct diag d;
    for (size_t i = 0; i < SIZE; i++)
        out[i] = (char)(i * 31);
    assert_int_equal(file_write(path, out, SIZE, &d), ST_OK);
    assert_int_equal(file_read(path, SIZE, &in, &size, &d), ST_OK);
    assert_int_equal(size, SIZE);
    assert_memory_equal(in, out, SIZE);
    assert_int_equal(in[size], '\0');
    free(in);
    assert_int_equal(file_read(path, SIZE - 1, &in, &size, &d), ST_LIMIT);
    assert_null(in);
    assert_string_equal(d.file, path);
    assert_int_equal(file_write(path, "", 0, &d), ST_OK);
    assert_int_equal(file_read(path, 0, &in, &size, &d), ST_OK);
    assert_int_equal(size, 0);
    free(in);
    free(out);
}

static void file_errors_name_the_file_and_the_reason(void **state)
{
    (void)state;
    char *data;
    size_t size;
    struct diag d;
    assert_int_equal(file_read(directory, 100, &data, &size, &d), ST_IO);
    assert_null(data);
    assert_non_null(strstr(d.text, "directory"));
    assert_string_equal(d.file, directory);
    assert_int_equal(file_read("/nonexistent/file", 100, &data, &size, &d), ST_IO);
    assert_non_null(strstr(d.text, "No such file"));
    assert_int_equal(file_read("/dev/zero", 1 << 20, &data, &size, &d), ST_LIMIT); /* endless */
    assert_null(data);
    assert_int_equal(file_write(directory, "x", 1, &d), ST_IO);
    assert_int_equal(file_write("/dev/full", "x", 1, &d), ST_IO);
    assert_non_null(strstr(d.text, "No space"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_keeps_blocks_larger_than_a_chunk),
        cmocka_unit_test(arena_refuses_impossible_sizes),
        cmocka_unit_test(vec_grows_and_keeps_its_elements),
        cmocka_unit_test(vec_refuses_impossible_sizes),
        cmocka_unit_test(text_appends_of_every_kind),
        cmocka_unit_test(text_failure_is_sticky_and_harmless),
        cmocka_unit_test(characters_of_utf8),
        cmocka_unit_test(controls_are_shown),
        cmocka_unit_test(diag_shows_what_it_quotes),
        cmocka_unit_test(json_quotes_any_bytes),
        cmocka_unit_test(mt_draws_what_python_draws),
        cmocka_unit_test(randint_draws_what_python_draws),
        cmocka_unit_test(many_draws_are_as_one_by_one),
        cmocka_unit_test(rng_is_splitmix_and_stays_in_range),
        cmocka_unit_test(fnv_known_values),
        cmocka_unit_test(diag_points_at_the_place),
        cmocka_unit_test(diag_at_the_very_end_and_without_a_name),
        cmocka_unit_test(diag_clips_long_lines_around_the_place),
        cmocka_unit_test(file_round_trip),
        cmocka_unit_test(file_errors_name_the_file_and_the_reason),
    };
    return cmocka_run_group_tests_name("base", tests, make_directory, remove_directory);
}
