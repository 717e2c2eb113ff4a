/* Results that take more than a cycle: the rules of sim/README.md one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/engine/latency.h"
#include "sim/sheaf.h"
#include "tests/unit/failing.h"

enum { MEM = 64 };

static uint32_t memory[MEM];

struct rig {
    struct prog *p;
    struct sim *s;
};

/* `text` is assembly; its own .machine line says the latencies. */
static struct rig rig_up(const char *text, const struct sim_config *given)
{
    struct rig r = {NULL, NULL};
    struct diag d = {0};
    if (prog_read_asm(text, strlen(text), "case", &r.p, &d) != ST_OK)
        fail_msg("%s", d.text);
    struct sim_config config = given ? *given : sim_default_config();
    config.machine = r.p->machine;
    for (uint32_t i = 0; i < MEM; i++)
        memory[i] = 100 + i;
    assert_int_equal(sim_create(r.p, &config, memory, MEM, &r.s, &d), ST_OK);
    return r;
}

static void rig_down(struct rig *r)
{
    sim_destroy(r->s);
    prog_destroy(r->p);
}

/* Runs to the end; scratch words 0 to n - 1 must be these. */
static void leaves(const char *text, uint64_t cycles, const uint32_t *words, unsigned n)
{
    struct rig r = rig_up(text, NULL);
    assert_int_equal(sim_run(r.s), SIM_STOPPED);
    assert_int_equal(r.s->cycle, cycles);
    for (unsigned i = 0; i < n; i++)
        if (r.s->cores[0].scratch[i] != words[i])
            fail_msg("word %u is %u, expected %u", i, r.s->cores[0].scratch[i], words[i]);
    assert_int_equal(latency_state_of(r.s)->waiting, 0);
    rig_down(&r);
}

#define LEAVES(cycles, text, ...) \
    leaves((text), (cycles), (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* --- the rules ------------------------------------------------------------------- */

static void a_result_is_there_after_its_latency(void **state)
{
    (void)state;
    LEAVES(4,
           ".machine load_latency=3\n"
           "{ load: const 0, 5 }\n{ alu: + 1, 0, 9 }\n{ alu: + 2, 0, 9 }\n{ alu: + 3, 0, 9 }",
           5, 0, 0, 5);
}

/* Cycles count, not bundles: one that costs nothing brings no result nearer, and an empty
 * list of slots does. */
static void what_costs_nothing_does_not_pass_time(void **state)
{
    (void)state;
    LEAVES(3,
           ".machine load_latency=2\n"
           "{ load: const 0, 5 }\n{}\n{ debug: comment \"x\" }\n{ alu: + 1, 0, 9 }\n{}\n{ alu: + 2, 0, 9 }",
           5, 0, 5);
    LEAVES(4, ".machine load_latency=3\n{ load: const 0, 5 }\n{ alu: }\n{ flow: }\n{ alu: + 1, 0, 9 }", 5, 5);
}

static void each_engine_has_its_own(void **state)
{
    (void)state;
    LEAVES(7,
           ".machine alu_latency=2 flow_latency=3 valu_latency=4 vlen=1\n"
           "{ load: const 0, 5 }\n{ alu: + 1, 0, 0; flow: add_imm 2, 0, 1; valu: vbroadcast 3, 0 }\n"
           "{ alu: + 4, 1, 9 }\n{ alu: + 5, 1, 2 }\n{ alu: + 6, 2, 3 }\n{ alu: + 7, 3, 9 }\n{ alu: }",
           5, 10, 6, 5, 0, 10, 6, 5);
}

static void writes_land_when_they_are_due_then_as_issued(void **state)
{
    (void)state;
    /* Overtaken: the alu's result is there in cycle 2, the constant in cycle 4. */
    LEAVES(5,
           ".machine load_latency=4\n"
           "{ load: const 0, 5 }\n{ flow: add_imm 0, 9, 7 }\n{ alu: + 1, 0, 9 }\n{ alu: + 2, 0, 9 }\n"
           "{ alu: + 3, 0, 9 }",
           5, 7, 7, 5);
    /* There in one cycle: what was issued later stays. */
    LEAVES(3, ".machine load_latency=2\n{ load: const 0, 5 }\n{ flow: add_imm 0, 9, 7 }\n{ alu: + 1, 0, 9 }",
           7, 7);
    LEAVES(
        3,
        ".machine load_latency=3 flow_latency=2\n{ load: const 0, 5 }\n{ flow: add_imm 0, 9, 7 }\n{ alu: }",
        7);
}

static void stores_take_their_time_too(void **state)
{
    (void)state;
    LEAVES(5,
           ".machine store_latency=3\n"
           "{ load: const 0, 8 }\n{ store: store 0, 0 }\n{ load: load 1, 0 }\n{ load: load 2, 0 }\n"
           "{ load: load 3, 0 }",
           8, 108, 108, 8);
}

/* Core 0 stores in cycle 2, core 1 (which jumps ahead) loads in cycles 2, 3 and 4: within a
 * cycle, what is due with its end is there for cores of higher numbers. */
static void cores_see_what_has_landed(void **state)
{
    (void)state;
    static const char text[] = ".machine cores=2 store_latency=2\n"
                               "{ flow: coreid 0; load: const 1, 7 }\n{ flow: cond_jump 0, @other }\n"
                               "{ store: store 1, 1 }\n{ alu: }\n{ alu: }\n{ flow: halt }\n"
                               "other:\n{ load: load 2, 1 }\n{ load: load 3, 1 }\n{ load: load 4, 1 }";
    struct rig r = rig_up(text, NULL);
    assert_int_equal(sim_run(r.s), SIM_STOPPED);
    const uint32_t *w = r.s->cores[1].scratch;
    assert_int_equal(w[2], 107);
    assert_int_equal(w[3], 7);
    assert_int_equal(w[4], 7);
    assert_int_equal(r.s->cycle, 6);
    rig_down(&r);
}

static void who_stops_or_pauses_waits_for_its_own(void **state)
{
    (void)state;
    struct sim_config config = sim_default_config();
    config.pause = true;
    struct rig r =
        rig_up(".machine load_latency=9 store_latency=5\n"
               "{ load: const 0, 5; store: store 1, 0; flow: pause }\n{ load: const 0, 6; flow: halt }",
               &config);
    r.s->cores[0].scratch[0] = 3;
    assert_int_equal(sim_run(r.s), SIM_PAUSED);
    assert_int_equal(r.s->cores[0].scratch[0], 5);
    assert_int_equal(r.s->mem[0], 3);
    assert_int_equal(r.s->cycle, 1);
    assert_int_equal(sim_run(r.s), SIM_STOPPED);
    assert_int_equal(r.s->cores[0].scratch[0], 6);
    assert_int_equal(r.s->cycle, 2);
    rig_down(&r);
}

static void a_fault_leaves_them_on_their_way(void **state)
{
    (void)state;
    struct rig r = rig_up(".machine load_latency=3\n"
                          "{ load: const 0, 5 }\n{ alu: + 1, 8, 8; // 2, 8, 8; load: const 3, 1 }",
                          NULL);
    assert_int_equal(sim_run(r.s), SIM_FAULTED);
    assert_int_equal(r.s->fault.kind, FAULT_DIVIDE_BY_ZERO);
    assert_int_equal(r.s->fault.cycle, 1);
    assert_int_equal(r.s->cores[0].scratch[0], 0);
    assert_int_equal(latency_state_of(r.s)->waiting, 1);
    rig_down(&r);
}

static void reset_forgets_them(void **state)
{
    (void)state;
    struct rig r =
        rig_up(".machine load_latency=5\n{ alu: }\n{ load: const 0, 5 }\n{ alu: }\n{ alu: }", NULL);
    assert_int_equal(sim_step(r.s, 3), SIM_MORE);
    sim_reset(r.s, memory);
    assert_int_equal(latency_state_of(r.s)->waiting, 0);
    assert_int_equal(sim_step(r.s, 1), SIM_MORE);
    assert_int_equal(r.s->cores[0].scratch[0], 0);
    rig_down(&r);
}

/* Of two writes of a bundle the later stays if they land together, whatever they meet. */
static void double_writes_are_seen(void **state)
{
    (void)state;
    static const char text[] =
        ".machine load_latency=3\n"
        "{ load: const 0, 5; const 0, 6 }\n{ load: const 1, 5; flow: add_imm 1, 9, 7 }";
    struct rig r = rig_up(text, NULL);
    assert_int_equal(sim_run(r.s), SIM_STOPPED);
    assert_int_equal(r.s->cores[0].scratch[0], 6);
    assert_int_equal(r.s->cores[0].scratch[1], 5);
    assert_int_equal(r.s->double_writes, 2);
    rig_down(&r);
    struct sim_config config = sim_default_config();
    config.strict = true;
    r = rig_up(text, &config);
    assert_int_equal(sim_run(r.s), SIM_FAULTED);
    assert_int_equal(r.s->fault.kind, FAULT_WRITE_CONFLICT);
    assert_int_equal(r.s->fault.cycle, 0);
    rig_down(&r);
}

static void a_changed_machine_keeps_them(void **state)
{
    (void)state;
    static const char text[] =
        ".machine load_latency=3\n{ load: const 0, 5 }\n{ alu: }\n{ alu: }\n{ alu: + 1, 0, 9 }";
    struct sheaf_program *p = NULL;
    struct sheaf_machine *m = NULL;
    assert_int_equal(sheaf_program_parse_asm(text, sizeof text - 1, NULL, &p, NULL), SHEAF_OK);
    assert_int_equal(sheaf_machine_create(p, NULL, memory, MEM, &m, NULL), SHEAF_OK);
    assert_int_equal(sheaf_step(m, 1), SHEAF_MORE);
    struct sheaf_config config = sheaf_config_default();
    config.strict = true;
    assert_int_equal(sheaf_machine_change(m, &config, NULL), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_STOPPED);
    assert_int_equal(sheaf_scratch(m, 0, NULL)[1], 5);
    sheaf_machine_destroy(m);
    sheaf_program_destroy(p);
}

/* What a caller of today asks for, and one who does not know of latencies. */
static void a_config_says_latencies(void **state)
{
    (void)state;
    static const char text[] = "{ load: const 0, 5 }\n{ alu: + 1, 0, 9 }";
    struct sheaf_program *p = NULL;
    assert_int_equal(sheaf_program_parse_asm(text, sizeof text - 1, NULL, &p, NULL), SHEAF_OK);
    const struct {
        uint32_t latency, word;
        size_t size;
        enum sheaf_status status;
    } cases[] = {{0, 5, sizeof(struct sheaf_config), SHEAF_OK},
                 {1, 5, sizeof(struct sheaf_config), SHEAF_OK},
                 {2, 0, sizeof(struct sheaf_config), SHEAF_OK},
                 {2, 5, offsetof(struct sheaf_config, latency), SHEAF_OK},
                 {65, 0, sizeof(struct sheaf_config), SHEAF_INPUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sheaf_config config = sheaf_config_default();
        struct sheaf_machine *m = NULL;
        config.size = cases[i].size;
        config.latency[SHEAF_LOAD] = cases[i].latency;
        assert_int_equal(sheaf_machine_create(p, &config, memory, MEM, &m, NULL), cases[i].status);
        if (!m)
            continue;
        assert_int_equal(sheaf_run(m), SHEAF_STOPPED);
        assert_int_equal(sheaf_scratch(m, 0, NULL)[1], cases[i].word);
        sheaf_machine_destroy(m);
    }
    sheaf_program_destroy(p);
}

/* Whichever allocation fails: the machine is not made, or faults and has lost nothing. */
static void out_of_memory_is_a_fault(void **state)
{
    (void)state;
    static const char text[] =
        ".machine load_latency=3 store_latency=2\n"
        "{ load: vload 8, 0; store: vstore 0, 0 }\n{ load: const 1, 1 }\n{ alu: + 2, 8, 0 }";
    struct rig whole = rig_up(text, NULL);
    assert_int_equal(sim_run(whole.s), SIM_STOPPED);
    unsigned faults = 0;
    for (long n = 0;; n++) {
        struct sim *s = NULL;
        struct diag d;
        const long before = live;
        fail_after(n);
        const enum status status = sim_create(whole.p, &whole.s->config, memory, MEM, &s, &d);
        const enum sim_end end = status == ST_OK ? sim_run(s) : SIM_MORE;
        const bool was = failed;
        fail_after(-1);
        if (status == ST_OK && end == SIM_FAULTED) {
            assert_int_equal(s->fault.kind, FAULT_OUT_OF_MEMORY);
            assert_int_equal(s->fault.cycle, s->fault.pc);
            assert_int_equal(s->cores[0].scratch[8], 0);
            faults++;
        } else if (status == ST_OK && !was) {
            assert_memory_equal(s->cores[0].scratch, whole.s->cores[0].scratch, 16 * sizeof(uint32_t));
        }
        sim_destroy(s);
        assert_int_equal(live, before);
        if (!was)
            break;
    }
    assert_true(faults >= 4);
    rig_down(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_there_after_its_latency),
        cmocka_unit_test(what_costs_nothing_does_not_pass_time),
        cmocka_unit_test(each_engine_has_its_own),
        cmocka_unit_test(writes_land_when_they_are_due_then_as_issued),
        cmocka_unit_test(stores_take_their_time_too),
        cmocka_unit_test(cores_see_what_has_landed),
        cmocka_unit_test(who_stops_or_pauses_waits_for_its_own),
        cmocka_unit_test(a_fault_leaves_them_on_their_way),
        cmocka_unit_test(reset_forgets_them),
        cmocka_unit_test(double_writes_are_seen),
        cmocka_unit_test(a_changed_machine_keeps_them),
        cmocka_unit_test(a_config_says_latencies),
        cmocka_unit_test(out_of_memory_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
