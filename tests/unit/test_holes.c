/* Causes of empty slots: programs with one known answer for each cause, and random ones against the
 * definition, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/recording.h"
#include "traces/profile/holes.h"

#define MACHINE(alu, load, store)                                                           \
    "{\"machine\": {\"slots\": {\"alu\": " #alu ", \"load\": " #load ", \"store\": " #store \
    "}}, \"program\": "

/* One engine's row of what is expected: packed, scratch, order, ready-later, none. */
static void check_engine(const struct holes *holes, enum isa_engine e, const uint64_t expected[CAUSES],
                         uint64_t fill)
{
    for (enum cause c = 0; c < CAUSES; c++)
        if (holes->engine[e].cause[c] != expected[c])
            fail_msg("%s: %d %s, expected %d", isa_engine_name(e), (int)holes->engine[e].cause[c],
                     holes_cause_name(c), (int)expected[c]);
    assert_int_equal(holes->engine[e].fill, fill);
}

static void check_json(const char *json, enum isa_engine e, const uint64_t expected[CAUSES], uint64_t fill)
{
    struct recording r = record_json(json);
    struct holes holes;
    assert_int_equal(holes_find(&r.h, &holes, NULL), ST_OK);
    check_engine(&holes, e, expected, fill);
    holes_free(&holes);
    recording_free(&r);
}

/* Cycle 0 has one of two alu slots free, and the second add needs nothing: packed. Cycle 1 has one
 * free, and nothing is left: none. */
static void a_missed_slot_is_packed(void **state)
{
    (void)state;
    check_json(MACHINE(2, 1, 1) "[{\"alu\": [[\"+\", 1, 2, 3]]}, {\"alu\": [[\"+\", 4, 5, 6]]}]}", ENGINE_ALU,
               (const uint64_t[CAUSES]){[CAUSE_MISSED] = 1, [CAUSE_NONE] = 1}, 0);
}

/* The second add overwrites word 2, which the store reads in cycle 1: it may share that cycle (a hole
 * of which it is ready: packed, two slots free there), but not cycle 0 (one free: scratch). Cycle 2
 * has one left over. */
static void a_word_in_use_is_scratch(void **state)
{
    (void)state;
    check_json(MACHINE(2, 1, 1) "[{\"alu\": [[\"+\", 1, 8, 9]]}, {\"store\": [[\"store\", 8, 2]]},"
                                " {\"alu\": [[\"+\", 2, 8, 9]]}]}",
               ENGINE_ALU,
               (const uint64_t[CAUSES]){[CAUSE_SCRATCH] = 1, [CAUSE_MISSED] = 1, [CAUSE_NONE] = 2}, 0);
}

/* The load of cycle 3 reads the word stored in cycle 2. In cycles 0 to 2 the loads have two slots: cycle
 * 0 has both used by constants, cycle 1 has two holes and one load, which waits for the store; so
 * has cycle 2. Behind the load of cycle 3 is one slot. */
static void a_store_before_a_load_is_order(void **state)
{
    (void)state;
    check_json(
        MACHINE(2, 2, 1) "[{\"load\": [[\"const\", 1, 7], [\"const\", 2, 9]]}, {\"alu\": [[\"+\", 3, 1, 1]]},"
                         " {\"store\": [[\"store\", 1, 2]]}, {\"load\": [[\"load\", 4, 1]]}]}",
        ENGINE_LOAD, (const uint64_t[CAUSES]){[CAUSE_ORDER] = 2, [CAUSE_NONE] = 3}, 0);
}

/* Two writes of word 3: the second one comes after the first. */
static void writes_of_one_word_are_order(void **state)
{
    (void)state;
    check_json(MACHINE(2, 2, 1) "[{\"alu\": [[\"+\", 3, 1, 1]]}, {\"alu\": [[\"-\", 3, 1, 1]]}]}", ENGINE_ALU,
               (const uint64_t[CAUSES]){[CAUSE_ORDER] = 1, [CAUSE_NONE] = 1}, 0);
}

/* A chain: load in cycle 1, alu in 2, 3. The alu's two slots: both empty in cycles 0 and 1, before its
 * first operation (none: fill); one in cycle 2 with one operation to come whose operand is made there by
 * the alu (ready-later); one in cycle 3 (none). The load's: cycle 0 has the constant; in cycle 1, one for
 * the load; 2 and 3 have none. */
static void operands_to_come_are_ready_later(void **state)
{
    (void)state;
    struct recording r =
        record_json(MACHINE(2, 1, 1) "[{\"load\": [[\"const\", 1, 5]]}, {\"load\": [[\"load\", 2, 1]]},"
                                     " {\"alu\": [[\"+\", 3, 2, 2]]}, {\"alu\": [[\"+\", 4, 3, 2]]}]}");
    struct holes holes;
    assert_int_equal(holes_find(&r.h, &holes, NULL), ST_OK);
    check_engine(&holes, ENGINE_ALU, (const uint64_t[CAUSES]){[CAUSE_READY_LATER] = 1, [CAUSE_NONE] = 5}, 4);
    assert_int_equal(holes.engine[ENGINE_ALU].producer[ENGINE_ALU], 1);
    assert_int_equal(holes.cause[2][ENGINE_ALU][CAUSE_READY_LATER], 1);
    assert_int_equal(holes.used[2][ENGINE_ALU], 1);
    check_engine(&holes, ENGINE_LOAD, (const uint64_t[CAUSES]){[CAUSE_NONE] = 2}, 0);
    check_engine(&holes, ENGINE_STORE, (const uint64_t[CAUSES]){[CAUSE_NONE] = 4}, 0);
    holes_free(&holes);
    recording_free(&r);
}

/* The add of cycle 3 needs nothing but the jump of cycle 2 that leads to it. In cycle 0 the alu works; in
 * cycles 1 and 2 one of its two slots waits for the jump, the other has nobody. */
static void what_a_jump_decides_waits_for_it(void **state)
{
    (void)state;
    struct recording r = record_json(MACHINE(
        2, 1, 1) "[{\"alu\": [[\"+\", 3, 2, 2]]}, {\"load\": [[\"const\", 1, 5]]},"
                 " {\"flow\": [[\"jump\", 4]]}, {\"flow\": [[\"halt\"]]}, {\"alu\": [[\"+\", 4, 5, 6]]}]}");
    struct holes holes;
    assert_int_equal(holes_find(&r.h, &holes, NULL), ST_OK);
    check_engine(&holes, ENGINE_ALU, (const uint64_t[CAUSES]){[CAUSE_READY_LATER] = 3, [CAUSE_NONE] = 3}, 0);
    assert_int_equal(holes.engine[ENGINE_ALU].producer[PRODUCER_JUMP], 3);
    holes_free(&holes);
    recording_free(&r);
}

/* --- the definition, on random programs -------------------------------------------- */

struct moment {
    uint64_t cause[CAUSES], producer[PRODUCERS], fill, used;
};

/* Who x waits for last, and until when. */
static unsigned naive_producer(const struct history *h, uint32_t x)
{
    int64_t best = -1;
    unsigned producer = 0;
    for (unsigned jumps = 0; jumps < 2; jumps++)
        for (uint32_t from = 0; from < hist_n(h); from++)
            for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
                const struct hist_edge *e = &h->edges.at[i];
                const int64_t after = hist_after(h, e);
                if (e->from != from || e->kind != (jumps ? HIST_JUMP : HIST_VALUE))
                    continue;
                if (jumps ? after > best : after >= best) {
                    best = after;
                    producer = jumps ? PRODUCER_JUMP : h->slots.at[from].engine;
                }
            }
    return producer;
}

static struct moment naive_moment(const struct history *h, unsigned core, unsigned engine, uint32_t cycle)
{
    struct moment m = {0};
    uint64_t left[CAUSES] = {0}, waiting = 0;
    bool begun = false;
    for (uint32_t x = 0; x < hist_n(h); x++)
        if (hist_core(h, x) == core && h->slots.at[x].engine == engine) {
            m.used += hist_cycle(h, x) == cycle;
            begun = begun || hist_cycle(h, x) <= cycle;
        }
    const uint64_t free = h->machine.slots[engine] - m.used;
    for (uint32_t x = 0; x < hist_n(h); x++) {
        if (hist_core(h, x) != core || h->slots.at[x].engine != engine || hist_cycle(h, x) <= cycle)
            continue;
        const struct hist_ready r = hist_ready(h, x);
        left[cycle < r.value   ? CAUSE_READY_LATER
             : cycle < r.order ? CAUSE_ORDER
             : cycle < r.used  ? CAUSE_SCRATCH
                               : CAUSE_MISSED]++;
    }
    uint64_t rest = free;
    for (enum cause c = CAUSE_MISSED; c < CAUSE_NONE; c++) {
        m.cause[c] = c == CAUSE_READY_LATER && !begun ? 0 : left[c] < rest ? left[c] : rest;
        rest -= m.cause[c];
    }
    m.cause[CAUSE_NONE] = rest;
    m.fill = begun ? 0 : rest;
    for (uint32_t x = 0; x < hist_n(h) && waiting < m.cause[CAUSE_READY_LATER]; x++)
        if (hist_core(h, x) == core && h->slots.at[x].engine == engine && hist_ready(h, x).value > cycle) {
            m.producer[naive_producer(h, x)]++;
            waiting++;
        }
    return m;
}

static bool has_slots(const struct history *h, unsigned core, unsigned engine)
{
    for (uint32_t x = 0; x < hist_n(h); x++)
        if (hist_core(h, x) == core && h->slots.at[x].engine == engine)
            return true;
    return false;
}

static void compare_cycle(const struct history *h, const struct holes *holes, unsigned engine, uint32_t cycle,
                          struct moment *sum)
{
    struct moment m = {0};
    for (unsigned core = 0; core < h->machine.cores; core++) {
        const struct moment one = naive_moment(h, core, engine, cycle);
        m.used += one.used;
        sum->fill += has_slots(h, core, engine) ? one.fill : 0;
        for (unsigned c = 0; c < CAUSES; c++) {
            m.cause[c] += one.cause[c];
            sum->cause[c] += one.cause[c];
        }
        for (unsigned p = 0; p < PRODUCERS; p++)
            sum->producer[p] += one.producer[p];
    }
    uint64_t all = m.used;
    assert_int_equal(holes->used[cycle][engine], m.used);
    for (unsigned c = 0; c < CAUSES; c++) {
        assert_int_equal(holes->cause[cycle][engine][c], m.cause[c]);
        all += holes->cause[cycle][engine][c];
    }
    assert_int_equal(all, (uint64_t)h->machine.slots[engine] * h->machine.cores);
}

static void random_programs_agree_with_the_definition(void **state)
{
    (void)state;
    uint64_t seen[CAUSES] = {0}, blamed[PRODUCERS] = {0}, ends[SIM_MORE + 1] = {0};
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct recording r = record_drawn(seed, seed % 2);
        struct holes holes;
        assert_int_equal(holes_find(&r.h, &holes, NULL), ST_OK);
        assert_int_equal(holes.cycles, r.h.cycles);
        ends[r.h.end]++;
        for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
            struct moment sum = {0};
            for (uint32_t cycle = 0; cycle < r.h.cycles; cycle++)
                compare_cycle(&r.h, &holes, e, cycle, &sum);
            assert_memory_equal(sum.cause, holes.engine[e].cause, sizeof sum.cause);
            assert_memory_equal(sum.producer, holes.engine[e].producer, sizeof sum.producer);
            assert_int_equal(sum.fill, holes.engine[e].fill);
            for (unsigned c = 0; c < CAUSES; c++)
                seen[c] += sum.cause[c];
            for (unsigned p = 0; p < PRODUCERS; p++)
                blamed[p] += sum.producer[p];
        }
        holes_free(&holes);
        recording_free(&r);
    }
    for (unsigned c = 0; c < CAUSES; c++) /* the programs are not all alike */
        assert_true(seen[c] > 100);
    assert_true(blamed[ENGINE_ALU] > 20 && blamed[ENGINE_VALU] > 20 && blamed[ENGINE_LOAD] > 20);
    assert_true(blamed[PRODUCER_JUMP] > 20);
    assert_true(ends[SIM_STOPPED] > 20 && ends[SIM_FAULTED] > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missed_slot_is_packed),
        cmocka_unit_test(a_word_in_use_is_scratch),
        cmocka_unit_test(a_store_before_a_load_is_order),
        cmocka_unit_test(writes_of_one_word_are_order),
        cmocka_unit_test(operands_to_come_are_ready_later),
        cmocka_unit_test(what_a_jump_decides_waits_for_it),
        cmocka_unit_test(random_programs_agree_with_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
