/* The builder on machines whose results take more than a cycle: exact programs, what the
 * verifier says of a wait too short, and kernels with exact counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/build.h"
#include "builder/passes/bound.h"
#include "builder/passes/verify.h"
#include "kernels/kernel.h"

/* "load_latency=3 alu=1" on top of the reference machine. */
static struct isa_machine machine_of(const char *text)
{
    struct isa_machine m = isa_default_machine();
    char copy[100], *save = NULL;
    (void)strncpy(copy, text, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    for (char *at = strtok_r(copy, " ", &save); at; at = strtok_r(NULL, " ", &save)) {
        const size_t n = strcspn(at, "=");
        uint32_t *parameter = isa_machine_parameter(&m, at, n);
        assert_non_null(parameter);
        *parameter = (uint32_t)strtoul(at + n + 1, NULL, 10);
    }
    return m;
}

static struct ir *create(const char *machine)
{
    const struct isa_machine m = machine_of(machine);
    struct ir *ir = ir_create(&m);
    assert_non_null(ir);
    return ir;
}

static struct ir_mem words(uint32_t first, uint32_t n)
{
    return (struct ir_mem){first, n};
}

/* Builds; the bundles must be these (after the machine and the names), no region's fewer than
 * its bound, and the first one's bound this. Frees the ir. */
static void becomes(struct ir *ir, uint32_t first_bound, const char *expected)
{
    struct build b;
    struct text out = {0};
    struct diag d = {0};
    if (build_run(ir, &b, &d) != ST_OK)
        fail_msg("%s", d.text);
    prog_write_asm(b.emitted.prog, &out);
    assert_true(text_ok(&out));
    const char *bundles = strstr(out.at, ".name zero 0 1\n");
    assert_non_null(bundles);
    assert_string_equal(bundles + strlen(".name zero 0 1\n"), expected);
    for (size_t r = 0; r < ir->regions.n; r++) {
        struct bound bound;
        assert_true(bound_region(&b.graphs[r], &bound));
        assert_in_range(bound.cycles, 0, b.schedules[r].length);
        if (!r)
            assert_int_equal(bound.cycles, first_bound);
    }
    text_free(&out);
    build_free(&b);
    ir_destroy(ir);
}

/* --- exact programs --------------------------------------------------------------- */

/* Each result is waited for; the store's nobody waits for. */
static void test_chain(void **state)
{
    (void)state;
    struct ir *ir = create("load_latency=3 valu_latency=2 store_latency=5 alu=0");
    const struct ir_val x = ir_vload(ir, ir->zero, words(0, 8));
    ir_store(ir, ir->zero, ir_alu(ir, OP_ALU_ADD, x, x), words(0, 8));
    becomes(ir, 6,
            "{ load: vload 8, zero }\n"
            "{ alu: }\n"
            "{ alu: }\n"
            "{ valu: + 8, 8, 8 }\n"
            "{ alu: }\n"
            "{ store: vstore zero, 8 }\n");
}

/* Waiting is work's time: loads come one after the other while the first is in flight. The
 * last is written to a word that is read one cycle before it lands there. */
static void test_overlap(void **state)
{
    (void)state;
    struct ir *ir = create("load_latency=3 load=1 valu=0");
    struct ir_val sum = ir_load(ir, ir->zero, words(0, 1));
    for (unsigned i = 1; i < 3; i++)
        sum = ir_alu(ir, OP_ALU_ADD, sum, ir_load(ir, ir->zero, words(0, 1)));
    ir_store(ir, ir->zero, sum, words(0, 1));
    becomes(ir, 7,
            "{ load: load 1, zero }\n"
            "{ load: load 2, zero }\n"
            "{ load: load 2, zero }\n"
            "{ alu: }\n"
            "{ alu: + 1, 1, 2 }\n"
            "{ alu: + 1, 1, 2 }\n"
            "{ store: store zero, 1 }\n");
}

/* A load after a store to its words waits for the store; one to other words does not. */
static void test_memory(void **state)
{
    (void)state;
    struct ir *ir = create("store_latency=4");
    const struct ir_val at = ir_load(ir, ir->zero, words(5, 1));
    ir_store(ir, ir->zero, at, words(0, 1));
    const struct ir_val x = ir_load(ir, ir->zero, words(0, 1)), y = ir_load(ir, ir->zero, words(5, 1));
    ir_store(ir, ir->zero, ir_alu(ir, OP_ALU_ADD, x, y), words(0, 1));
    becomes(ir, 8,
            "{ load: load 1, zero; load 2, zero }\n"
            "{ store: store zero, 1 }\n"
            "{ alu: }\n"
            "{ alu: }\n"
            "{ alu: }\n"
            "{ load: load 1, zero }\n"
            "{ alu: + 1, 1, 2 }\n"
            "{ store: store zero, 1 }\n");
}

/* A region that goes on elsewhere ends when all has landed; its jump may be in the last
 * bundle that waits. The program's end waits by itself. */
static void test_regions(void **state)
{
    (void)state;
    struct ir *ir = create("load_latency=2 store_latency=3 valu=0 flow_latency=9");
    const struct ir_val left = ir_scalar(ir, NULL);
    ir_load_into(ir, left, ir->zero, words(0, 1));
    const uint32_t loop = ir_loop(ir);
    ir_store(ir, ir->zero, left, words(0, 1));
    ir_alu_into(ir, left, OP_ALU_MUL, left, left);
    ir_loop_while(ir, loop, left);
    ir_store(ir, ir->zero, left, words(0, 1));
    becomes(ir, 2,
            "{ load: load 1, zero }\n"
            "{ alu: }\n"
            "L0:\n"
            "{ store: store zero, 1 }\n"
            "{ alu: * 1, 1, 1 }\n"
            "{ flow: cond_jump 1, @L0 }\n"
            "{ store: store zero, 1 }\n");
}

/* Words are free while what is to be there is in flight: the second vector is loaded into
 * those of the first before that is read. */
static void test_words(void **state)
{
    (void)state;
    struct ir *ir = create("load_latency=3 load=1 scratch=9");
    ir_store(ir, ir->zero, ir_vload(ir, ir->zero, words(8, 8)), words(16, 8));
    ir_store(ir, ir->zero, ir_vload(ir, ir->zero, words(0, 8)), words(24, 8));
    struct sched_graph p;
    struct schedule s;
    assert_true(sched_graph_init(&p, ir, 0) && schedule_init(&s, &p));
    const float keys[] = {0, 2, 1, 3};
    struct sched_options o = sched_default_options(ir);
    o.live_limit = 1000; /* scratch holds what has landed; a limit counts what is in flight, too */
    assert_true(schedule_run(&s, &p, keys, &o));
    assert_int_equal(s.start[2], 1);
    assert_int_equal(s.start[1], 3);
    struct emitted e;
    struct diag d = {0};
    assert_int_equal(build_emit(ir, &s, &e, &d), ST_OK);
    assert_int_equal(build_cycles(&e), 5);
    emit_free(&e);
    schedule_free(&s);
    sched_graph_free(&p);
    ir_destroy(ir);
}

/* --- the verifier ------------------------------------------------------------------- */

/* Takes out bundle `at`, which must be one to wait in. */
static void objects_without(struct ir *ir, uint32_t at, const char *expected)
{
    struct emitted e;
    struct diag d = {0};
    assert_int_equal(build_simple(ir, &e, &d), ST_OK);
    struct prog *p = e.prog;
    assert_int_equal(prog_groups(p, at).end - prog_groups(p, at).begin, 1);
    assert_int_equal(prog_bundle_slots(p, at).end, prog_bundle_slots(p, at).begin);
    memmove(p->bundles.at + at, p->bundles.at + at + 1, (p->bundles.n - at - 1) * sizeof *p->bundles.at);
    p->bundles.n--;
    for (size_t r = 0; r < e.region_at.n; r++)
        e.region_at.at[r] -= e.region_at.at[r] > at;
    assert_int_equal(verify_program(ir, &e, NULL, &d), ST_INPUT);
    assert_string_equal(d.text, expected);
    emit_free(&e);
    ir_destroy(ir);
}

static void test_read_too_early(void **state)
{
    (void)state;
    struct ir *ir = create("load_latency=3");
    ir_store(ir, ir->zero, ir_load(ir, ir->zero, words(0, 1)), words(0, 1));
    objects_without(ir, 1,
                    "the emitted program is wrong: bundle 2, store slot 0, op 1 (main, strand -1, round 0) "
                    "reads nothing known from scratch word 1, expected lane 0 of op 0");
}

static void test_load_too_early(void **state)
{
    (void)state;
    struct ir *ir = create("store_latency=3");
    ir_store(ir, ir->zero, ir->zero, words(0, 1));
    ir_store(ir, ir->zero, ir_load(ir, ir->zero, words(0, 1)), words(1, 1));
    objects_without(ir, 1,
                    "the emitted program is wrong: bundle 2, load slot 0, op 1 (main, strand -1, round 0) "
                    "comes after 0 stores to memory words 0 to 0, expected 1");
}

static void test_left_too_early(void **state)
{
    (void)state;
    struct ir *ir = create("store_latency=3");
    ir_store(ir, ir->zero, ir->zero, words(0, 1));
    const uint32_t loop = ir_loop(ir);
    ir_store(ir, ir->zero, ir->zero, words(1, 1));
    ir_loop_while(ir, loop, ir->zero);
    objects_without(ir, 1, "the emitted program is wrong: 1 writes are in flight at the end of region 0");
}

/* --- kernels ------------------------------------------------------------------------ */

struct row {
    const char *kernel, *variant, *machine;
    uint64_t cycles;
};

static void check_row(const struct row *row)
{
    const struct kern *k = kern_find(row->kernel, strlen(row->kernel));
    const struct kern_variant *v = k ? kern_find_variant(k, row->variant) : NULL;
    assert_non_null(v);
    const struct kern_request rq = {.params = kern_defaults(k), .machine = machine_of(row->machine)};
    struct kern_instance *p;
    struct kern_programs programs;
    struct diag d = {0};
    assert_int_equal(kern_instance_create(k, &rq.params, 0, 123, &p, &d), ST_OK);
    if (kern_build(k, v, &rq, &programs, &d) != ST_OK)
        fail_msg("%s:%s: %s", row->kernel, row->variant, d.text);
    assert_int_equal(programs.list.n, 1);
    struct sim_config config = sim_default_config();
    config.machine = rq.machine;
    struct sim *s;
    assert_int_equal(sim_create(programs.list.at[0].prog, &config, p->image, p->words, &s, &d), ST_OK);
    assert_int_equal(sim_run(s), SIM_STOPPED);
    struct kern_wrong wrong;
    assert_false(kern_first_wrong(p, s->mem, &wrong));
    if (s->cycle != row->cycles)
        fail_msg("%s:%s, %s: %llu cycles, recorded %llu", row->kernel, row->variant, row->machine,
                 (unsigned long long)s->cycle, (unsigned long long)row->cycles);
    sim_destroy(s);
    kern_programs_free(&programs);
    kern_instance_destroy(p);
}

/* As tests/cycles.csv, which is for the reference machine. */
static void test_kernels(void **state)
{
    (void)state;
    static const char all[] = "alu_latency=2 valu_latency=4 load_latency=5 store_latency=6 flow_latency=2";
    const struct row rows[] = {
        {"tree_hash", "packed", "load_latency=3", 10103},
        {"tree_hash", "packed", all, 10394},
        {"tree_hash", "resident", "load_latency=3", 7302},
        {"tree_hash", "resident", all, 21788},
        {"tree_hash", "grouped", "load_latency=3", 4022},
        {"tree_hash", "grouped", all, 9128},
        {"tree_hash", "interleaved", all, 2158},
        {"tree_hash", "interleaved", "load_latency=3", 2104},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}

static void test_appended_slots_are_refused(void **state)
{
    (void)state;
    const struct kern *k = kern_find("tree_hash", 9);
    const struct kern_request rq = {.params = kern_defaults(k), .machine = machine_of("alu_latency=2")};
    struct kern_programs programs;
    struct diag d = {0};
    assert_int_equal(kern_build(k, kern_find_variant(k, "scalar"), &rq, &programs, &d), ST_INPUT);
    assert_non_null(strstr(d.text, "latencies of one cycle"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),          cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_memory),         cmocka_unit_test(test_regions),
        cmocka_unit_test(test_words),          cmocka_unit_test(test_read_too_early),
        cmocka_unit_test(test_load_too_early), cmocka_unit_test(test_left_too_early),
        cmocka_unit_test(test_kernels),        cmocka_unit_test(test_appended_slots_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
