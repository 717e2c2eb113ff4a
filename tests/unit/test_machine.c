/* The machine's rules, line by line of sim/README.md's model, each case on both
 * engines: expectations are written out here, not taken from either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/machine.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A program on a machine; `run` is the test's subject. */
struct rig {
    struct prog *p;
    struct sim *s;
};

static uint32_t memory[] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25};

static struct rig rig_up(enum sim_simulator simulator, const char *json, struct sim_config config)
{
    struct rig r;
    struct diag d = {0};
    if (prog_read_json(json, strlen(json), "case", &r.p, &d) != ST_OK)
        fail_msg("%s", d.text);
    config.simulator = simulator;
    assert_int_equal(sim_create(r.p, &config, memory, COUNT(memory), &r.s, &d), ST_OK);
    return r;
}

static void rig_down(struct rig *r)
{
    sim_destroy(r->s);
    prog_destroy(r->p);
}

#define EACH_ENGINE(e) for (enum sim_simulator e = SIM_STEP; e < SIM_SIMULATORS; e++)

static uint32_t word(const struct rig *r, unsigned at)
{
    return r->s->cores[0].scratch[at];
}

static void slots_read_the_state_before_the_bundle(void **state)
{
    (void)state;
    EACH_ENGINE(e)
    {
        struct rig r =
            rig_up(e,
                   "[{\"load\": [[\"const\", 1, 5], [\"const\", 2, 7]]},"
                   " {\"alu\": [[\"+\", 1, 2, 9], [\"+\", 2, 1, 9], [\"+\", 3, 1, 2]]},"
                   " {\"load\": [[\"const\", 4, 3]]},"
                   " {\"store\": [[\"store\", 4, 1]], \"load\": [[\"load\", 5, 4], [\"load\", 4, 4]]}]",
                   sim_default_config());
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        assert_int_equal(word(&r, 1), 7);
        assert_int_equal(word(&r, 2), 5);
        assert_int_equal(word(&r, 3), 12);
        assert_int_equal(r.s->mem[3], 7);
        assert_int_equal(word(&r, 5), 13); /* the memory before the store */
        assert_int_equal(word(&r, 4), 13);
        rig_down(&r);
    }
}

/* A rotation of three overlapping vectors, each source another's destination. */
static void vectors_rotate(void **state)
{
    (void)state;
    EACH_ENGINE(e)
    {
        struct rig r = rig_up(e,
                              "[{\"load\": [[\"vload\", 0, 60]]}, {\"load\": [[\"const\", 61, 8]]},"
                              " {\"load\": [[\"vload\", 8, 61]]},"
                              " {\"valu\": [[\"+\", 8, 4, 70], [\"+\", 4, 0, 70], [\"+\", 0, 8, 70]]}]",
                              sim_default_config());
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(word(&r, i), 18 + i);
            assert_int_equal(word(&r, 4 + i), 22 + i); /* the later slot's write wins */
            assert_int_equal(word(&r, 8 + i), 14 + i);
        }
        assert_int_equal(r.s->double_writes, 8);
        rig_down(&r);
    }
}

static void later_writes_win_and_are_counted(void **state)
{
    (void)state;
    static const char json[] = "[{\"load\": [[\"const\", 1, 0], [\"const\", 2, 4]]},"
                               " {\"load\": [[\"vload\", 8, 1], [\"vload\", 12, 2]]},"
                               " {\"store\": [[\"vstore\", 2, 8], [\"store\", 2, 1]]}]";
    EACH_ENGINE(e)
    {
        struct rig r = rig_up(e, json, sim_default_config());
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        for (unsigned i = 0; i < 12; i++)
            assert_int_equal(word(&r, 8 + i), i < 4 ? 10 + i : 14 + i - 4);
        assert_int_equal(r.s->mem[4], 0);
        assert_int_equal(r.s->mem[5], 11);
        assert_int_equal(r.s->double_writes, 5);
        rig_down(&r);

        struct sim_config strict = sim_default_config();
        strict.strict = true;
        r = rig_up(e, json, strict);
        assert_int_equal(sim_run(r.s), SIM_FAULTED);
        assert_int_equal(r.s->fault.kind, FAULT_WRITE_CONFLICT);
        assert_int_equal(r.s->fault.pc, 1);
        assert_int_equal(r.s->fault.slot, 1);
        assert_string_equal(r.s->fault.what, "scratch word 12 is already written in this bundle");
        assert_int_equal(word(&r, 8), 0);
        rig_down(&r);

        r = rig_up(e,
                   "[{\"load\": [[\"const\", 1, 0], [\"const\", 2, 4]]}, {\"store\": [[\"vstore\", 2, 8]]}]",
                   strict);
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        assert_int_equal(r.s->double_writes, 0);
        rig_down(&r);
    }
}

static void only_bundles_that_name_an_engine_cost_a_cycle(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        uint64_t cycles, rounds;
    } cases[] = {
        {"[]", 0, 1},
        {"[{}]", 0, 2},
        {"[{\"debug\": [[\"comment\", \"x\"]]}]", 0, 2},
        {"[{\"debug\": []}]", 0, 2},
        {"[{\"alu\": []}]", 1, 2},
        {"[{\"debug\": [], \"flow\": []}, {}, {\"alu\": []}]", 2, 4},
        {"[{\"flow\": [[\"halt\"]], \"load\": [[\"const\", 0, 1]]}, {\"alu\": []}]", 1, 1},
        {"[{\"flow\": [[\"jump\", 7]]}]", 1, 2},
    };
    for (unsigned i = 0; i < COUNT(cases); i++)
        EACH_ENGINE(e)
        {
            struct rig r = rig_up(e, cases[i].json, sim_default_config());
            assert_int_equal(sim_run(r.s), SIM_STOPPED);
            assert_int_equal(r.s->cycle, cases[i].cycles);
            assert_int_equal(r.s->rounds, cases[i].rounds);
            assert_int_equal(r.s->cores[0].state, CORE_STOPPED);
            rig_down(&r);
        }
}

static void control_goes_where_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *slot;
        int64_t pc; /* after two rounds: bundle 1 is the slot; words 0 and 1 hold 0 and 3 */
    } cases[] = {
        {"\"jump\", 0", 0},
        {"\"jump\", 4000000000", 4000000000},
        {"\"cond_jump\", 0, 5", 2},
        {"\"cond_jump\", 1, 5", 5},
        {"\"cond_jump_rel\", 1, 2", 4},
        {"\"cond_jump_rel\", 1, -2", 0},
        {"\"cond_jump_rel\", 0, 2", 2},
        {"\"jump_indirect\", 1", 3},
        {"\"jump_indirect\", 0", 0},
        {"\"pause\"", 2},
    };
    for (unsigned i = 0; i < COUNT(cases); i++)
        EACH_ENGINE(e)
        {
            char json[200];
            (void)snprintf(json, sizeof json,
                           "[{\"load\": [[\"const\", 1, 3]]}, {\"flow\": [[%s]], \"alu\": [[\"+\", 0, 1, 1], "
                           "[\"+\", 1, 0, 0]]}, {}, {}, {}]",
                           cases[i].slot);
            struct rig r = rig_up(e, json, sim_default_config());
            assert_int_equal(sim_step(r.s, 2), SIM_MORE);
            assert_int_equal(r.s->cores[0].pc, cases[i].pc);
            assert_int_equal(word(&r, 0), 6); /* the control slot read the state before */
            rig_down(&r);
        }
}

static void pause_and_resume(void **state)
{
    (void)state;
    static const char json[] = "[{\"flow\": [[\"pause\"]], \"load\": [[\"const\", 1, 1]]},"
                               " {\"flow\": [[\"pause\"]]}, {\"load\": [[\"const\", 1, 2]]}]";
    EACH_ENGINE(e)
    {
        struct sim_config config = sim_default_config();
        config.pause = true;
        struct rig r = rig_up(e, json, config);
        assert_int_equal(sim_run(r.s), SIM_PAUSED);
        assert_int_equal(r.s->cycle, 1);
        assert_int_equal(r.s->cores[0].pc, 1);
        assert_int_equal(word(&r, 1), 1);
        assert_int_equal(sim_step(r.s, 5), SIM_PAUSED);
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        assert_int_equal(r.s->cycle, 3);
        assert_int_equal(word(&r, 1), 2);
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        assert_int_equal(r.s->cycle, 3);
        rig_down(&r);
    }
}

/* Core 1 reads in each cycle what core 0 wrote in it; all name themselves. */
static void cores_take_turns(void **state)
{
    (void)state;
    EACH_ENGINE(e)
    {
        struct sim_config config = sim_default_config();
        config.machine.cores = 3;
        struct rig r =
            rig_up(e,
                   "[{\"flow\": [[\"coreid\", 1]], \"load\": [[\"const\", 2, 1]]},"
                   " {\"load\": [[\"load\", 3, 9]], \"alu\": [[\"+\", 4, 1, 2]]},"
                   " {\"alu\": [[\"+\", 3, 3, 2]], \"flow\": [[\"trace_write\", 3]]},"
                   " {\"store\": [[\"store\", 9, 4]]},"
                   " {\"load\": [[\"load\", 3, 9]], \"flow\": [[\"cond_jump\", 1, 6]]}, {\"alu\": []}]",
                   config);
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        assert_int_equal(r.s->cycle, 6);
        assert_int_equal(r.s->rounds, 7);
        assert_int_equal(r.s->mem[0], 3); /* core 2 writes last */
        for (unsigned c = 0; c < 3; c++) {
            assert_int_equal(r.s->cores[c].scratch[1], c);
            assert_int_equal(r.s->cores[c].scratch[3], 3);
            assert_int_equal(r.s->cores[c].trace.n, 1);
            assert_int_equal(r.s->cores[c].trace.at[0], 10);
            assert_int_equal(r.s->cores[c].pc, 6);
        }
        rig_down(&r);
    }
}

struct bad {
    const char *bundle; /* the second of the program; the first sets word 1 to 3 */
    enum sim_fault_kind kind;
    enum isa_engine engine;
    uint32_t slot;
    const char *text, *what;
};

static const struct bad bad[] = {
    {"{\"alu\": [[\"+\", 2, 1, 1], [\"//\", 3, 1, 9]]}", FAULT_DIVIDE_BY_ZERO, ENGINE_ALU, 1, "// 3, 1, 9",
     "3 // 0 in lane 0"},
    {"{\"alu\": [[\"+\", 2, 1, 1]], \"valu\": [[\"cdiv\", 8, 1, 1]]}", FAULT_DIVIDE_BY_ZERO, ENGINE_VALU, 0,
     "cdiv 8, 1, 1", "0 cdiv 0 in lane 1"},
    {"{\"load\": [[\"vload\", 2, 1], [\"vload\", 16, 2000]]}", FAULT_OUT_OF_RANGE, ENGINE_LOAD, 1,
     "vload 16, 2000", "reads scratch word 2000, scratch has 1536 words"},
    {"{\"alu\": [[\"+\", 1, 1, 1]], \"store\": [[\"store\", 1, 1], [\"vstore\", 4, 8]]}", FAULT_OUT_OF_RANGE,
     ENGINE_STORE, 1, "vstore 4, 8", "writes memory word 16, memory has 16 words"},
    {"{\"alu\": [[\"+\", 2, 1, 1], [\"+\", 1536, 1, 1]]}", FAULT_OUT_OF_RANGE, ENGINE_ALU, 1, "+ 1536, 1, 1",
     "writes scratch word 1536, scratch has 1536 words"},
    {"{\"store\": [[\"store\", 1, 1], [\"store\", 1, 1], [\"store\", 1, 1]]}", FAULT_SLOT_LIMIT, ENGINE_STORE,
     2, "store 1, 1", "3 store slots, at most 2 a cycle"},
    {"{\"alu\": [[\"+\", 2, 1, 1], [\"**\", 1, 2, 3]]}", FAULT_UNKNOWN_OP, ENGINE_ALU, 1, NULL,
     "no such operation"},
    {"{\"flow\": [[\"jump\", -1]], \"alu\": [[\"+\", 2, 1, 1]]}", FAULT_OUT_OF_RANGE, ENGINE_FLOW, 0,
     "jump -1", "jumps to bundle -1, expected 0 or more"},
    {"{\"debug\": [[\"compare\", 1, 7]], \"alu\": [[\"+\", 2, 1, 1]]}", FAULT_DEBUG_MISMATCH, ENGINE_DEBUG, 0,
     "compare 1, 7", "found 3, expected 4 for key 7 (lane 0)"},
    {"{\"alu\": [[\"+\", 2, 1, 1]], \"flow\": [[\"trace_write\", 1]]}", FAULT_TRACE_LIMIT, ENGINE_FLOW, 0,
     "trace_write 1", "the trace buffer is full: limit of 0 words"},
};

/* Word 1 is 3, word 4 is 9; a store to 9..16 leaves memory. */
static void faults_name_the_slot_and_lose_nothing(void **state)
{
    (void)state;
    const struct sim_value seven = {"7", 4};
    for (unsigned i = 0; i < COUNT(bad); i++)
        EACH_ENGINE(e)
        {
            char json[400];
            (void)snprintf(json, sizeof json, "[{\"load\": [[\"const\", 1, 3], [\"const\", 4, 9]]}, %s]",
                           bad[i].bundle);
            struct sim_config config = sim_default_config();
            config.values = &seven;
            config.n_values = 1;
            config.trace_limit = 0;
            struct rig r = rig_up(e, json, config);
            assert_int_equal(sim_run(r.s), SIM_FAULTED);
            const struct sim_fault *f = &r.s->fault;
            assert_int_equal(f->kind, bad[i].kind);
            assert_int_equal(f->core, 0);
            assert_int_equal(f->cycle, 1);
            assert_int_equal(f->pc, 1);
            assert_int_equal(f->engine, bad[i].engine);
            assert_int_equal(f->slot, bad[i].slot);
            if (bad[i].text)
                assert_string_equal(f->slot_text, bad[i].text);
            assert_string_equal(f->what, bad[i].what);
            assert_int_equal(r.s->cycle, 1);
            assert_int_equal(r.s->cores[0].pc, 1);
            for (unsigned w = 0; w < 1536; w++)
                assert_int_equal(word(&r, w), w == 1 ? 3 : w == 4 ? 9 : 0);
            assert_memory_equal(r.s->mem, memory, sizeof memory);
            assert_int_equal(sim_run(r.s), SIM_FAULTED); /* and it stays so */
            rig_down(&r);
        }
}

static void limits_are_exact(void **state)
{
    (void)state;
    static const char loop[] = "[{\"alu\": []}, {}, {\"flow\": [[\"jump\", 0]]}]";
    EACH_ENGINE(e)
    for (uint64_t limit = 0; limit < 9; limit++) {
        struct sim_config config = sim_default_config();
        config.cycle_limit = limit;
        struct rig r = rig_up(e, loop, config);
        assert_int_equal(sim_run(r.s), SIM_FAULTED);
        assert_int_equal(r.s->fault.kind, FAULT_CYCLE_LIMIT);
        assert_int_equal(r.s->cycle, limit);
        assert_int_equal(r.s->cores[0].pc, limit % 2 ? 2 : 0);
        assert_int_equal(r.s->fault.engine, ISA_ENGINES);
        char what[100];
        (void)snprintf(what, sizeof what, "limit of %u cycles reached%s", (unsigned)limit,
                       limit < 2 ? "" : "; last looped from bundle 2 to 0");
        assert_string_equal(r.s->fault.what, what);
        rig_down(&r);

        /* A program that ends with the limit does not exceed it. */
        r = rig_up(e, "[{\"alu\": []}, {\"alu\": []}, {}]", config);
        assert_int_equal(sim_run(r.s), limit < 2 ? SIM_FAULTED : SIM_STOPPED);
        assert_int_equal(r.s->cycle, limit < 2 ? limit : 2);
        rig_down(&r);
    }
}

/* What costs no cycle ends all the same: by rounds, and by bundles and slots. */
static void free_programs_end(void **state)
{
    (void)state;
    static const char *const endless[] = {
        "[{}, {\"debug\": []}, {\"flow\": [[\"jump\", 0]]}]",
        ("[{\"debug\": [[\"x\"], [\"y\"], [\"z\"]]}, {\"store\": [[\"store\", 0, 1], [\"store\", 0, 1]]}, "
         "{\"flow\": [[\"jump\", 0]]}]"),
        "[{\"flow\": [[\"jump_indirect\", 0]]}, {}]",
    };
    static const uint64_t slots[][3] = {{0, 0, 1}, {3, 2, 1}, {1, 0, 0}};
    EACH_ENGINE(e)
    for (unsigned i = 0; i < 3; i++)
        for (uint64_t limit = 1; limit < 40; limit++) {
            struct sim_config config = sim_default_config();
            config.round_limit = limit;
            struct rig r = rig_up(e, endless[i], config);
            assert_int_equal(sim_run(r.s), SIM_FAULTED);
            assert_int_equal(r.s->fault.kind, FAULT_ROUND_LIMIT);
            assert_int_equal(r.s->rounds, limit);
            rig_down(&r);

            config.round_limit = 0;
            config.work_limit = limit;
            r = rig_up(e, endless[i], config);
            assert_int_equal(sim_run(r.s), SIM_FAULTED);
            assert_int_equal(r.s->fault.kind, FAULT_WORK_LIMIT);
            /* The next bundle would have been beyond. */
            assert_true(r.s->work <= limit);
            assert_true(r.s->work + 1 + slots[i][r.s->cores[0].pc] > limit);
            rig_down(&r);
        }
}

/* A call goes beyond the effort by no more than a bundle and a pass through the program, and calls add up to
 * the run. */
static void efforts_are_kept(void **state)
{
    (void)state;
    static const char *const programs[] = {
        "[{}, {\"flow\": [[\"jump\", 0]]}]",
        ("[{\"store\": [[\"store\", 0, 1], [\"store\", 0, 1]], \"debug\": [[\"a\"], [\"b\"]]}, {\"flow\": "
         "[[\"jump\", 0]]}]"),
        "[{\"valu\": [[\"+\", 8, 8, 8]]}, {\"alu\": [[\"+\", 1, 1, 2]]}, {\"flow\": [[\"jump\", 1]]}]",
        "[{\"flow\": [[\"trace_write\", 0]]}, {\"flow\": [[\"jump\", 0]]}]",
    };
    EACH_ENGINE(e)
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
        for (uint32_t cores = 1; cores < 4; cores++)
            for (unsigned late = 1; late < 3; late++) {
                struct sim_config config = sim_default_config();
                config.machine.cores = cores;
                config.machine.latency[ENGINE_ALU] = late;
                config.cycle_limit = 2000;
                struct rig r = rig_up(e, programs[i], config), whole = rig_up(e, programs[i], config);
                enum sim_end end;
                uint64_t before;
                do {
                    before = r.s->work;
                    end = sim_run_for(r.s, 100);
                    assert_true(r.s->work - before <= 100 + 20 * cores);
                } while (end == SIM_MORE && r.s->work > before);
                assert_int_equal(end, SIM_FAULTED);
                (void)sim_run(whole.s);
                assert_int_equal(r.s->fault.kind, whole.s->fault.kind);
                assert_int_equal(r.s->work, whole.s->work);
                assert_int_equal(r.s->cycle, whole.s->cycle);
                rig_down(&r);
                rig_down(&whole);
            }
}

static void a_bundle_that_jumps_to_itself_is_a_loop(void **state)
{
    (void)state;
    EACH_ENGINE(e)
    {
        struct sim_config config = sim_default_config();
        config.cycle_limit = 100;
        struct rig r = rig_up(e, "[{}, {\"flow\": [[\"jump\", 1]]}]", config);
        assert_int_equal(sim_run(r.s), SIM_FAULTED);
        assert_string_equal(r.s->fault.what, "limit of 100 cycles reached; last looped from bundle 1 to 1");
        rig_down(&r);
    }
}

static void machines_of_other_sizes(void **state)
{
    (void)state;
    EACH_ENGINE(e)
    for (uint32_t vlen = 1; vlen <= 12; vlen++) {
        struct sim_config config = sim_default_config();
        config.machine.vlen = vlen;
        config.machine.scratch = 4 * vlen;
        struct rig r = rig_up(
            e, "[{\"load\": [[\"vload\", 0, 0]]}, {\"valu\": [[\"multiply_add\", 1, 0, 0, 1]]}]", config);
        assert_int_equal(sim_run(r.s), SIM_STOPPED);
        for (uint32_t i = 0; i < vlen; i++)
            assert_int_equal(word(&r, 1 + i), (10 + i) * (10 + i) + (i + 1 < vlen ? 11 + i : 0));
        rig_down(&r);
    }
}

static void reset_starts_again(void **state)
{
    (void)state;
    EACH_ENGINE(e)
    {
        struct rig r = rig_up(e, "[{\"load\": [[\"load\", 1, 0]]}, {\"alu\": [[\"//\", 2, 1, 3]]}]",
                              sim_default_config());
        assert_int_equal(sim_run(r.s), SIM_FAULTED);
        uint32_t other[COUNT(memory)] = {77};
        sim_reset(r.s, other);
        assert_int_equal(r.s->fault.kind, FAULT_NONE);
        assert_int_equal(word(&r, 1), 0);
        assert_int_equal(sim_step(r.s, 1), SIM_MORE);
        assert_int_equal(word(&r, 1), 77);
        assert_int_equal(r.s->cycle, 1);
        rig_down(&r);
    }
}

static void impossible_machines_are_refused(void **state)
{
    (void)state;
    struct sim *s;
    struct diag d;
    struct prog *p = prog_create();
    assert_non_null(p);
    struct sim_config config = sim_default_config();
    config.machine.vlen = 0;
    assert_int_equal(sim_create(p, &config, NULL, 0, &s, &d), ST_INPUT);
    assert_null(s);
    assert_non_null(strstr(d.text, "vlen"));
    config = sim_default_config();
    assert_int_equal(sim_create(p, &config, NULL, 0, &s, &d), ST_OK); /* no memory at all is fine */
    assert_int_equal(sim_run(s), SIM_STOPPED);
    sim_destroy(s);
    prog_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_read_the_state_before_the_bundle),
        cmocka_unit_test(vectors_rotate),
        cmocka_unit_test(later_writes_win_and_are_counted),
        cmocka_unit_test(only_bundles_that_name_an_engine_cost_a_cycle),
        cmocka_unit_test(control_goes_where_it_says),
        cmocka_unit_test(pause_and_resume),
        cmocka_unit_test(cores_take_turns),
        cmocka_unit_test(faults_name_the_slot_and_lose_nothing),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(free_programs_end),
        cmocka_unit_test(efforts_are_kept),
        cmocka_unit_test(a_bundle_that_jumps_to_itself_is_a_loop),
        cmocka_unit_test(machines_of_other_sizes),
        cmocka_unit_test(reset_starts_again),
        cmocka_unit_test(impossible_machines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
