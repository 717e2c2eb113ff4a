/* The batch simulator: every instance ends as a step machine of its own would, together or
 * parted, with each loop of the host; turning words into rows; memory that runs out.
 * Random programs are the differential fuzzer's part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/engine/batch.h"
#include "sim/engine/batch_frame.h"
#include "tests/unit/failing.h"

enum { MEM = 24, MAX_INSTANCES = 75 };

static struct prog *read(const char *json)
{
    struct prog *p;
    struct diag d = {0};
    if (prog_read_json(json, strlen(json), "case", &p, &d) != ST_OK)
        fail_msg("%s", d.text);
    return p;
}

static void same_core(const struct sim_core *a, const struct sim_core *b, uint32_t scratch)
{
    assert_int_equal(a->pc, b->pc);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->loop_from, b->loop_from);
    assert_int_equal(a->loop_to, b->loop_to);
    assert_memory_equal(a->scratch, b->scratch, scratch * sizeof *a->scratch);
    assert_int_equal(a->trace.n, b->trace.n);
    if (a->trace.n)
        assert_memory_equal(a->trace.at, b->trace.at, a->trace.n * sizeof *a->trace.at);
}

static void same_state(const struct sim *a, const struct sim *b)
{
    assert_int_equal(a->fault.kind, b->fault.kind);
    assert_int_equal(a->fault.core, b->fault.core);
    assert_int_equal(a->fault.cycle, b->fault.cycle);
    assert_int_equal(a->fault.pc, b->fault.pc);
    assert_int_equal(a->fault.engine, b->fault.engine);
    assert_int_equal(a->fault.slot, b->fault.slot);
    assert_string_equal(a->fault.slot_text, b->fault.slot_text);
    assert_string_equal(a->fault.what, b->fault.what);
    assert_int_equal(a->cycle, b->cycle);
    assert_int_equal(a->rounds, b->rounds);
    assert_int_equal(a->double_writes, b->double_writes);
    assert_int_equal(a->mem_words, b->mem_words);
    if (a->mem_words)
        assert_memory_equal(a->mem, b->mem, a->mem_words * sizeof *a->mem);
    for (uint32_t c = 0; c < a->config.machine.cores; c++)
        same_core(&a->cores[c], &b->cores[c], a->config.machine.scratch);
}

/* Every instance against step, but for those that found no memory: how many these are. */
static unsigned check(const struct sim_batch *b, const struct prog *p, struct sim_config config,
                      const uint32_t *mems, size_t words, uint32_t n)
{
    struct sim *s;
    config.simulator = SIM_STEP;
    assert_int_equal(sim_create(p, &config, mems, words, &s, NULL), ST_OK);
    unsigned without_memory = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t runs = 1;
        if (batch_state(b, i)->fault.kind == FAULT_OUT_OF_MEMORY) {
            without_memory++;
            continue;
        }
        sim_reset(s, mems + i * words);
        while (sim_run(s) == SIM_PAUSED)
            runs++;
        same_state(batch_state(b, i), s);
        assert_int_equal(batch_runs(b, i), runs);
    }
    sim_destroy(s);
    return without_memory;
}

/* As many instances as given, with memories from `mems`, in each of the host's loops. */
static void compare(const char *json, const struct sim_config *config, const uint32_t *mems, size_t words,
                    uint32_t n)
{
    struct prog *p = read(json);
    struct sim_batch *b;
    struct sim_config its = *config;
    its.machine = p->machine;
    assert_int_equal(batch_create(p, &its, mems, words, n, &b, NULL), ST_OK);
    batch_loop *loop;
    for (unsigned k = 0; (loop = batch_loop_at(k)); k++) {
        batch_reset(b, mems);
        batch_use(b, loop);
        batch_run(b);
        assert_int_equal(check(b, p, its, mems, words, n), 0);
        batch_run(b); /* has no effect */
        assert_int_equal(check(b, p, its, mems, words, n), 0);
    }
    batch_destroy(b);
    prog_destroy(p);
}

/* Word w of instance i is a small number, that of its neighbours for many. */
static void draw(uint32_t *mems, uint32_t n)
{
    struct rng r = {3};
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t w = 0; w < MEM; w++)
            mems[i * MEM + w] = i % 3 || !i ? w % 5 : rng_below(&r, MEM - 8);
}

/* Words 0 to 7 of scratch hold 0 to 7, 8 to 15 the memory's first eight. */
#define PROLOGUE                                                                          \
    "{\"load\": [[\"const\", 1, 1], [\"const\", 2, 2]]}, {\"load\": [[\"const\", 3, 3], " \
    "[\"const\", 4, 4]]}, {\"load\": [[\"const\", 5, 5], [\"vload\", 8, 0]]}, "

static const char *const programs[] = {
    "[]",
    "[{}]",
    "[" PROLOGUE "{\"store\": [[\"vstore\", 5, 8]]}]",
    /* Ways part: by a condition, back to the same bundle, to somewhere, out of the program. */
    "[" PROLOGUE
    "{\"flow\": [[\"cond_jump\", 11, 5]]}, {\"alu\": [[\"+\", 20, 8, 9]]}, {\"alu\": [[\"+\", 21, "
    "20, 9]]}]",
    "[" PROLOGUE "{\"flow\": [[\"cond_jump_rel\", 11, -1]]}]",
    "[" PROLOGUE
    "{\"alu\": [[\"-\", 11, 11, 1]], \"flow\": [[\"cond_jump\", 11, 3]]}, {\"store\": [[\"store\", 1, "
    "11]]}]",
    "[" PROLOGUE
    "{\"flow\": [[\"jump_indirect\", 12]]}, {}, {\"alu\": []}, {\"store\": [[\"store\", 2, 12]]}]",
    "[" PROLOGUE "{\"alu\": [[\"<\", 20, 12, 5]]}, {\"flow\": [[\"cond_jump\", 20, 1000]]}]",
    "[{\"flow\": [[\"jump\", 0]]}]",
    /* Addresses of their own; faults and rare things for some. */
    "[" PROLOGUE "{\"load\": [[\"vload\", 12, 11], [\"load\", 30, 12]]}, {\"store\": [[\"vstore\", 13, 9], "
    "[\"store\", 12, 30]]}]",
    "[" PROLOGUE "{\"load\": [[\"load_offset\", 12, 10, 2]]}, {\"load\": [[\"vload\", 10, 12]]}]",
    "[" PROLOGUE
    "{\"alu\": [[\"*\", 20, 11, 11]]}, {\"load\": [[\"load\", 9, 20]]}, {\"store\": [[\"store\", 20, "
    "20]], \"alu\": [[\"//\", 22, 5, 8], [\"cdiv\", 23, 4, 9]]}]",
    "[" PROLOGUE "{\"valu\": [[\"%\", 16, 8, 8], [\"cdiv\", 8, 8, 16]]}, {\"alu\": [[\"+\", 1, 8, 9]]}]",
    "[" PROLOGUE "{\"store\": [[\"store\", 8, 1], [\"store\", 9, 2], [\"vstore\", 10, 8]]}]",
    /* Vectors over themselves, swaps, writes that meet. */
    "[" PROLOGUE
    "{\"valu\": [[\"+\", 9, 8, 10], [\"multiply_add\", 20, 19, 21, 8]], \"flow\": [[\"vselect\", 40, 41, "
    "8, 9]]}, {\"valu\": [[\"vbroadcast\", 8, 11], [\"+\", 12, 8, 9]]}]",
    "[" PROLOGUE
    "{\"alu\": [[\"+\", 8, 9, 1], [\"+\", 9, 8, 1]], \"valu\": [[\"+\", 16, 24, 8], [\"-\", 24, 16, 8]]}]",
    "[" PROLOGUE "{\"load\": [[\"vload\", 8, 1], [\"vload\", 9, 2]], \"alu\": [[\"+\", 10, 1, 1]]}]",
    /* Runs of scalar slots, as they are and over themselves, and one that has to wait. */
    "[" PROLOGUE "{\"alu\": [[\"+\", 9, 8, 10], [\"+\", 10, 9, 11], [\"+\", 11, 10, 12], [\"-\", 12, 8, 1], "
    "[\"-\", 13, 9, 2]]}, {\"alu\": [[\"+\", 1, 9, 20], [\"+\", 2, 10, 21], [\"-\", 9, 1, 20], [\"-\", "
    "10, 2, 21]]}, {\"store\": [[\"vstore\", 5, 8]]}]",
    /* Pauses, halt, traces, debug. */
    "[" PROLOGUE
    "{\"flow\": [[\"pause\"]]}, {\"flow\": [[\"cond_jump\", 11, 7]]}, {}, {\"flow\": [[\"pause\"]]}, "
    "{\"flow\": [[\"halt\"]]}, {\"alu\": []}]",
    "[" PROLOGUE
    "{\"flow\": [[\"trace_write\", 11]]}, {\"flow\": [[\"pause\"]]}, {\"flow\": [[\"trace_write\", 12]]}]",
    "[" PROLOGUE "{\"debug\": [[\"compare\", 11, \"k\"]]}, {\"flow\": [[\"coreid\", 30]]}]",
    "[" PROLOGUE "{\"alu\": [[\"?\", 1]]}]",
    "{\"machine\": {\"cores\": 3, \"scratch\": 200}, \"program\": [{\"flow\": [[\"coreid\", 1]]}, {\"load\": "
    "[[\"load\", 2, 1]]}, {\"flow\": [[\"trace_write\", 2]], \"store\": [[\"store\", 1, 1]]}, {\"flow\": "
    "[[\"cond_jump\", 2, 1]]}]}",
    "{\"machine\": {\"vlen\": 3, \"scratch\": 99}, \"program\": [{\"load\": [[\"vload\", 8, 0]]}, {\"valu\": "
    "[[\"+\", "
    "9, 8, 10], [\"vbroadcast\", 20, 9]]}, {\"store\": [[\"vstore\", 8, 9]]}, {\"load\": [[\"vload\", 9, "
    "8]]}]}",
};

static void each_ends_as_it_would_alone(void **state)
{
    (void)state;
    uint32_t mems[MAX_INSTANCES * MEM];
    static const uint32_t sizes[] = {1, 4, 5, 31, 32, 33, MAX_INSTANCES};
    const struct sim_value value = {"\"k\"", 3};
    draw(mems, MAX_INSTANCES);
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
        for (unsigned k = 0; k < 8; k++) {
            struct sim_config config = sim_default_config();
            config.pause = k & 1;
            config.strict = k & 2;
            config.cycle_limit = k & 4 ? 5 + k : 1000;
            config.values = &value;
            config.n_values = 1;
            compare(programs[i], &config, mems, MEM, sizes[(i + k) % (sizeof sizes / sizeof *sizes)]);
        }
}

static void sizes_at_the_edge(void **state)
{
    (void)state;
    const struct sim_config config = sim_default_config();
    const uint32_t none = 0;
    compare("[{\"load\": [[\"load\", 1, 0]]}]", &config, &none, 0, 40);
    compare("[{\"alu\": [[\"==\", 1, 0, 0]]}]", &config, &none, 0, 40);
    compare("[{\"alu\": []}]", &config, &none, 1, 0);
    /* Too wide for rows: each alone. */
    enum { WIDE = 1 << 18, FEW = 6 };
    uint32_t *mems = calloc(FEW, WIDE * sizeof *mems);
    assert_non_null(mems);
    for (uint32_t i = 0; i < FEW; i++)
        mems[i * WIDE] = i;
    compare("[{\"load\": [[\"vload\", 8, 0]]}, {\"store\": [[\"vstore\", 8, 8]]}]", &config, mems, WIDE, FEW);
    free(mems);
}

static void an_impossible_machine_is_refused(void **state)
{
    (void)state;
    struct prog *p = read("[]");
    struct sim_config config = sim_default_config();
    struct sim_batch *b;
    struct diag d = {0};
    const uint32_t mem[MEM] = {0};
    config.machine.vlen = 0;
    assert_int_equal(batch_create(p, &config, mem, MEM, 1, &b, &d), ST_INPUT);
    assert_null(b);
    assert_non_null(strstr(d.text, "machine"));
    batch_destroy(NULL);
    prog_destroy(p);
}

/* Rows and back, for any number of words, into some of the instances only. */
static void words_become_rows_and_back(void **state)
{
    (void)state;
    enum { WORDS = 75 };
    static uint32_t rows[WORDS * BATCH_LANES], in[BATCH_LANES][WORDS], out[BATCH_LANES][WORDS];
    const uint32_t *from[BATCH_LANES];
    uint32_t *to[BATCH_LANES];
    struct rng r = {1};
    for (size_t words = 0; words <= WORDS; words++) {
        const uint64_t set = rng_next(&r) & BATCH_ALL;
        memset(out, 0, sizeof out);
        for (unsigned t = 0; t < BATCH_LANES; t++) {
            from[t] = in[t];
            to[t] = out[t];
            for (unsigned w = 0; w < WORDS; w++)
                in[t][w] = (uint32_t)rng_next(&r) | 1;
        }
        tile_in(rows, from, words);
        for (unsigned t = 0; t < BATCH_LANES; t++)
            for (unsigned w = 0; w < words; w++)
                assert_int_equal(rows[w * BATCH_LANES + t], in[t][w]);
        tile_out(rows, to, words % 2 ? BATCH_ALL : set, words);
        for (unsigned t = 0; t < BATCH_LANES; t++)
            for (unsigned w = 0; w < WORDS; w++)
                assert_int_equal(out[t][w], w < words && (words % 2 || set >> t & 1) ? in[t][w] : 0);
        tile_copy_lane(rows, set, 3, words);
        for (unsigned t = 0; t < BATCH_LANES; t++)
            for (unsigned w = 0; w < words; w++)
                assert_int_equal(rows[w * BATCH_LANES + t], in[set >> t & 1 ? 3 : t][w]);
    }
}

/* Creation fails whole at every allocation, and running without one: who needs memory
 * then has a fault that says so, the others are as they would be. */
static void memory_runs_out(void **state)
{
    (void)state;
    struct prog *p =
        read("[" PROLOGUE "{\"flow\": [[\"cond_jump\", 11, 5]]}, {\"flow\": [[\"trace_write\", 11]]}, "
             "{\"valu\": [[\"+\", 8, 16, 8], [\"+\", 16, 8, 8]]}]");
    const struct sim_config config = sim_default_config();
    uint32_t mems[40 * MEM];
    struct sim_batch *b = NULL;
    draw(mems, 40);
    long n = 0;
    for (;; n++) {
        struct diag d = {0};
        const long before = live;
        fail_after(n);
        const enum status status = batch_create(p, &config, mems, MEM, 40, &b, &d);
        fail_after(-1);
        if (status == ST_OK)
            break;
        assert_int_equal(status, ST_NOMEM);
        assert_null(b);
        assert_int_equal(live, before);
    }
    assert_in_range(n, 8, 100);
    unsigned without = 0;
    for (n = 0; n == 0 || failed; n++) {
        fail_after(n);
        batch_run(b);
        countdown = -1;
        without += check(b, p, config, mems, MEM, 40);
        batch_destroy(b);
        assert_int_equal(batch_create(p, &config, mems, MEM, 40, &b, NULL), ST_OK);
    }
    /* Some of these are the fast simulator's, whose work is then step's. */
    assert_in_range(n, 5, 100);
    assert_in_range(without, 1, n - 2);
    batch_destroy(b);
    prog_destroy(p);
    assert_int_equal(live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ends_as_it_would_alone),
        cmocka_unit_test(sizes_at_the_edge),
        cmocka_unit_test(an_impossible_machine_is_refused),
        cmocka_unit_test(words_become_rows_and_back),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
