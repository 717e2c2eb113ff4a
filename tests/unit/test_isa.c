/* The operation table: its invariants, what every operation touches, and its
 * values against expectations that are written out here, not derived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/isa/eval.h"
#include "sim/isa/isa.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct isa_info *row(unsigned op)
{
    return isa_info((enum isa_op)op);
}

static void rows_are_well_formed(void **state)
{
    (void)state;
    for (unsigned op = 0; op < ISA_OPS; op++) {
        const struct isa_info *info = row(op);
        assert_in_range(info->args, 0, ISA_MAX_ARGS);
        assert_true(strlen(info->name) > 0 && strlen(info->effect) > 0);
        unsigned dests = 0, others = 0;
        for (unsigned i = 0; i < ISA_MAX_ARGS; i++) {
            const enum isa_role role = info->role[i];
            assert_int_equal(role == ROLE_NONE, i >= info->args); /* no gaps */
            if (isa_role_is_dest(role)) {
                assert_int_equal(i, 0); /* the destination comes first */
                dests++;
            }
            others += role != ROLE_NONE && !isa_role_is_address(role);
        }
        assert_true(dests <= 1 && others <= 1); /* one literal field in a slot */
        assert_int_equal(info->kind == KIND_PURE && dests == 0, 0);
    }
}

static void only_division_is_partial(void **state)
{
    (void)state;
    for (unsigned op = 0; op < ISA_OPS; op++) {
        const char *name = row(op)->name;
        const bool divides = !strcmp(name, "//") || !strcmp(name, "%") || !strcmp(name, "cdiv");
        assert_int_equal(row(op)->partial, divides);
    }
}

static void names_lead_back_to_their_operation(void **state)
{
    (void)state;
    for (unsigned op = 0; op < ISA_OPS; op++) {
        const struct isa_info *info = row(op);
        for (unsigned e = 0; e < ISA_ENGINES; e++) {
            const unsigned found = isa_find_op((enum isa_engine)e, info->name, strlen(info->name));
            const bool shared = e <= ENGINE_VALU && info->engine <= ENGINE_VALU && op < 2 * ISA_BINARIES;
            if (e == info->engine)
                assert_int_equal(found, op);
            else if (!shared)
                assert_int_equal(found, OP_UNKNOWN);
        }
    }
    assert_int_equal(isa_find_op(ENGINE_LOAD, "loa", 3), OP_UNKNOWN); /* a prefix is not a name */
    assert_int_equal(isa_find_op(ENGINE_LOAD, "load_offset", 4), OP_LOAD);
    assert_int_equal(isa_find_op(ENGINE_ALU, "", 0), OP_UNKNOWN);
    assert_int_equal(row(OP_UNKNOWN)->kind, KIND_UNKNOWN);
    assert_int_equal(row(OP_IGNORED)->kind, KIND_NOTHING);
}

static bool is_of(const char *name, const char *const *names, size_t n)
{
    while (n && strcmp(name, names[n - 1]) != 0)
        n--;
    return n != 0;
}

/* What operations are, by their names. */
static void predicates(void **state)
{
    (void)state;
    static const char *const loads[] = {"load", "load_offset", "vload"};
    static const char *const stores[] = {"store", "vstore"};
    static const char *const jumps[] = {"jump", "cond_jump", "cond_jump_rel", "jump_indirect"};
    static const char *const ends[] = {"halt", "pause"};
    static const char *const literals[] = {"load_offset", "const",   "add_imm",  "cond_jump", "cond_jump_rel",
                                           "jump",        "compare", "vcompare", "comment"};
    static const char *const vectors[] = {"vbroadcast", "multiply_add", "vload",
                                          "vstore",     "vselect",      "vcompare"};
    for (unsigned i = 0; i < ISA_OPS; i++) {
        const enum isa_op op = (enum isa_op)i;
        const char *name = row(i)->name;
        assert_int_equal(isa_is_load(op), is_of(name, loads, COUNT(loads)));
        assert_int_equal(isa_is_store(op), is_of(name, stores, COUNT(stores)));
        assert_int_equal(isa_is_access(op), isa_is_load(op) || isa_is_store(op));
        assert_int_equal(isa_is_jump(op), is_of(name, jumps, COUNT(jumps)));
        assert_int_equal(isa_is_control(op), isa_is_jump(op) || is_of(name, ends, COUNT(ends)));
        assert_int_equal(isa_has_literal(op), is_of(name, literals, COUNT(literals)));
        assert_int_equal(isa_is_vector(op), isa_is_valu_binary(op) || is_of(name, vectors, COUNT(vectors)));
    }
    assert_false(isa_is_control(OP_UNKNOWN) || isa_is_access(OP_UNKNOWN) || isa_is_vector(OP_UNKNOWN));
}

static void engines_are_the_reference_machine(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t slots;
    } engines[] = {{"alu", 12}, {"valu", 6}, {"load", 2}, {"store", 2}, {"flow", 1}, {"debug", 0}};
    const struct isa_machine m = isa_default_machine();
    assert_int_equal(ISA_ENGINES, COUNT(engines));
    for (unsigned e = 0; e < ISA_ENGINES; e++) {
        assert_string_equal(isa_engine_name((enum isa_engine)e), engines[e].name);
        assert_int_equal(m.slots[e], engines[e].slots);
        assert_int_equal(isa_find_engine(engines[e].name, strlen(engines[e].name)), e);
    }
    assert_int_equal(isa_find_engine("al", 2), ISA_ENGINES);
    assert_int_equal(m.vlen, 8);
    assert_int_equal(m.scratch, 1536);
    assert_int_equal(m.cores, 1);
    assert_null(isa_machine_validate(&m));
}

/* Each parameter just inside its limits, then just outside. */
static void machine_limits(void **state)
{
    (void)state;
    struct isa_machine m = isa_default_machine();
    m.vlen = 1, m.scratch = 1, m.cores = 1, m.slots[ENGINE_ALU] = 0;
    assert_null(isa_machine_validate(&m));
    m.vlen = ISA_MAX_VLEN, m.scratch = ISA_MAX_SCRATCH, m.cores = ISA_MAX_CORES,
    m.slots[ENGINE_FLOW] = ISA_MAX_SLOTS;
    assert_null(isa_machine_validate(&m));
    const struct isa_machine good = m;
    const struct {
        uint32_t *field, below, above;
        const char *name;
    } fields[] = {
        {&m.vlen, 0, ISA_MAX_VLEN + 1, "vlen"},
        {&m.scratch, 0, ISA_MAX_SCRATCH + 1, "scratch"},
        {&m.cores, 0, ISA_MAX_CORES + 1, "cores"},
        {&m.slots[ENGINE_FLOW], ISA_MAX_SLOTS + 1, UINT32_MAX, "slots"},
    };
    for (size_t i = 0; i < COUNT(fields); i++)
        for (int high = 0; high < 2; high++) {
            m = good;
            *fields[i].field = high ? fields[i].above : fields[i].below;
            const char *why = isa_machine_validate(&m);
            assert_non_null(why);
            assert_int_equal(strncmp(why, fields[i].name, strlen(fields[i].name)), 0);
        }
}

/* What a slot touches, as text: "w100x8 r200 r300x8". */
static const char *effects_text(unsigned op, int64_t literal, char *out, size_t size)
{
    const struct isa_slot slot = {(uint8_t)op, (uint8_t)row(op)->engine, {100, 200, 300, 400}, literal};
    const struct isa_effects fx = isa_effects(&slot, 8);
    size_t n = 0;
    out[0] = '\0';
    if (fx.writes)
        n += (size_t)snprintf(out, size, "w%lldx%u ", (long long)fx.write.first, fx.write.n);
    for (unsigned i = 0; i < fx.reads; i++)
        n += (size_t)snprintf(out + n, size - n, "r%lldx%u ", (long long)fx.read[i].first, fx.read[i].n);
    if (n)
        out[n - 1] = '\0';
    return out;
}

static void effects_of_every_operation(void **state)
{
    (void)state;
    /* With operands 100, 200, 300, 400 and the literal 5. */
    static const struct {
        const char *name, *touches;
    } expected[] = {
        {"vbroadcast", "w100x8 r200x1"},
        {"multiply_add", "w100x8 r200x8 r300x8 r400x8"},
        {"load", "w100x1 r200x1"},
        {"load_offset", "w105x1 r205x1"},
        {"vload", "w100x8 r200x1"},
        {"const", "w100x1"},
        {"store", "r100x1 r200x1"},
        {"vstore", "r100x1 r200x8"},
        {"select", "w100x1 r200x1 r300x1 r400x1"},
        {"vselect", "w100x8 r200x8 r300x8 r400x8"},
        {"add_imm", "w100x1 r200x1"},
        {"cond_jump", "r100x1"},
        {"cond_jump_rel", "r100x1"},
        {"jump", ""},
        {"jump_indirect", "r100x1"},
        {"halt", ""},
        {"pause", ""},
        {"trace_write", "r100x1"},
        {"coreid", "w100x1"},
        {"compare", "r100x1"},
        {"vcompare", "r100x8"},
        {"comment", ""},
    };
    char text[200];
    for (unsigned op = 0; op < 2 * ISA_BINARIES; op++)
        assert_string_equal(effects_text(op, 5, text, sizeof text),
                            isa_is_alu((enum isa_op)op) ? "w100x1 r200x1 r300x1" : "w100x8 r200x8 r300x8");
    assert_int_equal(2 * ISA_BINARIES + COUNT(expected), ISA_OPS);
    for (size_t i = 0; i < COUNT(expected); i++) {
        const unsigned op = 2 * ISA_BINARIES + (unsigned)i;
        assert_string_equal(row(op)->name, expected[i].name);
        assert_string_equal(effects_text(op, 5, text, sizeof text), expected[i].touches);
    }
    assert_string_equal(effects_text(OP_UNKNOWN, 5, text, sizeof text), "");
    assert_string_equal(effects_text(OP_IGNORED, 5, text, sizeof text), "");
}

static void lanes_of_any_size_stay_out_of_range(void **state)
{
    (void)state;
    static const int64_t lanes[] = {INT64_MAX, INT64_MIN, INT64_C(1) << 41, -(INT64_C(1) << 41)};
    for (size_t i = 0; i < COUNT(lanes); i++) {
        const struct isa_slot slot = {OP_LOAD_OFFSET, ENGINE_LOAD, {INT32_MAX, INT32_MIN, 0, 0}, lanes[i]};
        const struct isa_effects fx = isa_effects(&slot, 8);
        assert_true(lanes[i] > 0 ? fx.write.first >= ISA_MAX_SCRATCH : fx.write.first < 0);
        assert_true(lanes[i] > 0 ? fx.read[0].first >= ISA_MAX_SCRATCH : fx.read[0].first < 0);
    }
    char text[200];
    assert_string_equal(effects_text(OP_LOAD_OFFSET, -100, text, sizeof text), "w0x1 r100x1");
}

#define M UINT32_MAX

static void operators_on_edge_values(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t a, b, value;
    } expected[] = {
        {"+", 2, 3, 5},
        {"+", M, 2, 1},
        {"-", 3, 5, 0xfffffffe},
        {"-", 5, 3, 2},
        {"*", 0x10000, 0x10000, 0},
        {"*", M, M, 1},
        {"*", 0x12345, 0x6789, 0x75cca2ed},
        {"//", 7, 2, 3},
        {"//", M, 1, M},
        {"//", 0x80000000, M, 0}, /* unsigned: not -2^31 / -1 */
        {"cdiv", 0, 5, 0},
        {"cdiv", 10, 5, 2},
        {"cdiv", 11, 5, 3},
        {"cdiv", M, 2, 0x80000000}, /* a + b - 1 does not fit 32 bits */
        {"cdiv", M, M, 1},
        {"cdiv", 2, M, 1},
        {"cdiv", M, 1, M},
        {"^", 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0},
        {"&", 0xff00ff00, 0x0ff00ff0, 0x0f000f00},
        {"|", 0xff00ff00, 0x0ff00ff0, 0xfff0fff0},
        {"<<", 1, 31, 0x80000000},
        {"<<", 3, 31, 0x80000000},
        {"<<", 5, 0, 5},
        {"<<", 1, 32, 0},
        {"<<", 1, 33, 0}, /* not taken modulo 32 */
        {"<<", M, M, 0},
        {">>", 0x80000000, 31, 1}, /* logical */
        {">>", M, 0, M},
        {">>", M, 32, 0},
        {">>", M, 64, 0},
        {"%", 7, 4, 3},
        {"%", M, 10, 5},
        {"%", 3, M, 3},
        {"<", 1, 2, 1},
        {"<", 2, 2, 0},
        {"<", 0x80000000, 1, 0}, /* unsigned */
        {"==", 4, 4, 1},
        {"==", 4, 5, 0},
    };
    bool tried[ISA_BINARIES] = {false};
    for (size_t i = 0; i < COUNT(expected); i++) {
        const enum isa_op op = isa_find_op(ENGINE_ALU, expected[i].name, strlen(expected[i].name));
        assert_true(isa_is_alu(op));
        tried[op] = true;
        assert_true(isa_eval(op, expected[i].a, expected[i].b, 77, 99) == expected[i].value);
        assert_true(isa_eval(isa_to_valu(op), expected[i].a, expected[i].b, 77, 99) == expected[i].value);
    }
    for (unsigned op = 0; op < ISA_BINARIES; op++)
        assert_true(tried[op]);
}

static void other_pure_operations(void **state)
{
    (void)state;
    assert_int_equal(isa_eval(OP_VBROADCAST, 9, 1, 2, 3), 9);
    assert_int_equal(isa_eval(OP_MULTIPLY_ADD, 0x10001, 0x10001, 5, 3), 0x20006); /* 2^32 + ... wraps */
    assert_true(isa_eval(OP_CONST, 1, 2, 3, 0xdeadbeef) == 0xdeadbeef);
    assert_int_equal(isa_eval(OP_SELECT, 0, 10, 20, 0), 20);
    assert_int_equal(isa_eval(OP_SELECT, 0x80000000, 10, 20, 0), 10);
    assert_int_equal(isa_eval(OP_VSELECT, 2, 10, 20, 0), 10); /* any bit, not the lowest */
    assert_int_equal(isa_eval(OP_ADD_IMM, 3, 0, 0, (uint32_t)-5), 0xfffffffe);
    assert_int_equal(isa_do_MULTIPLY_ADD(6, 7, 8, 0), 50);
}

static void alu_and_valu_forms_pair_up(void **state)
{
    (void)state;
    for (unsigned op = 0; op < ISA_BINARIES; op++) {
        const enum isa_op wide = isa_to_valu((enum isa_op)op);
        assert_true(isa_is_alu((enum isa_op)op) && isa_is_valu_binary(wide));
        assert_int_equal(isa_to_alu(wide), op);
        assert_string_equal(row(op)->name, row(wide)->name);
        assert_int_equal(row(wide)->engine, ENGINE_VALU);
    }
    assert_false(isa_is_valu_binary(OP_VBROADCAST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_well_formed),
        cmocka_unit_test(only_division_is_partial),
        cmocka_unit_test(names_lead_back_to_their_operation),
        cmocka_unit_test(predicates),
        cmocka_unit_test(engines_are_the_reference_machine),
        cmocka_unit_test(machine_limits),
        cmocka_unit_test(effects_of_every_operation),
        cmocka_unit_test(lanes_of_any_size_stay_out_of_range),
        cmocka_unit_test(operators_on_edge_values),
        cmocka_unit_test(other_pure_operations),
        cmocka_unit_test(alu_and_valu_forms_pair_up),
    };
    return cmocka_run_group_tests_name("isa", tests, NULL, NULL);
}
