/* The builder's public interface when something is wrong: one clear error, kept, and
 * nothing else happens. Memory that runs out at every possible word_range, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/api/sheaf_builder.h"
#include "tests/unit/failing.h"

/* The kernel fails with this status and with this in its message, from build and run. */
static void refused(struct sheaf_kernel *k, enum sheaf_status status, const char *what)
{
    struct sheaf_error error = {0};
    const struct sheaf_program *program;
    uint32_t memory[4] = {1, 2, 3, 4};
    assert_int_equal(sheaf_kernel_build(k, &program, &error), status);
    assert_null(program);
    if (!strstr(error.text, what))
        fail_msg("expected \"%s\" in \"%s\"", what, error.text);
    assert_int_equal(sheaf_kernel_run(k, memory, 4, NULL, NULL), status);
    assert_int_equal(memory[0], 1);
    assert_non_null(sheaf_kernel_error(k));
    assert_non_null(strstr(sheaf_kernel_error(k), what));
    sheaf_kernel_destroy(k);
}

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    const struct sheaf_reg none = {0, 0, 0, 0}, far = {99999, 0, 1, 1}, wide = {1, 60000, 255, 255};
    const struct sheaf_range empty = {0, 0}, beyond = {2, UINT32_MAX};
    struct sheaf_kernel *k;
#define REFUSED(what, ...)         \
    k = sheaf_kernel_create(NULL); \
    (__VA_ARGS__);                 \
    refused(k, SHEAF_INPUT, what)
    REFUSED("operands differ in lanes",
            sheaf_set(k, sheaf_var(k, NULL, sheaf_const(k, 2)), sheaf_vconst(k, 1)));
    REFUSED("operands differ in lanes", sheaf_set(k, sheaf_var(k, NULL, sheaf_const(k, 2)),
                                                  sheaf_add(k, sheaf_vconst(k, 1), sheaf_vconst(k, 2))));
    REFUSED("a constant is not to be assigned", sheaf_set(k, sheaf_const(k, 2), sheaf_const(k, 3)));
    REFUSED("a constant is not to be assigned", sheaf_set(k, sheaf_const(k, 0), sheaf_const(k, 3)));
    REFUSED("a constant is not to be assigned",
            sheaf_set(k, sheaf_lane(k, sheaf_vconst(k, 2), 1), sheaf_const(k, 3)));
    REFUSED("no such lane", sheaf_lane(k, sheaf_vconst(k, 2), 8));
    REFUSED("no such operator", sheaf_binary(k, SHEAF_OPERATORS, sheaf_const(k, 1), sheaf_const(k, 1)));
    REFUSED("kernel operation 2", sheaf_add(k, sheaf_add(k, sheaf_const(k, 1), sheaf_const(k, 1)), none));
    REFUSED("outside its block", sheaf_add(k, sheaf_const(k, 1), far));
    REFUSED("outside its block", sheaf_gather(k, wide));
    REFUSED("outside its block", sheaf_set(k, far, sheaf_add(k, sheaf_const(k, 1), sheaf_const(k, 1))));
    REFUSED("kernel operation", sheaf_var(k, "x", none));
    REFUSED("an address is a scalar", sheaf_load(k, sheaf_vconst(k, 2)));
    REFUSED("an address is a scalar", sheaf_store(k, sheaf_vconst(k, 2), sheaf_const(k, 1)));
    REFUSED("a range of memory", sheaf_load_in(k, sheaf_const(k, 2), empty));
    REFUSED("a range of memory", sheaf_load_in(k, sheaf_const(k, 2), beyond));
    REFUSED("broadcast", sheaf_broadcast(k, sheaf_vconst(k, 1)));
    REFUSED("scalar condition", sheaf_if(k, sheaf_vload(k, sheaf_const(k, 1))));
    REFUSED("step of a loop", sheaf_for(k, 0, 5, 0));
    REFUSED("step of a loop", sheaf_for_regs(k, sheaf_const(k, 0), sheaf_const(k, 1), 0));
    REFUSED("not closed", sheaf_do(k));
    REFUSED("not closed", sheaf_if(k, sheaf_load(k, sheaf_const(k, 1))));
    REFUSED("innermost", sheaf_end_if(k));
    REFUSED("innermost", sheaf_do(k), sheaf_end_for(k));
    REFUSED("innermost", sheaf_for(k, 0, 2, 1), sheaf_while(k, sheaf_const(k, 0)));
    REFUSED("(stage middle): a constant", sheaf_stage(k, "middle"),
            sheaf_set(k, sheaf_const(k, 2), sheaf_const(k, 3)), sheaf_end_if(k));
#undef REFUSED
    struct sheaf_config config = sheaf_config_default();
    config.vlen = 1000;
    refused(sheaf_kernel_create(&config), SHEAF_INPUT, "vlen");
}

static void nothing_is_added_to_what_is_built(void **state)
{
    (void)state;
    const struct sheaf_program *program;
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    sheaf_store(k, sheaf_const(k, 1), sheaf_const(k, 2));
    assert_int_equal(sheaf_kernel_build(k, &program, NULL), SHEAF_OK);
    sheaf_store(k, sheaf_const(k, 1), sheaf_const(k, 2));
    refused(k, SHEAF_INPUT, "is built");
}

static void too_little_scratch_is_said(void **state)
{
    (void)state;
    struct sheaf_config config = sheaf_config_default();
    config.scratch = 100;
    struct sheaf_kernel *k = sheaf_kernel_create(&config);
    struct sheaf_reg v[20];
    for (uint32_t i = 0; i < 20; i++) /* 160 words, all needed in the end */
        v[i] = sheaf_vload(k, sheaf_const(k, 8 * i));
    for (uint32_t i = 0; i < 20; i++)
        sheaf_store(k, sheaf_const(k, 8 * i), v[19 - i]);
    struct sheaf_error error = {0};
    const struct sheaf_program *program;
    assert_int_equal(sheaf_kernel_build(k, &program, &error), SHEAF_LIMIT);
    assert_non_null(strstr(error.text, "words"));
    assert_non_null(strstr(error.text, "cycle"));
    assert_non_null(strstr(error.text, "100"));
    refused(k, SHEAF_LIMIT, "words");
}

static void faults_leave_memory_alone(void **state)
{
    (void)state;
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    sheaf_store(k, sheaf_const(k, 0), sheaf_const(k, 9));
    sheaf_store(k, sheaf_const(k, 1), sheaf_load(k, sheaf_const(k, 1000)));
    uint32_t m[2] = {5, 6};
    struct sheaf_report report;
    struct sheaf_error error = {0};
    assert_int_equal(sheaf_kernel_run(k, m, 2, &report, &error), SHEAF_INPUT);
    assert_non_null(strstr(error.text, "out_of_range"));
    assert_int_equal(m[0], 5);
    assert_int_equal(report.cycles, 0);
    assert_int_equal(sheaf_kernel_run(k, m, 0, NULL, &error), SHEAF_INPUT);
    sheaf_kernel_destroy(k);
}

/* A kernel that could not be created: every call is harmless. */
static void null_kernels(void **state)
{
    (void)state;
    const struct sheaf_reg r = sheaf_var(NULL, "x", sheaf_const(NULL, 1));
    sheaf_stage(NULL, "x");
    sheaf_set(NULL, r, sheaf_add(NULL, r, sheaf_lane(NULL, sheaf_vconst(NULL, 1), 0)));
    sheaf_store(NULL, r, sheaf_gather(NULL, sheaf_vload(NULL, sheaf_load(NULL, r))));
    (void)sheaf_select(NULL, r, sheaf_multiply_add(NULL, r, r, r), sheaf_broadcast(NULL, r));
    (void)sheaf_for(NULL, 0, 1, 1);
    (void)sheaf_for_regs(NULL, r, r, 1);
    sheaf_end_for(NULL);
    sheaf_do(NULL);
    sheaf_while(NULL, r);
    sheaf_if(NULL, r);
    sheaf_else(NULL);
    sheaf_end_if(NULL);
    assert_int_equal(sheaf_vlen(NULL), 8);
    assert_string_equal(sheaf_kernel_error(NULL), "out of memory");
    refused(NULL, SHEAF_NO_MEMORY, "out of memory");
}

/* --- memory that runs out ---------------------------------------------------- */

/* A kernel with some of everything; what running it came to. */
static enum sheaf_status build_and_run(uint32_t *memory, size_t words)
{
    struct sheaf_report report;
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    sheaf_stage(k, "loop");
    const struct sheaf_reg sum = sheaf_var(k, "sum", sheaf_vconst(k, 1));
    const struct sheaf_reg at = sheaf_for_regs(k, sheaf_load(k, sheaf_const(k, 0)), sheaf_const(k, 64), 8);
    const struct sheaf_reg v = sheaf_vload(k, at);
    sheaf_set(k, sum, sheaf_multiply_add(k, sum, sheaf_broadcast(k, at), v));
    sheaf_if(k, sheaf_lt(k, sheaf_lane(k, v, 2), sheaf_const(k, 7)));
    sheaf_set(k, sum, sheaf_select(k, v, sum, sheaf_gather(k, v)));
    sheaf_else(k);
    sheaf_set(k, sum, sheaf_add(k, sum, sheaf_const(k, 1234567)));
    sheaf_end_if(k);
    sheaf_end_for(k);
    sheaf_store(k, sheaf_const(k, 64), sum);
    const enum sheaf_status status = sheaf_kernel_run(k, memory, words, &report, NULL);
    sheaf_kernel_destroy(k);
    return status;
}

static void memory_runs_out_at_every_place(void **state)
{
    (void)state;
    enum { WORDS = 72 };
    uint32_t start[WORDS], expected[WORDS], memory[WORDS];
    for (uint32_t i = 0; i < WORDS; i++)
        start[i] = expected[i] = i % 64;
    assert_int_equal(build_and_run(expected, WORDS), SHEAF_OK);
    const long before = live;
    long places = 0, done_without = 0;
    do {
        memcpy(memory, start, sizeof memory);
        fail_after(places++);
        const enum sheaf_status status = build_and_run(memory, WORDS);
        countdown = -1;
        assert_int_equal(live, before);
        assert_true(status == SHEAF_OK || (failed && status == SHEAF_NO_MEMORY));
        assert_memory_equal(memory, status == SHEAF_OK ? expected : start, sizeof memory);
        done_without += failed && status == SHEAF_OK;
    } while (failed);
    /* What the simulator wants only to be quicker it can do without. */
    assert_true(places > 100 && done_without < 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(nothing_is_added_to_what_is_built),
        cmocka_unit_test(too_little_scratch_is_said),
        cmocka_unit_test(faults_leave_memory_alone),
        cmocka_unit_test(null_kernels),
        cmocka_unit_test(memory_runs_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
