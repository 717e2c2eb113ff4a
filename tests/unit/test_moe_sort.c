/* moe_sort: the reference and the generator against the recorded instances, and the
 * variants against the reference, over sizes, seeds and spreads. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/moe_sort.h"

enum { INSTANCES = 8 };

static const char *const instances = "tests/data/moe_sort.json";

static uint64_t number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    assert_true(json_is_integer(v));
    return (uint64_t)json_integer_value(v);
}

static struct kern_problem *problem_of(const struct kern_params *params, uint64_t seed)
{
    struct kern_problem *p;
    struct diag d;
    assert_int_equal(kern_problem_create(&moe_sort, params, 0, seed, &p, &d), ST_OK);
    return p;
}

/* The recorded instances, each called with `check`. */
static void each_instance(void (*check)(const json_t *instance, struct kern_problem *p))
{
    json_error_t error;
    json_t *list = json_load_file(instances, 0, &error);
    assert_non_null(list);
    assert_int_equal(json_array_size(list), INSTANCES);
    for (size_t i = 0; i < INSTANCES; i++) {
        const json_t *instance = json_array_get(list, i);
        struct kern_params params;
        for (unsigned n = 0; n < MOE_PARAMS; n++)
            params.at[n] = (int64_t)number(instance, moe_sort.params[n].name);
        struct kern_problem *p = problem_of(&params, number(instance, "seed"));
        check(instance, p);
        kern_problem_destroy(p);
    }
    json_decref(list);
}

/* Every recorded key has a fact of the same value, and there is no other fact. */
static void check_facts(const json_t *instance, struct kern_problem *p)
{
    struct kern_facts facts;
    kern_facts(p, &facts);
    assert_int_equal(facts.n, json_object_size(instance));
    for (unsigned i = 0; i < facts.n; i++) {
        const struct kern_fact *f = &facts.at[i];
        const json_t *v = json_object_get(instance, f->key);
        assert_non_null(v);
        if (f->kind == KERN_NUMBER) {
            assert_int_equal(f->number, json_integer_value(v));
        } else if (f->kind == KERN_FNV) {
            assert_int_equal(f->number, strtoull(json_string_value(v), NULL, 16));
        } else {
            assert_int_equal(f->n, json_array_size(v));
            for (size_t w = 0; w < f->n; w++)
                assert_int_equal(f->words[w], json_integer_value(json_array_get(v, w)));
        }
    }
}

static void test_recorded(void **state)
{
    (void)state;
    each_instance(check_facts);
}

/* Builds and runs the stages one after the other; the cycles, after checking that memory
 * is as expected. */
static uint64_t run(const struct kern_variant *v, const struct kern_problem *p, enum sim_engine engine)
{
    const struct kern_request rq = {.params = p->params, .machine = isa_default_machine()};
    struct kern_stages stages;
    struct diag d;
    assert_int_equal(kern_build(&moe_sort, v, &rq, &stages, &d), ST_OK);
    struct sim_config config = sim_default_config();
    config.engine = engine;
    config.strict = true;
    uint32_t *mem = malloc(p->words * sizeof *mem);
    assert_non_null(mem);
    memcpy(mem, p->image, p->words * sizeof *mem);
    uint64_t cycles = 0;
    for (size_t i = 0; i < stages.list.n; i++) {
        struct sim *s;
        assert_int_equal(sim_create(stages.list.at[i].prog, &config, mem, p->words, &s, &d), ST_OK);
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
    kern_stages_free(&stages);
    return cycles;
}

static void check_variants(const json_t *instance, struct kern_problem *p)
{
    (void)instance;
    const bool small = p->params.at[MOE_M] <= 64;
    for (unsigned v = 0; v < moe_sort.n_variants; v++) {
        const uint64_t cycles = run(&moe_sort.variants[v], p, SIM_FAST);
        if (small)
            assert_int_equal(run(&moe_sort.variants[v], p, SIM_STEP), cycles);
    }
}

static void test_variants(void **state)
{
    (void)state;
    each_instance(check_variants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
