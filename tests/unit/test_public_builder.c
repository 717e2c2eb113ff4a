/* The builder's public interface: what kernels compute, and what a report says. Results are held against the
 * machine's own evaluators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder/api/sheaf_builder.h"
#include "sim/base/random.h"
#include "sim/isa/isa.h"

enum { ROUNDS = 20, VLEN = 8 };

static void run(struct sheaf_kernel *k, uint32_t *memory, size_t words, struct sheaf_report *report)
{
    struct sheaf_error error = {0};
    if (sheaf_kernel_run(k, memory, words, report, &error) != SHEAF_OK)
        fail_msg("%s", error.text);
    assert_null(sheaf_kernel_error(k));
    sheaf_kernel_destroy(k);
}

/* Numbers that matter to shifts, divisions and carries more often than chance has them. */
static uint32_t number(struct rng *r)
{
    static const uint32_t corners[] = {0, 1, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff};
    return rng_below(r, 2) ? corners[rng_below(r, 7)] : (uint32_t)rng_next(r);
}

static struct sheaf_reg number_at(struct sheaf_kernel *k, uint32_t at)
{
    return sheaf_const(k, at);
}

/* --- operators --------------------------------------------------------------- */

static void every_operator_on_vectors_and_scalars(void **state)
{
    (void)state;
    struct rng r = {1};
    for (unsigned op = 0; op < SHEAF_OPERATORS; op++) {
        for (unsigned round = 0; round < ROUNDS; round++) {
            uint32_t m[5 * VLEN];
            for (unsigned i = 0; i < 2 * VLEN; i++)
                m[i] = number(&r);
            for (unsigned i = VLEN; i < 2 * VLEN && isa_info((enum isa_op)op)->partial; i++)
                m[i] += !m[i];
            struct sheaf_kernel *k = sheaf_kernel_create(NULL);
            const struct sheaf_reg a = sheaf_vload(k, number_at(k, 0)),
                                   b = sheaf_vload(k, number_at(k, VLEN));
            sheaf_store(k, number_at(k, 2 * VLEN), sheaf_binary(k, (enum sheaf_operator)op, a, b));
            const struct sheaf_reg scalar = sheaf_lane(k, b, 3);
            sheaf_store(k, number_at(k, 3 * VLEN), sheaf_binary(k, (enum sheaf_operator)op, a, scalar));
            for (unsigned i = 0; i < VLEN; i++)
                sheaf_store(
                    k, number_at(k, 4 * VLEN + i),
                    sheaf_binary(k, (enum sheaf_operator)op, sheaf_lane(k, a, i), sheaf_lane(k, b, i)));
            run(k, m, 5 * VLEN, NULL);
            for (unsigned i = 0; i < VLEN; i++) {
                const uint32_t expected = isa_eval((enum isa_op)op, m[i], m[VLEN + i], 0, 0);
                assert_int_equal(m[2 * VLEN + i], expected);
                assert_int_equal(m[3 * VLEN + i], isa_eval((enum isa_op)op, m[i], m[VLEN + 3], 0, 0));
                assert_int_equal(m[4 * VLEN + i], expected);
            }
        }
    }
}

/* Constants known while building give what the machine would. */
static void every_operator_on_constants(void **state)
{
    (void)state;
    struct rng r = {2};
    for (unsigned op = 0; op < SHEAF_OPERATORS; op++) {
        struct sheaf_kernel *k = sheaf_kernel_create(NULL);
        uint32_t m[ROUNDS] = {0}, expected[ROUNDS];
        for (unsigned i = 0; i < ROUNDS; i++) {
            const uint32_t a = number(&r), n = number(&r);
            const uint32_t b = isa_info((enum isa_op)op)->partial && !n ? 5 : n;
            expected[i] = isa_eval((enum isa_op)op, a, b, 0, 0);
            sheaf_store(k, number_at(k, i),
                        sheaf_binary(k, (enum sheaf_operator)op, sheaf_const(k, a), sheaf_const(k, b)));
        }
        run(k, m, ROUNDS, NULL);
        assert_memory_equal(m, expected, sizeof m);
    }
}

/* The readable names are the operators they say. */
static void names_of_operators(void **state)
{
    (void)state;
    uint32_t m[2 + SHEAF_OPERATORS] = {0xf0f0f123, 17};
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    const struct sheaf_reg a = sheaf_load(k, number_at(k, 0)), b = sheaf_load(k, number_at(k, 1));
    sheaf_store(k, number_at(k, 2), sheaf_add(k, a, b));
    sheaf_store(k, number_at(k, 3), sheaf_sub(k, a, b));
    sheaf_store(k, number_at(k, 4), sheaf_mul(k, a, b));
    sheaf_store(k, number_at(k, 5), sheaf_div(k, a, b));
    sheaf_store(k, number_at(k, 6), sheaf_cdiv(k, a, b));
    sheaf_store(k, number_at(k, 7), sheaf_xor(k, a, b));
    sheaf_store(k, number_at(k, 8), sheaf_and(k, a, b));
    sheaf_store(k, number_at(k, 9), sheaf_or(k, a, b));
    sheaf_store(k, number_at(k, 10), sheaf_shl(k, a, b));
    sheaf_store(k, number_at(k, 11), sheaf_shr(k, a, b));
    sheaf_store(k, number_at(k, 12), sheaf_mod(k, a, b));
    sheaf_store(k, number_at(k, 13), sheaf_lt(k, a, b));
    sheaf_store(k, number_at(k, 14), sheaf_eq(k, a, b));
    run(k, m, 2 + SHEAF_OPERATORS, NULL);
    const uint32_t x = m[0], y = m[1];
    const uint32_t expected[] = {x + y, x - y, x * y, x / y,  x / y + (x % y != 0),
                                 x ^ y, x & y, x | y, x << y, x >> y,
                                 x % y, x < y, x == y};
    assert_int_equal(sizeof expected / sizeof *expected, SHEAF_OPERATORS);
    assert_memory_equal(m + 2, expected, sizeof expected);
}

static void multiply_add_select_broadcast_gather(void **state)
{
    (void)state;
    struct rng r = {3};
    uint32_t m[8 * VLEN], before[8 * VLEN];
    for (unsigned i = 0; i < 8 * VLEN; i++)
        m[i] = i < 3 * VLEN ? (uint32_t)rng_next(&r) : 0;
    for (unsigned i = 0; i < VLEN; i++)
        m[3 * VLEN + i] = rng_below(&r, 3 * VLEN); /* addresses */
    m[1] = 0;
    memcpy(before, m, sizeof m);
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    assert_int_equal(sheaf_vlen(k), VLEN);
    struct sheaf_reg v[4];
    for (uint32_t i = 0; i < 4; i++)
        v[i] = sheaf_vload(k, number_at(k, i * VLEN));
    sheaf_store(k, number_at(k, 4 * VLEN), sheaf_multiply_add(k, v[0], v[1], v[2]));
    sheaf_store(k, number_at(k, 5 * VLEN), sheaf_select(k, v[0], v[1], sheaf_vconst(k, 7)));
    sheaf_store(k, number_at(k, 6 * VLEN), sheaf_gather(k, v[3]));
    const struct sheaf_reg last = sheaf_var(k, "last", sheaf_broadcast(k, sheaf_lane(k, v[2], 5)));
    sheaf_set(k, sheaf_lane(k, last, 2),
              sheaf_select(k, sheaf_lane(k, v[0], 1), sheaf_lane(k, v[1], 0), sheaf_const(k, 9)));
    sheaf_store(k, number_at(k, 7 * VLEN), last);
    run(k, m, 8 * VLEN, NULL);
    for (unsigned i = 0; i < VLEN; i++) {
        assert_int_equal(m[4 * VLEN + i], before[i] * before[VLEN + i] + before[2 * VLEN + i]);
        assert_int_equal(m[5 * VLEN + i], before[i] ? before[VLEN + i] : 7);
        assert_int_equal(m[6 * VLEN + i], before[before[3 * VLEN + i]]);
        assert_int_equal(m[7 * VLEN + i], i == 2 ? 9 : before[2 * VLEN + 5]);
    }
}

/* --- registers --------------------------------------------------------------- */

/* An assigned register changes; what was computed before, and its source, do not. */
static void assignment(void **state)
{
    (void)state;
    uint32_t m[8] = {100, 7};
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    const struct sheaf_reg a = sheaf_load(k, number_at(k, 0)), b = sheaf_load(k, number_at(k, 1));
    const struct sheaf_reg x = sheaf_var(k, "x", a);
    const struct sheaf_reg sum = sheaf_add(k, x, b);
    sheaf_set(k, x, sum); /* what made the sum writes x itself, the sum stays readable */
    const struct sheaf_reg twice = sheaf_add(k, x, x);
    sheaf_set(k, x, sheaf_const(k, 3));
    sheaf_store(k, number_at(k, 2), x);
    sheaf_store(k, number_at(k, 3), sum);
    sheaf_store(k, number_at(k, 4), twice);
    sheaf_store(k, number_at(k, 5), a);
    const struct sheaf_reg v = sheaf_var(k, "x", sheaf_vconst(k, 4));
    sheaf_set(k, sheaf_lane(k, v, 1), sheaf_const(k, 8));
    sheaf_set(k, v, sheaf_broadcast(k, sheaf_lane(k, v, 1)));
    sheaf_store(k, number_at(k, 6), sheaf_lane(k, v, 7));
    run(k, m, 8, NULL);
    const uint32_t expected[] = {100, 7, 3, 107, 214, 100, 8, 0};
    assert_memory_equal(m, expected, sizeof m);
}

/* A value made before a branch and assigned behind it is not moved there. */
static void assignment_across_a_branch(void **state)
{
    (void)state;
    for (uint32_t taken = 0; taken < 2; taken++) {
        uint32_t m[4] = {taken, 50, 0, 0};
        struct sheaf_kernel *k = sheaf_kernel_create(NULL);
        const struct sheaf_reg x = sheaf_var(k, "x", sheaf_const(k, 1));
        const struct sheaf_reg cond = sheaf_load(k, number_at(k, 0));
        const struct sheaf_reg other = sheaf_load(k, number_at(k, 1));
        sheaf_if(k, cond);
        sheaf_set(k, x, other);
        sheaf_end_if(k);
        sheaf_store(k, number_at(k, 2), x);
        sheaf_store(k, number_at(k, 3), other);
        run(k, m, 4, NULL);
        assert_int_equal(m[2], taken ? 50 : 1);
        assert_int_equal(m[3], 50);
    }
}

/* Nor is one into a loop's body moved before the loop. */
static void assignment_in_a_loop(void **state)
{
    (void)state;
    uint32_t m[4] = {40, 2};
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    const struct sheaf_reg x = sheaf_var(k, "x", sheaf_const(k, 0)), n = sheaf_var(k, "n", x);
    const struct sheaf_reg b = sheaf_load(k, number_at(k, 1));
    const struct sheaf_reg sum = sheaf_add(k, sheaf_load(k, number_at(k, 0)), b);
    const struct sheaf_reg one = sheaf_const(k, 1);
    sheaf_do(k);
    sheaf_set(k, x, sum);
    sheaf_set(k, x, sheaf_add(k, x, one));
    sheaf_set(k, n, sheaf_add(k, n, one));
    sheaf_while(k, sheaf_lt(k, n, sheaf_const(k, 3)));
    sheaf_store(k, number_at(k, 2), x);
    sheaf_store(k, number_at(k, 3), n);
    run(k, m, 4, NULL);
    assert_int_equal(m[2], 43);
    assert_int_equal(m[3], 3);
}

/* A vector becomes one of its lanes, on alu too, lane after lane. */
static void a_lane_spread_over_its_vector(void **state)
{
    (void)state;
    enum { N = 12 };
    uint32_t m[N * VLEN];
    for (uint32_t i = 0; i < N * VLEN; i++)
        m[i] = i * i;
    struct sheaf_config config = sheaf_config_default();
    config.slots[SHEAF_VALU] = 1;
    config.slots[SHEAF_ALU] = 9;
    struct sheaf_kernel *k = sheaf_kernel_create(&config);
    for (uint32_t i = 0; i < N; i++) {
        const struct sheaf_range words = {i * VLEN, VLEN};
        const struct sheaf_reg v = sheaf_vload_in(k, number_at(k, i * VLEN), words);
        sheaf_set(k, v, sheaf_broadcast(k, sheaf_lane(k, v, 1)));
        for (unsigned busy = 0; busy < 3; busy++) /* valu is, with what only it can do */
            sheaf_set(k, v, sheaf_multiply_add(k, v, sheaf_vconst(k, 2), v));
        sheaf_store_in(k, number_at(k, i * VLEN), v, words);
    }
    struct sheaf_report report;
    run(k, m, N * VLEN, &report);
    assert_true(report.slots[SHEAF_VALU] < 4 * N); /* the rest are on alu */
    for (uint32_t i = 0; i < N * VLEN; i++)
        assert_int_equal(m[i], 27 * (i / VLEN * VLEN + 1) * (i / VLEN * VLEN + 1));
}

/* --- control ----------------------------------------------------------------- */

static uint32_t count_in_c(uint32_t from, uint32_t to, uint32_t step, uint32_t *sum)
{
    uint32_t n = 0;
    *sum = 0;
    for (uint64_t i = from; i < to; i += step) {
        *sum += (uint32_t)i;
        n++;
    }
    return n;
}

static const struct {
    uint32_t from, to, step;
} loops[] = {
    {0, 10, 1}, {3, 4, 1},   {3, 3, 1},           {4, 3, 1},
    {0, 10, 3}, {0, 9, 3},   {0, 10, UINT32_MAX}, {UINT32_MAX - 5, UINT32_MAX, 2},
    {7, 8, 9},  {0, 0, 100}, {100, 0, 1},         {0, UINT32_MAX, 0x40000000},
};

static void for_counts_as_in_c(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++)
        for (unsigned computed = 0; computed < 2; computed++) {
            uint32_t m[4] = {loops[i].from, loops[i].to, 0, 0}, sum;
            struct sheaf_kernel *k = sheaf_kernel_create(NULL);
            const struct sheaf_reg n = sheaf_var(k, "n", sheaf_const(k, 0));
            const struct sheaf_reg s = sheaf_var(k, "s", sheaf_const(k, 0));
            struct sheaf_reg to = sheaf_load(k, number_at(k, 1)), at;
            if (computed)
                at = sheaf_for_regs(k, sheaf_load(k, number_at(k, 0)), to, loops[i].step);
            else
                at = sheaf_for(k, loops[i].from, loops[i].to, loops[i].step);
            sheaf_set(k, n, sheaf_offset(k, n, 1));
            sheaf_set(k, s, sheaf_add(k, s, at));
            sheaf_set(k, to, sheaf_const(k, 0)); /* the bound's value at the start counts */
            sheaf_end_for(k);
            sheaf_store(k, number_at(k, 2), n);
            sheaf_store(k, number_at(k, 3), s);
            run(k, m, 4, NULL);
            assert_int_equal(m[2], count_in_c(loops[i].from, loops[i].to, loops[i].step, &sum));
            assert_int_equal(m[3], sum);
        }
}

/* Primes below 50 by trial division: loops in loops, conditions in them, else. */
static void nested_control(void **state)
{
    (void)state;
    uint32_t m[50] = {0};
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    sheaf_stage(k, "sieve");
    const struct sheaf_reg one = sheaf_const(k, 1);
    const struct sheaf_reg n = sheaf_for(k, 2, 50, 1);
    const struct sheaf_reg d = sheaf_var(k, "divisor", sheaf_const(k, 2));
    const struct sheaf_reg found = sheaf_var(k, "found", sheaf_const(k, 0));
    sheaf_do(k);
    sheaf_if(k, sheaf_lt(k, d, n));
    sheaf_if(k, sheaf_mod(k, n, d));
    sheaf_else(k);
    sheaf_set(k, found, one);
    sheaf_end_if(k);
    sheaf_end_if(k);
    sheaf_set(k, d, sheaf_add(k, d, one));
    sheaf_while(k, sheaf_lt(k, d, n));
    sheaf_if(k, found);
    sheaf_store(k, n, sheaf_const(k, 4));
    sheaf_else(k);
    sheaf_store(k, n, n);
    sheaf_end_if(k);
    sheaf_end_for(k);
    run(k, m, 50, NULL);
    for (uint32_t i = 2; i < 50; i++) {
        uint32_t divisors = 0;
        for (uint32_t j = 2; j < i; j++)
            divisors += i % j == 0;
        assert_int_equal(m[i], divisors ? 4 : i);
    }
}

/* --- reports ----------------------------------------------------------------- */

/* Sums vectors in a loop; the report of it. */
static void sum_of_vectors(uint32_t iterations, struct sheaf_report *report)
{
    uint32_t m[65 * VLEN], sum = 0;
    for (uint32_t i = 0; i < 65 * VLEN; i++)
        m[i] = i * i;
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    const struct sheaf_reg v = sheaf_var(k, "sum", sheaf_vconst(k, 0));
    const struct sheaf_reg at = sheaf_for(k, 0, iterations * VLEN, VLEN);
    const struct sheaf_range in = {0, 64 * VLEN};
    sheaf_set(k, v, sheaf_add(k, v, sheaf_vload_in(k, at, in)));
    sheaf_end_for(k);
    sheaf_store(k, number_at(k, 64 * VLEN), v);
    run(k, m, 65 * VLEN, report);
    for (uint32_t i = 0; i < iterations; i++)
        sum += m[i * VLEN + 3];
    assert_int_equal(m[64 * VLEN + 3], sum);
}

static void reports_follow_the_run(void **state)
{
    (void)state;
    struct sheaf_report few, many;
    sum_of_vectors(4, &few);
    sum_of_vectors(64, &many);
    assert_int_equal(many.slots[SHEAF_STORE], 1);
    /* A jump and a load an iteration, and a constant or two by either engine. */
    assert_in_range(few.slots[SHEAF_FLOW], 4, 6);
    assert_in_range(few.slots[SHEAF_LOAD], 4, 8);
    assert_in_range(many.slots[SHEAF_FLOW], 64, 66);
    assert_in_range(many.slots[SHEAF_LOAD], 64, 68);
    assert_in_range(many.cycles - few.cycles, 60 * 2 - 1, 60 * 3 + 1);
    assert_true(many.bound <= many.cycles && few.bound <= few.cycles);
    assert_true(many.bound - few.bound >= 60 * 2);
    assert_true(many.used[SHEAF_LOAD] > 0.99 * (double)many.slots[SHEAF_LOAD] / (2 * (double)many.cycles));
    assert_true(many.used[SHEAF_LOAD] < 1.01 * (double)many.slots[SHEAF_LOAD] / (2 * (double)many.cycles));

    char text[512], clipped[10];
    const size_t n = sheaf_report_text(&many, text, sizeof text);
    assert_int_equal(n, strlen(text));
    char line[64];
    (void)snprintf(line, sizeof line, "cycles     %llu\n", (unsigned long long)many.cycles);
    assert_non_null(strstr(text, line));
    assert_int_equal(sheaf_report_text(&many, clipped, sizeof clipped), n);
    assert_memory_equal(clipped, text, sizeof clipped - 1);
    assert_int_equal(clipped[9], 0);
    assert_int_equal(sheaf_report_text(&many, NULL, 0), n);
}

/* What was built runs on any machine object, and is the same when asked for again. */
static void programs_are_programs(void **state)
{
    (void)state;
    struct sheaf_config config = sheaf_config_default();
    config.vlen = 4;
    config.slots[SHEAF_ALU] = 2;
    config.scratch = 60;
    struct sheaf_kernel *k = sheaf_kernel_create(&config);
    assert_int_equal(sheaf_vlen(k), 4);
    sheaf_store(k, number_at(k, 4), sheaf_mul(k, sheaf_vload(k, number_at(k, 0)), sheaf_const(k, 5)));
    const struct sheaf_program *program, *again;
    struct sheaf_machine *machine;
    struct sheaf_error error = {0};
    const uint32_t memory[8] = {1, 2, 3, 4};
    assert_int_equal(sheaf_kernel_build(k, &program, &error), SHEAF_OK);
    assert_int_equal(sheaf_kernel_build(k, &again, &error), SHEAF_OK);
    assert_ptr_equal(program, again);
    config = sheaf_config_default();
    config.strict = true;
    assert_int_equal(sheaf_machine_create(program, &config, memory, 8, &machine, &error), SHEAF_OK);
    assert_int_equal(sheaf_run(machine), SHEAF_STOPPED);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(sheaf_memory(machine, NULL)[4 + i], 5 * (i + 1));
    sheaf_machine_destroy(machine);
    sheaf_kernel_destroy(k);
}

/* Names may repeat: the program can still be written and read. */
static void programs_can_be_saved(void **state)
{
    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        char file[64];
        (void)snprintf(file, sizeof file, "/tmp/sheaf_test_%ld%s", (long)getpid(), f ? ".s" : ".json");
        struct sheaf_kernel *k = sheaf_kernel_create(NULL);
        const struct sheaf_reg a = sheaf_var(k, "odd \"name\" é", sheaf_const(k, 0));
        const struct sheaf_reg b = sheaf_var(k, "odd \"name\" é", sheaf_const(k, 1));
        (void)sheaf_for(k, 0, 10, 1);
        sheaf_set(k, a, sheaf_add(k, a, b));
        sheaf_set(k, b, sheaf_add(k, a, b));
        sheaf_end_for(k);
        sheaf_store(k, number_at(k, 0), a);
        const struct sheaf_program *program;
        struct sheaf_program *read;
        struct sheaf_machine *machine;
        struct sheaf_error error = {0};
        const uint32_t memory[1] = {0};
        assert_int_equal(sheaf_kernel_build(k, &program, &error), SHEAF_OK);
        assert_int_equal(sheaf_program_save(program, file, &error), SHEAF_OK);
        if (sheaf_program_load(file, &read, &error) != SHEAF_OK)
            fail_msg("%s", error.text);
        assert_int_equal(sheaf_program_bundles(read), sheaf_program_bundles(program));
        assert_int_equal(sheaf_machine_create(read, NULL, memory, 1, &machine, &error), SHEAF_OK);
        assert_int_equal(sheaf_run(machine), SHEAF_STOPPED);
        assert_int_equal(sheaf_memory(machine, NULL)[0], 6765); /* the 20th Fibonacci number */
        assert_int_equal(sheaf_program_save(program, "/nowhere/at/all.json", &error), SHEAF_IO);
        sheaf_machine_destroy(machine);
        sheaf_program_destroy(read);
        sheaf_kernel_destroy(k);
        (void)remove(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_on_vectors_and_scalars),
        cmocka_unit_test(every_operator_on_constants),
        cmocka_unit_test(names_of_operators),
        cmocka_unit_test(multiply_add_select_broadcast_gather),
        cmocka_unit_test(assignment),
        cmocka_unit_test(assignment_across_a_branch),
        cmocka_unit_test(assignment_in_a_loop),
        cmocka_unit_test(a_lane_spread_over_its_vector),
        cmocka_unit_test(for_counts_as_in_c),
        cmocka_unit_test(nested_control),
        cmocka_unit_test(reports_follow_the_run),
        cmocka_unit_test(programs_are_programs),
        cmocka_unit_test(programs_can_be_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
