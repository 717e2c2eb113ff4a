/* Folding: what is left of small kernels, op by op. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/passes/dump.h"
#include "builder/passes/fold.h"

static struct ir *create(void)
{
    const struct isa_machine m = isa_default_machine();
    struct ir *ir = ir_create(&m);
    assert_non_null(ir);
    return ir;
}

static void store(struct ir *ir, struct ir_val v)
{
    ir_store(ir, ir_const(ir, 100), v, (struct ir_mem){100, v.lanes});
}

static struct ir_val load(struct ir *ir)
{
    return ir_load(ir, ir->zero, (struct ir_mem){0, 1});
}

static struct ir_val vload(struct ir *ir)
{
    return ir_vload(ir, ir->zero, (struct ir_mem){0, 8});
}

/* Folds, and compares what is left with the text. Frees the ir. */
static void becomes(struct ir *ir, const char *expected)
{
    struct text out = {0};
    struct diag d;
    assert_int_equal(ir_status(ir, &d), ST_OK);
    assert_int_equal(fold_ir(ir, NULL, &d), ST_OK);
    dump_ir(ir, &out);
    assert_true(text_ok(&out));
    assert_string_equal(out.at, expected);
    text_free(&out);
    ir_destroy(ir);
}

/* x op c and c op x, for a loaded x: whether it is just x. */
static bool vanishes(enum isa_op op, uint32_t c, bool reversed)
{
    struct ir *ir = create();
    const struct ir_val x = load(ir), k = ir_const(ir, c);
    store(ir, reversed ? ir_alu(ir, op, k, x) : ir_alu(ir, op, x, k));
    struct diag d;
    assert_int_equal(fold_ir(ir, NULL, &d), ST_OK);
    const struct ir_op *last = &ir->ops.at[ir->ops.n - 1];
    const bool gone = last->form.op == OP_STORE && last->form.src[1].block == x.block;
    ir_destroy(ir);
    return gone;
}

static void test_identities(void **state)
{
    (void)state;
    static const struct {
        enum isa_op op;
        uint32_t right, left; /* the neutral element on that side; 7: there is none */
    } row[] = {
        {OP_ALU_ADD, 0, 0},  {OP_ALU_SUB, 0, 7}, {OP_ALU_XOR, 0, 0},
        {OP_ALU_OR, 0, 0},   {OP_ALU_MUL, 1, 1}, {OP_ALU_AND, UINT32_MAX, UINT32_MAX},
        {OP_ALU_SHL, 0, 7},  {OP_ALU_SHR, 0, 7}, {OP_ALU_DIV, 1, 7},
        {OP_ALU_CDIV, 1, 7}, {OP_ALU_MOD, 7, 7}, {OP_ALU_LT, 7, 7},
        {OP_ALU_EQ, 7, 7},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        for (unsigned k = 0; k < 3; k++) {
            const uint32_t c = k == 2 ? UINT32_MAX : k;
            assert_int_equal(vanishes(row[i].op, c, false), c == row[i].right);
            assert_int_equal(vanishes(row[i].op, c, true), c == row[i].left);
        }
}

/* x op x. */
static void test_alike(void **state)
{
    (void)state;
    struct ir *ir = create();
    const struct ir_val x = load(ir);
    const struct ir_val a = ir_alu(ir, OP_ALU_SUB, x, x), b = ir_alu(ir, OP_ALU_EQ, x, x);
    const struct ir_val c = ir_alu(ir, OP_ALU_AND, x, x), d = ir_alu(ir, OP_ALU_OR, x, x);
    const struct ir_val e = ir_alu(ir, OP_ALU_MOD, x, x); /* 0, or a fault */
    store(ir, ir_alu(ir, OP_ALU_ADD, ir_alu(ir, OP_ALU_ADD, ir_alu(ir, OP_ALU_XOR, a, c), b), d));
    store(ir, e);
    becomes(ir, "region 0\n"
                "  -- main\n"
                "     0  b1 = load b0_zero ; words 0..0\n"
                "     1  b3 = == b1 b1\n"
                "     2  b6 = % b1 b1\n"
                "     3  b8 = + b1 b3\n"
                "     4  b9 = + b8 b1\n"
                "     5  #100 = const 100 | add_imm b0_zero 100\n"
                "     6  store #100 b9 ; words 100..100\n"
                "     7  store #100 b6 ; words 100..100\n");
}

/* A constant that is there takes the word_range of one that is computed; a short way to
 * make it stays, a long one becomes a load, and so does what needs flow. */
static void test_constants(void **state)
{
    (void)state;
    struct ir *ir = create();
    const struct ir_val two = ir_const(ir, 2), five = ir_const(ir, 5), seven = ir_const(ir, 7);
    struct ir_val long_way = two;
    for (unsigned i = 0; i < 8; i++)
        long_way = ir_alu(ir, OP_ALU_MUL, long_way, five);
    store(ir, ir_alu(ir, OP_ALU_ADD, two, five));
    store(ir, ir_alu(ir, OP_ALU_MUL, five, seven));
    store(ir, long_way);
    store(ir, ir_select(ir, two, ir_alu(ir, OP_ALU_SHL, five, five), five));
    becomes(ir, "region 0\n"
                "  -- main\n"
                "     0  #2 = const 2 | add_imm b0_zero 2\n"
                "     1  #5 = const 5 | add_imm b0_zero 5\n"
                "     2  #7 = + #2 #5\n"
                "     3  b10 = const 156250 | add_imm b0_zero 156250\n"
                "     4  b11 = * b10 #5\n"
                "     5  #100 = const 100 | add_imm b0_zero 100\n"
                "     6  store #100 #7 ; words 100..100\n"
                "     7  b14 = * #5 #7\n"
                "     8  store #100 b14 ; words 100..100\n"
                "     9  store #100 b11 ; words 100..100\n"
                "    10  b15 = << #5 #5\n"
                "    11  store #100 b15 ; words 100..100\n");
}

/* On vectors: a multiply_add with a known factor or summand, a select that is decided,
 * and a vector of one constant. */
static void test_vectors(void **state)
{
    (void)state;
    struct ir *ir = create();
    const struct ir_val x = vload(ir), y = ir_vload(ir, ir_const(ir, 8), (struct ir_mem){8, 8});
    const struct ir_val one = ir_vconst(ir, 1), none = ir_vconst(ir, 0);
    store(ir, ir_madd(ir, x, y, none));
    store(ir, ir_madd(ir, one, x, y));
    store(ir, ir_madd(ir, none, x, y));
    store(ir, ir_select(ir, one, x, y));
    store(ir, ir_select(ir, y, x, x));
    store(ir, ir_madd(ir, one, one, none));
    becomes(ir, "region 0\n"
                "  -- main\n"
                "     0  b1 = vload b0_zero ; words 0..7\n"
                "     1  #8 = const 8 | add_imm b0_zero 8\n"
                "     2  b3 = vload #8 ; words 8..15\n"
                "     3  #1 = == b0_zero b0_zero\n"
                "     4  #1 = vbroadcast #1 | | #1[0]x8 b0_zero[0]x8\n"
                "     5  b7 = * b1 b3\n"
                "     6  #100 = const 100 | add_imm b0_zero 100\n"
                "     7  vstore #100 b7 ; words 100..107\n"
                "     8  b9 = + b1 b3\n"
                "     9  vstore #100 b9 ; words 100..107\n"
                "    10  vstore #100 b3 ; words 100..107\n"
                "    11  vstore #100 b1 ; words 100..107\n"
                "    12  vstore #100 b1 ; words 100..107\n"
                "    13  vstore #100 #1 ; words 100..107\n");
}

/* Reads of part of a copy read that part of the original; words written twice are no
 * copies. */
static void test_copies(void **state)
{
    (void)state;
    struct ir *ir = create();
    const struct ir_val x = vload(ir), zeros = ir_vconst(ir, 0), twice = ir_vector(ir, "twice");
    const struct ir_val copy = ir_alu(ir, OP_ALU_XOR, x, zeros);
    store(ir, ir_lane(copy, 3));
    ir_alu_into(ir, twice, OP_ALU_OR, x, zeros);
    store(ir, ir_lane(twice, 3));
    ir_load_into(ir, ir_lane(twice, 3), ir->zero, (struct ir_mem){0, 1});
    store(ir, twice);
    becomes(ir, "region 0\n"
                "  -- main\n"
                "     0  b1 = vload b0_zero ; words 0..7\n"
                "     1  #0 = vbroadcast b0_zero | | b0_zero[0]x8 b0_zero[0]x8\n"
                "     2  #100 = const 100 | add_imm b0_zero 100\n"
                "     3  store #100 b1[3] ; words 100..100\n"
                "     4  b3_twice = | b1 #0\n"
                "     5  store #100 b1[3] ; words 100..100\n"
                "     6  b3_twice[3] = load b0_zero ; words 0..0\n"
                "     7  vstore #100 b3_twice ; words 100..107\n");
}

/* What nobody reads goes, with what only it reads; a word overwritten before it is read
 * counts as not read; the other form of an op reads too. */
static void test_dead(void **state)
{
    (void)state;
    struct ir *ir = create();
    const struct ir_val x = vload(ir), bit = ir_alu(ir, OP_ALU_AND, x, ir_vconst(ir, 1));
    const struct ir_val y = ir_alu(ir, OP_ALU_MUL, x, x), diff = ir_alu(ir, OP_ALU_SUB, y, x);
    const struct ir_val unused = ir_alu(ir, OP_ALU_ADD, ir_alu(ir, OP_ALU_SHL, x, y), y);
    const struct ir_val word = ir_scalar(ir, NULL);
    ir_alu_into(ir, word, OP_ALU_ADD, ir_lane(unused, 0), ir_lane(unused, 1));
    ir_load_into(ir, word, ir->zero, (struct ir_mem){0, 1});
    store(ir, word);
    store(ir, ir_choose(ir, bit, y, x, diff));
    becomes(ir, "region 0\n"
                "  -- main\n"
                "     0  b1 = vload b0_zero ; words 0..7\n"
                "     1  #1 = == b0_zero b0_zero\n"
                "     2  #1 = vbroadcast #1 | | #1[0]x8 b0_zero[0]x8\n"
                "     3  b4 = & b1 #1\n"
                "     4  b5 = * b1 b1\n"
                "     5  b6 = - b5 b1\n"
                "     6  b9 = load b0_zero ; words 0..0\n"
                "     7  #100 = const 100 | add_imm b0_zero 100\n"
                "     8  store #100 b9 ; words 100..100\n"
                "     9  b11 = vselect b4 b5 b1 | multiply_add b4 b6 b1\n"
                "    10  vstore #100 b11 ; words 100..107\n");
}

/* In a loop a value is not what it was before; after it, what it left is read. */
static void test_loop(void **state)
{
    (void)state;
    struct ir *ir = create();
    const struct ir_val n = ir_scalar(ir, "n"), sum = ir_scalar(ir, "sum"), last = ir_scalar(ir, "last");
    ir_alu_into(ir, n, OP_ALU_OR, ir_const(ir, 3), ir->zero);
    ir_alu_into(ir, sum, OP_ALU_OR, ir->zero, ir->zero);
    const uint32_t loop = ir_loop(ir);
    ir_alu_into(ir, sum, OP_ALU_ADD, sum, n);
    ir_alu_into(ir, last, OP_ALU_ADD, n, ir->zero);
    ir_alu_into(ir, n, OP_ALU_SUB, n, ir_const(ir, 1));
    ir_loop_while(ir, loop, n);
    store(ir, sum);
    store(ir, last);
    becomes(ir, "region 0\n"
                "  -- main\n"
                "     0  #3 = const 3 | add_imm b0_zero 3\n"
                "     1  b1_n = | #3 b0_zero\n"
                "     2  b2_sum = | b0_zero b0_zero\n"
                "     3  #1 = == b0_zero b0_zero\n"
                "     4  #100 = const 100 | add_imm b0_zero 100\n"
                "region 1\n"
                "  -- main\n"
                "     5  b2_sum = + b2_sum b1_n\n"
                "     6  b3_last = + b1_n b0_zero\n"
                "     7  b1_n = - b1_n #1\n"
                "  to region 1 if b1_n\n"
                "region 2\n"
                "  -- main\n"
                "     8  store #100 b2_sum ; words 100..100\n"
                "     9  store #100 b3_last ; words 100..100\n");
}

static void test_counts(void **state)
{
    (void)state;
    struct ir *ir = create();
    const struct ir_val x = vload(ir);
    store(ir, ir_alu(ir, OP_ALU_ADD, x, ir_vconst(ir, 0)));
    store(ir, ir_madd(ir, x, x, ir_vconst(ir, 0)));
    store(ir, ir_alu(ir, OP_ALU_ADD, ir_const(ir, 4), ir_const(ir, 96)));
    struct fold_counts n;
    struct diag d;
    assert_int_equal(fold_ir(ir, &n, &d), ST_OK);
    assert_int_equal(n.copies, 1);
    assert_int_equal(n.simplified, 1);
    assert_int_equal(n.constants, 1);
    /* The copy, the constant, what made them, and the zeros. */
    assert_int_equal(n.dead, 5);
    ir_destroy(ir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identities), cmocka_unit_test(test_alike),  cmocka_unit_test(test_constants),
        cmocka_unit_test(test_vectors),    cmocka_unit_test(test_copies), cmocka_unit_test(test_dead),
        cmocka_unit_test(test_loop),       cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
