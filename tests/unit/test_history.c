/* Recorded runs: edges of random programs against what their words say, looked up the slow way;
 * values against the machine's state; windows against the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/recording.h"

#define NOBODY UINT32_MAX

/* --- the slow way ------------------------------------------------------------------ */

/* A word of some core's scratch, or of memory. */
struct word {
    bool memory;
    unsigned core;
    int64_t address;
};

static bool is_in(const struct word *w, bool memory, unsigned core, struct isa_range range)
{
    return w->memory == memory && (memory || w->core == core) && w->address >= range.first &&
           w->address < range.first + range.n;
}

static bool is_kind(const struct isa_slot *s, enum isa_kind a, enum isa_kind b)
{
    const enum isa_kind kind = isa_info((enum isa_op)s->op)->kind;
    return kind == a || kind == b;
}

static bool reads(const struct history *h, uint32_t x, const struct word *w)
{
    const struct isa_slot *s = hist_isa(h, x);
    const struct isa_effects fx = isa_effects(s, h->machine.vlen);
    bool found = is_kind(s, KIND_LOAD, KIND_VLOAD) &&
                 is_in(w, true, 0, (struct isa_range){h->slots.at[x].address, fx.write.n});
    for (unsigned i = 0; i < fx.reads; i++)
        found = found || is_in(w, false, hist_core(h, x), fx.read[i]);
    return found;
}

static bool writes(const struct history *h, uint32_t x, const struct word *w)
{
    const struct isa_slot *s = hist_isa(h, x);
    const struct isa_effects fx = isa_effects(s, h->machine.vlen);
    if (is_kind(s, KIND_STORE, KIND_VSTORE))
        return is_in(w, true, 0, (struct isa_range){h->slots.at[x].address, fx.read[1].n});
    return fx.writes && is_in(w, false, hist_core(h, x), fx.write);
}

/* Slots are in the order of bundles; all reads of a bundle come before all its writes. */
static uint32_t bundle_of(const struct history *h, uint32_t x)
{
    return h->slots.at[x].bundle;
}

static uint32_t last_writer(const struct history *h, uint32_t x, const struct word *w, bool same_bundle)
{
    for (uint32_t y = x; y-- > 0;)
        if ((same_bundle || bundle_of(h, y) < bundle_of(h, x)) && writes(h, y, w))
            return y;
    return NOBODY;
}

/* Marks expected edges to x: kinds[from] is a set. */
static void expect_word(const struct history *h, uint32_t x, const struct word *w, unsigned *kinds)
{
    const unsigned value = w->memory ? HIST_MEM_VALUE : HIST_VALUE;
    if (reads(h, x, w)) {
        const uint32_t y = last_writer(h, x, w, false);
        if (y != NOBODY)
            kinds[y] |= 1u << value;
    }
    if (!writes(h, x, w))
        return;
    const uint32_t before = last_writer(h, x, w, true);
    if (before != NOBODY)
        kinds[before] |= 1u << (value + HIST_WRITTEN - HIST_VALUE);
    for (uint32_t y = 0; y < hist_n(h) && bundle_of(h, y) <= bundle_of(h, x); y++)
        if (y != x && reads(h, y, w) && (before == NOBODY || bundle_of(h, y) > bundle_of(h, before)))
            kinds[y] |= 1u << (value + HIST_USED - HIST_VALUE);
}

static void expect(const struct history *h, uint32_t x, unsigned *kinds)
{
    for (int64_t address = 0; address < h->machine.scratch; address++)
        expect_word(h, x, &(struct word){false, hist_core(h, x), address}, kinds);
    for (int64_t address = 0; address < DRAWN_MEM; address++)
        expect_word(h, x, &(struct word){true, 0, address}, kinds);
    for (uint32_t y = x; y-- > 0;)
        if (hist_core(h, y) == hist_core(h, x) && bundle_of(h, y) < bundle_of(h, x) && hist_decides(h, y)) {
            kinds[y] |= 1u << HIST_JUMP;
            break;
        }
}

static void check_edges(const struct history *h, uint64_t *seen)
{
    unsigned *kinds = malloc((hist_n(h) + 1u) * sizeof *kinds);
    assert_non_null(kinds);
    for (uint32_t x = 0; x < hist_n(h); x++) {
        memset(kinds, 0, (hist_n(h) + 1u) * sizeof *kinds);
        expect(h, x, kinds);
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            assert_true(kinds[e->from] >> e->kind & 1); /* expected, and not there twice */
            kinds[e->from] &= ~(1u << e->kind);
            seen[e->kind]++;
            assert_true(hist_cycle(h, x) >= hist_after(h, x, e));
        }
        for (uint32_t y = 0; y < hist_n(h); y++)
            assert_int_equal(kinds[y], 0);
        const struct hist_ready r = hist_ready(h, x);
        assert_true(r.value <= hist_cycle(h, x) && r.used <= hist_cycle(h, x) && r.order <= hist_cycle(h, x));
    }
    free(kinds);
}

/* The values, written one after the other, leave what the machine has. */
static void check_values(const struct recording *r, const uint32_t *mem)
{
    const struct history *h = &r->h;
    const uint32_t words = h->machine.scratch;
    uint32_t *scratch = calloc((size_t)words * h->machine.cores, sizeof *scratch), memory[DRAWN_MEM];
    assert_non_null(scratch);
    memcpy(memory, mem, sizeof memory);
    for (uint32_t x = 0; x < hist_n(h); x++) {
        const struct hist_slot *s = &h->slots.at[x];
        const bool store = is_kind(hist_isa(h, x), KIND_STORE, KIND_VSTORE);
        const struct isa_effects fx = isa_effects(hist_isa(h, x), h->machine.vlen);
        uint32_t *to =
            store ? memory + s->address : scratch + (size_t)words * hist_core(h, x) + fx.write.first;
        assert_int_equal(s->words, h->slots.at[x + 1].first_value - s->first_value);
        for (uint32_t i = 0; i < s->words; i++)
            to[i] = h->values.at[s->first_value + i];
    }
    assert_memory_equal(memory, r->s->mem, sizeof memory);
    for (unsigned c = 0; c < h->machine.cores; c++)
        assert_memory_equal(scratch + (size_t)words * c, r->s->cores[c].scratch, words * sizeof *scratch);
    free(scratch);
}

static void random_programs_have_the_edges_their_words_say(void **state)
{
    (void)state;
    uint64_t seen[HIST_KINDS] = {0};
    for (uint64_t seed = 1000; seed < 1150; seed++) {
        uint32_t mem[DRAWN_MEM];
        struct recording r = record_random(seed);
        drawn_memory(seed, mem);
        check_edges(&r.h, seen);
        check_values(&r, mem);
        recording_free(&r);
    }
    for (unsigned k = 0; k < HIST_KINDS; k++)
        assert_true(seen[k] > 100);
}

/* --- windows ----------------------------------------------------------------------- */

static void a_window_is_a_part_of_the_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct recording all = record_random(seed);
        const uint32_t from = all.h.cycles / 4, to = all.h.cycles / 2;
        uint32_t mem[DRAWN_MEM], first = 0;
        struct sim *s;
        struct history h;
        drawn_memory(seed, mem);
        assert_int_equal(sim_create(all.p, &all.s->config, mem, DRAWN_MEM, &s, NULL), ST_OK);
        assert_int_equal(hist_record(s, (struct hist_window){from, to}, &h, NULL), ST_OK);
        assert_int_equal(h.first_cycle, from);
        assert_int_equal(h.cycles, to - from);
        while (first < hist_n(&all.h) && hist_cycle(&all.h, first) < from)
            first++;
        for (uint32_t x = 0; x < hist_n(&h); x++) {
            assert_int_equal(h.slots.at[x].slot, all.h.slots.at[first + x].slot);
            assert_int_equal(hist_cycle(&h, x) + from, hist_cycle(&all.h, first + x));
        }
        assert_true(first + hist_n(&h) == hist_n(&all.h) || hist_cycle(&all.h, first + hist_n(&h)) >= to);
        hist_free(&h);
        sim_destroy(s);
        recording_free(&all);
    }
}

/* --- by hand ------------------------------------------------------------------------- */

/* The last slot of what is written out. */
static struct hist_ready last_ready(const char *json)
{
    struct recording r = record_json(json);
    const struct hist_ready ready = hist_ready(&r.h, hist_n(&r.h) - 1);
    recording_free(&r);
    return ready;
}

/* Word 1 is written in cycle 0 and again in the last. Read between, in cycle 2, it is in use until then; not
 * read, there is the order of the writes. */
static void a_word_is_in_use_or_has_an_order(void **state)
{
    (void)state;
    struct hist_ready r =
        last_ready("[{\"alu\": [[\"+\", 1, 8, 9]]}, {\"alu\": []}, {\"alu\": [[\"+\", 2, 1, 9]]},"
                   " {\"alu\": []}, {\"alu\": [[\"+\", 1, 8, 9]]}]");
    assert_int_equal(r.used, 2);
    assert_int_equal(r.order, 0);
    r = last_ready("[{\"alu\": [[\"+\", 1, 8, 9]]}, {\"alu\": []}, {\"alu\": [[\"+\", 1, 8, 9]]}]");
    assert_int_equal(r.used, 0);
    assert_int_equal(r.order, 1);
}

/* A jump may be with what is before it: cycle 1; with company in its bundle it stays. */
static void a_jump_comes_after_what_is_before_it(void **state)
{
    (void)state;
    struct hist_ready r =
        last_ready("[{\"alu\": [[\"+\", 1, 8, 9]]}, {\"alu\": [[\"+\", 2, 8, 9]]}, {\"alu\": []},"
                   " {}, {\"flow\": [[\"jump\", 5]]}]");
    assert_int_equal(r.value, 0);
    assert_int_equal(r.order, 1);
    r = last_ready("[{\"alu\": [[\"+\", 1, 8, 9]]}, {\"alu\": [[\"+\", 2, 8, 9]], \"flow\": [[\"halt\"]]}]");
    assert_int_equal(r.order, 1);
    r = last_ready("[{\"flow\": [[\"jump\", 1]]}, {\"flow\": [[\"jump\", 2]]}]");
    assert_int_equal(r.value, 1);
}

/* Core 0 goes on at bundle 3 in cycle 3, core 1 at bundle 6. What core 0 stores, core 1 can load in that
 * cycle; what core 1 stores, core 0 can load in the next one. */
static void cores_of_a_cycle_go_by_their_numbers(void **state)
{
    (void)state;
    const char *start = "{\"machine\": {\"cores\": 2}, \"program\": [{\"flow\": [[\"coreid\", 1]]},"
                        " {\"load\": [[\"const\", 2, 40]]}, {\"flow\": [[\"cond_jump\", 1, 6]]},";
    const char *rest[] = {" {\"store\": [[\"store\", 2, 1]]}, {\"flow\": [[\"halt\"]]}, {},"
                          " {\"load\": [[\"load\", 4, 2]]}, {\"flow\": [[\"halt\"]]}]}",
                          " {\"alu\": []}, {\"load\": [[\"load\", 4, 2]]}, {\"flow\": [[\"halt\"]]},"
                          " {\"store\": [[\"store\", 2, 1]]}, {\"flow\": [[\"halt\"]]}]}"};
    for (unsigned core = 0; core < 2; core++) {
        struct text t = {0};
        text_addf(&t, "%s%s", start, rest[core]);
        struct recording r = record_json(t.at);
        uint32_t x = hist_n(&r.h) - 1;
        while (hist_isa(&r.h, x)->op != OP_LOAD)
            x--;
        assert_int_equal(hist_cycle(&r.h, x), 3 + core);
        assert_int_equal(hist_ready(&r.h, x).order, 3 + core);
        recording_free(&r);
        text_free(&t);
    }
}

/* Core 0 executes its part of the round in which core 1 (its number is its divisor's) faults. */
static void a_cycle_cut_short_is_one(void **state)
{
    (void)state;
    struct recording r =
        record_json("{\"machine\": {\"cores\": 2}, \"program\": [{\"flow\": [[\"coreid\", 1]]},"
                    " {\"load\": [[\"const\", 2, 1]]}, {\"alu\": [[\"-\", 3, 2, 1]]},"
                    " {\"alu\": [[\"//\", 4, 2, 3]]}]}");
    assert_int_equal(r.h.end, SIM_FAULTED);
    assert_int_equal(r.s->cycle, 3);
    assert_int_equal(r.h.cycles, 4);
    assert_int_equal(hist_n(&r.h), 7);
    assert_int_equal(hist_core(&r.h, 6), 0);
    recording_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_have_the_edges_their_words_say),
        cmocka_unit_test(a_window_is_a_part_of_the_whole),
        cmocka_unit_test(a_word_is_in_use_or_has_an_order),
        cmocka_unit_test(a_jump_comes_after_what_is_before_it),
        cmocka_unit_test(cores_of_a_cycle_go_by_their_numbers),
        cmocka_unit_test(a_cycle_cut_short_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
