/* Bounds and list schedules of recorded slots: by hand on small programs; on random ones against
 * paths and counts found the slow way, and each schedule against every edge and limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/tree_hash/tree_hash.h"
#include "tests/unit/recording.h"
#include "traces/profile/limits.h"
#include "traces/profile/reschedule.h"

static struct limits find(const struct history *h)
{
    struct limits l;
    assert_int_equal(limits_find(h, &h->machine, &l, NULL), ST_OK);
    return l;
}

static uint32_t rescheduled(const struct history *h, enum limits_freedom free)
{
    uint32_t cycles;
    assert_int_equal(limits_reschedule(h, &h->machine, free, &cycles, NULL), ST_OK);
    return cycles;
}

/* --- by hand ----------------------------------------------------------------------- */

/* One load of two cycles' constants, the chain const, load, add, store over four cycles; 5 adds of
 * nothing on 2 alu slots. The alu: 5 + 1 slots / 2 = 3 cycles from head 0 and tail 0; but the add of the
 * chain has head 2 and tail 1: 2 + 1 + 1 = 4. Loads: 3 slots on 1: 3, and 2 follow all of them only after
 * the last: the load has tail 2 (2 + 2 with the constant's head 0 ...): const and load have tail 2 or
 * more: 0 + 2 + 2 = 4. Store: head 3: 4. */
static void heads_and_tails_count(void **state)
{
    (void)state;
    struct recording r =
        record_json("{\"machine\": {\"slots\": {\"alu\": 2, \"load\": 1, \"store\": 1}}, \"program\": ["
                    "{\"load\": [[\"const\", 1, 5]], \"alu\": [[\"+\", 10, 20, 20]]},"
                    "{\"load\": [[\"load\", 2, 1]], \"alu\": [[\"+\", 11, 20, 20], [\"+\", 12, 20, 20]]},"
                    "{\"load\": [[\"const\", 5, 5]], \"alu\": [[\"+\", 3, 2, 2], [\"+\", 13, 20, 20]]},"
                    "{\"alu\": [[\"+\", 14, 20, 20]]},"
                    "{\"store\": [[\"store\", 1, 3]]}]}");
    struct limits l = find(&r.h);
    assert_int_equal(l.engine[ENGINE_ALU], 4);
    assert_int_equal(l.engine[ENGINE_LOAD], 4);
    assert_int_equal(l.head[ENGINE_LOAD], 0);
    assert_int_equal(l.tail[ENGINE_LOAD], 2);
    assert_int_equal(l.engine[ENGINE_STORE], 4);
    assert_int_equal(l.engine[ENGINE_VALU], 0);
    assert_int_equal(l.dep, 4);
    assert_int_equal(l.words, 4);
    assert_int_equal(l.chain.n, 4);
    static const uint8_t engines[] = {ENGINE_LOAD, ENGINE_LOAD, ENGINE_ALU, ENGINE_STORE};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(r.h.slots.at[l.chain.at[i]].engine, engines[i]);
    assert_int_equal(rescheduled(&r.h, FREE_NOTHING), 4);
    limits_free(&l);
    recording_free(&r);
}

/* Word 1 is made and read three times: by words of their own, a load and an add each, 2 cycles behind each
 * other by the one load slot: 4. With the one word, a load may share the cycle of the add before it: words
 * are 4 as well, but not with the stores between: each add's word 2 is stored before the next add. */
static void words_used_again_lengthen(void **state)
{
    (void)state;
    struct recording r =
        record_json("{\"machine\": {\"slots\": {\"alu\": 4, \"load\": 4, \"store\": 4}}, \"program\": ["
                    "{\"load\": [[\"const\", 1, 5]]}, {\"alu\": [[\"+\", 2, 1, 1]]},"
                    "{\"load\": [[\"const\", 1, 6]]}, {\"alu\": [[\"+\", 2, 1, 1]]},"
                    "{\"load\": [[\"const\", 1, 7]]}, {\"alu\": [[\"+\", 2, 1, 1]]}]}");
    struct limits l = find(&r.h);
    assert_int_equal(l.dep, 2);
    assert_int_equal(l.engine[ENGINE_ALU], 2);
    assert_int_equal(l.engine[ENGINE_LOAD], 2);
    assert_int_equal(l.words, 4);
    assert_int_equal(rescheduled(&r.h, FREE_NOTHING), 4);
    assert_int_equal(rescheduled(&r.h, FREE_WORDS), 2);
    limits_free(&l);
    recording_free(&r);
}

/* Two swaps need two slots of one cycle each; who only reads a swapped word is not bound to them. */
static void a_swap_stays_together(void **state)
{
    (void)state;
    struct recording r = record_json("{\"machine\": {\"slots\": {\"alu\": 3}}, \"program\": ["
                                     "{\"alu\": [[\"+\", 1, 2, 9], [\"+\", 6, 1, 9], [\"+\", 2, 1, 9]]},"
                                     "{\"alu\": [[\"+\", 3, 4, 9], [\"+\", 4, 3, 9]]}]}");
    struct arena arena = {0};
    struct constraints p;
    uint32_t at[5];
    assert_true(constraints_create(&p, &r.h, FREE_NOTHING, &arena));
    assert_int_equal(p.leaders, 3);
    assert_int_equal(reschedule(&r.h, &r.h.machine, &p, at, &arena), 2);
    assert_int_equal(at[0], at[2]);
    assert_int_equal(at[3], at[4]);
    assert_int_not_equal(at[0], at[3]);
    arena_free(&arena);
    recording_free(&r);
}

static void no_slots_have_no_bounds(void **state)
{
    (void)state;
    struct recording r = record_json("[{\"alu\": []}, {}]");
    struct limits l = find(&r.h);
    assert_int_equal(l.binding, ISA_ENGINES);
    assert_int_equal(l.dep + l.words + l.work, 0);
    assert_int_equal(rescheduled(&r.h, FREE_NOTHING), 0);
    limits_free(&l);
    recording_free(&r);
}

/* --- the slow way ------------------------------------------------------------------- */

/* What of the edges counts. */
enum paths { UNROLLED, VALUES, BEFORE_JUMPS, ALL };

static bool counts(const struct hist_edge *e, enum paths paths)
{
    return e->kind == HIST_VALUE || e->kind == HIST_MEM_VALUE ||
           (e->kind == HIST_JUMP && paths != UNROLLED) || paths == ALL;
}

/* Whether x has to be there before the jump, or with it. */
static bool precedes_jump(const struct history *h, uint32_t x, uint32_t jump)
{
    return hist_decides(h, jump) && hist_core(h, x) == hist_core(h, jump) &&
           (x < jump || (h->slots.at[x].bundle == h->slots.at[jump].bundle && !hist_decides(h, x)));
}

static bool lengthen(uint32_t *to, int64_t at)
{
    const bool longer = *to < at;
    *to = longer ? (uint32_t)at : *to;
    return longer;
}

/* Longest paths to each slot (or from it), step by step until nothing changes. */
static void longest(const struct history *h, enum paths paths, bool forward, uint32_t *length)
{
    bool changed = true;
    memset(length, 0, (hist_n(h) + 1u) * sizeof *length);
    while (changed) {
        changed = false;
        for (uint32_t x = 0; x < hist_n(h); x++) {
            for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
                const struct hist_edge *e = &h->edges.at[i];
                const uint32_t to = forward ? x : e->from, from = forward ? e->from : x;
                if (counts(e, paths) && lengthen(&length[to], (int64_t)length[from] + e->delay))
                    changed = true;
            }
            for (uint32_t y = 0; paths >= BEFORE_JUMPS && hist_decides(h, x) && y < hist_n(h); y++)
                if (precedes_jump(h, y, x) && lengthen(&length[forward ? x : y], length[forward ? y : x]))
                    changed = true;
        }
    }
}

static uint32_t most(const uint32_t *of, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < n; i++)
        best = of[i] > best ? of[i] : best;
    return best;
}

static uint32_t slow_work(const struct history *h, unsigned engine, const uint32_t *head,
                          const uint32_t *tail)
{
    uint32_t best = 0;
    for (unsigned core = 0; core < h->machine.cores; core++)
        for (uint32_t i = 0; i <= most(head, hist_n(h)); i++)
            for (uint32_t j = 0; j <= most(tail, hist_n(h)); j++) {
                uint32_t n = 0;
                for (uint32_t x = 0; x < hist_n(h); x++)
                    n += h->slots.at[x].engine == engine && hist_core(h, x) == core && head[x] >= i &&
                         tail[x] >= j;
                const uint32_t slots = h->machine.slots[engine];
                const uint32_t bound = n ? i + j + (n + slots - 1) / slots : 0;
                best = bound > best ? bound : best;
            }
    return best;
}

static void check_bounds(const struct history *h, const struct limits *l, bool unrolled)
{
    uint32_t *head = calloc(hist_n(h) + 1u, sizeof *head), *tail = calloc(hist_n(h) + 1u, sizeof *tail);
    assert_non_null(head);
    assert_non_null(tail);
    longest(h, unrolled ? UNROLLED : VALUES, true, head);
    longest(h, unrolled ? UNROLLED : VALUES, false, tail);
    uint32_t work = 0;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        const uint32_t slow = slow_work(h, e, head, tail);
        assert_int_equal(l->engine[e], slow);
        work = slow > work ? slow : work;
    }
    assert_int_equal(l->work, work);
    longest(h, unrolled ? UNROLLED : BEFORE_JUMPS, true, head);
    assert_int_equal(l->dep, hist_n(h) ? most(head, hist_n(h)) + 1 : 0);
    longest(h, ALL, true, head);
    const uint32_t words = hist_n(h) ? most(head, hist_n(h)) + 1 : 0;
    if (isa_machine_waits(&h->machine))
        assert_true(l->dep <= l->words && l->words <= (unrolled ? h->cycles : words));
    else if (!unrolled)
        assert_int_equal(l->words, words);
    free(head);
    free(tail);
}

/* Each slot of the chain is waited for by the next one, for all of the bound. */
static void check_chain(const struct history *h, const struct limits *l)
{
    uint32_t length = hist_n(h) > 0;
    for (size_t k = 1; k < l->chain.n; k++) {
        const uint32_t x = l->chain.at[k];
        uint32_t longest_step = 0;
        bool found = precedes_jump(h, l->chain.at[k - 1], x);
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            if (!counts(e, VALUES) || e->from != l->chain.at[k - 1])
                continue;
            found = true;
            lengthen(&longest_step, e->delay);
        }
        assert_true(found);
        length += longest_step;
    }
    assert_int_equal(length, l->dep);
}

/* A jump is not before a slot of its core that it was not before. */
static void check_jumps(const struct history *h, const uint32_t *at)
{
    uint32_t latest[ISA_MAX_CORES] = {0};
    for (uint32_t first = 0, end; first < hist_n(h); first = end) {
        const unsigned core = hist_core(h, first);
        for (end = first; end < hist_n(h) && h->slots.at[end].bundle == h->slots.at[first].bundle; end++)
            if (!hist_decides(h, end))
                latest[core] = at[end] > latest[core] ? at[end] : latest[core];
        for (uint32_t x = first; x < end; x++)
            if (hist_decides(h, x)) {
                assert_true(at[x] >= latest[core]);
                latest[core] = at[x];
            }
    }
}

static void check_room(const struct history *h, const struct isa_machine *machine, const uint32_t *at,
                       uint32_t cycles)
{
    for (unsigned core = 0; core < h->machine.cores; core++)
        for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
            uint32_t *used = calloc(cycles + 1u, sizeof *used);
            assert_non_null(used);
            for (uint32_t x = 0; x < hist_n(h); x++)
                if (hist_core(h, x) == core && h->slots.at[x].engine == e)
                    assert_true(at[x] < cycles && ++used[at[x]] <= machine->slots[e]);
            free(used);
        }
}

/* Slots bound together share their cycle; those of all others are by the edges. */
static uint32_t check_reschedule(const struct history *h, const struct isa_machine *machine,
                                 enum limits_freedom free_of)
{
    struct arena arena = {0};
    struct constraints p;
    uint32_t *at = malloc((hist_n(h) + 1u) * sizeof *at);
    assert_non_null(at);
    memset(at, 0xff, (hist_n(h) + 1u) * sizeof *at);
    assert_true(constraints_create(&p, h, free_of, &arena));
    const uint32_t cycles = reschedule(h, machine, &p, at, &arena);
    check_room(h, machine, at, cycles);
    if (free_of < FREE_JUMPS)
        check_jumps(h, at);
    for (uint32_t x = 0; x < hist_n(h); x++)
        for (uint32_t i = h->slots.at[x].first_edge; i < h->slots.at[x + 1].first_edge; i++) {
            const struct hist_edge *e = &h->edges.at[i];
            const bool word = e->kind == HIST_USED || e->kind == HIST_WRITTEN;
            if ((!word || free_of == FREE_NOTHING) && (e->kind != HIST_JUMP || free_of < FREE_JUMPS))
                assert_true(at[x] >= (int64_t)at[e->from] + e->delay);
        }
    free(at);
    arena_free(&arena);
    return cycles;
}

static void random_programs_agree_with_the_slow_way(void **state)
{
    (void)state;
    unsigned longer = 0, shorter = 0, words = 0, bound = 0, jumps = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct recording r = record_random(seed);
        struct limits l = find(&r.h), unrolled;
        assert_int_equal(limits_unrolled(&r.h, &r.h.machine, &unrolled, NULL), ST_OK);
        check_bounds(&r.h, &l, false);
        check_bounds(&r.h, &unrolled, true);
        check_chain(&r.h, &l);
        const uint32_t now = check_reschedule(&r.h, &r.h.machine, FREE_NOTHING);
        assert_true(now <= r.h.cycles);
        const uint32_t renamed = check_reschedule(&r.h, &r.h.machine, FREE_WORDS);
        const uint32_t free_of_jumps = check_reschedule(&r.h, &r.h.machine, FREE_JUMPS);
        struct isa_machine wide = r.h.machine;
        wide.slots[seed % ENGINE_DEBUG]++;
        check_reschedule(&r.h, &wide, FREE_NOTHING);
        assert_int_equal(now, rescheduled(&r.h, FREE_NOTHING));
        assert_true(l.work <= renamed && l.dep <= renamed && l.work <= now && l.words <= now);
        assert_true(l.work <= r.h.cycles && l.dep <= l.words && l.words <= r.h.cycles);
        assert_true(unrolled.work <= free_of_jumps && unrolled.dep <= free_of_jumps);
        assert_true(unrolled.work <= l.work && unrolled.dep <= l.dep);
        jumps += unrolled.dep < l.dep;
        limits_free(&unrolled);
        longer += now > r.h.cycles;
        shorter += now < r.h.cycles;
        words += l.words > l.dep;
        bound += now == l.work || now == l.words;
        limits_free(&l);
        recording_free(&r);
    }
    assert_true(shorter > 50 && words > 25 && bound > 20 && jumps > 50 && longer < 50);
}

static void so_do_those_with_latencies(void **state)
{
    (void)state;
    unsigned longer = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct recording r = record_drawn(seed, true);
        struct limits l = find(&r.h), unrolled;
        struct diag d;
        uint32_t cycles;
        assert_int_equal(limits_unrolled(&r.h, &r.h.machine, &unrolled, NULL), ST_OK);
        check_bounds(&r.h, &l, false);
        check_bounds(&r.h, &unrolled, true);
        check_chain(&r.h, &l);
        assert_true(l.work <= r.h.cycles && l.words <= r.h.cycles);
        longer += l.words > l.dep;
        if (isa_machine_waits(&r.h.machine))
            assert_int_equal(limits_reschedule(&r.h, &r.h.machine, FREE_NOTHING, &cycles, &d), ST_INPUT);
        limits_free(&unrolled);
        limits_free(&l);
        recording_free(&r);
    }
    assert_true(longer > 10);
}

/* --- the ladder --------------------------------------------------------------------- */

static void kernels_keep_their_bounds(void **state)
{
    (void)state;
    static const char *const variants[] = {"scalar", "packed", "resident", "grouped", "interleaved", "best"};
    struct kern_params params = kern_defaults(&tree_hash);
    params.at[TREE_HEIGHT] = 5;
    params.at[TREE_ROUNDS] = 4;
    params.at[TREE_BATCH] = 32;
    for (unsigned v = 0; v < sizeof variants / sizeof *variants; v++) {
        const struct kern_request rq = {.params = params, .machine = isa_default_machine()};
        const struct kern_variant *variant = kern_find_variant(&tree_hash, variants[v]);
        struct kern_programs programs;
        struct kern_instance *instance;
        struct diag d;
        assert_non_null(variant);
        assert_int_equal(kern_build(&tree_hash, variant, &rq, &programs, &d), ST_OK);
        assert_int_equal(kern_instance_create(&tree_hash, &params, rq.contract, 1, &instance, &d), ST_OK);
        const struct sim_config config = sim_default_config();
        struct recording r;
        struct prog *p = programs.list.at[0].prog;
        record_on(&r, p, &config, instance->image, instance->words);
        struct limits l = find(&r.h);
        check_chain(&r.h, &l);
        const uint32_t now = check_reschedule(&r.h, &r.h.machine, FREE_NOTHING);
        assert_true(now <= r.h.cycles);
        assert_true(l.work <= now && l.words <= now && l.work <= r.h.cycles && l.words <= r.h.cycles);
        assert_true(v > 0 || 3 * now < 2 * r.h.cycles); /* the scalar program has one slot a bundle */
        limits_free(&l);
        hist_free(&r.h);
        sim_destroy(r.s);
        kern_instance_destroy(instance);
        kern_programs_free(&programs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_and_tails_count),
        cmocka_unit_test(words_used_again_lengthen),
        cmocka_unit_test(a_swap_stays_together),
        cmocka_unit_test(no_slots_have_no_bounds),
        cmocka_unit_test(kernels_keep_their_bounds),
        cmocka_unit_test(random_programs_agree_with_the_slow_way),
        cmocka_unit_test(so_do_those_with_latencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
