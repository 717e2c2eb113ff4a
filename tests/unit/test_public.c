/* The public interface to programs and machines beyond what embed.c uses: programs from
 * Python's marshal format, texts, and machines that go on under another config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/base/random.h"
#include "sim/program/marshal.h"
#include "sim/sheaf.h"
#include "tests/unit/failing.h"

/* What CPython 3.11 makes of marshal.dumps(bundles, 2), with
 * bundles = [{"load": [("const", 0, -7), ["vload", 8, 0]], "alu": []}, {},
 *            {"debug": [("compare", 0, (1, 2.5, "a\"\n\u00e9", None, True, {"k": 2**40, "m": -2**62}))]},
 *            {"flow": [("halt",)]}] */
static const char marshalled[] =
    "\x5b\x04\x00\x00\x00\x7b\x75\x04\x00\x00\x00\x6c\x6f\x61\x64\x5b\x02\x00\x00\x00\x28\x03"
    "\x00\x00\x00\x75\x05\x00\x00\x00\x63\x6f\x6e\x73\x74\x69\x00\x00\x00\x00\x69\xf9\xff\xff"
    "\xff\x5b\x03\x00\x00\x00\x75\x05\x00\x00\x00\x76\x6c\x6f\x61\x64\x69\x08\x00\x00\x00\x69"
    "\x00\x00\x00\x00\x75\x03\x00\x00\x00\x61\x6c\x75\x5b\x00\x00\x00\x00\x30\x7b\x30\x7b\x75"
    "\x05\x00\x00\x00\x64\x65\x62\x75\x67\x5b\x01\x00\x00\x00\x28\x03\x00\x00\x00\x75\x07\x00"
    "\x00\x00\x63\x6f\x6d\x70\x61\x72\x65\x69\x00\x00\x00\x00\x28\x06\x00\x00\x00\x69\x01\x00"
    "\x00\x00\x67\x00\x00\x00\x00\x00\x00\x04\x40\x75\x05\x00\x00\x00\x61\x22\x0a\xc3\xa9\x4e"
    "\x54\x7b\x75\x01\x00\x00\x00\x6b\x6c\x03\x00\x00\x00\x00\x00\x00\x00\x00\x04\x75\x01\x00"
    "\x00\x00\x6d\x6c\xfb\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x30\x30\x7b\x75"
    "\x04\x00\x00\x00\x66\x6c\x6f\x77\x5b\x01\x00\x00\x00\x28\x01\x00\x00\x00\x75\x04\x00\x00"
    "\x00\x68\x61\x6c\x74\x30";
enum { MARSHALLED = sizeof marshalled - 1 };

static const char key[] =
    "[1,2.5,\"a\\\"\\n\xc3\xa9\",null,1,{\"k\":1099511627776,\"m\":-4611686018427387904}]";

static struct sheaf_program *read_json(const char *text)
{
    struct sheaf_program *p;
    struct sheaf_error error;
    if (sheaf_program_parse_json(text, strlen(text), NULL, &p, &error) != SHEAF_OK)
        fail_msg("%s", error.text);
    return p;
}

static void programs_from_marshal(void **state)
{
    (void)state;
    struct sheaf_program *p;
    struct sheaf_error error;
    char text[1000], expected[1000];
    assert_int_equal(sheaf_program_parse_marshal(marshalled, MARSHALLED, NULL, &p, &error), SHEAF_OK);
    const size_t n = sheaf_program_json(p, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_int_equal(sheaf_program_bundles(p), 4);
    assert_string_equal(sheaf_program_text(p, 0), key);
    assert_null(sheaf_program_text(p, 1));
    sheaf_program_destroy(p);
    p = read_json("[{\"load\":[[\"const\",0,-7],[\"vload\",8,0]],\"alu\":[]},{},"
                  "{\"debug\":[[\"compare\",0,[1,2.5,\"a\\\"\\n\xc3\xa9\",null,1,"
                  "{\"m\":-4611686018427387904,\"k\":1099511627776}]]]},{\"flow\":[[\"halt\"]]}]");
    assert_int_equal(sheaf_program_json(p, expected, sizeof expected), n);
    assert_string_equal(text, expected);
    assert_int_equal(sheaf_program_json(p, text, 4), n);
    assert_memory_equal(text, expected, 3);
    assert_int_equal(text[3], 0);
    sheaf_program_destroy(p);
}

static void refused(const char *data, size_t size, const char *what)
{
    struct sheaf_program *p;
    struct sheaf_error error;
    assert_int_equal(sheaf_program_parse_marshal(data, size, "x", &p, &error), SHEAF_INPUT);
    assert_null(p);
    if (!strstr(error.text, what))
        fail_msg("expected \"%s\" in \"%s\"", what, error.text);
}

static void wrong_marshal_is_refused(void **state)
{
    (void)state;
#define REFUSED(data, what) refused(data, sizeof(data) - 1, what)
    for (size_t n = 0; n < MARSHALLED; n++) {
        char *copy = malloc(n + 1); /* so that a read beyond it is found */
        memcpy(copy, marshalled, n);
        refused(copy, n, "the data ends");
        free(copy);
    }
    REFUSED("s\x01\x00\x00\x00x", "something else");
    REFUSED("[\xff\xff\xff\xff", "negative length");
    REFUSED("(\xff\xff\xff\x7f", "the data ends");
    REFUSED("[\x00\x00\x00\x00N", "1 bytes follow");
    REFUSED("{i\x00\x00\x00\x00", "the key of a dict");
    REFUSED("g\x00\x00\x00\x00\x00\x00\xf0\x7f", "finite");
    REFUSED("l\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00", "64 bits");
    REFUSED("l\x00\x00\x00\x80", "the data ends");
    REFUSED("i\x07\x00\x00\x00", "expected a program");
    REFUSED("[\x02\x00\x00\x00{0i\x07\x00\x00\x00", "x:2:1: expected a bundle");
#undef REFUSED
    char deep[5 * (MARSHAL_MAX_DEPTH + 1)];
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = "[\x01\x00\x00\x00"[i % 5];
    refused(deep, sizeof deep, "too deeply");
}

/* Whatever the bytes are, the answer is a program or one error. */
static void any_bytes(void **state)
{
    (void)state;
    struct rng r = {1};
    unsigned read = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char *data = malloc(MARSHALLED);
        memcpy(data, marshalled, MARSHALLED);
        for (uint64_t changes = 1 + rng_below(&r, 3); changes; changes--)
            data[rng_below(&r, MARSHALLED)] = (char)rng_next(&r);
        struct sheaf_program *p;
        struct sheaf_error error = {0};
        const enum sheaf_status status = sheaf_program_parse_marshal(data, MARSHALLED, NULL, &p, &error);
        assert_true(status == SHEAF_OK ? p != NULL : status == SHEAF_INPUT && !p && error.text[0]);
        read += status == SHEAF_OK;
        sheaf_program_destroy(p);
        free(data);
    }
    assert_true(read > 100);
}

/* --- going on under another config -------------------------------------------- */

/* Counts memory word 0 up in each of two parts, and compares before the second. */
static struct sheaf_program *two_parts(void)
{
    return read_json("[{\"load\":[[\"const\",1,1]]},{\"load\":[[\"load\",2,0]]},{\"alu\":[[\"+\",2,2,1]]},"
                     "{\"store\":[[\"store\",0,2]],\"flow\":[[\"pause\"]]},"
                     "{\"debug\":[[\"compare\",2,[\"x\"]]]},{\"alu\":[[\"+\",2,2,1],[\"+\",2,2,1]]},"
                     "{\"store\":[[\"store\",0,2]]}]");
}

static struct sheaf_machine *paused(const struct sheaf_program *p, enum sheaf_simulator simulator)
{
    const uint32_t memory[] = {41};
    struct sheaf_config config = sheaf_config_default();
    config.simulator = simulator;
    config.pause = true;
    struct sheaf_machine *m;
    assert_int_equal(sheaf_machine_create(p, &config, memory, 1, &m, NULL), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_PAUSED);
    assert_int_equal(sheaf_cycle(m), 4);
    return m;
}

static void changed_machines_go_on(void **state)
{
    (void)state;
    struct sheaf_program *p = two_parts();
    for (int engine = SHEAF_STEP; engine <= SHEAF_FAST; engine++) {
        struct sheaf_machine *m = paused(p, (enum sheaf_simulator)engine);
        uint32_t *const memory = sheaf_memory(m, NULL), *const scratch = sheaf_scratch(m, 0, NULL);
        struct sheaf_config config = sheaf_config_default();
        const struct sheaf_value values[] = {{"[\"x\"]", 42}};
        config.simulator = engine == SHEAF_STEP ? SHEAF_FAST : SHEAF_STEP;
        config.debug = true;
        config.values = values;
        config.n_values = 1;
        config.cores = 5; /* the shape of the machine is what it was */
        assert_int_equal(sheaf_machine_change(m, &config, NULL), SHEAF_OK);
        assert_ptr_equal(sheaf_memory(m, NULL), memory);
        assert_ptr_equal(sheaf_scratch(m, 0, NULL), scratch);
        assert_int_equal(sheaf_cores(m), 1);
        assert_int_equal(sheaf_pc(m, 0), 4);
        assert_int_equal(sheaf_core_state(m, 0), SHEAF_CORE_PAUSED);
        assert_int_equal(sheaf_run(m), SHEAF_STOPPED);
        assert_int_equal(sheaf_cycle(m), 6);
        assert_int_equal(sheaf_double_writes(m), 1);
        assert_int_equal(memory[0], 43);
        sheaf_machine_destroy(m);
    }
    sheaf_program_destroy(p);
}

static void changes_are_kept_to(void **state)
{
    (void)state;
    struct sheaf_program *p = two_parts();
    struct sheaf_machine *m = paused(p, SHEAF_FAST);
    struct sheaf_config config = sheaf_config_default();
    char text[200] = "x";
    assert_int_equal(sheaf_fault_text(m, text, sizeof text), 0);
    assert_string_equal(text, "");
    config.simulator = (enum sheaf_simulator)99;
    assert_int_equal(sheaf_machine_change(m, &config, NULL), SHEAF_INPUT);
    config = sheaf_config_default();
    config.strict = true;
    assert_int_equal(sheaf_machine_change(m, &config, NULL), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_FAULTED);
    const size_t n = sheaf_fault_text(m, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_non_null(strstr(text, "write_conflict: core 0, cycle 4, bundle 5, alu slot 1 `+ 2, 2, 1`: "));
    /* A fault stays. */
    config.strict = false;
    assert_int_equal(sheaf_machine_change(m, &config, NULL), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_FAULTED);
    sheaf_machine_destroy(m);
    sheaf_program_destroy(p);
}

/* --- memory that runs out ------------------------------------------------------ */

/* Reads a program and changes a machine half-way; the last status. */
static enum sheaf_status read_and_change(void)
{
    struct sheaf_program *p;
    enum sheaf_status status = sheaf_program_parse_marshal(marshalled, MARSHALLED, NULL, &p, NULL);
    if (status != SHEAF_OK)
        return status;
    const uint32_t memory[32] = {0};
    struct sheaf_config config = sheaf_config_default();
    config.debug = true;
    const struct sheaf_value values[] = {{key, 4294967289u}};
    struct sheaf_machine *m;
    status = sheaf_machine_create(p, &config, memory, 32, &m, NULL);
    if (status == SHEAF_OK) {
        (void)sheaf_step(m, 1);
        config.values = values;
        config.n_values = 1;
        status = sheaf_machine_change(m, &config, NULL);
        assert_int_equal(sheaf_cycle(m), 1);
        assert_int_equal(sheaf_scratch(m, 0, NULL)[0], 4294967289u);
        const enum sheaf_end end = sheaf_run(m);
        if (status == SHEAF_OK && !failed)
            assert_int_equal(end, SHEAF_STOPPED);
    }
    sheaf_machine_destroy(m);
    sheaf_program_destroy(p);
    return status;
}

static void memory_runs_out_at_every_place(void **state)
{
    (void)state;
    assert_int_equal(read_and_change(), SHEAF_OK);
    const long before = live;
    long places = 0;
    do {
        fail_after(places++);
        const enum sheaf_status status = read_and_change();
        countdown = -1;
        assert_int_equal(live, before);
        assert_true(status == SHEAF_OK || (failed && status == SHEAF_NO_MEMORY));
    } while (failed);
    assert_true(places > 40);
}

/* Fields follow each other, with no more between them than alignment asks for. */
static void the_config_is_described(void **state)
{
    (void)state;
    char text[4000];
    const size_t size = sheaf_describe(text, sizeof text);
    assert_in_range(size, 500, sizeof text - 1);
    assert_int_equal(sheaf_describe(NULL, 0), size);
    json_t *all = json_loads(text, 0, NULL);
    assert_non_null(all);
    const json_t *config = json_object_get(all, "config"), *fields = json_object_get(config, "fields"),
                 *field;
    long long end = 0;
    size_t i, last = 0;
    json_array_foreach(fields, i, field)
    {
        const long long at = json_integer_value(json_object_get(field, "at"));
        const long long bytes = json_integer_value(json_object_get(field, "bytes"));
        assert_int_equal(at, (end + bytes - 1) / bytes * bytes);
        end = at + bytes * json_integer_value(json_object_get(field, "count"));
        last = i;
    }
    assert_in_range(end, sizeof(struct sheaf_config) - 7, sizeof(struct sheaf_config));
    assert_string_equal(json_string_value(json_object_get(json_array_get(fields, last), "name")),
                        "work_limit");
    assert_int_equal(json_integer_value(json_object_get(config, "size")), sizeof(struct sheaf_config));
    assert_int_equal(json_array_size(json_object_get(all, "engines")), SHEAF_ENGINES);
    assert_string_equal(json_string_value(json_array_get(json_object_get(all, "simulators"), SHEAF_FAST)),
                        "fast");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "machine"), "valu")), 6);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_config_is_described),        cmocka_unit_test(programs_from_marshal),
        cmocka_unit_test(wrong_marshal_is_refused),       cmocka_unit_test(any_bytes),
        cmocka_unit_test(changed_machines_go_on),         cmocka_unit_test(changes_are_kept_to),
        cmocka_unit_test(memory_runs_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
