/* Traces from inside: the exact text of a small one, programs one after the other, output that
 * fails, memory that runs out at every possible word_range. What is in the files is checked by readers
 * of their own (tests/traces). This program is linked with --wrap for the allocator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing.h"
#include "traces/formats/trace.h"

static const struct trace_format *const formats[] = {&trace_chrome, &trace_perfetto, &trace_vcd};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Keeps what is written, up to `limit` bytes. */
struct kept {
    struct text text;
    size_t limit;
    unsigned calls;
};

static bool keep(void *user, const void *data, size_t size)
{
    struct kept *k = user;
    k->calls++;
    if (k->text.n + size > k->limit)
        return false;
    text_add_n(&k->text, data, size);
    return text_ok(&k->text);
}

static struct prog *read_program(const char *text)
{
    struct prog *p = NULL;
    (void)prog_read_json(text, strlen(text), NULL, &p, NULL);
    return p;
}

/* --- output ------------------------------------------------------------------------ */

static void test_out(void **state)
{
    (void)state;
    static struct out o;
    static char large[OUT_BUFFER + 1];
    struct kept k = {.limit = SIZE_MAX};
    memset(large, 'x', sizeof large);
    out_begin(&o, keep, &k);
    out_string(&o, "ab");
    assert_int_equal(k.calls, 0);
    out_bytes(&o, large, OUT_BUFFER - 2);
    assert_int_equal(k.calls, 0);
    out_bytes(&o, "", 0);
    out_string(&o, "c");
    assert_int_equal(k.calls, 1);
    assert_int_equal(k.text.n, OUT_BUFFER);
    out_bytes(&o, large, sizeof large);
    assert_int_equal(k.text.n, OUT_BUFFER + 1 + sizeof large);
    out_string(&o, "d");
    assert_true(out_end(&o));
    assert_int_equal(k.text.n, OUT_BUFFER + 2 + sizeof large);
    assert_memory_equal(k.text.at, "abx", 3);
    assert_memory_equal(k.text.at + OUT_BUFFER - 1, "xcx", 3);
    assert_string_equal(k.text.at + k.text.n - 2, "xd");
    text_free(&k.text);
}

static void test_out_fails(void **state)
{
    (void)state;
    static struct out o;
    struct kept k = {.limit = 3};
    out_begin(&o, keep, &k);
    out_string(&o, "four");
    assert_false(out_end(&o));
    out_string(&o, "one");
    assert_false(out_end(&o));
    assert_int_equal(k.calls, 1);
    struct text bad = {.failed = true};
    out_begin(&o, keep, &k);
    out_text(&o, &bad);
    assert_false(out_end(&o));
    assert_int_equal(k.calls, 1);
}

/* --- whole traces ------------------------------------------------------------------- */

static const char first_program[] =
    "{\"machine\": {\"slots\": {\"alu\": 2, \"valu\": 0, \"load\": 1, \"store\": 1, \"flow\": 1}, \"vlen\": "
    "2},"
    "\"scratch_map\": {\"0\": [\"x\", 1], \"1\": [\"v\", 3]}, \"program\": ["
    "{\"load\": [[\"const\", 0, 1]]},"
    "{\"debug\": [[\"comment\", \"free\"]]},"
    "{\"alu\": [[\"+\", 3, 0, 0], [\"+\", 3, 3, 0]], \"store\": [[\"vstore\", 0, 0]]},"
    "{\"flow\": [[\"jump\", 9]]}]}";
static const char second_program[] =
    "{\"machine\": {\"slots\": {\"alu\": 2, \"valu\": 0, \"load\": 1, \"store\": 1, "
    "\"flow\": 1}, \"vlen\": 2}, \"scratch_map\": {\"2\": [\"y\", 1]}, "
    "\"program\": [{\"load\": [[\"load\", 2, 0]]}, {\"flow\": [[\"halt\"]]}]}";

/* Both programs, one after the other on memory of 4 words; the status of the first failure. */
static enum status write_both(const struct trace_format *format, struct trace_options options,
                              struct out *out, struct prog *const *p)
{
    const struct trace_program programs[] = {{p[0], "first"}, {p[1], "second"}};
    struct sim_config config = sim_default_config();
    config.machine = p[0]->machine;
    uint32_t mem[4] = {7, 8, 9, 10};
    struct trace *t;
    enum status status = trace_create(&t, format, &options, &config.machine, programs, 2, out, NULL);
    for (uint32_t i = 0; i < 2 && status == ST_OK && trace_goes_on(t); i++) {
        struct sim *s;
        status = sim_create(p[i], &config, mem, 4, &s, NULL);
        if (status != ST_OK)
            break;
        status = trace_run(t, i, s, NULL);
        if (status == ST_OK && s->fault.kind == FAULT_OUT_OF_MEMORY)
            status = ST_NOMEM;
        memcpy(mem, s->mem, sizeof mem);
        sim_destroy(s);
    }
    if (t) {
        const enum status ended = trace_end(t, NULL);
        status = status == ST_OK ? ended : status;
    }
    trace_destroy(t);
    return status;
}

static void both_are(const struct trace_format *format, struct trace_options options, const char *expected)
{
    static struct out o;
    struct kept k = {.limit = SIZE_MAX};
    struct prog *const p[] = {read_program(first_program), read_program(second_program)};
    out_begin(&o, keep, &k);
    assert_int_equal(write_both(format, options, &o, p), ST_OK);
    assert_true(out_end(&o));
    assert_string_equal(k.text.at, expected);
    prog_destroy(p[0]);
    prog_destroy(p[1]);
    text_free(&k.text);
}

static const struct trace_options everything = {
    .to = UINT64_MAX, .limit = UINT64_MAX, .engine = {true, true, true, true, true}};

#define TITLE(WHAT, PID, TID, NAME)                                           \
    "{\"name\": \"" WHAT "\", \"ph\": \"M\", \"pid\": " PID ", \"tid\": " TID \
    ", \"args\": {\"name\": \"" NAME "\"}}"
#define SLOT(NAME, ENGINE, TID, TS, ARGS)                                                           \
    ",\n{\"name\": \"" NAME "\", \"cat\": \"" ENGINE "\", \"ph\": \"X\", \"pid\": 0, \"tid\": " TID \
    ", \"ts\": " TS ", \"dur\": 1, \"args\": {" ARGS "}}"
#define VALUES(NAME, PID, TID, TS)                                                                     \
    ",\n{\"name\": \"" NAME "\", \"cat\": \"scratch\", \"ph\": \"X\", \"pid\": " PID ", \"tid\": " TID \
    ", \"ts\": " TS ", \"dur\": 1}"
#define ARGS(SLOT, NAMED, BUNDLE) "\"slot\": \"" SLOT "\", \"named\": \"" NAMED "\", \"bundle\": " BUNDLE
#define WROTE(VALUES) ", \"wrote\": \"" VALUES "\""
#define LOADED                                                                       \
    SLOT("load", "load", "3", "3",                                                   \
         ARGS("[\\\"load\\\",2,0]", "load y, 0", "0") ", \"address\": 0" WROTE("7")) \
    VALUES("7", "2", "100002", "3")
#define PROCESS(PID, NAME) TITLE("process_name", PID, "0", NAME)
#define THREAD(PID, TID, NAME) ",\n" TITLE("thread_name", PID, TID, NAME)
#define VARIABLES                                                                 \
    ",\n" PROCESS("1", "Core 0 Scratch, first") THREAD("1", "100000", "x-1")      \
        THREAD("1", "100001", "v-3") ",\n" PROCESS("2", "Core 0 Scratch, second") \
            THREAD("2", "100002", "y-1")
#define TITLES                                                                       \
    "[\n" PROCESS("0", "Core 0") THREAD("0", "1", "alu-0") THREAD("0", "2", "alu-1") \
        THREAD("0", "3", "load-0") THREAD("0", "4", "store-0") THREAD("0", "5", "flow-0") VARIABLES

/* The bundle that costs nothing is not there; the last write to a word counts; the second
 * program goes on in time, sees what the first has stored, and has tracks of its own. */
static void test_chrome(void **state)
{
    (void)state;
    static const char expected[] = TITLES SLOT("const", "load", "3", "0",
                                               ARGS("[\\\"const\\\",0,1]", "const x, 1", "0")
                                                   WROTE("1")) VALUES("1", "1", "100000", "0")
        SLOT("+", "alu", "1", "1", ARGS("[\\\"+\\\",3,0,0]", "+ v+2, x, x", "2") WROTE("2"))
            SLOT("+", "alu", "2", "1", ARGS("[\\\"+\\\",3,3,0]", "+ v+2, v+2, x", "2") WROTE("1"))
                SLOT("vstore", "store", "4", "1",
                     ARGS("[\\\"vstore\\\",0,0]", "vstore x, x", "2") ", \"address\": 1" WROTE("1, 0"))
                    VALUES("0, 0, 1", "1", "100001", "1") SLOT("jump", "flow", "5", "2",
                                                               ARGS("[\\\"jump\\\",9]", "jump 9", "3"))
                        LOADED SLOT("halt", "flow", "5", "4", ARGS("[\\\"halt\\\"]", "halt", "1")) "\n]\n";
    both_are(&trace_chrome, everything, expected);
}

/* The cycles of the window only, over both programs; none of the slots of others. */
static void test_window(void **state)
{
    (void)state;
    struct trace_options some = {.from = 2, .to = 4, .limit = UINT64_MAX, .engine = {[ENGINE_LOAD] = true}};
    both_are(&trace_chrome, some,
             "[\n" PROCESS("0", "Core 0") THREAD("0", "3", "load-0") VARIABLES LOADED "\n]\n");
}

/* A window behind the end, and one behind the first program's: complete, and empty. */
static void test_empty(void **state)
{
    (void)state;
    struct trace_options none = everything;
    none.from = 100;
    both_are(&trace_chrome, none, TITLES "\n]\n");
    static struct out o;
    for (unsigned f = 0; f < FORMATS; f++) {
        struct kept k = {.limit = SIZE_MAX};
        struct prog *const p[] = {read_program(first_program), read_program(second_program)};
        out_begin(&o, keep, &k);
        assert_int_equal(write_both(formats[f], none, &o, p), ST_OK);
        assert_true(out_end(&o) && k.text.n > 0);
        prog_destroy(p[0]);
        prog_destroy(p[1]);
        text_free(&k.text);
    }
}

/* --- what goes wrong -------------------------------------------------------------------- */

static const char loop[] =
    "{\"scratch_map\": {\"1\": [\"n\", 1]}, \"program\": [{\"load\": [[\"const\", 0, 1]]}, "
    "{\"alu\": [[\"+\", 1, 1, 0]], \"flow\": [[\"jump\", 1]]}]}";

/* An endless loop, with that limit and that much capacity; the machine's cycle at the end. */
static uint64_t write_loop(const struct trace_format *format, uint64_t limit, struct kept *k,
                           enum status expected)
{
    static struct out o;
    struct trace_options options = everything;
    options.limit = limit;
    struct prog *p = read_program(loop);
    const struct trace_program program = {p, "loop"};
    const struct sim_config config = sim_default_config();
    struct trace *t;
    struct sim *s;
    out_begin(&o, keep, k);
    assert_int_equal(sim_create(p, &config, NULL, 0, &s, NULL), ST_OK);
    assert_int_equal(trace_create(&t, format, &options, &config.machine, &program, 1, &o, NULL), ST_OK);
    assert_int_equal(trace_run(t, 0, s, NULL), expected);
    assert_false(trace_goes_on(t));
    assert_int_equal(trace_end(t, NULL), ST_OK);
    assert_int_equal(out_end(&o), expected == ST_LIMIT);
    trace_destroy(t);
    const uint64_t cycle = s->cycle;
    sim_destroy(s);
    prog_destroy(p);
    return cycle;
}

static void test_limit(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FORMATS; f++) {
        struct kept k = {.limit = SIZE_MAX};
        assert_int_equal(write_loop(formats[f], 1000, &k, ST_LIMIT), 1000);
        text_free(&k.text);
    }
}

/* A full disk ends the run soon. */
static void test_full(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FORMATS; f++) {
        struct kept k = {.limit = 1000};
        assert_true(write_loop(formats[f], UINT64_MAX, &k, ST_OK) < 20000);
        assert_true(k.text.n <= 1000);
        text_free(&k.text);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    static struct out o;
    struct prog *const p[] = {read_program(first_program), read_program(second_program)};
    for (unsigned f = 0; f < 2 * FORMATS; f++) {
        long places = 0;
        p[0]->machine.latency[ENGINE_LOAD] = f < FORMATS ? 1 : 3;
        for (failed = true; failed; places++) {
            struct kept k = {.limit = SIZE_MAX};
            live = 0;
            out_begin(&o, keep, &k);
            fail_after(places);
            const enum status status = write_both(formats[f % FORMATS], everything, &o, p);
            const bool whole = out_end(&o) && status == ST_OK;
            countdown = -1;
            assert_int_equal(whole, !failed);
            assert_true(status == ST_OK || status == ST_NOMEM);
            text_free(&k.text);
            assert_int_equal(live, 0);
        }
        assert_true(places > 20);
    }
    prog_destroy(p[0]);
    prog_destroy(p[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out),    cmocka_unit_test(test_out_fails), cmocka_unit_test(test_chrome),
        cmocka_unit_test(test_window), cmocka_unit_test(test_empty),     cmocka_unit_test(test_limit),
        cmocka_unit_test(test_full),   cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
