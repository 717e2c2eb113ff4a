/* What the passes leave, as text: one small kernel through all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/passes/dump.h"

/* Has views of every sort, both forms of an op, a loop, tags and memory anywhere. */
static struct ir *create(void)
{
    struct isa_machine m = isa_default_machine();
    m.slots[ENGINE_ALU] = 5;
    m.scratch = 64;
    struct ir *ir = ir_create(&m);
    assert_non_null(ir);
    const struct ir_val row = ir_block(ir, 24, "row"), n = ir_scalar(ir, "n");
    ir_load_into(ir, ir_view(row, 8, 1, 8), ir->zero, IR_ANYWHERE);
    ir_load_into(ir, ir_view(row, 15, 1, 8), ir->zero, IR_ANYWHERE);
    ir_stage(ir, "twice");
    ir_strand(ir, 2);
    ir_round(ir, 7);
    ir_alu_into(ir, ir_view(row, 0, 1, 8), OP_ALU_ADD, ir_view(row, 8, 2, 8), ir_view(row, 8, 0, 8));
    (void)ir_vconst(ir, 9);
    ir_alu_into(ir, n, OP_ALU_OR, ir_const(ir, 9), ir->zero);
    const uint32_t loop = ir_loop(ir);
    ir_alu_into(ir, n, OP_ALU_SUB, n, ir_const(ir, 3));
    ir_store(ir, n, ir_view(row, 0, 1, 8), (struct ir_mem){0, 14});
    ir_loop_while(ir, loop, n);
    return ir;
}

static void leaves(enum dump_pass pass, const char *expected)
{
    struct ir *ir = create();
    struct text out = {0};
    struct diag d = {0};
    assert_int_equal(dump_build(ir, pass, &out, &d), ST_OK);
    assert_true(text_ok(&out));
    assert_string_equal(out.at, expected);
    text_free(&out);
    ir_destroy(ir);
}

static void test_ir(void **state)
{
    (void)state;
    leaves(DUMP_IR, "region 0\n"
                    "  -- main\n"
                    "     0  b1_row[8..15] = vload b0_zero ; anywhere\n"
                    "     1  b1_row[15..22] = vload b0_zero ; anywhere\n"
                    "  -- twice, strand 2, round 7\n"
                    "     2  b1_row[0..7] = + b1_row[8..22/2] b1_row[8]x8\n"
                    "  -- twice\n"
                    "     3  #9 = const 9 | add_imm b0_zero 9\n"
                    "     4  #9 = vbroadcast #9 | | #9[0]x8 b0_zero[0]x8\n"
                    "  -- twice, strand 2, round 7\n"
                    "     5  b2_n = | #9 b0_zero\n"
                    "  -- twice\n"
                    "     6  #3 = const 3 | add_imm b0_zero 3\n"
                    "region 1\n"
                    "  -- twice, strand 2, round 7\n"
                    "     7  b2_n = - b2_n #3\n"
                    "     8  vstore b2_n b1_row[0..7] ; words 0..13\n"
                    "  to region 1 if b2_n\n"
                    "region 2\n");
}

static void test_fold(void **state)
{
    (void)state;
    leaves(DUMP_FOLD, "region 0\n"
                      "  -- main\n"
                      "     0  b1_row[8..15] = vload b0_zero ; anywhere\n"
                      "     1  b1_row[15..22] = vload b0_zero ; anywhere\n"
                      "  -- twice, strand 2, round 7\n"
                      "     2  b1_row[0..7] = + b1_row[8..22/2] b1_row[8]x8\n"
                      "  -- twice\n"
                      "     3  #9 = const 9 | add_imm b0_zero 9\n"
                      "  -- twice, strand 2, round 7\n"
                      "     4  b2_n = | #9 b0_zero\n"
                      "  -- twice\n"
                      "     5  #3 = const 3 | add_imm b0_zero 3\n"
                      "region 1\n"
                      "  -- twice, strand 2, round 7\n"
                      "     6  b2_n = - b2_n #3\n"
                      "     7  vstore b2_n b1_row[0..7] ; words 0..13\n"
                      "  to region 1 if b2_n\n"
                      "region 2\n");
}

static void test_graph(void **state)
{
    (void)state;
    leaves(DUMP_GRAPH, "region 0\n"
                       "  0 : load after\n"
                       "  1 : load after 0=\n"
                       "  2 : alu after 0 1\n"
                       "  3 : load flow after\n"
                       "  4 : alu after 3\n"
                       "  5 : load flow after\n"
                       "region 1\n"
                       "  6 : alu after\n"
                       "  7 : store after 6\n"
                       "region 2\n");
}

static void test_schedule(void **state)
{
    (void)state;
    leaves(DUMP_SCHEDULE, "region 0\n"
                          "     0  load 0 1 flow 3\n"
                          "     1  alu 2[0..4] flow 5\n"
                          "     2  alu 2[5..7] 4\n"
                          "region 1\n"
                          "     0  alu 6\n"
                          "     1  store 7\n"
                          "region 2\n");
}

static void test_allocation(void **state)
{
    (void)state;
    leaves(DUMP_ALLOCATION, "     0..0      b0_zero, all the time\n"
                            "     1..24     b1_row, all the time\n"
                            "    25..25     b2_n, all the time\n"
                            "    27..27     #9, region 0\n"
                            "    26..26     #3, all the time\n"
                            "most words: 28, in cycle 0 of region 0\n");
}

static void test_program(void **state)
{
    (void)state;
    leaves(DUMP_PROGRAM,
           ".machine vlen=8 scratch=64 cores=1 alu=5 valu=6 load=2 store=2 flow=1\n"
           ".name zero 0 1\n"
           ".name row 1 24\n"
           ".name n 25 1\n"
           "{ load: vload row+8, zero; vload row+15, zero; flow: add_imm 27, zero, 9 }\n"
           "{ alu:   + row, row+8, row+8; + row+1, row+10, row+8; + row+2, row+12, row+8\n"
           "         + row+3, row+14, row+8; + row+4, row+16, row+8\n"
           "  flow:  add_imm 26, zero, 3 }\n"
           "{ alu: + row+5, row+18, row+8; + row+6, row+20, row+8; + row+7, row+22, row+8; | n, 27, zero }\n"
           "L0:\n"
           "{ alu: - n, n, 26 }\n"
           "{ store: vstore n, row; flow: cond_jump n, @L0 }\n");
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DUMP_PASSES; i++)
        assert_int_equal(dump_find(dump_name((enum dump_pass)i)), i);
    assert_int_equal(dump_find("all"), DUMP_PASSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ir),       cmocka_unit_test(test_fold),       cmocka_unit_test(test_graph),
        cmocka_unit_test(test_schedule), cmocka_unit_test(test_allocation), cmocka_unit_test(test_program),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
