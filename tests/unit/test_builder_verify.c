/* The verifier: a right program passes; each way to get one wrong is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/build.h"
#include "builder/passes/verify.h"

/* A kernel that has everything: two loads to overlapping words, arithmetic on alu and
 * valu, a constant, a branch bit, memory written and read again, and a loop. */
static struct ir *make_kernel(void)
{
    const struct isa_machine m = isa_default_machine();
    struct ir *ir = ir_create(&m);
    assert_non_null(ir);
    const struct ir_val base = ir_const(ir, 100), far = ir_const(ir, 55555);
    const struct ir_val row = ir_block(ir, 12, "row"), sum = ir_vector(ir, "sum"),
                        left = ir_scalar(ir, "left");
    ir_load_into(ir, ir_view(row, 0, 1, 8), base, (struct ir_mem){100, 8});
    ir_load_into(ir, ir_view(row, 4, 1, 8), far, (struct ir_mem){55555, 8});
    ir_alu_into(ir, sum, OP_ALU_XOR, ir_view(row, 0, 1, 8), ir_view(row, 4, 1, 8));
    ir_alu_into(ir, ir_lane(sum, 3), OP_ALU_SUB, ir_lane(sum, 3), ir_lane(row, 11));
    ir_alu_into(ir, left, OP_ALU_OR, ir_const(ir, 3), ir->zero);
    const uint32_t loop = ir_loop(ir);
    const struct ir_val t = ir_madd(ir, sum, ir_vconst(ir, 77), sum);
    ir_alu_into(ir, sum, OP_ALU_ADD, t, ir_vload(ir, base, (struct ir_mem){100, 8}));
    ir_store(ir, base, sum, (struct ir_mem){100, 8});
    ir_alu_into(ir, left, OP_ALU_SUB, left, ir_const(ir, 1));
    ir_loop_while(ir, loop, left);
    ir_store(ir, far, ir_select(ir, ir_lane(sum, 0), left, base), (struct ir_mem){55555, 1});
    return ir;
}

struct fixture {
    struct ir *ir;
    struct emitted e;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct diag d;
    f->ir = make_kernel();
    if (build_simple(f->ir, &f->e, &d) != ST_OK)
        return -1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    emit_free(&f->e);
    ir_destroy(f->ir);
    free(f);
    return 0;
}

/* --- changing programs ------------------------------------------------------- */

static uint32_t bundle_of(const struct emitted *e, uint32_t slot)
{
    uint32_t b = 0;
    while (prog_bundle_slots(e->prog, b).end <= slot)
        b++;
    return b;
}

/* The nth slot of an operation. */
static uint32_t nth(const struct emitted *e, enum isa_op op, unsigned n)
{
    for (uint32_t i = 0; i < e->prog->slots.n; i++)
        if (e->prog->slots.at[i].op == op && n-- == 0)
            return i;
    fail_msg("no such slot");
    return 0;
}

static struct isa_slot *slot(const struct emitted *e, enum isa_op op, unsigned n)
{
    return &e->prog->slots.at[nth(e, op, n)];
}

/* Which slot goes to which bundle; in a bundle and engine they keep this order. */
struct entry {
    uint32_t slot, bundle;
};

struct entries {
    VEC(struct entry) at;
};

static struct entries list(const struct emitted *e)
{
    struct entries l = {{0}};
    for (uint32_t i = 0; i < e->prog->slots.n; i++)
        assert_true(vec_push(&l.at, (struct entry){i, bundle_of(e, i)}));
    return l;
}

static void rebuild(struct emitted *e, struct entries *l)
{
    struct prog *old = e->prog, *p = prog_create();
    assert_non_null(p);
    p->machine = old->machine;
    struct emit_origin *origins = e->origins.at;
    e->origins.at = NULL;
    e->origins.n = e->origins.capacity = 0;
    for (uint32_t b = 0; b < old->bundles.n; b++) {
        assert_true(prog_add_bundle(p, 0));
        for (unsigned engine = 0; engine < ISA_ENGINES; engine++) {
            bool open = false;
            for (size_t i = 0; i < l->at.n; i++) {
                const struct isa_slot *s = &old->slots.at[l->at.at[i].slot];
                if (l->at.at[i].bundle != b || s->engine != engine)
                    continue;
                assert_true(open || prog_add_group(p, (enum isa_engine)engine));
                open = true;
                assert_true(prog_add_slot(p, *s));
                assert_true(vec_push(&e->origins, origins[l->at.at[i].slot]));
            }
        }
    }
    prog_destroy(old);
    free(origins);
    vec_free(&l->at);
    e->prog = p;
}

static void move(struct emitted *e, uint32_t slot_number, uint32_t to)
{
    struct entries l = list(e);
    l.at.at[slot_number].bundle = to;
    rebuild(e, &l);
}

static void copy(struct emitted *e, uint32_t slot_number, uint32_t to)
{
    struct entries l = list(e);
    assert_true(vec_push(&l.at, (struct entry){slot_number, to}));
    rebuild(e, &l);
}

static void drop(struct emitted *e, uint32_t slot_number)
{
    move(e, slot_number, UINT32_MAX);
}

static void swap_bundles(struct emitted *e, uint32_t a, uint32_t b)
{
    struct entries l = list(e);
    for (size_t i = 0; i < l.at.n; i++)
        if (l.at.at[i].bundle == a)
            l.at.at[i].bundle = b;
        else if (l.at.at[i].bundle == b)
            l.at.at[i].bundle = a;
    rebuild(e, &l);
}

static void objects(const struct fixture *f, const char *finding)
{
    struct diag d = {0};
    struct text all = {0};
    assert_int_equal(verify_program(f->ir, &f->e, &all, &d), ST_INPUT);
    assert_true(text_ok(&all));
    if (!strstr(all.at, finding))
        fail_msg("expected \"%s\", found:\n%s", finding, all.at);
    assert_non_null(strstr(d.text, "the emitted program is wrong: "));
    text_free(&all);
}

/* --- tests ------------------------------------------------------------------- */

static void test_right(void **state)
{
    const struct fixture *f = *state;
    struct text all = {0};
    struct diag d;
    assert_int_equal(verify_program(f->ir, &f->e, &all, &d), ST_OK);
    assert_null(all.at);
    /* The loads share a bundle: only their order says which words stay. */
    assert_int_equal(bundle_of(&f->e, nth(&f->e, OP_VLOAD, 0)), bundle_of(&f->e, nth(&f->e, OP_VLOAD, 1)));
}

static void test_loads_swapped(void **state)
{
    struct fixture *f = *state;
    struct isa_slot *a = slot(&f->e, OP_VLOAD, 0), *b = slot(&f->e, OP_VLOAD, 1), t = *a;
    struct emit_origin *o = &f->e.origins.at[nth(&f->e, OP_VLOAD, 0)], u = o[0];
    *a = *b;
    *b = t;
    o[0] = o[1];
    o[1] = u;
    objects(f, "expected lane 0 of op");
}

static void test_destination_shifted(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_MULTIPLY_ADD, 0)->arg[0]++;
    objects(f, "reads nothing known");
}

static void test_source_shifted(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_MULTIPLY_ADD, 0)->arg[1]++;
    objects(f, "reads word 1 of block 4 sum as the region found it");
}

static void test_source_outside(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_MULTIPLY_ADD, 0)->arg[2] = 1536;
    objects(f, "reads scratch word 1536 of 1536");
}

static void test_destination_outside(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_SELECT, 0)->arg[0] = -1;
    objects(f, "writes scratch word -1 of 1536");
}

static void test_zero_overwritten(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_SELECT, 0)->arg[0] = (int32_t)f->e.home.at[f->ir->zero.block];
    objects(f, "zero as the region found it");
}

static void test_slot_dropped(void **state)
{
    struct fixture *f = *state;
    drop(&f->e, nth(&f->e, OP_VSTORE, 0));
    objects(f, "lane 0 of op 14 (main) is not executed");
}

static void test_slot_twice(void **state)
{
    struct fixture *f = *state;
    const uint32_t s = nth(&f->e, OP_CONST, 0);
    copy(&f->e, s, bundle_of(&f->e, s) + 1);
    objects(f, "executes lane 0 a second time");
}

static void test_one_cycle_early(void **state)
{
    struct fixture *f = *state;
    move(&f->e, nth(&f->e, OP_VSTORE, 0), bundle_of(&f->e, nth(&f->e, OP_MULTIPLY_ADD, 0)) + 1);
    objects(
        f,
        "store slot 0, op 14 (main, strand -1, round 0) reads word 0 of block 4 sum as the region found it");
}

static void test_bundles_swapped(void **state)
{
    struct fixture *f = *state;
    const uint32_t b = bundle_of(&f->e, nth(&f->e, OP_MULTIPLY_ADD, 0));
    swap_bundles(&f->e, b, b + 1);
    objects(f, "expected lane 0 of op");
}

/* What goes through memory: a load must come after the store before it, and before
 * the one after it. */
static void test_memory(void **state)
{
    (void)state;
    const struct isa_machine m = isa_default_machine();
    struct fixture f = {.ir = ir_create(&m)};
    assert_non_null(f.ir);
    const struct ir_val a = ir_const(f.ir, 100), b = ir_const(f.ir, 7);
    const struct ir_mem one = {100, 1}, some = {90, 20};
    ir_store(f.ir, a, b, one);
    const struct ir_val x = ir_load(f.ir, a, some);
    ir_store(f.ir, a, a, one);
    ir_store(f.ir, b, x, (struct ir_mem){7, 1});
    struct diag d;
    assert_int_equal(build_simple(f.ir, &f.e, &d), ST_OK);
    const uint32_t load = nth(&f.e, OP_LOAD, 0), first = nth(&f.e, OP_STORE, 0);
    const uint32_t before = bundle_of(&f.e, first), now = bundle_of(&f.e, load);
    assert_int_equal(now, before + 1);
    move(&f.e, load, before);
    objects(&f, "comes after 0 stores to memory words 100 to 100, expected 1");
    move(&f.e, nth(&f.e, OP_LOAD, 0), now);
    assert_int_equal(verify_program(f.ir, &f.e, NULL, &d), ST_OK);
    move(&f.e, nth(&f.e, OP_STORE, 1), before);
    objects(&f, "comes after 2 stores to memory words 100 to 100, expected 1");
    emit_free(&f.e);
    ir_destroy(f.ir);
}

static void test_literal(void **state)
{
    struct fixture *f = *state;
    struct isa_slot *s = slot(&f->e, OP_CONST, 0);
    s->literal += 1;
    objects(f, "has literal");
    s->literal -= 1 - (INT64_C(1) << 32); /* the same modulo 2^32 */
    struct diag d;
    assert_int_equal(verify_program(f->ir, &f->e, NULL, &d), ST_OK);
}

static void test_operation(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_MULTIPLY_ADD, 0)->op = OP_VALU_SUB;
    objects(f, "has operation -, expected multiply_add");
}

static void test_engine(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_MULTIPLY_ADD, 0)->op = OP_ALU_ADD;
    objects(f, "is not an operation of valu");
}

static void test_jump_target(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_COND_JUMP, 0)->literal++;
    objects(f, "jumps to bundle");
}

static void test_jump_condition(void **state)
{
    struct fixture *f = *state;
    slot(&f->e, OP_COND_JUMP, 0)->arg[0]++;
    objects(f, "flow slot 0 reads");
}

static void test_jump_dropped(void **state)
{
    struct fixture *f = *state;
    drop(&f->e, nth(&f->e, OP_COND_JUMP, 0));
    objects(f, "region 1 ends without its exit");
}

static void test_slot_limit(void **state)
{
    struct fixture *f = *state;
    const uint32_t s = nth(&f->e, OP_VLOAD, 0), to = bundle_of(&f->e, s);
    copy(&f->e, nth(&f->e, OP_CONST, 0), to);
    objects(f, "is one too many");
}

static void test_wrong_region(void **state)
{
    struct fixture *f = *state;
    move(&f->e, nth(&f->e, OP_SELECT, 0), 0);
    objects(f, "is not of region 0");
}

static void test_homes(void **state)
{
    struct fixture *f = *state;
    const uint32_t sum = 4; /* zero, two constants and row come first */
    assert_string_equal(f->ir->blocks.at[sum].name, "sum");
    const uint32_t home = f->e.home.at[sum];
    f->e.home.at[sum] = IR_NONE;
    objects(f, "block 4 of several regions has no words of its own");
    f->e.home.at[sum] = f->e.home.at[f->ir->zero.block];
    objects(f, "shares the words it keeps");
    f->e.home.at[sum] = home + 1;
    objects(f, "");
}

static void test_shape(void **state)
{
    struct fixture *f = *state;
    f->e.region_at.at[1]++;
    objects(f, "");
    f->e.origins.n--;
    objects(f, "shape of this kernel");
    f->e.origins.n++;
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_right),
        WITH(test_loads_swapped),
        WITH(test_destination_shifted),
        WITH(test_source_shifted),
        WITH(test_source_outside),
        WITH(test_destination_outside),
        WITH(test_zero_overwritten),
        WITH(test_slot_dropped),
        WITH(test_slot_twice),
        WITH(test_one_cycle_early),
        WITH(test_bundles_swapped),
        cmocka_unit_test(test_memory),
        WITH(test_literal),
        WITH(test_operation),
        WITH(test_engine),
        WITH(test_jump_target),
        WITH(test_jump_condition),
        WITH(test_jump_dropped),
        WITH(test_slot_limit),
        WITH(test_wrong_region),
        WITH(test_homes),
        WITH(test_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
