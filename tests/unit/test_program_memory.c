/* Memory that runs out at every possible word_range while programs are read, written and
 * checked: each time ST_NOMEM (or a text that says it failed), and nothing leaks.
 * This program is linked with --wrap for the allocator (see the Makefile), and
 * jansson is pointed at the same functions. Strings stay below the 16 bytes that
 * jansson's token buffer begins with: it does not survive a failure to grow it,
 * which the reader prevents by asking for the memory first (json_any.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/program/check.h"
#include "sim/program/program.h"
#include "tests/unit/failing.h"

typedef enum status reader(const char *, size_t, const char *, struct prog **, struct diag *);

static const char json_text[] =
    "{\"machine\": {\"vlen\": 4}, \"scratch_map\": {\"0\": [\"i\", 1], \"8\": [\"a \\u0062\", 4], \"9\": "
    "[\"c\", 1]},"
    "\"program\": [{\"alu\": [[\"+\", 1, 2, 3], [\"no\", {\"b\": [1.5, \"x\\n\"], \"a\": {}}]]},"
    "{\"\\u0061lu\": [[\"\\u002b\", 8, 8, 8]], \"flow\": [[\"jump\", 0], [\"cond_jump\", 0, 3]]},"
    "{\"debug\": [[\"vcompare\", 8, [1, \"b\", [2, 3]]], [\"comment\", \"t\"], [\"comment\"], [\"compare\", "
    "9, \"k\"]]}]}";

static const char asm_text[] = ".machine vlen=4\n.name i 0\n.name \"a \\u0062\" 8 4\nstart:\n"
                               "{ alu: + i, \"a b\"+1, 3; [\"no\", {\"b\": [1.5, \"x\\n\"]}]; flow: jump "
                               "@start; cond_jump i, @\"the end\" }\n"
                               "{ load: const i, 1; const 0, 2; debug: vcompare 8, [1, \"b\"]; comment "
                               "\"t\"; [\"comment\"] }\n\"the end\":\n";

static struct prog *read_well(reader *read, const char *text)
{
    struct prog *p;
    fail_after(-1);
    assert_int_equal(read(text, strlen(text), NULL, &p, NULL), ST_OK);
    return p;
}

static void check_reader(reader *read, const char *text)
{
    const long before = live;
    for (long n = 0;; n++) {
        struct prog *p = (struct prog *)&p;
        struct diag d;
        fail_after(n);
        const enum status status = read(text, strlen(text), "x", &p, &d);
        countdown = -1;
        if (!failed) {
            assert_int_equal(status, ST_OK);
            assert_true(n > 10);
            prog_destroy(p);
            break;
        }
        assert_int_equal(status, ST_NOMEM);
        assert_null(p);
        assert_non_null(strstr(d.text, "out of memory"));
        assert_int_equal(live, before);
    }
    assert_int_equal(live, before);
}

/* Several programs, as one reader's. */
static enum status read_list(const char *text, size_t size, const char *file, struct prog **out,
                             struct diag *d)
{
    struct prog_list programs;
    const enum status status = prog_read_json_list(text, size, file, &programs, d);
    *out = NULL;
    if (status == ST_OK) {
        *out = programs.list.at[0].prog;
        programs.list.at[0].prog = NULL;
    }
    prog_list_free(&programs);
    return status;
}

static const char programs_text[] =
    "{\"stages\": [{\"name\": \"one\", \"program\": [{\"alu\": [[\"+\", 1, 2, 3]]}]},"
    "{\"name\": \"two\", \"program\": [{\"flow\": [[\"jump\", 0]]}]}]}";

static void check_writer(const struct prog *p, void (*write)(const struct prog *, struct text *))
{
    const long before = live;
    for (long n = 0;; n++) {
        struct text t = {0};
        fail_after(n);
        write(p, &t);
        countdown = -1;
        const bool good = text_ok(&t);
        text_free(&t);
        assert_int_equal(live, before);
        assert_int_equal(good, !failed);
        if (good) {
            assert_true(n > 2);
            break;
        }
    }
}

static void test_reading(void **state)
{
    (void)state;
    check_reader(prog_read_json, json_text);
    check_reader(read_list, programs_text);
    check_reader(read_list, json_text);
    check_reader(prog_read_asm, asm_text);
}

static void test_writing(void **state)
{
    (void)state;
    reader *const readers[] = {prog_read_json, prog_read_asm};
    const char *const texts[] = {json_text, asm_text};
    for (int i = 0; i < 2; i++) {
        struct prog *p = read_well(readers[i], texts[i]);
        check_writer(p, prog_write_json);
        check_writer(p, prog_write_asm);
        prog_destroy(p);
    }
}

static void test_checking(void **state)
{
    (void)state;
    struct prog *p = read_well(prog_read_asm, asm_text);
    const long before = live;
    bool good = false;
    for (long n = 0; !good; n++) {
        struct prog_findings f = {0};
        fail_after(n);
        good = prog_check(p, &p->machine, 100, &f) == ST_OK;
        countdown = -1;
        assert_int_equal(good, !failed);
        prog_findings_free(&f);
        assert_int_equal(live, before);
    }
    prog_destroy(p);
}

int main(void)
{
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_checking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
