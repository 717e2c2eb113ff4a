/* moe_sort: the reference and the generator against the recorded instances, and the
 * variants against the reference, over sizes, seeds and spreads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/moe_sort/moe_sort.h"
#include "tests/unit/instances.h"

enum { INSTANCES = 8 };

static const char *const instances = "tests/data/moe_sort.json";

static struct kern_instance *instance_of(const struct kern_params *params, uint64_t seed)
{
    return instance_create(&moe_sort, params, 0, seed);
}

static void check_facts(const json_t *instance)
{
    const struct kern_params params = instance_params(&moe_sort, instance);
    struct kern_instance *p = instance_of(&params, instance_number(instance, "seed"));
    instance_check_facts(instance, p);
    kern_instance_destroy(p);
}

static void test_recorded(void **state)
{
    (void)state;
    each_instance(instances, INSTANCES, check_facts);
}

/* Builds and runs the stages one after the other; the cycles, after checking that memory
 * is as expected. */
static uint64_t run(const struct kern_variant *v, const struct kern_instance *p, enum sim_simulator simulator)
{
    const struct kern_request rq = {.params = p->params, .machine = isa_default_machine()};
    struct kern_programs programs;
    struct diag d;
    assert_int_equal(kern_build(&moe_sort, v, &rq, &programs, &d), ST_OK);
    struct sim_config config = sim_default_config();
    config.simulator = simulator;
    config.strict = true;
    uint32_t *mem = malloc(p->words * sizeof *mem);
    assert_non_null(mem);
    memcpy(mem, p->image, p->words * sizeof *mem);
    uint64_t cycles = 0;
    for (size_t i = 0; i < programs.list.n; i++) {
        struct sim *s;
        assert_int_equal(sim_create(programs.list.at[i].prog, &config, mem, p->words, &s, &d), ST_OK);
        assert_int_equal(sim_run(s), SIM_STOPPED);
        memcpy(mem, s->mem, p->words * sizeof *mem);
        cycles += s->cycle;
        sim_destroy(s);
    }
    struct kern_wrong wrong;
    if (kern_first_wrong(p, mem, &wrong))
        fail_msg("%s, seed %llu: %s[%u] is %u, expected %u", v->name, (unsigned long long)p->seed,
                 wrong.array, wrong.index, wrong.found, wrong.expected);
    free(mem);
    kern_programs_free(&programs);
    return cycles;
}

static void check_variants(const json_t *instance)
{
    const struct kern_params params = instance_params(&moe_sort, instance);
    struct kern_instance *p = instance_of(&params, instance_number(instance, "seed"));
    const bool small = p->params.at[MOE_M] <= 64;
    for (unsigned v = 0; v < moe_sort.n_variants; v++) {
        const uint64_t cycles = run(&moe_sort.variants[v], p, SIM_FAST);
        if (small)
            assert_int_equal(run(&moe_sort.variants[v], p, SIM_STEP), cycles);
    }
    kern_instance_destroy(p);
}

static void test_variants(void **state)
{
    (void)state;
    each_instance(instances, INSTANCES, check_variants);
}

static void all_variants_right(const struct kern_instance *p)
{
    for (unsigned v = 0; v < moe_sort.n_variants; v++)
        (void)run(&moe_sort.variants[v], p, SIM_FAST);
}

/* Sizes one by one, and where several meet: one token, tokens that are no multiple of
 * eight, groups that are no multiple of eight or all kept, no shared expert, blocks that
 * are smaller than their expert, more tokens or choices than are sorted in scratch. */
static const char *const sizes[] = {
    "M=1",
    "M=2,U=16",
    "M=3,SH=0",
    "M=5,SH=2,spread=32768",
    "M=8,U=32",
    "M=9,U=16",
    "M=31,E=32,U=16,SH=2",
    "M=33,E=64,K=4,spread=32768",
    "M=40,E=128,NG=4,TG=3,K=6",
    "M=512,U=32,spread=32768",
    "M=3,E=96,NG=8,TG=3,K=5,SH=2,U=16",
    "M=7,E=100,NG=4,TG=2,K=7,SH=0,U=5",
    "M=6,E=36,NG=6,TG=6,K=7,U=6",
    "M=100,E=60,NG=6,TG=5,K=9,SH=2,U=3",
    "M=1,E=2,NG=1,TG=1,K=1,SH=0,U=1",
    "M=8,E=4,NG=2,TG=1,K=2,SH=1,U=1",
    "M=2,E=256,NG=8,TG=8,K=16,SH=0,U=32",
    "M=33,E=256,NG=2,TG=1,K=16,SH=8",
    "M=8,NG=1,TG=1,K=16,SH=8",
    "M=64,E=16,NG=2,TG=2,K=16,U=8",
    "M=64,E=16,NG=2,TG=1,K=1,SH=0,U=1",
    "M=300,E=2,NG=1,TG=1,K=1,SH=0,U=1,spread=262144",
    "M=4,RS=131071,WSH=4294967295,spread=262144",
};

static struct kern_params params_set(const char *text)
{
    struct kern_params params = kern_defaults(&moe_sort);
    struct diag d;
    if (*text)
        assert_int_equal(kern_set(&moe_sort, text, &params, &d), ST_OK);
    return params;
}

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct kern_params params = params_set(sizes[i]);
        struct kern_instance *p = instance_of(&params, 100 + i);
        all_variants_right(p);
        kern_instance_destroy(p);
    }
}

/* Data that no generator draws: few different signals, so that keys differ by their
 * experts alone; every token alike; the widest sums. */
static uint32_t all_alike(uint32_t i, uint32_t e)
{
    (void)i;
    (void)e;
    return 1;
}
static uint32_t two_values(uint32_t i, uint32_t e)
{
    (void)e;
    return 1 + i * 2654435761u % 2;
}
static uint32_t same_tokens(uint32_t i, uint32_t e)
{
    return 1 + i % e * 77 % 32768;
}
static uint32_t falling(uint32_t i, uint32_t e)
{
    return 32768 - i % e;
}

static void test_ties(void **state)
{
    (void)state;
    static uint32_t (*const signals[])(uint32_t i, uint32_t e) = {all_alike, two_values, same_tokens,
                                                                  falling};
    static const char *const cases[] = {"", "M=8,U=8", "M=20,E=64,NG=4,TG=2,SH=2,U=16", "M=5,E=32,NG=1,TG=1"};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t f = 0; f < sizeof signals / sizeof *signals; f++) {
            const struct kern_params params = params_set(cases[c]);
            struct kern_instance *p = instance_of(&params, 1);
            const struct kern_array *sig = &p->arrays[MOE_SIG], *bias = &p->arrays[MOE_BIAS];
            for (uint32_t i = 0; i < sig->compared; i++)
                p->image[sig->first + i] = signals[f](i, bias->compared);
            for (uint32_t i = 0; i < bias->compared; i++)
                p->image[bias->first + i] = f % 2 ? 524288 : 0;
            memcpy(p->expected, p->image, p->words * sizeof *p->image);
            assert_true(moe_sort.reference(&params, p->expected, NULL));
            moe_sort.compare(p);
            all_variants_right(p);
            kern_instance_destroy(p);
        }
}

/* One program for many seeds, as tokens share more or fewer experts. */
static void test_seeds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct kern_params params = params_set(seed % 2 ? "E=32" : "E=256,spread=32768");
        struct kern_instance *p = instance_of(&params, seed);
        (void)run(&moe_sort.variants[moe_sort.n_variants - 1], p, SIM_FAST);
        kern_instance_destroy(p);
    }
}

/* What is asked of the fused program: 2.3 times fewer cycles than staged, and within 1.5
 * times of the work of its busiest engine. */
static void test_fused_gains(void **state)
{
    (void)state;
    const struct kern_params params = kern_defaults(&moe_sort);
    const struct kern_variant *staged = kern_find_variant(&moe_sort, "staged"),
                              *fused = kern_find_variant(&moe_sort, "fused");
    struct kern_instance *p = instance_of(&params, 123);
    const uint64_t cycles = run(fused, p, SIM_FAST);
    assert_true(cycles * 23 <= run(staged, p, SIM_FAST) * 10);
    const struct kern_request rq = {.params = params, .machine = isa_default_machine()};
    struct kern_programs programs;
    struct diag d;
    assert_int_equal(kern_build(&moe_sort, fused, &rq, &programs, &d), ST_OK);
    const struct prog *prog = programs.list.at[0].prog;
    uint64_t slots[ISA_ENGINES] = {0}, work = 0;
    for (size_t i = 0; i < prog->slots.n; i++)
        slots[prog->slots.at[i].engine]++;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (work < slots[e] / rq.machine.slots[e])
            work = slots[e] / rq.machine.slots[e];
    assert_true(cycles * 2 <= work * 3);
    kern_programs_free(&programs);
    kern_instance_destroy(p);
}

/* Sizes that mean nothing are refused with a reason, by the instance and by the builder. */
static void test_preconditions(void **state)
{
    (void)state;
    static const struct {
        const char *set, *why;
    } cases[] = {
        {"E=100", "NG does not divide E"},     {"E=8,K=1", "a group has fewer than two experts"},
        {"TG=8,NG=4", "TG is above NG"},       {"E=32,TG=1", "K is above the experts of the groups kept"},
        {"M=1024,K=5", "M * K is above 4096"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct kern_params params = params_set(cases[i].set);
        const struct kern_request rq = {.params = params, .machine = isa_default_machine()};
        struct kern_instance *p;
        struct kern_programs programs;
        struct diag d;
        assert_int_equal(kern_instance_create(&moe_sort, &params, 0, 1, &p, &d), ST_INPUT);
        assert_non_null(strstr(d.text, cases[i].why));
        for (unsigned v = 0; v < moe_sort.n_variants; v++) {
            assert_int_equal(kern_build(&moe_sort, &moe_sort.variants[v], &rq, &programs, &d), ST_INPUT);
            assert_non_null(strstr(d.text, cases[i].why));
        }
    }
    struct kern_params params = kern_defaults(&moe_sort);
    struct diag d;
    assert_int_equal(kern_set(&moe_sort, "E=257", &params, &d), ST_INPUT);
    assert_string_equal(d.text, "moe_sort: E=257, expected 2 to 256");
}

/* A machine the code is not for: an error, no program. */
static void test_machines(void **state)
{
    (void)state;
    static const struct {
        uint32_t vlen, scratch;
    } machines[] = {{4, 1536}, {16, 1536}, {8, 64}};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        for (unsigned v = 0; v < moe_sort.n_variants; v++) {
            struct kern_request rq = {.params = kern_defaults(&moe_sort), .machine = isa_default_machine()};
            struct kern_programs programs;
            struct diag d;
            rq.machine.vlen = machines[i].vlen;
            rq.machine.scratch = machines[i].scratch;
            assert_int_equal(kern_build(&moe_sort, &moe_sort.variants[v], &rq, &programs, &d), ST_LIMIT);
            assert_int_equal(programs.list.n, 0);
        }
}

/* What counts: the last word of each array that is compared, and not the one after it. */
static void test_contract(void **state)
{
    (void)state;
    const struct kern_params params = kern_defaults(&moe_sort);
    struct kern_instance *p = instance_of(&params, 3);
    const uint32_t valid = p->expected[p->arrays[MOE_NUM_VALID].first];
    const uint32_t counts[MOE_ARRAYS] = {24, 1024, 256, 36, 36, valid, valid, valid / 64, 2, 0};
    for (unsigned a = 0; a < MOE_ARRAYS; a++) {
        const struct kern_array *array = &p->arrays[a];
        struct kern_wrong wrong;
        assert_int_equal(array->compared, counts[a]);
        memcpy(p->image, p->expected, p->words * sizeof *p->image);
        if (counts[a] < array->words) {
            p->image[array->first + counts[a]] ^= 1;
            assert_false(kern_first_wrong(p, p->image, &wrong));
        }
        if (!counts[a])
            continue;
        p->image[array->first + counts[a] - 1] ^= 1;
        assert_true(kern_first_wrong(p, p->image, &wrong));
        assert_string_equal(wrong.array, array->name);
        assert_int_equal(wrong.index, counts[a] - 1);
    }
    kern_instance_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),      cmocka_unit_test(test_variants),
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_ties),
        cmocka_unit_test(test_seeds),         cmocka_unit_test(test_fused_gains),
        cmocka_unit_test(test_preconditions), cmocka_unit_test(test_machines),
        cmocka_unit_test(test_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
