/* The public interface to programs and machines beyond what embed.c uses: texts,
 * expected words, and machines that go on under another config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/sheaf.h"
#include "tests/unit/failing.h"

static const char key[] = "[1,2.5,\"a\\\"\\n\xc3\xa9\",null]";
static const char program[] = "[{\"load\":[[\"const\",0,-7],[\"vload\",8,0]],\"alu\":[]},{},"
                              "{\"debug\":[[\"compare\",0,[1,2.5,\"a\\\"\\n\xc3\xa9\",null]]]},"
                              "{\"flow\":[[\"halt\"]]}]";

static struct sheaf_program *read_json(const char *text)
{
    struct sheaf_program *p;
    struct sheaf_error error;
    if (sheaf_program_parse_json(text, strlen(text), NULL, &p, &error) != SHEAF_OK)
        fail_msg("%s", error.text);
    return p;
}

static void programs_as_text(void **state)
{
    (void)state;
    char text[1000], part[4];
    struct sheaf_program *p = read_json(program);
    const size_t n = sheaf_program_json(p, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_int_equal(sheaf_program_bundles(p), 4);
    assert_string_equal(sheaf_program_text(p, 0), key);
    assert_null(sheaf_program_text(p, 1));
    assert_int_equal(sheaf_program_json(p, part, sizeof part), n);
    assert_memory_equal(part, text, 3);
    assert_int_equal(part[3], 0);
    sheaf_program_destroy(p);
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

/* Words by the number of a text, and what no word equals. */
static void words_are_expected(void **state)
{
    (void)state;
    struct sheaf_program *p = read_json("[{\"debug\":[[\"compare\",3,\"a\"],[\"compare\",3,\"b\"]]}]");
    const uint32_t memory[1] = {0}, words[] = {0, 0}, other[] = {0, 5};
    struct sheaf_config config = sheaf_config_default();
    config.debug = true;
    struct sheaf_machine *m;
    assert_int_equal(sheaf_machine_create(p, &config, memory, 1, &m, NULL), SHEAF_OK);
    static const struct {
        uint8_t kinds[2];
        const char *what;
    } cases[] = {
        {{SHEAF_EXPECT_WORD, SHEAF_EXPECT_OTHER}, "found 0, expected \"<value 1>\" for key \"b\" (lane 0)"},
        {{SHEAF_EXPECT_UNKNOWN, SHEAF_EXPECT_WORD}, "no expected value for key \"a\""},
    };
    assert_int_equal(sheaf_machine_expect(m, words, NULL, 2), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_STOPPED);
    struct sheaf_fault fault;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sheaf_machine_reset(m, memory);
        assert_int_equal(sheaf_machine_expect(m, words, cases[i].kinds, 2), SHEAF_OK);
        assert_int_equal(sheaf_run(m), SHEAF_FAULTED);
        assert_true(sheaf_fault(m, &fault));
        assert_string_equal(fault.what, cases[i].what);
    }
    sheaf_machine_reset(m, memory);
    assert_int_equal(sheaf_machine_expect(m, other, NULL, 2), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_FAULTED);
    sheaf_machine_reset(m, memory);
    assert_int_equal(sheaf_machine_expect(m, other, NULL, 1), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_FAULTED);
    assert_true(sheaf_fault(m, &fault));
    assert_string_equal(fault.what, "no expected value for key \"b\"");
    sheaf_machine_destroy(m);
    sheaf_program_destroy(p);
}

/* The state stays, also where the next bundle is. */
static void another_program_goes_on(void **state)
{
    (void)state;
    struct sheaf_program *one = read_json("[{\"load\":[[\"const\",0,7]],\"flow\":[[\"pause\"]]}]"),
                         *more = read_json("[{},{\"alu\":[[\"+\",1,0,0]]},{\"flow\":[[\"halt\"]]}]");
    struct sheaf_config config = sheaf_config_default();
    config.pause = true;
    struct sheaf_machine *m;
    assert_int_equal(sheaf_machine_create(one, &config, NULL, 0, &m, NULL), SHEAF_OK);
    assert_int_equal(sheaf_run(m), SHEAF_PAUSED);
    assert_int_equal(sheaf_machine_program(m, more, &config, NULL), SHEAF_OK);
    sheaf_program_destroy(one);
    assert_int_equal(sheaf_run(m), SHEAF_STOPPED);
    assert_int_equal(sheaf_scratch(m, 0, NULL)[1], 14);
    assert_int_equal(sheaf_cycle(m), 3);
    sheaf_machine_destroy(m);
    sheaf_program_destroy(more);
}

/* --- memory that runs out ------------------------------------------------------ */

/* Reads a program and changes a machine half-way; the last status. */
static enum sheaf_status read_and_change(void)
{
    struct sheaf_program *p;
    enum sheaf_status status = sheaf_program_parse_json(program, sizeof program - 1, NULL, &p, NULL);
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
        cmocka_unit_test(the_config_is_described),
        cmocka_unit_test(programs_as_text),
        cmocka_unit_test(words_are_expected),
        cmocka_unit_test(another_program_goes_on),
        cmocka_unit_test(changed_machines_go_on),
        cmocka_unit_test(changes_are_kept_to),
        cmocka_unit_test(memory_runs_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
