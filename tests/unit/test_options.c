/* Problem parameters as users write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/tree_hash/tree_hash.h"

static void accepted(const char *text, const char *shown)
{
    struct kern_params p = kern_defaults(&tree_hash);
    struct diag d;
    assert_int_equal(kern_set(&tree_hash, text, &p, &d), ST_OK);
    struct text t = {0};
    kern_params_text(&tree_hash, &p, &t);
    assert_string_equal(t.at, shown);
    text_free(&t);
}

static void refused(const char *text, const char *why)
{
    struct kern_params p = kern_defaults(&tree_hash);
    struct diag d;
    assert_int_equal(kern_set(&tree_hash, text, &p, &d), ST_INPUT);
    assert_string_equal(d.text, why);
}

static void test_accepted(void **state)
{
    (void)state;
    accepted("height=10", "height=10, rounds=16, batch=256");
    accepted("height=0,rounds=1,batch=1", "height=0, rounds=1, batch=1");
    accepted("batch=7,batch=8", "height=10, rounds=16, batch=8");
    accepted("start=any,bits=32", "height=10, rounds=16, batch=256, start=any, bits=32");
    accepted("start=zero,bits=30", "height=10, rounds=16, batch=256");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const names = "expected height, rounds, batch, start, bits, shape";
    char why[128];
    (void)snprintf(why, sizeof why, "tree_hash has no parameter `heigth`, %s", names);
    refused("heigth=3", why);
    (void)snprintf(why, sizeof why, "tree_hash has no parameter ``, %s", names);
    refused("", why);
    refused("height=3,", why);
    refused("=3", why);
    (void)snprintf(why, sizeof why, "tree_hash has no parameter `heigh`, %s", names);
    refused("heigh=3", why);
    refused("height", "tree_hash: expected height=VALUE");
    refused("height=", "tree_hash: height=, expected 0 to 20");
    refused("height=-1", "tree_hash: height=-1, expected 0 to 20");
    refused("height=-", "tree_hash: height=-, expected 0 to 20");
    refused("height=21", "tree_hash: height=21, expected 0 to 20");
    refused("height=1x", "tree_hash: height=1x, expected 0 to 20");
    refused("height= 1", "tree_hash: height= 1, expected 0 to 20");
    refused("height=4294967297", "tree_hash: height=4294967297, expected 0 to 20");
    refused("height=99999999999999999999", "tree_hash: height=99999999999999999999, expected 0 to 20");
    refused("rounds=0", "tree_hash: rounds=0, expected 1 to 1048576");
    refused("batch=0", "tree_hash: batch=0, expected 1 to 1048576");
    refused("start=some", "tree_hash: start=some, expected zero or any");
    refused("start=1", "tree_hash: start=1, expected zero or any");
    refused("bits=31", "tree_hash: bits=31, expected 30 or 32");
}

static void test_together(void **state)
{
    (void)state;
    struct kern_params p = kern_defaults(&tree_hash);
    assert_null(tree_hash.validate(&p, TREE_VALUES));
    assert_int_equal(kern_default_contract(&tree_hash, &p), TREE_VALUES);
    p.at[TREE_START] = 1;
    assert_non_null(tree_hash.validate(&p, TREE_VALUES));
    assert_non_null(tree_hash.validate(&p, TREE_INDICES));
    assert_null(tree_hash.validate(&p, TREE_FULL));
    assert_int_equal(kern_default_contract(&tree_hash, &p), TREE_FULL);
    p.at[TREE_ROUNDS] = p.at[TREE_BATCH] = 1 << 20;
    assert_non_null(tree_hash.validate(&p, TREE_FULL));
}

static void test_names(void **state)
{
    (void)state;
    assert_ptr_equal(kern_find("tree_hash", 9), &tree_hash);
    assert_ptr_equal(kern_find("tree_hash:scalar", 9), &tree_hash);
    assert_null(kern_find("tree_hash", 8));
    assert_null(kern_find("tree_hash_", 10));
    assert_string_equal(kern_find_variant(&tree_hash, "scalar")->name, "scalar");
    assert_null(kern_find_variant(&tree_hash, ""));
    assert_int_equal(kern_find_contract(&tree_hash, "full"), TREE_FULL);
    assert_int_equal(kern_find_contract(&tree_hash, "ful"), TREE_CONTRACTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
