/* The reference and the generator against the recorded instances, and the variants
 * against the reference, under every contract and on both simulators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/tree_hash/tree_hash.h"
#include "tests/unit/instances.h"

enum { INSTANCES = 14 };

static const char *const instances = "tests/data/tree_hash.json";

static struct kern_params params_of(const json_t *instance)
{
    struct kern_params p = kern_defaults(&tree_hash);
    p.at[TREE_HEIGHT] = (int64_t)instance_number(instance, "forest_height");
    p.at[TREE_ROUNDS] = (int64_t)instance_number(instance, "rounds");
    p.at[TREE_BATCH] = (int64_t)instance_number(instance, "batch_size");
    return p;
}

static struct kern_instance *instance_of(const struct kern_params *params, unsigned contract, uint64_t seed)
{
    return instance_create(&tree_hash, params, contract, seed);
}

static void check_facts(const json_t *instance)
{
    const struct kern_params params = params_of(instance);
    struct kern_instance *p = instance_of(&params, TREE_FULL, instance_number(instance, "seed"));
    instance_check_facts(instance, p);
    kern_instance_destroy(p);
}

static void test_recorded(void **state)
{
    (void)state;
    each_instance(instances, INSTANCES, check_facts);
}

/* Builds and runs; the cycles, after checking that memory is as expected. */
static uint64_t run(const struct kern_variant *v, const struct kern_instance *p, enum sim_simulator simulator,
                    uint32_t scratch)
{
    struct kern_request rq = {.params = p->params, .contract = p->contract, .machine = isa_default_machine()};
    rq.machine.scratch = scratch;
    struct kern_programs programs;
    struct diag d;
    assert_int_equal(kern_build(&tree_hash, v, &rq, &programs, &d), ST_OK);
    assert_int_equal(programs.list.n, 1);
    struct sim_config config = sim_default_config();
    config.simulator = simulator;
    config.strict = strcmp(v->name, "best") != 0; /* which lets loads of one bundle overlap */
    config.machine = rq.machine;
    struct sim *s;
    assert_int_equal(sim_create(programs.list.at[0].prog, &config, p->image, p->words, &s, &d), ST_OK);
    assert_int_equal(sim_run(s), SIM_STOPPED);
    struct kern_wrong wrong;
    assert_false(kern_first_wrong(p, s->mem, &wrong));
    const uint64_t cycles = s->cycle;
    sim_destroy(s);
    kern_programs_free(&programs);
    return cycles;
}

static void check_variants(const json_t *instance)
{
    const struct kern_params params = params_of(instance);
    const bool small = params.at[TREE_ROUNDS] * params.at[TREE_BATCH] <= 4096;
    for (unsigned contract = 0; contract < TREE_CONTRACTS; contract++) {
        struct kern_instance *p = instance_of(&params, contract, instance_number(instance, "seed"));
        for (unsigned v = 0; v < tree_hash.n_variants; v++) {
            const uint64_t cycles = run(&tree_hash.variants[v], p, SIM_FAST, 1536);
            if (small && contract == TREE_FULL)
                assert_int_equal(run(&tree_hash.variants[v], p, SIM_STEP, 1536), cycles);
        }
        kern_instance_destroy(p);
    }
}

static void test_variants(void **state)
{
    (void)state;
    each_instance(instances, INSTANCES, check_variants);
}

/* Any start, all bits set somewhere, and sizes around the point where the walkers'
 * numbers no longer fit the scratch as constants. */
static void test_any_start(void **state)
{
    (void)state;
    static const struct {
        int64_t height, rounds, batch;
        uint32_t scratch;
    } cases[] = {{10, 16, 64, 1536}, {0, 4, 3, 1536}, {5, 9, 17, 57},
                 {5, 9, 17, 56},     {5, 9, 17, 32},  {6, 2, 2000, 1536}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct kern_params params = {{cases[i].height, cases[i].rounds, cases[i].batch, 1, 32}};
        struct kern_instance *p = instance_of(&params, TREE_FULL, 5 + i);
        const struct kern_variant *scalar = kern_find_variant(&tree_hash, "scalar");
        assert_int_equal(run(scalar, p, SIM_FAST, cases[i].scratch),
                         run(scalar, p, SIM_STEP, cases[i].scratch));
        kern_instance_destroy(p);
    }
}

/* The draws after the values: indices of real nodes, not all the same. */
static void test_draws(void **state)
{
    (void)state;
    const struct kern_params params = {{3, 1, 200, 1, 32}};
    struct kern_instance *any = instance_of(&params, TREE_FULL, 9);
    const struct kern_params rooted = {{3, 1, 200, 0, 32}};
    struct kern_instance *zero = instance_of(&rooted, TREE_FULL, 9);
    uint32_t seen[15] = {0}, high = 0;
    const struct kern_array *indices = &any->arrays[2], *values = &any->arrays[3];
    for (uint32_t i = 0; i < indices->words; i++) {
        assert_in_range(any->image[indices->first + i], 0, 14);
        seen[any->image[indices->first + i]]++;
        high |= any->image[values->first + i];
        assert_int_equal(zero->image[indices->first + i], 0);
    }
    for (unsigned n = 0; n < 15; n++)
        assert_int_not_equal(seen[n], 0);
    assert_int_equal(high >> 30, 3);
    assert_memory_equal(any->image + values->first, zero->image + values->first, values->words * 4);
    kern_instance_destroy(any);
    kern_instance_destroy(zero);
}

/* What each contract sees, by changing one word of each array. */
static void test_contracts(void **state)
{
    (void)state;
    static const bool seen[TREE_CONTRACTS][4] = {
        [TREE_VALUES] = {false, false, false, true},
        [TREE_INDICES] = {false, false, true, true},
        [TREE_FULL] = {true, true, true, true},
    };
    const struct kern_params params = {{3, 2, 10, 0, 30}};
    for (unsigned contract = 0; contract < TREE_CONTRACTS; contract++) {
        struct kern_instance *p = instance_of(&params, contract, 1);
        uint32_t *mem = malloc(p->words * sizeof *mem);
        assert_non_null(mem);
        for (unsigned a = 0; a < p->n_arrays; a++) {
            const uint32_t index = p->arrays[a].words - 1, at = p->arrays[a].first + index;
            memcpy(mem, p->expected, p->words * sizeof *mem);
            mem[at] ^= 1;
            struct kern_wrong wrong;
            assert_int_equal(kern_first_wrong(p, mem, &wrong), seen[contract][a]);
            if (!seen[contract][a])
                continue;
            assert_string_equal(wrong.array, p->arrays[a].name);
            assert_int_equal(wrong.index, index);
            assert_int_equal(wrong.found, p->expected[at] ^ 1);
            assert_int_equal(wrong.expected, p->expected[at]);
        }
        free(mem);
        kern_instance_destroy(p);
    }
}

/* Arrays follow each other and cover the image. */
static void test_layout(void **state)
{
    (void)state;
    const struct kern_params params = {{6, 1, 33, 0, 30}};
    struct kern_instance *p = instance_of(&params, TREE_FULL, 1);
    uint32_t at = 0;
    for (unsigned a = 0; a < p->n_arrays; a++) {
        assert_int_equal(p->arrays[a].first, at);
        at += p->arrays[a].words;
    }
    assert_int_equal(at, p->words);
    kern_instance_destroy(p);
}

static uint32_t value_of(const struct kern_values *v, const char *key)
{
    for (size_t i = 0; i < v->list.n; i++)
        if (strcmp(v->list.at[i].key, key) == 0)
            return v->list.at[i].value;
    fail_msg("no value for %s", key);
    return 0;
}

/* The values end where the reference ends: two independent forms of the hash agree. */
static void test_values(void **state)
{
    (void)state;
    const struct kern_params params = {{4, 7, 5, 1, 32}};
    struct kern_instance *p = instance_of(&params, TREE_FULL, 3);
    struct kern_values v;
    struct diag d;
    assert_int_equal(kern_values(p, &v, &d), ST_OK);
    assert_int_equal(v.list.n, 7 * 5 * 12);
    const uint32_t indices = p->arrays[2].first, values = p->arrays[3].first;
    assert_int_equal(value_of(&v, "[0,4,\"idx\"]"), p->image[indices + 4]);
    assert_int_equal(value_of(&v, "[0,4,\"val\"]"), p->image[values + 4]);
    assert_int_equal(value_of(&v, "[0,4,\"node_val\"]"), p->image[TREE_HEADER + p->image[indices + 4]]);
    assert_int_equal(value_of(&v, "[6,2,\"wrapped_idx\"]"), p->expected[indices + 2]);
    assert_int_equal(value_of(&v, "[6,2,\"hashed_val\"]"), p->expected[values + 2]);
    assert_int_equal(value_of(&v, "[6,2,\"hash_stage\",5]"), p->expected[values + 2]);
    kern_values_free(&v);
    kern_instance_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded), cmocka_unit_test(test_variants),  cmocka_unit_test(test_any_start),
        cmocka_unit_test(test_draws),    cmocka_unit_test(test_contracts), cmocka_unit_test(test_layout),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
