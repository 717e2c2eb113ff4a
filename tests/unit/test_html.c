/* The report as a page: streams decoded by other code give the recorded run again; the data is JSON
 * and stays inside its element; limits, and memory that runs out. Linked with --wrap for the allocator
 * (see the Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/failing.h"
#include "tests/unit/recording.h"
#include "traces/html/html.h"
#include "traces/html/html_pack.h"

static struct profile profiled(const struct history *h)
{
    struct profile p;
    struct diag d;
    assert_int_equal(profile_make(h, &(struct profile_request){.by = BREAKDOWN_KINDS}, &p, &d), ST_OK);
    return p;
}

/* --- streams ------------------------------------------------------------------------ */

/* What is left of a stream. */
struct reader {
    const struct text *t;
    size_t at;
};

static uint64_t get(struct reader *r)
{
    uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(r->at < r->t->n);
        const unsigned char byte = (unsigned char)r->t->at[r->at++];
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return n;
    }
}

static int64_t get_signed(uint64_t n)
{
    return n & 1 ? -(int64_t)(n / 2) - 1 : (int64_t)(n / 2);
}

/* A slot of the program as its stream has it, against the slot and the way it prints. */
static void check_code(const struct html_pack *pack, const struct prog *p, const struct isa_slot *s,
                       struct reader *r)
{
    const struct isa_effects fx = isa_effects(s, p->machine.vlen);
    assert_int_equal(get(r), s->engine);
    const uint64_t access = get(r), dest = get(r);
    if (fx.writes) {
        assert_in_range(access, 1, 2);
        assert_int_equal(dest, fx.write.first);
    } else {
        assert_true(access == 0 || access == 3);
    }
    struct text found = {0}, expected = {0};
    const uint64_t texts = get(r);
    for (uint64_t i = 0; i < texts; i++) {
        text_add(&found, i == 0 ? "" : i == 1 ? " " : ", ");
        text_add(&found, pack->words.at[get(r)]);
    }
    prog_slot_text(p, s, &expected);
    assert_string_equal(found.at, expected.at);
    text_free(&found);
    text_free(&expected);
    assert_int_equal(get(r), fx.reads);
    for (unsigned i = 0; i < fx.reads; i++) {
        const uint64_t operand = get(r);
        assert_in_range(operand, 0, ISA_MAX_ARGS - 1);
        assert_true(isa_info((enum isa_op)s->op)->role[operand] == ROLE_SRC ||
                    isa_info((enum isa_op)s->op)->role[operand] == ROLE_VSRC);
        assert_int_equal(get(r), fx.read[i].first);
        assert_int_equal(get(r), fx.read[i].n);
    }
}

/* Fills `slot_of` (by word_range in the stream) with the slots of the program. */
static void check_codes(const struct html_pack *pack, const struct history *h, uint32_t *slot_of)
{
    struct reader r = {&pack->code, 0};
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->prog->slots.n; i++) {
        bool executed = false;
        for (uint32_t s = 0; s < hist_n(h) && !executed; s++)
            executed = h->slots.at[s].slot == i;
        if (!executed)
            continue;
        check_code(pack, h->prog, &h->prog->slots.at[i], &r);
        slot_of[n++] = i;
    }
    assert_int_equal(n, pack->codes);
    assert_int_equal(r.at, pack->code.n);
}

static void check_slot(const struct history *h, uint32_t slot, struct reader *r)
{
    const struct hist_slot *s = &h->slots.at[slot];
    const enum isa_kind kind = isa_info((enum isa_op)hist_isa(h, slot)->op)->kind;
    const struct hist_ready ready = hist_ready(h, slot);
    assert_int_equal(get(r), s->words);
    if (kind == KIND_LOAD || kind == KIND_VLOAD || kind == KIND_STORE || kind == KIND_VSTORE)
        assert_int_equal(get(r), s->address);
    assert_int_equal(get(r), hist_cycle(h, slot) - ready.value);
    assert_int_equal(get(r), hist_cycle(h, slot) - ready.used);
    assert_int_equal(get(r), hist_cycle(h, slot) - ready.order);
    assert_int_equal(get(r), s[1].first_edge - s->first_edge);
    for (uint32_t e = s->first_edge; e < s[1].first_edge; e++) {
        const uint64_t packed = get(r);
        assert_int_equal(packed & 7, h->edges.at[e].kind);
        assert_int_equal((int64_t)slot - get_signed(packed >> 3), h->edges.at[e].from);
        assert_int_equal(get(r), h->edges.at[e].word);
    }
}

static void check_run(const struct html_pack *pack, const struct history *h, const uint32_t *slot_of)
{
    struct reader r = {&pack->run, 0};
    uint64_t cycle = 0;
    int64_t code = 0;
    uint32_t slot = 0;
    for (uint32_t b = 0; b < pack->bundles; b++) {
        const struct hist_bundle *bundle = &h->bundles.at[h->slots.at[slot].bundle];
        assert_int_equal(get(&r), bundle->bundle);
        cycle += get(&r);
        assert_int_equal(cycle, bundle->cycle);
        assert_int_equal(get(&r), bundle->core);
        for (uint64_t left = get(&r); left > 0; left--, slot++) {
            code += get_signed(get(&r));
            assert_ptr_equal(bundle, &h->bundles.at[h->slots.at[slot].bundle]);
            assert_int_equal(slot_of[code], h->slots.at[slot].slot);
            check_slot(h, slot, &r);
        }
    }
    assert_int_equal(slot, hist_n(h));
    assert_int_equal(r.at, pack->run.n);
}

static void check_time(const struct html_pack *pack, const struct profile *p)
{
    struct reader holes = {&pack->holes, 0}, words = {&pack->live, 0};
    for (uint32_t c = 0; c < p->h->cycles; c++) {
        for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
            assert_int_equal(get(&holes), p->holes.used[c][e]);
            for (unsigned k = 0; k < CAUSES; k++)
                assert_int_equal(get(&holes), p->holes.cause[c][e][k]);
        }
        assert_int_equal(get(&words), p->live.words[c]);
    }
    assert_int_equal(holes.at, pack->holes.n);
    assert_int_equal(words.at, pack->live.n);
}

static void check_recording(const struct recording *r)
{
    struct profile p = profiled(&r->h);
    struct html_pack pack;
    struct diag d;
    assert_int_equal(html_pack(&r->h, &p.holes, &p.live, &pack, &d), ST_OK);
    uint32_t *slot_of = calloc(r->h.prog->slots.n + 1, sizeof *slot_of);
    assert_non_null(slot_of);
    check_codes(&pack, &r->h, slot_of);
    check_run(&pack, &r->h, slot_of);
    check_time(&pack, &p);
    assert_int_equal(pack.values.n, 4 * r->h.values.n);
    for (size_t i = 0; i < r->h.values.n; i++) {
        const unsigned char *b = (const unsigned char *)pack.values.at + 4 * i;
        const uint32_t value =
            (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        assert_int_equal(value, r->h.values.at[i]);
    }
    free(slot_of);
    html_pack_free(&pack);
    profile_free(&p);
}

static void test_random_runs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct recording r = record_drawn(seed, seed % 2);
        check_recording(&r);
        recording_free(&r);
    }
}

/* A name with all that sets operands apart, and one that is nothing special. */
static const char *const awkward = "{\"scratch_map\": {\"3\": [\"a, \\\"b\\\\\", 2], \"9\": [\"</script>\", "
                                   "1], \"12\": [\"x\", 8]}, \"program\": ["
                                   "{\"load\": [[\"const\", 3, 20], [\"const\", 9, 1]]}, {\"alu\": [[\"+\", "
                                   "4, 3, 9]], \"valu\": [[\"vbroadcast\", "
                                   "12, 3]]}, {\"store\": [[\"vstore\", 3, 12]], \"flow\": [[\"cond_jump\", "
                                   "9, 4]]}, {}, {\"alu\": [[\"+\", 4, 4, 4]]}]}";

static void test_awkward_names(void **state)
{
    (void)state;
    struct recording r = record_json(awkward);
    assert_int_equal(hist_n(&r.h), 7);
    check_recording(&r);
    recording_free(&r);
}

/* The examples of RFC 4648. */
static void test_base64(void **state)
{
    (void)state;
    static const char *const expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t n = 0; n < sizeof expected / sizeof *expected; n++) {
        struct text in = {0}, out = {0};
        text_add_n(&in, "foobar", n);
        text_add(&out, "");
        html_base64(&in, &out);
        assert_string_equal(out.at, expected[n]);
        text_free(&in);
        text_free(&out);
    }
}

/* --- pages -------------------------------------------------------------------------- */

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    return n;
}

/* The data of a page, as another reader of JSON finds it. */
static json_t *data_of(const struct text *page)
{
    static const char begin[] = "<script type=\"application/json\" id=\"data\">\n";
    const char *from = strstr(page->at, begin);
    assert_non_null(from);
    from += strlen(begin);
    const char *to = strstr(from, "</script>");
    assert_non_null(to);
    json_error_t error;
    json_t *data = json_loadb(from, (size_t)(to - from), 0, &error);
    if (!data)
        fail_msg("%s, at byte %d", error.text, error.position);
    return data;
}

static void test_page(void **state)
{
    (void)state;
    struct recording r = record_json(awkward), plain = record_json("[]");
    struct profile p = profiled(&r.h), q = profiled(&plain.h);
    const struct html_part part = {"one", &p}, other = {"two", &q};
    const struct html_side side = {"<!--<script>", &part, 1}, against = {"", &other, 1};
    struct text page = {0}, empty = {0};
    struct diag d;
    assert_int_equal(html_write(&side, &against, &page, &d), ST_OK);
    assert_int_equal(html_write(&against, NULL, &empty, &d), ST_OK);
    assert_int_equal(count(page.at, "</script"), count(empty.at, "</script"));
    assert_int_equal(count(page.at, "<!--"), count(empty.at, "<!--"));
    json_t *data = data_of(&page);
    json_t *sides = json_object_get(data, "sides");
    assert_int_equal(json_array_size(sides), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(sides, 0), "title")), side.title);
    const json_t *found = json_array_get(json_object_get(json_array_get(sides, 0), "parts"), 0);
    assert_int_equal(json_integer_value(json_object_get(found, "slots")), 7);
    assert_int_equal(json_integer_value(json_object_get(found, "cycles")), 4);
    json_decref(data);
    text_free(&page);
    text_free(&empty);
    profile_free(&p);
    profile_free(&q);
    recording_free(&r);
    recording_free(&plain);
}

static void test_limits(void **state)
{
    (void)state;
    struct recording r = record_json("[{\"load\": [[\"const\", 0, 1]]}]");
    struct profile p = profiled(&r.h);
    const struct html_part part = {"one", &p};
    struct text page = {0};
    struct diag d;
    p.slots = HTML_MAX_SLOTS + 1;
    assert_int_equal(html_write(&(struct html_side){"", &part, 1}, NULL, &page, &d), ST_LIMIT);
    assert_non_null(strstr(d.text, "--cycles"));
    assert_int_equal(page.n, 0);
    p.slots = 1;
    r.h.cycles = HTML_MAX_CYCLES + 1;
    assert_int_equal(html_write(&(struct html_side){"", &part, 1}, NULL, &page, &d), ST_LIMIT);
    r.h.cycles = 1;
    profile_free(&p);
    recording_free(&r);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct recording r = record_json(awkward), s = record_random(7);
    struct profile p = profiled(&r.h), q = profiled(&s.h);
    const struct html_part part = {"one", &p}, other = {"two", &q};
    const struct html_side side = {"a", &part, 1}, against = {"b", &other, 1};
    long places = 0;
    for (bool whole = false; !whole; places++) {
        struct text page = {0};
        struct diag d;
        const long before = live;
        fail_after(places);
        const enum status status = html_write(&side, &against, &page, &d);
        countdown = -1;
        assert_int_equal(status, failed ? ST_NOMEM : ST_OK);
        whole = !failed;
        text_free(&page);
        assert_int_equal(live, before);
    }
    assert_true(places > 50);
    profile_free(&p);
    profile_free(&q);
    recording_free(&r);
    recording_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_runs), cmocka_unit_test(test_awkward_names),
        cmocka_unit_test(test_base64),      cmocka_unit_test(test_page),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
