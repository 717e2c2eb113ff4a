/* The first builder: what it appends, what it shares, and how it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/ir/assemble.h"

static struct asmb *create(uint32_t scratch)
{
    struct isa_machine m = isa_default_machine();
    m.scratch = scratch;
    struct asmb *a = asmb_create(&m);
    assert_non_null(a);
    return a;
}

static void refused(struct asmb *a, enum status expected, const char *text)
{
    struct prog *p;
    struct diag d;
    assert_int_equal(asmb_finish(a, &p, &d), expected);
    assert_null(p);
    assert_string_equal(d.text, text);
}

static void test_bundles(void **state)
{
    (void)state;
    struct asmb *a = create(64);
    const uint32_t x = asmb_scratch(a, "x", 8), y = asmb_scratch(a, "y", 1);
    asmb_begin_bundle(a);
    asmb_slot(a, OP_STORE, y, x);
    asmb_slot(a, OP_ALU_ADD, y, x, asmb_const(a, 70000));
    asmb_slot(a, OP_STORE, x, y);
    asmb_emit(a, OP_HALT);
    struct prog *p;
    struct diag d;
    assert_int_equal(asmb_finish(a, &p, &d), ST_OK);
    /* The constant's bundle comes first; then engines in order, slots as given. */
    assert_int_equal(p->bundles.n, 3);
    const struct isa_slot *s = p->slots.at;
    assert_int_equal(p->slots.n, 5);
    assert_int_equal(s[0].op, OP_CONST);
    assert_int_equal(s[0].arg[0], 9);
    assert_int_equal(s[0].literal, 70000);
    assert_int_equal(p->groups.n, 4);
    assert_int_equal(p->groups.at[1].engine, ENGINE_ALU);
    assert_int_equal(p->groups.at[2].engine, ENGINE_STORE);
    assert_int_equal(s[1].op, OP_ALU_ADD);
    assert_int_equal(s[1].arg[0], y);
    assert_int_equal(s[1].arg[1], x);
    assert_int_equal(s[1].arg[2], 9);
    assert_int_equal(s[2].arg[0], y);
    assert_int_equal(s[3].arg[0], x);
    assert_int_equal(s[4].op, OP_HALT);
    assert_int_equal(p->names.n, 3);
    assert_string_equal(p->names.at[0].name, "x");
    assert_int_equal(p->names.at[0].length, 8);
    assert_string_equal(p->names.at[2].name, "k0x11170");
    assert_true(p->object_form); /* for the scratch size is not the reference's */
    prog_destroy(p);
}

static void test_constants(void **state)
{
    (void)state;
    struct asmb *a = create(1536);
    const uint32_t first = asmb_const(a, 5), other = asmb_const(a, 6);
    assert_int_not_equal(first, other);
    assert_int_equal(asmb_const(a, 5), first);
    assert_int_equal(asmb_const(a, 6), other);
    struct prog *p;
    struct diag d;
    assert_int_equal(asmb_finish(a, &p, &d), ST_OK);
    assert_int_equal(p->bundles.n, 2);
    assert_false(p->object_form);
    prog_destroy(p);
}

static void test_scratch_overflow(void **state)
{
    (void)state;
    struct asmb *a = create(8);
    assert_int_equal(asmb_scratch(a, "fits", 7), 0);
    assert_int_equal(asmb_const(a, 3), 7);
    assert_int_equal(asmb_const(a, 4), 0);
    asmb_emit(a, OP_HALT); /* harmless now */
    asmb_scratch(a, "later", 9);
    refused(a, ST_LIMIT, "`k4` needs 1 words of scratch, 0 of 8 are left");
    a = create(8);
    asmb_scratch(a, "wide", UINT32_MAX);
    refused(a, ST_LIMIT, "`wide` needs 4294967295 words of scratch, 8 of 8 are left");
}

static void test_slot_limit(void **state)
{
    (void)state;
    struct asmb *a = create(8);
    asmb_emit(a, OP_HALT);
    asmb_begin_bundle(a);
    for (unsigned i = 0; i < 13; i++)
        asmb_slot(a, OP_ALU_ADD, 0, 0, 0);
    refused(a, ST_LIMIT, "bundle 1: 13 alu slots, at most 12 a cycle");
}

static void test_no_memory(void **state)
{
    (void)state;
    asmb_emit(NULL, OP_HALT);
    assert_int_equal(asmb_scratch(NULL, "x", 1), 0);
    assert_int_equal(asmb_const(NULL, 1), 0);
    refused(NULL, ST_NOMEM, "out of memory for the program");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundles),          cmocka_unit_test(test_constants),
        cmocka_unit_test(test_scratch_overflow), cmocka_unit_test(test_slot_limit),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
