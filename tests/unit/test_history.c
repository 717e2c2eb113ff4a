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

static uint32_t bundle_of(const struct history *h, uint32_t x)
{
    return h->slots.at[x].bundle;
}

/* When what a slot writes lands: in a cycle, after its core has had its turn; of what lands so at once
 * what was due earlier comes first, then what was issued earlier. */
struct commit {
    uint32_t slot, cycle, core, due;
    bool never; /* a fault came before */
};

static bool executes(const struct history *h, size_t bundle, enum isa_op op)
{
    const struct prog_span slots = prog_bundle_slots(h->prog, h->bundles.at[bundle].bundle);
    for (uint32_t i = slots.begin; i < slots.end; i++)
        if (h->prog->slots.at[i].op == op)
            return true;
    return false;
}

/* The cycle in which the core first waits for its own from this bundle on: when it pauses, halts or is
 * past the end of the program. */
static uint32_t waits_in(const struct recording *r, size_t bundle, unsigned core)
{
    const struct history *h = &r->h;
    uint32_t last = 0;
    for (size_t b = bundle; b < h->bundles.n; b++) {
        if (h->bundles.at[b].core != core)
            continue;
        last = h->bundles.at[b].cycle;
        if (executes(h, b, OP_PAUSE) || executes(h, b, OP_HALT))
            return last;
    }
    return r->s->cores[core].state == CORE_STOPPED ? last + 1 : UINT32_MAX;
}

static bool had_turn(const struct history *h, unsigned core, uint64_t cycle)
{
    for (size_t b = 0; b < h->bundles.n; b++)
        if (h->bundles.at[b].core == core && h->bundles.at[b].cycle == cycle)
            return true;
    return false;
}

static struct commit commit_of(const struct recording *r, uint32_t x)
{
    const struct history *h = &r->h;
    const unsigned core = hist_core(h, x);
    const uint32_t due = hist_cycle(h, x) + h->machine.latency[h->slots.at[x].engine] - 1;
    const uint32_t waits = waits_in(r, bundle_of(h, x), core);
    const struct sim_fault *f = &r->s->fault;
    struct commit l = {x, due < waits ? due : waits, core, due, false};
    if (f->kind != FAULT_NONE && waits == UINT32_MAX)
        l.never = due > f->cycle || (due == f->cycle && !had_turn(h, core, due));
    return l;
}

static int by_commit(const void *x, const void *y)
{
    const struct commit *a = x, *b = y;
    return a->cycle != b->cycle ? (a->cycle < b->cycle ? -1 : 1)
           : a->core != b->core ? (a->core < b->core ? -1 : 1)
           : a->due != b->due   ? (a->due < b->due ? -1 : 1)
                                : (a->slot > b->slot) - (a->slot < b->slot);
}

/* All that land, in their order. To be freed. */
static struct commit *commit_all(const struct recording *r, uint32_t *n)
{
    struct commit *all = malloc((hist_n(&r->h) + 1u) * sizeof *all);
    assert_non_null(all);
    *n = 0;
    for (uint32_t x = 0; x < hist_n(&r->h); x++) {
        all[*n] = commit_of(r, x);
        *n += !all[*n].never;
    }
    qsort(all, *n, sizeof *all, by_commit);
    return all;
}

/* Whether slot y reads after it has landed. */
static bool sees(const struct history *h, uint32_t y, const struct commit *l)
{
    return l->cycle < hist_cycle(h, y) || (l->cycle == hist_cycle(h, y) && l->core < hist_core(h, y));
}

/* Marks the edges of one word: kinds[x * n + from] is a set. */
static void expect_word(const struct history *h, const struct commit *all, uint32_t n, const struct word *w,
                        unsigned *kinds)
{
    const unsigned value = w->memory ? HIST_MEM_VALUE : HIST_VALUE;
    const struct commit *before = NULL;
    for (uint32_t i = 0; i <= n; i++) {
        const struct commit *l = i < n ? &all[i] : NULL;
        if (l && !writes(h, l->slot, w))
            continue;
        for (uint32_t y = 0; y < hist_n(h); y++) {
            if ((before && !sees(h, y, before)) || (l && sees(h, y, l)) || !reads(h, y, w))
                continue;
            if (before)
                kinds[(size_t)y * hist_n(h) + before->slot] |= 1u << value;
            if (l && l->slot != y)
                kinds[(size_t)l->slot * hist_n(h) + y] |= 1u << (value + HIST_USED - HIST_VALUE);
        }
        if (before && l)
            kinds[(size_t)l->slot * hist_n(h) + before->slot] |= 1u << (value + HIST_WRITTEN - HIST_VALUE);
        before = l;
    }
}

static void expect(const struct recording *r, unsigned *kinds)
{
    const struct history *h = &r->h;
    uint32_t n;
    struct commit *all = commit_all(r, &n);
    for (unsigned core = 0; core < h->machine.cores; core++)
        for (int64_t address = 0; address < h->machine.scratch; address++)
            expect_word(h, all, n, &(struct word){false, core, address}, kinds);
    for (int64_t address = 0; address < DRAWN_MEM; address++)
        expect_word(h, all, n, &(struct word){true, 0, address}, kinds);
    for (uint32_t x = 0; x < hist_n(h); x++)
        for (uint32_t y = x; y-- > 0;)
            if (hist_core(h, y) == hist_core(h, x) && bundle_of(h, y) < bundle_of(h, x) &&
                hist_decides(h, y)) {
                kinds[(size_t)x * hist_n(h) + y] |= 1u << HIST_JUMP;
                break;
            }
    free(all);
}

/* Whether the core waits for its own in a bundle of these. */
static bool waits_between(const struct recording *r, uint32_t x, uint32_t y)
{
    const uint32_t low = x < y ? x : y, high = x < y ? y : x;
    return waits_in(r, bundle_of(&r->h, low), hist_core(&r->h, low)) <= hist_cycle(&r->h, high) ||
           commit_of(r, x).cycle != commit_of(r, x).due || commit_of(r, y).cycle != commit_of(r, y).due;
}

/* The first cycle, counted from that of `from`, in which slot x of the same core could be for this edge. */
static int least_delay(const struct history *h, uint32_t x, const struct hist_edge *e)
{
    const int early = (int)h->machine.latency[h->slots.at[e->from].engine];
    const int late = (int)h->machine.latency[h->slots.at[x].engine];
    const bool together = bundle_of(h, x) == bundle_of(h, e->from) && x > e->from;
    for (int d = -2 * ISA_MAX_LATENCY;; d++)
        switch (e->kind) {
        case HIST_JUMP: return 1;
        case HIST_VALUE:
        case HIST_MEM_VALUE:
            if (d >= early)
                return d;
            break;
        case HIST_USED:
        case HIST_MEM_USED:
            if (d + late > 0)
                return d;
            break;
        default:
            if (d + late > early || (d + late == early && (d > 0 || (d == 0 && together))))
                return d;
        }
}

static void check_edges(const struct recording *r, uint64_t *seen, uint64_t *backward)
{
    const struct history *h = &r->h;
    const size_t n = hist_n(h);
    unsigned *kinds = calloc(n * n + 1, sizeof *kinds);
    assert_non_null(kinds);
    expect(r, kinds);
    for (uint32_t x = 0; x < n; x++) {
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            assert_true(kinds[x * n + e->from] >> e->kind & 1); /* expected, and not there twice */
            kinds[x * n + e->from] &= ~(1u << e->kind);
            seen[e->kind]++;
            *backward += hist_cycle(h, e->from) > hist_cycle(h, x);
            assert_true(hist_cycle(h, x) >= hist_after(h, e));
            if (hist_core(h, x) == hist_core(h, e->from) && !waits_between(r, x, e->from))
                assert_int_equal(e->delay, least_delay(h, x, e));
            const bool value = e->kind == HIST_VALUE || e->kind == HIST_MEM_VALUE;
            if (value && hist_core(h, x) == hist_core(h, e->from) &&
                waits_in(r, bundle_of(h, e->from), hist_core(h, x)) < hist_cycle(h, x))
                assert_int_equal(e->delay, 1);
        }
        const struct hist_ready ready = hist_ready(h, x);
        const uint32_t at = hist_cycle(h, x);
        assert_true(ready.value <= at && ready.used <= at && ready.order <= at);
    }
    for (size_t i = 0; i < n * n; i++)
        assert_int_equal(kinds[i], 0);
    free(kinds);
}

/* The values, written one after the other as they land, leave what the machine has. */
static void check_values(const struct recording *r, const uint32_t *mem)
{
    const struct history *h = &r->h;
    const uint32_t words = h->machine.scratch;
    uint32_t *scratch = calloc((size_t)words * h->machine.cores, sizeof *scratch), memory[DRAWN_MEM], n;
    struct commit *all = commit_all(r, &n);
    assert_non_null(scratch);
    memcpy(memory, mem, sizeof memory);
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t x = all[k].slot;
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
    free(all);
}

static void random_programs_have_the_edges_their_words_say(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        uint64_t seen[HIST_KINDS] = {0}, backward = 0;
        for (uint64_t seed = 1000; seed < 1150; seed++) {
            uint32_t mem[DRAWN_MEM];
            struct recording r = record_drawn(seed, late);
            drawn_memory(seed, mem);
            check_edges(&r, seen, &backward);
            check_values(&r, mem);
            recording_free(&r);
        }
        for (unsigned k = 0; k < HIST_KINDS; k++)
            assert_true(seen[k] > 100);
        assert_true(late ? backward > 100 : backward == 0);
    }
}

/* --- windows ----------------------------------------------------------------------- */

static void a_window_is_a_part_of_the_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct recording all = record_drawn(seed, seed % 2);
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
