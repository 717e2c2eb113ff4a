/* From ir to bundles: exact programs, and how scratch is shared and runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/build.h"

static struct ir *create(struct isa_machine m)
{
    struct ir *ir = ir_create(&m);
    assert_non_null(ir);
    return ir;
}

static struct ir_mem words(uint32_t first, uint32_t n)
{
    return (struct ir_mem){first, n};
}

/* Builds, and compares the program with the assembly. Frees the ir. */
static void becomes(struct ir *ir, const char *expected)
{
    struct emitted e;
    struct text out = {0};
    struct diag d = {0};
    assert_int_equal(build_simple(ir, &e, &d), ST_OK);
    prog_write_asm(e.prog, &out);
    assert_true(text_ok(&out));
    assert_string_equal(out.at, expected);
    text_free(&out);
    emit_free(&e);
    ir_destroy(ir);
}

static void refused(struct ir *ir, enum status expected, const char *text)
{
    struct emitted e;
    struct diag d = {0};
    assert_int_equal(build_simple(ir, &e, &d), expected);
    assert_null(e.prog);
    assert_string_equal(d.text, text);
    ir_destroy(ir);
}

/* Words are taken anew in the cycle of their last read. Two vectors and the word of
 * zero are all that there is. */
static void test_straight(void **state)
{
    (void)state;
    struct isa_machine m = isa_default_machine();
    m.scratch = 17;
    m.slots[ENGINE_ALU] = 0;
    struct ir *ir = create(m);
    const struct ir_val x = ir_vload(ir, ir->zero, words(0, 8));
    struct ir_val y = ir_alu(ir, OP_ALU_ADD, x, ir_alu(ir, OP_ALU_MUL, x, x));
    y = ir_alu(ir, OP_ALU_ADD, y, y);
    ir_store(ir, ir->zero, y, words(0, 8));
    becomes(ir, ".machine vlen=8 scratch=17 cores=1 alu=0 valu=6 load=2 store=2 flow=1\n"
                ".name zero 0 1\n"
                "{ load: vload 1, zero }\n"
                "{ valu: * 9, 1, 1 }\n"
                "{ valu: + 1, 1, 9 }\n"
                "{ valu: + 1, 1, 1 }\n"
                "{ store: vstore zero, 1 }\n");
}

/* Lanes of an op on alu spread over cycles; each lane names its own words. */
static void test_lanes(void **state)
{
    (void)state;
    struct isa_machine m = isa_default_machine();
    m.slots[ENGINE_ALU] = 3;
    struct ir *ir = create(m);
    const struct ir_val x = ir_vload(ir, ir->zero, words(0, 8)), y = ir_vector(ir, NULL);
    ir_alu_into(ir, ir_view(y, 0, 2, 4), OP_ALU_ADD, ir_view(x, 0, 1, 4), ir_lane(x, 7));
    ir_alu_into(ir, ir_view(y, 1, 2, 4), OP_ALU_SUB, ir_view(x, 7, 0, 4), ir_view(x, 1, 2, 4));
    ir_store(ir, ir->zero, y, words(0, 8));
    becomes(ir, ".machine vlen=8 scratch=1536 cores=1 alu=3 valu=6 load=2 store=2 flow=1\n"
                ".name zero 0 1\n"
                "{ load: vload 1, zero }\n"
                "{ alu: + 9, 1, 8; + 11, 2, 8; + 13, 3, 8 }\n"
                "{ alu: + 15, 4, 8; - 10, 8, 2; - 12, 8, 4 }\n"
                "{ alu: - 14, 8, 6; - 16, 8, 8 }\n"
                "{ store: vstore zero, 9 }\n");
}

/* Two loads to overlapping words share a bundle, in order. */
static void test_overlap(void **state)
{
    (void)state;
    struct ir *ir = create(isa_default_machine());
    const struct ir_val row = ir_block(ir, 10, "row"), at = ir_const(ir, 50);
    ir_load_into(ir, ir_view(row, 2, 1, 8), at, words(50, 8));
    ir_load_into(ir, ir_view(row, 0, 1, 8), ir->zero, words(0, 8));
    ir_store(ir, at, ir_view(row, 2, 1, 8), words(50, 8));
    becomes(ir, ".name zero 0 1\n"
                "{ flow: add_imm 11, zero, 0x32 }\n"
                "{ load: vload 3, 11; vload 1, zero }\n"
                "{ store: vstore 11, 3 }\n");
}

/* The other form where the engine of the first is full or missing. */
static void test_forms(void **state)
{
    (void)state;
    struct isa_machine m = isa_default_machine();
    m.slots[ENGINE_LOAD] = 0;
    m.slots[ENGINE_VALU] = 0;
    m.vlen = 2;
    struct ir *ir = create(m);
    const struct ir_val k = ir_const(ir, 70);
    ir_store(ir, k, ir_broadcast(ir, k), words(70, 2));
    becomes(ir, ".machine vlen=2 scratch=1536 cores=1 alu=12 valu=0 load=0 store=2 flow=1\n"
                ".name zero 0 1\n"
                "{ flow: add_imm 1, zero, 0x46 }\n"
                "{ alu: | 2, 1, zero; | 3, 1, zero }\n"
                "{ store: vstore 1, 2 }\n");
}

/* A loop: its jump is in its last bundle if the condition is ready before, and in one
 * of its own if not; an empty region is only a target. */
static void test_loop(void **state)
{
    (void)state;
    struct ir *ir = create(isa_default_machine());
    const struct ir_val n = ir_scalar(ir, "n");
    ir_load_into(ir, n, ir->zero, words(0, 1));
    const uint32_t loop = ir_loop(ir);
    ir_alu_into(ir, n, OP_ALU_SUB, n, ir_const(ir, 1));
    ir_store(ir, n, n, words(0, 100));
    ir_loop_while(ir, loop, n);
    const uint32_t skip = ir_skip(ir, n), again = ir_skip(ir, n);
    ir_store(ir, n, ir->zero, words(0, 100));
    ir_here(ir, skip);
    ir_here(ir, again);
    becomes(ir, ".name zero 0 1\n"
                ".name n 1 1\n"
                "{ alu: == 2, zero, zero; load: load n, zero }\n"
                "L0:\n"
                "{ alu: - n, n, 2 }\n"
                "{ store: store n, n; flow: cond_jump n, @L0 }\n"
                "{ flow: cond_jump n, @L1 }\n"
                "{ flow: cond_jump n, @L1 }\n"
                "{ store: store n, zero }\n"
                "L1:\n");
}

static void test_wait(void **state)
{
    (void)state;
    struct ir *ir = create(isa_default_machine());
    const struct ir_val n = ir_scalar(ir, "n");
    const uint32_t loop = ir_loop(ir);
    ir_load_into(ir, n, ir->zero, words(0, 1));
    ir_loop_while(ir, loop, n);
    becomes(ir, ".name zero 0 1\n"
                "L0:\n"
                "{ load: load 1, zero }\n"
                "{ flow: cond_jump 1, @L0 }\n");
}

static void test_nothing(void **state)
{
    (void)state;
    becomes(create(isa_default_machine()), ".name zero 0 1\n");
}

/* Sums of `n` vectors that are all there before the first is used. */
static struct ir *sums(uint32_t scratch, uint32_t n)
{
    struct isa_machine m = isa_default_machine();
    m.scratch = scratch;
    struct ir *ir = create(m);
    struct ir_val v[32], sum;
    for (uint32_t i = 0; i < n; i++)
        v[i] = ir_vload(ir, ir_const(ir, 8 * i), words(8 * i, 8));
    sum = v[0];
    for (uint32_t i = 1; i < n; i++)
        sum = ir_alu(ir, OP_ALU_ADD, sum, v[i]);
    for (uint32_t i = 0; i < n; i++)
        sum = ir_alu(ir, OP_ALU_MUL, sum, v[i]);
    ir_store(ir, ir->zero, sum, words(0, 8));
    return ir;
}

/* Less scratch makes a slower program of the same meaning, or none. */
static void test_tight(void **state)
{
    (void)state;
    uint32_t least = 0, cycles[2] = {0};
    for (uint32_t scratch = 400; scratch > 8; scratch--) {
        struct ir *ir = sums(scratch, 20);
        struct emitted e;
        struct diag d = {0};
        const enum status status = build_simple(ir, &e, &d);
        if (status == ST_OK) {
            assert_int_equal(least, 0);
            cycles[scratch < 400] = build_cycles(&e);
        } else {
            assert_int_equal(status, ST_LIMIT);
            assert_non_null(strstr(d.text, "scratch words in cycle"));
            if (!least)
                least = scratch + 1;
        }
        emit_free(&e);
        ir_destroy(ir);
    }
    /* 20 vectors are alive at once, with the first of their sums and a word of zero. */
    assert_in_range(least, 161, 175);
    assert_true(cycles[0] <= cycles[1]);
}

static void test_too_small(void **state)
{
    (void)state;
    refused(sums(100, 20), ST_LIMIT,
            "the kernel needs 169 scratch words in cycle 82 of region 0, the machine has 100");
    struct isa_machine m = isa_default_machine();
    m.scratch = 20;
    struct ir *ir = create(m);
    struct ir_val v[3];
    for (uint32_t i = 0; i < 3; i++)
        v[i] = ir_vload(ir, ir->zero, words(0, 8));
    (void)ir_loop(ir);
    for (uint32_t i = 0; i < 3; i++)
        ir_store(ir, ir->zero, v[i], words(0, 8));
    refused(ir, ST_LIMIT, "blocks used in several regions need 25 scratch words, the machine has 20");
}

static void test_missing_engines(void **state)
{
    (void)state;
    struct isa_machine m = isa_default_machine();
    m.slots[ENGINE_STORE] = 0;
    struct ir *ir = create(m);
    ir_stage(ir, "out");
    ir_store(ir, ir->zero, ir->zero, words(0, 1));
    refused(ir, ST_INPUT,
            "kernel operation 0 (stage out): store needs engine store, of which the machine has no slots");
    m.slots[ENGINE_FLOW] = 0;
    ir = create(m);
    ir_loop_while(ir, ir_loop(ir), ir->zero);
    refused(ir, ST_INPUT, "the kernel branches, the machine has no flow slots");
    ir = create(isa_default_machine());
    (void)ir_skip(ir, ir->zero);
    refused(ir, ST_INPUT, "the kernel skips ahead (region 0) without saying where to");
}

/* What the ir itself refuses. */
static void test_misuse(void **state)
{
    (void)state;
    struct ir *ir = create(isa_default_machine());
    const struct ir_val x = ir_block(ir, 9, "x");
    ir_alu_into(ir, ir_view(x, 1, 1, 8), OP_ALU_ADD, ir_view(x, 0, 1, 8), ir_view(x, 0, 1, 8));
    refused(ir, ST_INPUT, "kernel operation 0 (stage main): a lane writes what another lane reads or writes");
    ir = create(isa_default_machine());
    ir_alu_into(ir, ir->zero, OP_ALU_ADD, ir->zero, ir->zero);
    refused(ir, ST_INPUT, "kernel operation 0 (stage main): the zero word is not to be written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_straight),  cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_overlap),   cmocka_unit_test(test_forms),
        cmocka_unit_test(test_loop),      cmocka_unit_test(test_wait),
        cmocka_unit_test(test_nothing),   cmocka_unit_test(test_tight),
        cmocka_unit_test(test_too_small), cmocka_unit_test(test_missing_engines),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
