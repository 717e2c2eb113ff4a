/* Recorded instances of kernels, for their tests. */
#ifndef SHEAF_TESTS_INSTANCES_H
#define SHEAF_TESTS_INSTANCES_H

#include <jansson.h>
#include <stdlib.h>

#include "kernels/kernel.h"

static inline uint64_t instance_number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    assert_true(json_is_integer(v));
    return (uint64_t)json_integer_value(v);
}

/* Of a kernel whose instances are recorded under the names of its parameters. */
static inline struct kern_params instance_params(const struct kern *k, const json_t *instance)
{
    struct kern_params p = kern_defaults(k);
    for (unsigned i = 0; i < kern_shape(k); i++) /* they are ordinary data */
        p.at[i] = (int64_t)instance_number(instance, k->params[i].name);
    return p;
}

static inline struct kern_instance *instance_create(const struct kern *k, const struct kern_params *params,
                                                    unsigned contract, uint64_t seed)
{
    struct kern_instance *p;
    struct diag d;
    assert_int_equal(kern_instance_create(k, params, contract, seed, &p, &d), ST_OK);
    return p;
}

/* The `n` instances recorded in a file, each called with `check`. */
static inline void each_instance(const char *path, size_t n, void (*check)(const json_t *instance))
{
    json_error_t error;
    json_t *list = json_load_file(path, 0, &error);
    assert_non_null(list);
    assert_int_equal(json_array_size(list), n);
    for (size_t i = 0; i < n; i++)
        check(json_array_get(list, i));
    json_decref(list);
}

/* Every recorded key has a fact of the same value, and there is no other fact. */
static inline void instance_check_facts(const json_t *instance, const struct kern_instance *p)
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

#endif
