/* Shapes of inputs: within what the kernels admit for any sizes, made again by their parameters, and shared
 * out among a judgement's inputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/judge/judge.h"
#include "kernels/moe_sort/moe_sort.h"
#include "kernels/pq_index/pq_index.h"
#include "kernels/tree_hash/tree_hash.h"
#include "sim/base/random.h"

enum { SIZES = 60 };

static unsigned param(const struct kern *k, const char *name)
{
    unsigned i = 0;
    while (i < k->n_params && strcmp(k->params[i].name, name) != 0)
        i++;
    return i;
}

/* Sizes that the kernel admits, small ones. */
static struct kern_params any_sizes(const struct kern *k, struct rng *r)
{
    for (;;) {
        struct kern_params p = kern_defaults(k);
        for (unsigned i = 0; i < kern_shape(k); i++) {
            const struct kern_param *q = &k->params[i];
            const int64_t span = q->high - q->low;
            const uint32_t most = span < 40 ? (uint32_t)(span < 9 ? span : 9) + 1 : 40;
            if (q->choices)
                p.at[i] = q->choices[rng_below(r, kern_choices(q))].value;
            else
                p.at[i] = q->low + rng_below(r, most);
        }
        for (unsigned c = 0; c < k->n_contracts; c++)
            if (!k->validate(&p, c))
                return p;
    }
}

static void assert_within(const struct kern_instance *p, unsigned array, uint32_t words, int64_t low,
                          int64_t high)
{
    for (uint32_t i = 0; i < words; i++) {
        const int32_t word = (int32_t)p->image[p->arrays[array].first + i];
        assert_true(low < 0 ? word >= low && word <= high : (uint32_t)word >= low && (uint32_t)word <= high);
    }
}

static void check_tree(const struct kern_instance *p)
{
    const int64_t most = p->params.at[TREE_BITS] == 32 ? UINT32_MAX : (1 << 30) - 1;
    assert_within(p, 1, p->arrays[1].words, 0, most);
    assert_within(p, 3, p->arrays[3].words, 0, most);
    assert_within(p, 2, p->arrays[2].words, 0, p->params.at[TREE_START] ? p->arrays[1].words - 1 : 0);
}

static void check_pq(const struct kern_instance *p)
{
    const struct pq_sizes z = pq_sizes_of(&p->params);
    const uint32_t codes = z.heads / z.share * z.subs;
    assert_within(p, PQ_Q, z.heads * z.subs * z.dims, -128, 127);
    assert_within(p, PQ_CENT, codes * z.centroids * z.dims, -128, 127);
    assert_within(p, PQ_CODES, codes * z.keys, 0, z.centroids - 1);
    assert_within(p, PQ_LIST, p->words - z.first[PQ_LIST], 0, 0);
}

static void check_moe(const struct kern_instance *p)
{
    const struct moe_sizes s = moe_sizes(&p->params);
    const int64_t spread = p->params.at[MOE_SPREAD];
    assert_within(p, MOE_SIG, s.words[MOE_SIG], 1, 32768);
    assert_within(p, MOE_BIAS, s.e, 262144 - spread, 262144 + spread);
    assert_within(p, MOE_IDS, s.end - s.at[MOE_IDS], 0, 0);
}

/* All shapes for random sizes: the image is an input, and the same again. */
static void check_kernel(const struct kern *k, void (*check)(const struct kern_instance *))
{
    struct rng r = {7};
    const unsigned shape = kern_shape(k), turn = param(k, "turn");
    for (unsigned n = 0; n < SIZES; n++) {
        struct kern_params params = any_sizes(k, &r);
        const unsigned contract = kern_default_contract(k, &params);
        for (unsigned c = 0; c < kern_choices(&k->params[shape]); c++) {
            struct kern_instance *p, *again;
            struct diag d;
            params.at[shape] = k->params[shape].choices[c].value;
            if (turn < k->n_params)
                params.at[turn] = rng_below(&r, 200);
            const uint64_t seed = rng_next(&r);
            assert_int_equal(kern_instance_create(k, &params, contract, seed, &p, &d), ST_OK);
            assert_int_equal(kern_instance_create(k, &params, contract, seed, &again, &d), ST_OK);
            check(p);
            assert_memory_equal(p->image, again->image, p->words * sizeof *p->image);
            kern_instance_destroy(p);
            kern_instance_destroy(again);
        }
    }
}

static void test_tree_hash(void **state)
{
    (void)state;
    check_kernel(&tree_hash, check_tree);
}

static void test_pq_index(void **state)
{
    (void)state;
    check_kernel(&pq_index, check_pq);
}

static void test_moe_sort(void **state)
{
    (void)state;
    check_kernel(&moe_sort, check_moe);
}

static struct judge_inputs inputs_of(const struct kern *k, uint32_t n, int64_t shape)
{
    struct judge_rules r = judge_default_rules(k);
    struct judge_inputs in;
    struct diag d;
    r.inputs = n;
    r.seeded = true;
    r.params.at[kern_shape(k)] = shape;
    assert_int_equal(judge_inputs_create(&r, NULL, &in, &d), ST_OK);
    return in;
}

/* One input is ordinary; a hundred have every shape; one that is asked for is had by all. */
static void test_share(void **state)
{
    (void)state;
    static const struct kern *const kernels[] = {&tree_hash, &pq_index, &moe_sort};
    for (unsigned i = 0; i < 3; i++) {
        const struct kern *k = kernels[i];
        const unsigned shape = kern_shape(k), n = kern_choices(&k->params[shape]);
        unsigned seen[32] = {0}, missing = 0;
        struct judge_inputs in = inputs_of(k, 1, 0);
        assert_int_equal(in.at[0]->params.at[shape], 0);
        judge_inputs_free(&in);
        in = inputs_of(k, 100, 0);
        for (uint32_t m = 0; m < in.n; m++)
            seen[in.at[m]->params.at[shape]]++;
        for (unsigned c = 0; c < n; c++)
            missing += !seen[c];
        assert_int_equal(missing, 0);
        judge_inputs_free(&in);
        in = inputs_of(k, 5, 3);
        for (uint32_t m = 0; m < in.n; m++)
            assert_int_equal(in.at[m]->params.at[shape], 3);
        judge_inputs_free(&in);
    }
}

/* Of a hundred inputs, those in which an expert is one of two that decide whether its group is kept. */
static void test_contests_take_turns(void **state)
{
    (void)state;
    const struct moe_sizes s = moe_sizes(&(struct kern_params){{4, 256, 8, 4, 8, 1, 64, 32768, 32768, 655}});
    static bool decides[4 * 256];
    struct judge_inputs in = inputs_of(&moe_sort, 100, 0);
    for (uint32_t n = 0; n < in.n; n++) {
        const struct kern_instance *p = in.at[n];
        if (strcmp(moe_sort.params[MOE_SHAPE].choices[p->params.at[MOE_SHAPE]].name, "contest") != 0)
            continue;
        const uint32_t *bias = p->image + s.at[MOE_BIAS];
        for (uint32_t t = 0; t < s.m; t++) {
            const uint32_t *sig = p->image + s.at[MOE_SIG] + t * s.e;
            uint32_t sum[8], largest[8][2] = {{0}};
            for (uint32_t g = 0; g < s.ng; g++) {
                uint32_t key[2] = {0, 0};
                for (uint32_t e = g * s.group; e < (g + 1) * s.group; e++) {
                    const uint32_t k = sig[e] + bias[e];
                    if (k > key[0]) {
                        key[1] = key[0];
                        key[0] = k;
                        largest[g][1] = largest[g][0];
                        largest[g][0] = e;
                    } else if (k > key[1]) {
                        key[1] = k;
                        largest[g][1] = e;
                    }
                }
                sum[g] = key[0] + key[1];
            }
            for (uint32_t g = 0; g < s.ng; g++) {
                uint32_t better = 0, others = 0;
                for (uint32_t h = 0; h < s.ng; h++) {
                    better += sum[h] > sum[g] || (sum[h] == sum[g] && h < g);
                    others += h != g && sum[h] + 8 >= sum[g];
                }
                for (unsigned i = 0; i < 2 && better < s.tg && others >= s.tg; i++)
                    decides[t * s.e + largest[g][i]] = true;
            }
        }
    }
    judge_inputs_free(&in);
    for (uint32_t i = 0; i < s.m * s.e; i++)
        assert_true(decides[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_hash),
        cmocka_unit_test(test_pq_index),
        cmocka_unit_test(test_moe_sort),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_contests_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
