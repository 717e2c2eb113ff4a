/* Lower bounds, on kernels small enough to see the optimum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/passes/bound.h"

static struct ir *create(uint32_t scratch)
{
    struct isa_machine m = isa_default_machine();
    m.scratch = scratch;
    struct ir *ir = ir_create(&m);
    assert_non_null(ir);
    return ir;
}

static struct ir_val vload(struct ir *ir, uint32_t at)
{
    return ir_vload(ir, ir->zero, (struct ir_mem){at, 8});
}

/* The bound of the only region. Frees the ir. */
static struct bound bound_of(struct ir *ir)
{
    struct sched_graph p;
    struct bound b;
    assert_int_equal(ir_status(ir, NULL), ST_OK);
    assert_true(sched_graph_init(&p, ir, 0));
    assert_true(bound_region(&p, &b));
    sched_graph_free(&p);
    ir_destroy(ir);
    return b;
}

static void test_empty(void **state)
{
    (void)state;
    const struct bound b = bound_of(create(1536));
    assert_int_equal(b.work, 0);
    assert_int_equal(b.dep, 0);
    assert_int_equal(b.live, 0);
    assert_int_equal(b.cycles, 0);
}

/* n independent ops of one sort, made by `one`: the cycles they need. */
static uint32_t work(uint32_t n, void (*one)(struct ir *ir))
{
    struct ir *ir = create(1536);
    for (uint32_t i = 0; i < n; i++)
        one(ir);
    const struct bound b = bound_of(ir);
    assert_int_equal(b.dep, 1);
    assert_int_equal(b.cycles, b.work);
    return b.work;
}

static void on_alu(struct ir *ir)
{
    ir_alu_into(ir, ir_block(ir, 3, NULL), OP_ALU_ADD, ir_view(ir->zero, 0, 0, 3),
                ir_view(ir->zero, 0, 0, 3));
}

static void on_both(struct ir *ir)
{
    const struct ir_val x = ir_vector(ir, NULL);
    (void)ir_alu(ir, OP_ALU_ADD, x, x);
}

static void on_valu(struct ir *ir)
{
    const struct ir_val x = ir_vector(ir, NULL);
    (void)ir_madd(ir, x, x, x);
}

static void on_flow(struct ir *ir)
{
    const struct ir_val x = ir_vector(ir, NULL);
    (void)ir_select(ir, x, x, x);
}

static void on_flow_or_valu(struct ir *ir)
{
    const struct ir_val x = ir_vector(ir, NULL);
    (void)ir_choose(ir, x, x, x, x);
}

static void on_load(struct ir *ir)
{
    (void)vload(ir, 0);
}

static void on_store(struct ir *ir)
{
    ir_store(ir, ir->zero, ir->zero, (struct ir_mem){(uint32_t)ir->ops.n, 1});
}

static void test_engines(void **state)
{
    (void)state;
    assert_int_equal(work(8, on_alu), 2); /* 24 lanes on 12 slots */
    assert_int_equal(work(9, on_alu), 3);
    assert_int_equal(work(7, on_both), 1); /* six on valu, one on alu */
    assert_int_equal(work(8, on_both), 2);
    assert_int_equal(work(15, on_both), 2); /* twelve and three: alu spreads one over both cycles */
    assert_int_equal(work(16, on_both), 3);
    assert_int_equal(work(12, on_valu), 2);
    assert_int_equal(work(13, on_valu), 3);
    assert_int_equal(work(3, on_flow), 3);
    assert_int_equal(work(14, on_flow_or_valu), 2);
    assert_int_equal(work(15, on_flow_or_valu), 3);
    assert_int_equal(work(4, on_load), 2);
    assert_int_equal(work(5, on_load), 3);
    assert_int_equal(work(5, on_store), 3);
}

/* Choices reach from one end of the row of engines to the other. */
static void test_row(void **state)
{
    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        struct ir *ir = create(1536);
        /* In two cycles: 24 lanes, 12 valu slots, 2 flow slots, 4 load slots. */
        for (unsigned i = 0; i < 7 + extra; i++)
            on_both(ir); /* three to alu, the rest to valu ... */
        for (unsigned i = 0; i < 9; i++)
            on_flow_or_valu(ir); /* ... which leaves eight slots for these, and one to flow ... */
        for (unsigned i = 0; i < 5; i++)
            (void)ir_const(ir, UINT32_C(1) << (4 * i + 1) << i); /* ... which takes one of these */
        assert_int_equal(bound_of(ir).work, 2 + extra);
    }
}

/* Loads that are all followed by two more cycles cannot be spread over those. */
static void test_tails(void **state)
{
    (void)state;
    struct ir *ir = create(1536);
    for (uint32_t i = 0; i < 8; i++) {
        const struct ir_val x = vload(ir, 8 * i);
        ir_store(ir, ir->zero, ir_alu(ir, OP_ALU_ADD, x, x), (struct ir_mem){100 + 8 * i, 8});
    }
    const struct bound b = bound_of(ir);
    assert_int_equal(b.dep, 3);
    assert_int_equal(b.work, 6);
    assert_int_equal(b.head + b.tail, 2);
    assert_int_equal(b.cycles, 6);
}

/* A chain, its ends on different engines; lanes that need two cycles on alu count as two. */
static void test_path(void **state)
{
    (void)state;
    struct ir *ir = create(1536);
    const struct ir_val x = ir_block(ir, 20, NULL);
    for (unsigned i = 0; i < 4; i++)
        ir_alu_into(ir, x, OP_ALU_ADD, x, x);
    (void)ir_load(ir, ir_lane(x, 19), IR_ANYWHERE);
    const struct bound b = bound_of(ir);
    assert_int_equal(b.dep, 9);
    assert_int_equal(b.cycles, 9);
}

/* Ten vectors kept over a chain of nine cycles in scratch that holds two of them. */
static void test_live(void **state)
{
    (void)state;
    struct ir *ir = create(17);
    for (unsigned i = 0; i < 10; i++) {
        const struct ir_val x = vload(ir, 0);
        struct ir_val t = ir_alu(ir, OP_ALU_ADD, ir_lane(x, 0), ir_lane(x, 0));
        for (unsigned k = 0; k < 7; k++)
            t = ir_alu(ir, OP_ALU_ADD, t, t);
        ir_store(ir, t, x, (struct ir_mem){100, 100});
    }
    /* Each: 8 words for 9 cycles, and a word for 1 cycle 8 times; 16 words are there. */
    const struct bound b = bound_of(ir);
    assert_int_equal(b.live, 10 * (8 * 9 + 8) / 16);
    assert_int_equal(b.cycles, b.live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty), cmocka_unit_test(test_engines), cmocka_unit_test(test_row),
        cmocka_unit_test(test_tails), cmocka_unit_test(test_path),    cmocka_unit_test(test_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
