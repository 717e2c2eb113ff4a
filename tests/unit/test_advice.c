/* Classes and advice: a small program for each, and the ladder of tree_hash, whose next rung is
 * known; promises against what bounds leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/tree_hash/tree_hash.h"
#include "tests/unit/recording.h"
#include "traces/profile/advice.h"

/* What is left after any saving is not less than the chain of values, unless that is what is shortened. */
static void check_promises(const struct history *h, const struct advice *a)
{
    struct limits unrolled;
    assert_int_equal(limits_unrolled(h, &h->machine, &unrolled, NULL), ST_OK);
    assert_true(a->class < ADVICE_CLASSES);
    for (unsigned i = 0; i < a->n; i++) {
        const struct advice_item *item = &a->item[i];
        const bool shortened = strncmp(item->text, "Shorten", 7) == 0;
        assert_in_range(item->saving, 1, h->cycles - (shortened ? 1 : unrolled.dep));
        assert_in_range(strlen(item->text), 20, sizeof item->text - 2); /* not cut short */
        assert_true(i == 0 || a->item[i - 1].saving >= item->saving);
    }
    limits_free(&unrolled);
    assert_true(strlen(a->why) < sizeof a->why - 1);
    if (!a->what_if.rescheduled)
        return;
    assert_true(a->what_if.now.bound <= a->what_if.now.reschedule &&
                a->what_if.unrolled.bound <= a->what_if.unrolled.reschedule);
    assert_true(a->what_if.renamed.reschedule <= a->what_if.now.reschedule &&
                a->what_if.unrolled.reschedule <= a->what_if.renamed.reschedule);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        assert_true(a->what_if.wider[e].bound <= a->what_if.now.bound &&
                    a->what_if.wider[e].reschedule <= a->what_if.now.reschedule);
}

/* Every slot was used, or is empty for a cause, one that waits for an operand for a producer. */
static void check_sums(const struct history *h, const struct holes *holes)
{
    uint64_t sum[ENGINE_DEBUG] = {0};
    for (uint32_t x = 0; x < hist_n(h); x++)
        sum[h->slots.at[x].engine]++;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        uint64_t produced = 0;
        for (unsigned c = 0; c < CAUSES; c++)
            sum[e] += holes->engine[e].cause[c];
        for (unsigned p = 0; p < PRODUCERS; p++)
            produced += holes->engine[e].producer[p];
        assert_int_equal(sum[e], (uint64_t)h->cycles * h->machine.slots[e] * h->machine.cores);
        assert_int_equal(produced, holes->engine[e].cause[CAUSE_READY_LATER]);
        assert_true(holes->engine[e].fill <= holes->engine[e].cause[CAUSE_NONE]);
    }
}

static struct advice advise(const struct history *h, struct advice_facts facts)
{
    struct holes holes;
    struct limits limits;
    struct advice a;
    assert_int_equal(holes_find(h, &holes, NULL), ST_OK);
    check_sums(h, &holes);
    assert_int_equal(limits_find(h, &h->machine, &limits, NULL), ST_OK);
    assert_int_equal(advice_make(h, &holes, &limits, &facts, &a, NULL), ST_OK);
    check_promises(h, &a);
    holes_free(&holes);
    limits_free(&limits);
    return a;
}

/* `count` bundles of these slots after each other. */
static void repeat(struct text *t, const char *bundle, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        text_addf(t, "%s%s", t->n > 1 && t->at[t->n - 1] != '[' ? ", " : "", bundle);
}

static struct advice advise_json(const char *json, struct advice_facts facts)
{
    struct recording r = record_json(json);
    const struct advice a = advise(&r.h, facts);
    recording_free(&r);
    return a;
}

static const struct advice_item *find_item(const struct advice *a, enum advice_class about, const char *start)
{
    for (unsigned i = 0; i < a->n; i++)
        if (a->item[i].about == about && !strncmp(a->item[i].text, start, strlen(start)))
            return &a->item[i];
    fail_msg("no advice about %s that begins \"%s\"", advice_class_name(about), start);
    return NULL;
}

/* --- a program for each class ---------------------------------------------------------- */

/* 24 adds of nothing, one a bundle: they fit into 2. */
static void loose_bundles_are_schedule(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "[");
    for (unsigned i = 0; i < 24; i++)
        text_addf(&t, "%s{\"alu\": [[\"+\", %u, 50, 51]]}", i ? ", " : "", i);
    text_add(&t, "]");
    const struct advice a = advise_json(t.at, (struct advice_facts){0});
    assert_int_equal(a.class, CLASS_SCHEDULE);
    assert_int_equal(a.what_if.now.reschedule, 2);
    assert_int_equal(find_item(&a, CLASS_SCHEDULE, "Pack")->saving, 22);
    text_free(&t);
}

/* Four times const, add, store, all in words 1 and 2: 9 cycles, as a const may be with the add before
 * it, and an add with the store before; 4 on 4 slots each, less one on two more, in words of their own. */
static void words_used_again_are_schedule(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "[");
    repeat(&t,
           "{\"load\": [[\"const\", 1, 5]]}, {\"alu\": [[\"+\", 2, 1, 1]]}, {\"alu\": [[\"+\", 3, 2, 2]]}",
           4);
    text_add(&t, "]");
    const struct advice a = advise_json(t.at, (struct advice_facts){0});
    assert_int_equal(a.class, CLASS_SCHEDULE);
    /* The four constants take two cycles of the two load slots, the adds two more. */
    assert_int_equal(a.what_if.renamed.reschedule, 4);
    assert_int_equal(find_item(&a, CLASS_SCHEDULE, "Use more of the scratch")->saving, 12 - 4);
    text_free(&t);
}

static void a_chain_is_dep(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "[");
    repeat(&t, "{\"alu\": [[\"+\", 1, 1, 2]]}", 20);
    text_add(&t, "]");
    const struct advice a = advise_json(t.at, (struct advice_facts){0});
    assert_int_equal(a.class, CLASS_DEP);
    /* Twenty adds are two cycles' work. */
    assert_int_equal(find_item(&a, CLASS_DEP, "Shorten the chain of 20")->saving, 18);
    text_free(&t);
}

/* Two cycles before the loop, then ten iterations of three, in which load, add and store wait for each other;
 * from one to the next it is the count and the address, one cycle, or the jump that keeps them apart. */
static void iterations_apart_are_dep(void **state)
{
    (void)state;
    const struct advice a = advise_json(
        "[{\"load\": [[\"const\", 1, 10], [\"const\", 9, 0]]}, {\"load\": [[\"const\", 2, 1]]},"
        " {\"load\": [[\"load\", 3, 9]], \"alu\": [[\"-\", 1, 1, 2]]}, {\"alu\": [[\"+\", 4, 3, 2]]},"
        " {\"store\": [[\"store\", 9, 4]], \"alu\": [[\"+\", 9, 9, 2]], \"flow\": [[\"cond_jump\", 1, 2]]}]",
        (struct advice_facts){0});
    assert_int_equal(a.class, CLASS_DEP);
    assert_true(a.what_if.now.reschedule >= 31 && a.what_if.unrolled.reschedule <= 15);
    assert_int_equal(find_item(&a, CLASS_DEP, "Unroll")->saving, 32 - a.what_if.unrolled.reschedule);
}

/* Ten cycles with every slot of an engine, each word written once. */
static struct advice advise_full(const char *engine, const char *op, unsigned slots, unsigned step,
                                 const char *rest, struct advice_facts facts)
{
    struct text t = {0};
    unsigned word = 0;
    text_add(&t, "[");
    for (unsigned i = 0; i < 10; i++) {
        text_addf(&t, "%s{\"%s\": [", i ? ", " : "", engine);
        for (unsigned k = 0; k < slots; k++, word += step)
            text_addf(&t, "%s[\"%s\", %u, %s]", k ? ", " : "", op, word, rest);
        text_add(&t, "]}");
    }
    text_add(&t, "]");
    const struct advice a = advise_json(t.at, facts);
    text_free(&t);
    return a;
}

static void full_engines_are_their_class(void **state)
{
    (void)state;
    const struct advice_facts none = {0};
    struct advice a = advise_full("alu", "+", 12, 1, "600, 601", none);
    assert_int_equal(a.class, CLASS_COMPUTE);
    /* 120 as vectors are 15 valu slots: 3 cycles. */
    assert_int_equal(find_item(&a, CLASS_COMPUTE, "Work on 8")->saving, 7);
    a = advise_full("valu", "+", 6, 8, "600, 608", none);
    assert_int_equal(a.class, CLASS_COMPUTE);
    /* 60 vectors; 48 on valu and 12 lane by lane take 8 cycles each. */
    assert_int_equal(find_item(&a, CLASS_COMPUTE, "Compute 12 of the 60")->saving, 2);
    a = advise_full("load", "load", 2, 1, "600", (struct advice_facts){.gathers = 20, .repeated = 12});
    assert_int_equal(a.class, CLASS_GATHER);
    assert_int_equal(find_item(&a, CLASS_GATHER, "Keep what is loaded: 12 of 20")->saving, 6);
    a = advise_full("load", "const", 2, 1, "7", (struct advice_facts){.constants = 20});
    assert_int_equal(a.class, CLASS_LOAD);
    a = advise_full("flow", "vselect", 1, 8, "600, 608, 616", none);
    assert_int_equal(a.class, CLASS_FLOW);
    /* 10 on flow, or 3 there and 7 as 14 valu slots: 3 cycles. */
    assert_int_equal(find_item(&a, CLASS_FLOW, "Compute 7 of the 10")->saving, 7);
}

/* Addresses 8 to 23 in words 8 to 23, made by 8 cycles of loads; then a word is stored to each: 16 stores
 * of one word that could be two of a vector. */
static void stores_in_a_row_are_store(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "{\"machine\": {\"slots\": {\"load\": 16, \"store\": 1}}, \"program\": [{\"load\": [");
    for (unsigned i = 8; i < 24; i++)
        text_addf(&t, "%s[\"const\", %u, %u]", i > 8 ? ", " : "", i, i);
    text_add(&t, "]}");
    for (unsigned i = 8; i < 24; i++)
        text_addf(&t, ", {\"store\": [[\"store\", %u, 600]]}", i);
    text_add(&t, "]}");
    const struct advice a = advise_json(t.at, (struct advice_facts){0});
    assert_int_equal(a.class, CLASS_STORE);
    assert_int_equal(
        find_item(&a, CLASS_STORE, "Store words in a row as vectors: 16 stores of one word would be 2")
            ->saving,
        14);
    text_free(&t);
}

/* Ten cycles of constants, all of which one slot reads, and five after it in a chain: the loads have
 * nothing to do in the last six of 16. */
static void fill_and_drain_are_launch(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "[");
    for (unsigned i = 0; i < 10; i++)
        text_addf(&t, "{\"load\": [[\"const\", %u, 1], [\"const\", %u, 2]]}, ", 2 * i, 2 * i + 1);
    text_add(&t, "{\"valu\": [[\"multiply_add\", 100, 0, 8, 12]]}, ");
    for (unsigned i = 0; i < 5; i++)
        text_addf(&t, "{\"valu\": [[\"+\", 100, 100, 100]]}%s", i < 4 ? ", " : "]");
    const struct advice a = advise_json(t.at, (struct advice_facts){0});
    assert_int_equal(a.class, CLASS_LAUNCH);
    text_free(&t);
}

static void nothing_is_launch(void **state)
{
    (void)state;
    const struct advice a = advise_json("[{\"alu\": []}]", (struct advice_facts){0});
    assert_int_equal(a.class, CLASS_LAUNCH);
    assert_int_equal(a.n, 0);
}

static void random_programs_are_promised_no_more_than_there_is(void **state)
{
    (void)state;
    for (uint64_t seed = 2000; seed < 2300; seed++) {
        struct recording r = record_drawn(seed, seed % 2);
        advise(&r.h, (struct advice_facts){.gathers = seed % 7, .repeated = seed % 5, .constants = seed % 3});
        recording_free(&r);
    }
}

/* --- the ladder ------------------------------------------------------------------------ */

/* The class of each rung, and what the one above it does. */
static void the_ladder_is_climbed_by_advice(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum advice_class class;
        const char *advice; /* that comes first */
    } rungs[] = {{"scalar", CLASS_SCHEDULE, "Use more of the scratch"},
                 {"packed", CLASS_COMPUTE, "Work on 8 strands at once"},
                 {"resident", CLASS_DEP, "Unroll"},
                 {"grouped", CLASS_DEP, "Unroll"},
                 {"interleaved", CLASS_GATHER, "Take work off load"},
                 {"best", CLASS_COMPUTE, "Take work off valu"}};
    const struct kern_params params = kern_defaults(&tree_hash);
    uint64_t before = UINT64_MAX;
    for (unsigned i = 0; i < sizeof rungs / sizeof *rungs; i++) {
        const struct kern_request rq = {.params = params,
                                        .contract = kern_default_contract(&tree_hash, &params),
                                        .machine = isa_default_machine()};
        struct kern_programs programs;
        struct kern_instance *instance;
        struct recording r;
        struct diag d;
        assert_int_equal(
            kern_build(&tree_hash, kern_find_variant(&tree_hash, rungs[i].name), &rq, &programs, &d), ST_OK);
        assert_int_equal(kern_instance_create(&tree_hash, &params, rq.contract, 1, &instance, &d), ST_OK);
        const struct sim_config config = sim_default_config();
        record_on(&r, programs.list.at[0].prog, &config, instance->image, instance->words);
        const struct advice a = advise(&r.h, (struct advice_facts){.gathers = 4096, .repeated = 3243});
        assert_int_equal(a.class, rungs[i].class);
        assert_true(a.n > 0 && !strncmp(a.item[0].text, rungs[i].advice, strlen(rungs[i].advice)));
        assert_true(r.h.cycles < before);
        before = r.h.cycles;
        hist_free(&r.h);
        sim_destroy(r.s);
        kern_instance_destroy(instance);
        kern_programs_free(&programs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loose_bundles_are_schedule),
        cmocka_unit_test(words_used_again_are_schedule),
        cmocka_unit_test(a_chain_is_dep),
        cmocka_unit_test(iterations_apart_are_dep),
        cmocka_unit_test(full_engines_are_their_class),
        cmocka_unit_test(stores_in_a_row_are_store),
        cmocka_unit_test(fill_and_drain_are_launch),
        cmocka_unit_test(nothing_is_launch),
        cmocka_unit_test(random_programs_are_promised_no_more_than_there_is),
        cmocka_unit_test(the_ladder_is_climbed_by_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
