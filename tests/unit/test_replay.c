/* The machine that goes back: after any walk its state is that of a fresh run's as many rounds on;
 * what is searched for backwards and forwards is what a plain walk over all rounds finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "traces/origin.h"
#include "traces/stops.h"

enum { MEM = 40, SCRATCH = 64, BUNDLES = 14, ROUNDS = 3000 };

/* --- programs ------------------------------------------------------------------- */

static uint32_t word(struct rng *g)
{
    return rng_below(g, 24);
}

static void alu_slot(struct rng *g, struct text *t)
{
    static const char *const ops[] = {"+", "-", "*", "^", "&", "|", "<", "==", "<<", "//"};
    const uint32_t op = rng_below(g, 100) ? rng_below(g, 9) : 9;
    text_addf(t, "[\"%s\",%u,%u,%u]", ops[op], word(g), word(g), word(g));
}

/* Word 30 counts up and is kept out of harm: loops go on for long, not for ever. */
static void flow_slot(struct rng *g, uint32_t bundle, struct text *t)
{
    switch (rng_below(g, 6)) {
    case 0: text_addf(t, "[\"cond_jump\",%u,%u]", word(g), rng_below(g, BUNDLES)); break;
    case 1: text_addf(t, "[\"cond_jump\",31,%u]", rng_below(g, bundle + 1)); break;
    case 2: text_addf(t, "[\"pause\"]"); break;
    case 3: text_addf(t, "[\"trace_write\",%u]", word(g)); break;
    case 4: text_addf(t, "[\"coreid\",%u]", word(g)); break;
    default: text_addf(t, "[\"add_imm\",%u,%u,%u]", word(g), word(g), word(g)); break;
    }
}

static struct prog *draw_program(struct rng *g)
{
    struct text t = {0};
    text_add(&t, "[{\"load\":[[\"const\",31,1],[\"const\",30,1]]}");
    for (uint32_t b = 1; b < BUNDLES; b++) {
        text_add(&t, ",{\"alu\":[");
        alu_slot(g, &t);
        text_add(&t, ",");
        alu_slot(g, &t);
        text_addf(&t, "],\"valu\":[[\"+\",%u,%u,%u]]", 32 + word(g), word(g), 32 + word(g));
        if (rng_below(g, 2))
            text_addf(&t, ",\"load\":[[\"load\",%u,%u],[\"const\",25,%u]]", word(g), 24 + rng_below(g, 7),
                      word(g));
        if (rng_below(g, 2))
            text_addf(&t, ",\"store\":[[\"store\",%u,%u]]", 25 + rng_below(g, 2), word(g));
        text_add(&t, ",\"flow\":[");
        flow_slot(g, b, &t);
        text_add(&t, rng_below(g, 8) ? "]}" : "]},{}");
    }
    text_addf(&t, ",{\"alu\":[[\"+\",30,30,31]],\"flow\":[[\"jump\",%u]]}]", 1 + rng_below(g, BUNDLES / 2));
    struct prog *p = NULL;
    struct diag d = {0};
    if (!text_ok(&t) || prog_read_json(t.at, t.n, "drawn", &p, &d) != ST_OK)
        fail_msg("%s\n%s", d.text, t.at);
    text_free(&t);
    return p;
}

struct world {
    struct prog *p;
    struct sim_config config;
    uint32_t mem[MEM];
    struct replay *r;
    struct sim *fresh; /* the oracle, from the start each time */
};

static void create(struct world *w, struct rng *g, uint32_t cores)
{
    struct diag d;
    w->p = draw_program(g);
    w->config = sim_default_config();
    w->config.machine.cores = cores;
    w->config.machine.scratch = SCRATCH;
    w->config.pause = rng_below(g, 2);
    w->config.trace_limit = 200;
    w->config.cycle_limit = ROUNDS + rng_below(g, ROUNDS);
    for (unsigned i = 0; i < MEM; i++)
        w->mem[i] = rng_below(g, 30);
    assert_int_equal(replay_create(w->p, &w->config, w->mem, MEM, &w->r, &d), ST_OK);
    w->r->every = 1 + rng_below(g, 40);
    w->r->most = rng_below(g, 3) ? 2 + rng_below(g, 30) : 0;
    struct sim_config oracle = w->config;
    oracle.engine = SIM_STEP;
    assert_int_equal(sim_create(w->p, &oracle, w->mem, MEM, &w->fresh, &d), ST_OK);
}

static void destroy(struct world *w)
{
    replay_destroy(w->r);
    sim_destroy(w->fresh);
    prog_destroy(w->p);
}

/* One round; false when there is none. */
static bool fresh_step(struct sim *s)
{
    bool stopped = true;
    for (uint32_t c = 0; c < s->config.machine.cores; c++)
        stopped = stopped && s->cores[c].state == CORE_STOPPED;
    if (stopped || s->fault.kind != FAULT_NONE)
        return false;
    (void)sim_step(s, 1);
    return true;
}

static void assert_same(const struct sim *a, const struct sim *b)
{
    assert_int_equal(a->cycle, b->cycle);
    assert_int_equal(a->rounds, b->rounds);
    assert_int_equal(a->double_writes, b->double_writes);
    assert_int_equal(a->fault.kind, b->fault.kind);
    assert_string_equal(a->fault.what, b->fault.what);
    assert_memory_equal(a->mem, b->mem, MEM * sizeof *a->mem);
    for (uint32_t c = 0; c < a->config.machine.cores; c++) {
        const struct sim_core *x = &a->cores[c], *y = &b->cores[c];
        assert_int_equal(x->pc, y->pc);
        assert_int_equal(x->state, y->state);
        assert_int_equal(x->loop_from, y->loop_from);
        assert_int_equal(x->loop_to, y->loop_to);
        assert_memory_equal(x->scratch, y->scratch, SCRATCH * sizeof *x->scratch);
        assert_int_equal(x->trace.n, y->trace.n);
        if (x->trace.n)
            assert_memory_equal(x->trace.at, y->trace.at, x->trace.n * sizeof *x->trace.at);
    }
}

/* --- tests ---------------------------------------------------------------------- */

static void walks_end_where_fresh_runs_are(void **state)
{
    (void)state;
    struct rng g = {7};
    unsigned faults = 0, paused = 0, longest = 0;
    for (unsigned n = 0; n < 120; n++) {
        struct world w;
        create(&w, &g, 1 + n % 3);
        for (unsigned walk = 0; walk < 12; walk++) {
            const uint64_t at = replay_at(w.r), to = rng_below(&g, rng_below(&g, 3) ? 200 : ROUNDS + 50);
            replay_go(w.r, rng_below(&g, 2) && to < at ? at - to : to);
            longest = replay_at(w.r) > longest ? (unsigned)replay_at(w.r) : longest;
            faults += w.r->sim->fault.kind != FAULT_NONE;
            paused += w.r->sim->cores[0].state == CORE_PAUSED;
            sim_reset(w.fresh, w.mem);
            for (uint64_t i = 0; i < replay_at(w.r); i++)
                assert_true(fresh_step(w.fresh));
            assert_same(w.r->sim, w.fresh);
            if (replay_at(w.r) < to && to >= at)
                assert_true(replay_ended(w.r));
        }
        assert_true(w.r->marks.n <= w.r->most);
        destroy(&w);
    }
    /* The programs are worth it. */
    assert_true(faults > 50 && paused > 10 && longest > ROUNDS / 2);
}

static void a_cycle_is_reached_at_its_first_round(void **state)
{
    (void)state;
    struct rng g = {8};
    for (unsigned n = 0; n < 60; n++) {
        struct world w;
        create(&w, &g, 1 + n % 2);
        for (unsigned walk = 0; walk < 6; walk++) {
            const uint64_t cycle = rng_below(&g, 400);
            replay_go_cycle(w.r, cycle);
            sim_reset(w.fresh, w.mem);
            while (w.fresh->cycle < cycle && fresh_step(w.fresh))
                ;
            assert_same(w.r->sim, w.fresh);
        }
        destroy(&w);
    }
}

/* Positions after which the oracle's word, of core 0 or of memory, is another one. */
static unsigned changes(struct sim *s, const uint32_t *mem, const uint32_t *at, uint64_t *out, unsigned most)
{
    unsigned n = 0;
    sim_reset(s, mem);
    for (uint64_t position = 1; n < most; position++) {
        const uint32_t before = *at;
        if (!fresh_step(s))
            break;
        if (*at != before)
            out[n++] = position;
    }
    return n;
}

static void watches_find_every_change_in_both_directions(void **state)
{
    enum { MOST = 400 };
    (void)state;
    struct rng g = {9};
    unsigned found = 0;
    for (unsigned n = 0; n < 60; n++) {
        struct world w;
        create(&w, &g, 1 + n % 2);
        const bool mem = n % 3 == 0;
        const uint32_t address = word(&g);
        static uint64_t expected[MOST];
        const unsigned count =
            changes(w.fresh, w.mem, mem ? &w.fresh->mem[address] : &w.fresh->cores[0].scratch[address],
                    expected, MOST);
        struct stops all = {0};
        struct stop_hit hit;
        const struct place place = {mem ? PLACE_MEM : 0, address, 1};
        assert_int_equal(stops_add(&all, (struct stop){.kind = STOP_CHANGE, .place = place}), 1);
        for (unsigned i = 0; i < count; i++) {
            assert_true(stops_forth(&all, w.r, UINT64_MAX, &hit));
            assert_int_equal(replay_at(w.r), expected[i]);
            assert_int_equal(hit.value, place_word(&place, w.r->sim, 0));
        }
        for (unsigned i = count; i-- > 1;) {
            assert_true(stops_back(&all, w.r, &hit));
            assert_int_equal(replay_at(w.r), expected[i - 1]);
            assert_int_equal(hit.value, place_word(&place, w.r->sim, 0));
        }
        if (count) {
            assert_false(stops_back(&all, w.r, &hit));
            assert_int_equal(replay_at(w.r), 0);
        }
        found += count;
        stops_clear(&all);
        destroy(&w);
    }
    assert_true(found > 500);
}

/* The last change of a word is by the slot that is said to have written it. */
static void writers_are_those_of_the_last_write(void **state)
{
    (void)state;
    struct rng g = {10};
    unsigned known = 0;
    for (unsigned n = 0; n < 60; n++) {
        struct world w;
        create(&w, &g, 1);
        replay_go(w.r, rng_below(&g, 600));
        const uint64_t now = replay_at(w.r);
        const struct place place = {0, 0, SCRATCH};
        struct origin by[SCRATCH];
        assert_true(origin_writers(w.r, &place, by));
        assert_int_equal(replay_at(w.r), now);
        int64_t last[SCRATCH];
        uint32_t slot[SCRATCH];
        for (unsigned i = 0; i < SCRATCH; i++)
            last[i] = -1;
        /* Afresh, from the slots of each bundle as it is executed; one that faults writes nothing. */
        sim_reset(w.fresh, w.mem);
        for (uint64_t at = 0; at < now; at++) {
            const int64_t pc = w.fresh->cores[0].pc;
            assert_true(fresh_step(w.fresh));
            if (w.fresh->fault.kind != FAULT_NONE || (uint64_t)pc >= w.p->bundles.n)
                continue;
            const struct prog_span span = prog_bundle_slots(w.p, (uint32_t)pc);
            for (uint32_t i = span.begin; i < span.end; i++) {
                const struct isa_effects fx = isa_effects(&w.p->slots.at[i], w.config.machine.vlen);
                for (uint32_t k = 0; fx.writes && k < fx.write.n; k++) {
                    last[fx.write.first + k] = (int64_t)at;
                    slot[fx.write.first + k] = i;
                }
            }
        }
        for (unsigned i = 0; i < SCRATCH; i++) {
            assert_int_equal(by[i].slot == UINT32_MAX, last[i] < 0);
            if (last[i] >= 0) {
                assert_int_equal(by[i].at, last[i]);
                assert_int_equal(by[i].slot, slot[i]);
                known++;
            }
        }
        destroy(&w);
    }
    assert_true(known > 500);
}

static struct replay *replay_of(struct prog **p, const char *text, const uint32_t *mem, size_t words)
{
    struct diag d = {0};
    struct replay *r = NULL;
    struct sim_config config = sim_default_config();
    if (prog_read_asm(text, strlen(text), "case", p, &d) != ST_OK ||
        replay_create(*p, &config, mem, words, &r, &d) != ST_OK)
        fail_msg("%s", d.text);
    return r;
}

static const char loop[] = ".name i 0\n.name one 1\n.name v 8 8\n"
                           "{ load: const i, 1000; const one, 1 }\n"
                           "again: { alu: - i, i, one; + v+2, v+2, i }\n"
                           "{ flow: cond_jump i, @again; store: store one, i }\n";

static void words_set_by_hand_stay_set(void **state)
{
    (void)state;
    struct prog *p;
    struct diag d;
    const uint32_t mem[4] = {0};
    struct replay *r = replay_of(&p, loop, mem, 4);
    r->every = 16;
    replay_go(r, 5000);
    assert_int_equal(r->sim->rounds, 2002); /* the last one finds the program's end */
    replay_go(r, 101);
    assert_int_equal(r->sim->cores[0].scratch[0], 950);
    assert_int_equal(replay_set(r, 0, 0, 3, &d), ST_OK);
    assert_int_equal(replay_set(r, UINT32_MAX, 2, 77, &d), ST_OK);
    replay_go(r, 5000);
    assert_int_equal(r->sim->rounds, 101 + 2 * 3 + 1);
    assert_int_equal(r->sim->mem[2], 77);
    replay_go(r, 100);
    assert_int_equal(r->sim->cores[0].scratch[0], 950);
    assert_int_equal(r->sim->mem[2], 0);
    replay_go(r, 103);
    assert_int_equal(r->sim->cores[0].scratch[0], 2);
    assert_int_equal(replay_set(r, 0, 1536, 3, &d), ST_INPUT);
    assert_int_equal(replay_set(r, UINT32_MAX, 4, 3, &d), ST_INPUT);
    /* What is set earlier wins over what was set later. */
    replay_go(r, 3);
    assert_int_equal(replay_set(r, 0, 0, 2, &d), ST_OK);
    replay_go(r, 5000);
    assert_int_equal(r->sim->rounds, 3 + 2 * 2 + 1);
    assert_int_equal(r->sim->mem[2], 0);
    replay_destroy(r);
    prog_destroy(p);
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

static void interrupts_end_what_takes_long(void **state)
{
    (void)state;
    struct prog *p;
    struct replay *r = replay_of(&p, "{ flow: jump 0 }\n", NULL, 0);
    struct stops all = {0};
    struct stop_hit hit;
    const struct place place = {0, 5, 1};
    replay_go(r, 20000);
    r->interrupt = at_once;
    replay_go(r, UINT64_MAX);
    assert_true(r->interrupted);
    assert_true(replay_at(r) < 200000);
    replay_return(r, 20000);
    assert_int_equal(stops_add(&all, (struct stop){.kind = STOP_WRITE, .place = place}), 1);
    assert_false(stops_back(&all, r, &hit));
    assert_true(r->interrupted);
    assert_int_equal(replay_at(r), 20000);
    stops_clear(&all);
    replay_destroy(r);
    prog_destroy(p);
}

/* --- expressions ---------------------------------------------------------------- */

struct value {
    const char *text;
    uint64_t expected;
};

static void expressions_have_values(void **state)
{
    (void)state;
    static const struct value values[] = {
        {"i", 999},
        {"$s[0]", 999},
        {"v[2]", 1000},
        {"v[one + 1] + 1", 1001},
        {"m[s[1]]", 40},
        {"2 + 3 * 4", 14},
        {"(2 + 3) * 4", 20},
        {"10 - 4 - 3", 3},
        {"1 << 4 | 3", 19},
        {"0x10 ^ 1 & 3", 17},
        {"7 // 2 % 2", 1},
        {"-1", 0xffffffff},
        {"0 - 1", 0xffffffff},
        {"!i", 0},
        {"i == 999 && pc == 2", 1},
        {"i != 999 || cycle >= 2", 1},
        {"cycle < 2", 0},
        {"round <= 2", 1},
        {"core > 0", 0},
        {"0 && m[4000]", 0},
        {"1 || 1 // 0", 1},
    };
    static const char *const wrong[] = {
        "",        "i +",  "v",    "nosuch", "s[",    "s[1",  "s 1", "(i",  "i i", "1x",
        "s[1536]", "m[4]", "v[8]", "1 // 0", "i = 3", "i[1]", "$i",  "\"i", "@",   "99999999999999999999",
    };
    struct prog *p;
    const uint32_t mem[4] = {0, 40, 0, 0};
    struct replay *r = replay_of(&p, loop, mem, 4);
    replay_go(r, 2);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        struct expr *e = NULL;
        struct diag d = {0};
        uint64_t found = 0;
        if (expr_parse(values[i].text, p, &e, &d) != ST_OK || expr_value(e, r->sim, 0, &found, &d) != ST_OK)
            fail_msg("%s: %s", values[i].text, d.text);
        if (found != values[i].expected)
            fail_msg("%s is %llu", values[i].text, (unsigned long long)found);
        expr_free(e);
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct expr *e = NULL;
        struct diag d = {0};
        uint64_t found;
        if (expr_parse(wrong[i], p, &e, &d) == ST_OK && expr_value(e, r->sim, 0, &found, &d) == ST_OK)
            fail_msg("%s has a value", wrong[i]);
        assert_true(d.text[0]);
        expr_free(e);
    }
    replay_destroy(r);
    prog_destroy(p);
}

/* Any text is an expression, or an error. */
static void hostile_expressions_are_refused(void **state)
{
    (void)state;
    struct prog *p;
    struct replay *r = replay_of(&p, loop, NULL, 0);
    struct rng g = {11};
    char text[2000];
    struct diag d;
    struct expr *e;
    struct place place;
    for (unsigned n = 0; n < 40000; n++) {
        static const char *const pieces[] = {"(",  ")",  "[", "]", "-",  "!",  "i",  "v",
                                             "s[", "m[", "1", "+", "*",  ":",  "&&", "||",
                                             "<",  "==", "$", " ", "\"", "\\", "//", "0x"};
        size_t length = 0;
        const uint32_t count = n % 400 == 0 ? 900 : rng_below(&g, 12);
        const uint32_t same = n % 400 == 0 ? rng_below(&g, 24) : 24;
        for (uint32_t i = 0; i < count; i++)
            length += (size_t)sprintf(text + length, "%s", pieces[same < 24 ? same : rng_below(&g, 24)]);
        text[length] = '\0';
        uint64_t value;
        if (expr_parse(text, p, &e, &d) == ST_OK)
            (void)expr_value(e, r->sim, 0, &value, &d);
        expr_free(e);
        if (place_parse(text, r->sim, 0, &place, &d) == ST_OK && place.core != PLACE_MEM)
            assert_true(place.n > 0 && place.first + place.n <= 1536);
    }
    replay_destroy(r);
    prog_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_end_where_fresh_runs_are),
        cmocka_unit_test(a_cycle_is_reached_at_its_first_round),
        cmocka_unit_test(watches_find_every_change_in_both_directions),
        cmocka_unit_test(writers_are_those_of_the_last_write),
        cmocka_unit_test(words_set_by_hand_stay_set),
        cmocka_unit_test(interrupts_end_what_takes_long),
        cmocka_unit_test(expressions_have_values),
        cmocka_unit_test(hostile_expressions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
