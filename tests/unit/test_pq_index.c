/* The reference and the generator against the recorded instances, and the variants
 * against the reference, for many sizes and on both simulators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/pq_index/pq_index.h"
#include "tests/unit/instances.h"

enum { INSTANCES = 6 };

static const char *const instances = "tests/data/pq_index.json";

static struct kern_instance *instance_of(const struct kern_params *params, uint64_t seed)
{
    return instance_create(&pq_index, params, 0, seed);
}

static void check_facts(const json_t *instance)
{
    const struct kern_params params = instance_params(&pq_index, instance);
    struct kern_instance *p = instance_of(&params, instance_number(instance, "seed"));
    instance_check_facts(instance, p);
    kern_instance_destroy(p);
}

static void test_recorded(void **state)
{
    (void)state;
    each_instance(instances, INSTANCES, check_facts);
}

/* --- variants ---------------------------------------------------------------------- */

/* Runs the stages on `mem`, after which it has to be as expected; the cycles. */
static uint64_t run_programs(const struct kern_programs *programs, const struct kern_instance *p,
                             enum sim_simulator simulator)
{
    struct sim_config config = sim_default_config();
    config.simulator = simulator;
    config.strict = true;
    uint32_t *mem = malloc(p->words * sizeof *mem);
    assert_non_null(mem);
    memcpy(mem, p->image, p->words * sizeof *mem);
    uint64_t cycles = 0;
    for (size_t i = 0; i < programs->list.n; i++) {
        struct sim *s;
        struct diag d;
        assert_int_equal(sim_create(programs->list.at[i].prog, &config, mem, p->words, &s, &d), ST_OK);
        assert_int_equal(sim_run(s), SIM_STOPPED);
        memcpy(mem, s->mem, p->words * sizeof *mem);
        cycles += s->cycle;
        sim_destroy(s);
    }
    struct kern_wrong wrong;
    if (kern_first_wrong(p, mem, &wrong))
        fail_msg("%s[%u] is %u, expected %u", wrong.array, wrong.index, wrong.found, wrong.expected);
    free(mem);
    return cycles;
}

static void build(const struct kern_variant *v, const struct kern_params *params, struct kern_programs *out)
{
    const struct kern_request rq = {.params = *params, .machine = isa_default_machine()};
    struct diag d;
    if (kern_build(&pq_index, v, &rq, out, &d) != ST_OK)
        fail_msg("%s: %s", v->name, d.text);
}

static void check_variants(const json_t *instance)
{
    const struct kern_params params = instance_params(&pq_index, instance);
    struct kern_instance *p = instance_of(&params, instance_number(instance, "seed"));
    for (unsigned v = 0; v < pq_index.n_variants; v++) {
        struct kern_programs programs;
        build(&pq_index.variants[v], &params, &programs);
        const uint64_t cycles = run_programs(&programs, p, SIM_FAST);
        if (params.at[PQ_N] < 1000)
            assert_int_equal(run_programs(&programs, p, SIM_STEP), cycles);
        kern_programs_free(&programs);
    }
    kern_instance_destroy(p);
}

static void test_variants(void **state)
{
    (void)state;
    each_instance(instances, INSTANCES, check_variants);
}

/* --- sizes and data ---------------------------------------------------------------- */

/* All variants on the instance, whose image may have been changed. */
static void check_all(struct kern_instance *p)
{
    memcpy(p->expected, p->image, p->words * sizeof *p->expected);
    assert_true(pq_index.reference(&p->params, p->expected, NULL));
    for (unsigned v = 0; v < pq_index.n_variants; v++) {
        struct kern_programs programs;
        build(&pq_index.variants[v], &p->params, &programs);
        (void)run_programs(&programs, p, SIM_FAST);
        kern_programs_free(&programs);
    }
}

/* H G S D C n K SINK WIN: every size at its least and beyond what fits a vector, a block
 * or a region; one table, pairs, pairs and a single one; one level of keys, two, three,
 * and too many kept ones for that; heads in loops. */
static const int64_t sizes[][PQ_PARAMS] = {
    {1, 1, 1, 1, 1, 2, 1, 0, 0},          {1, 1, 1, 1, 2, 9, 8, 1, 0},
    {2, 1, 2, 3, 2, 17, 7, 3, 9},         {3, 3, 3, 7, 5, 64, 1, 0, 7},
    {4, 2, 1, 9, 8, 65, 33, 13, 1},       {5, 1, 2, 8, 9, 150, 129, 8, 20},
    {6, 3, 4, 5, 3, 333, 128, 5, 0},      {7, 1, 2, 1, 16, 513, 2, 1, 0},
    {1, 1, 5, 16, 17, 700, 11, 0, 187},   {2, 2, 2, 33, 16, 1600, 127, 100, 3},
    {2, 1, 2, 4, 4, 1300, 131, 2, 5},     {1, 1, 2, 2, 64, 1031, 1030, 3, 0},
    {9, 3, 2, 2, 4, 530, 9, 4, 9},        {1, 1, 8, 1, 4, 90, 30, 2, 2},
    {1, 1, 2, 256, 4, 40, 3, 1, 1},       {1, 1, 1, 1, 256, 300, 20, 0, 6},
    {1, 1, 1, 1, 3, 9000, 100, 1, 2},     {1, 1, 2, 1, 2, 8193 + 64, 3, 0, 1},
    {6, 2, 1, 2, 8, 2100, 40, 1024, 800}, {3, 1, 2, 4, 8, 1500, 224, 4, 11},
    {2, 1, 8, 2, 16, 1200, 200, 0, 0},
};

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct kern_params params = {{0}};
        memcpy(params.at, sizes[i], sizeof sizes[i]);
        struct kern_instance *p = instance_of(&params, 100 + i);
        check_all(p);
        kern_instance_destroy(p);
    }
}

static void fill(struct kern_instance *p, unsigned array, uint32_t value)
{
    for (uint32_t i = 0; i < p->arrays[array].words; i++)
        p->image[p->arrays[array].first + i] = value;
}

/* Scores as high and as low as there are, all of them equal, and two values in turn: ties
 * go to the first keys, on each level of what is compared. */
static void test_ties(void **state)
{
    (void)state;
    static const int64_t cases[][PQ_PARAMS] = {
        {2, 1, 2, 64, 4, 700, 100, 8, 4}, {1, 1, 1, 3, 2, 300, 40, 3, 2}, {2, 2, 2, 8, 2, 900, 200, 0, 11}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kern_params params = {{0}};
        memcpy(params.at, cases[i], sizeof cases[i]);
        struct kern_instance *p = instance_of(&params, i);
        const struct kern_array *codes = &p->arrays[PQ_CODES], *cent = &p->arrays[PQ_CENT];
        fill(p, PQ_Q, (uint32_t)-128);
        fill(p, PQ_CENT, (uint32_t)-128);
        check_all(p);
        fill(p, PQ_CENT, 127);
        check_all(p);
        for (uint32_t w = 0; w < cent->words; w++)
            p->image[cent->first + w] = w / (uint32_t)params.at[PQ_D] % 2;
        check_all(p);
        for (uint32_t w = 0; w < codes->words; w++)
            p->image[codes->first + w] = w % 37 == 5;
        check_all(p);
        kern_instance_destroy(p);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *set, *why;
    } cases[] = {
        {"n=100,K=50,WIN=50", "pq_index: n - WIN, the candidates, must be more than K"},
        {"n=100,WIN=101", "pq_index: WIN is above n"},
        {"H=4,G=3", "pq_index: H is not a multiple of G"},
        {"S=8,C=256,D=33", "pq_index: S * C * D is above 65536"},
        {"H=256,n=3968", "pq_index: H * S * n is above 1048576"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kern_params params = kern_defaults(&pq_index);
        struct kern_instance *p;
        struct diag d;
        assert_int_equal(kern_set(&pq_index, cases[i].set, &params, &d), ST_OK);
        assert_int_equal(kern_instance_create(&pq_index, &params, 0, 1, &p, &d), ST_INPUT);
        assert_null(p);
        assert_string_equal(d.text, cases[i].why);
    }
}

/* Machines that the programs are not for. */
static void test_machines(void **state)
{
    (void)state;
    const struct kern_params params = {{1, 1, 2, 4, 4, 40, 3, 1, 1}};
    for (unsigned v = 0; v < pq_index.n_variants; v++) {
        struct kern_request rq = {.params = params, .machine = isa_default_machine()};
        struct kern_programs programs;
        struct diag d;
        rq.machine.scratch = 40;
        assert_int_equal(kern_build(&pq_index, &pq_index.variants[v], &rq, &programs, &d), ST_LIMIT);
        assert_int_equal(programs.list.n, 0);
        rq.machine = isa_default_machine();
        rq.machine.vlen = 4;
        assert_int_equal(kern_build(&pq_index, &pq_index.variants[v], &rq, &programs, &d), ST_INPUT);
        assert_int_equal(programs.list.n, 0);
    }
}

/* With less scratch, `fused` goes other ways: heads apart, passes over memory. */
static void test_small_scratch(void **state)
{
    (void)state;
    static const uint32_t scratch[] = {1200, 1000, 600};
    const struct kern_params params = {{3, 1, 2, 8, 16, 900, 120, 8, 4}};
    const struct kern_variant *fused = kern_find_variant(&pq_index, "fused");
    struct kern_instance *p = instance_of(&params, 4);
    for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++) {
        struct kern_request rq = {.params = params, .machine = isa_default_machine()};
        struct kern_programs programs;
        struct diag d;
        rq.machine.scratch = scratch[i];
        assert_int_equal(kern_build(&pq_index, fused, &rq, &programs, &d), ST_OK);
        (void)run_programs(&programs, p, SIM_FAST);
        kern_programs_free(&programs);
    }
    kern_instance_destroy(p);
}

/* Arrays follow each other, begin at multiples of 8 and cover the image; what is compared
 * is all but the work area, by changing a word of each. */
static void test_layout(void **state)
{
    (void)state;
    const struct kern_params params = {{3, 1, 1, 5, 3, 21, 4, 2, 3}};
    struct kern_instance *p = instance_of(&params, 1);
    uint32_t at = 0;
    assert_int_equal(p->n_arrays, PQ_ARRAYS);
    for (unsigned a = 0; a < PQ_ARRAYS; a++) {
        const struct kern_array *array = &p->arrays[a];
        assert_int_equal(array->first, at);
        assert_int_equal(at % 8, 0);
        at += array->words;
        struct kern_wrong wrong;
        p->expected[array->first + array->words - 1] ^= 1;
        memcpy(p->image, p->expected, p->words * sizeof *p->image);
        p->image[array->first + array->words - 1] ^= 1;
        assert_int_equal(kern_first_wrong(p, p->image, &wrong), a != PQ_WORK);
    }
    assert_int_equal(at, p->words);
    kern_instance_destroy(p);
}

/* One program for all steps is worth its while. */
static void test_fused(void **state)
{
    (void)state;
    const struct kern_params params = kern_defaults(&pq_index);
    const struct kern_variant *staged = kern_find_variant(&pq_index, "staged");
    const struct kern_variant *fused = kern_find_variant(&pq_index, "fused");
    struct kern_instance *p = instance_of(&params, 2);
    uint64_t cycles[2];
    for (unsigned i = 0; i < 2; i++) {
        struct kern_programs programs;
        build(i ? fused : staged, &params, &programs);
        cycles[i] = run_programs(&programs, p, SIM_FAST);
        kern_programs_free(&programs);
    }
    assert_true(cycles[0] > 4 * cycles[1]);
    kern_instance_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded), cmocka_unit_test(test_variants),
        cmocka_unit_test(test_sizes),    cmocka_unit_test(test_ties),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_machines),
        cmocka_unit_test(test_layout),   cmocka_unit_test(test_small_scratch),
        cmocka_unit_test(test_fused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
