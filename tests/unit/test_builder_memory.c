/* Memory that runs out at every possible word_range while a kernel is made, built and
 * dumped: each time ST_NOMEM (or a text that says it failed), and nothing leaks. This
 * program is linked with --wrap for the allocator (see the Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/build.h"
#include "builder/passes/bound.h"
#include "builder/passes/dump.h"
#include "builder/passes/verify.h"
#include "tests/unit/failing.h"

/* Loops, records, many stores before loads (a fence), and enough of all to make every
 * list grow. NULL when out of memory at once. */
static struct ir *make(void)
{
    const struct isa_machine m = isa_default_machine();
    struct ir *ir = ir_create(&m);
    if (!ir)
        return NULL;
    const struct ir_val row = ir_block(ir, 29, "row"), n = ir_scalar(ir, "n");
    ir_stage(ir, "records");
    for (unsigned i = 0; i < 8; i++)
        ir_load_into(ir, ir_view(row, 3 * i, 1, 8), ir_const(ir, 300 + 7 * i), IR_ANYWHERE);
    struct ir_val sum = ir_alu(ir, OP_ALU_XOR, ir_view(row, 0, 3, 8), ir_view(row, 1, 3, 8));
    for (uint32_t i = 0; i < 9; i++) {
        sum = ir_madd(ir, sum, ir_vconst(ir, 1000 + i), sum);
        ir_store(ir, ir_const(ir, 8 * i), sum, (struct ir_mem){8 * i, 8});
    }
    for (uint32_t i = 0; i < 2; i++)
        sum = ir_alu(ir, OP_ALU_ADD, sum, ir_gather(ir, sum, IR_ANYWHERE));
    ir_alu_into(ir, n, OP_ALU_OR, ir_const(ir, 3), ir->zero);
    const uint32_t loop = ir_loop(ir);
    ir_alu_into(ir, n, OP_ALU_SUB, n, ir_const(ir, 1));
    ir_store(ir, n, sum, (struct ir_mem){0, 30});
    ir_loop_while(ir, loop, n);
    return ir;
}

static bool no_bound(const struct build *b)
{
    struct bound x;
    for (size_t r = 0; r < b->ir->regions.n; r++)
        if (!bound_region(&b->graphs[r], &x))
            return true;
    return false;
}

/* Makes, builds, verifies, bounds and dumps; ST_NOMEM if any of it says so. */
static enum status all(void)
{
    struct diag d;
    struct ir *ir = make();
    if (!ir)
        return ST_NOMEM;
    struct build b;
    struct text text = {0};
    enum status status = build_run(ir, &b, &d);
    if (status == ST_OK)
        status = verify_program(ir, &b.emitted, &text, &d);
    if (status == ST_OK && no_bound(&b))
        status = ST_NOMEM;
    if (status == ST_OK) {
        dump_ir(ir, &text);
        dump_graph(&b.graphs[0], &text);
        dump_schedule(&b.graphs[0], &b.schedules[0], &text);
        dump_allocation(ir, &b.allocation, &text);
        status = text_ok(&text) ? ST_OK : ST_NOMEM;
    }
    text_free(&text);
    build_free(&b);
    ir_destroy(ir);
    return status;
}

static void test_all(void **state)
{
    (void)state;
    long places = 0;
    for (failed = true; failed; places++) {
        live = 0;
        fail_after(places);
        const enum status status = all();
        countdown = -1;
        assert_int_equal(status, failed ? ST_NOMEM : ST_OK);
        assert_int_equal(live, 0);
    }
    assert_true(places > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
