/* Programs from and to JSON: what is kept, and where each error points. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/program/program.h"

static struct prog *read_json(const char *text)
{
    struct prog *p;
    struct diag d;
    const enum status status = prog_read_json(text, strlen(text), "t.json", &p, &d);
    if (status != ST_OK)
        print_error("%s: %s\n", text, d.text);
    assert_int_equal(status, ST_OK);
    return p;
}

/* Reading `text` and writing it again gives `expected`. */
static void check_written(const char *text, const char *expected)
{
    struct prog *p = read_json(text);
    struct text out = {0};
    prog_write_json(p, &out);
    assert_true(text_ok(&out));
    assert_string_equal(out.at, expected);
    text_free(&out);
    prog_destroy(p);
}

static void check_error(const char *text, size_t size, unsigned line, unsigned column, const char *what)
{
    struct prog *p = (struct prog *)&p;
    struct diag d;
    assert_int_equal(prog_read_json(text, size, "t.json", &p, &d), ST_INPUT);
    assert_null(p);
    if (!strstr(d.text, what) || d.line != line || d.column != column)
        print_error("%s\n%u:%u: %s\n", text, d.line, d.column, d.text);
    assert_non_null(strstr(d.text, what));
    assert_int_equal(d.line, line);
    assert_int_equal(d.column, column);
    assert_string_equal(d.file, "t.json");
}

static void test_plain_list(void **state)
{
    (void)state;
    struct prog *p = read_json("[{\"load\": [[\"const\", 5, -7], [\"vload\", 8, 5]],\n\"alu\": []},\n\n{},"
                               "{\"flow\": [[\"halt\"]]}]");
    assert_false(p->object_form);
    assert_int_equal(p->bundles.n, 3);
    assert_int_equal(p->groups.n, 3);
    assert_int_equal(p->slots.n, 3);
    assert_int_equal(p->bundles.at[0].line, 1);
    assert_int_equal(p->bundles.at[1].line, 4);
    assert_int_equal(p->slots.at[0].op, OP_CONST);
    assert_int_equal(p->slots.at[0].arg[0], 5);
    assert_int_equal(p->slots.at[0].literal, -7);
    assert_int_equal(p->slots.at[1].op, OP_VLOAD);
    assert_int_equal(p->slots.at[1].arg[1], 5);
    assert_int_equal(p->groups.at[1].engine, ENGINE_ALU);
    assert_int_equal(prog_slots(p, 1).begin, prog_slots(p, 1).end);
    prog_destroy(p);
}

static void test_order_and_empty_lists_are_kept(void **state)
{
    (void)state;
    check_written(
        " [ { } , {\"flow\":[],\"alu\" : [ [\"<<\",1,2,3],[ \"+\" , 4,5, 6 ] ] , \"load\":[]} ] \r\n\t",
        "[\n{},\n{\"flow\": [], \"alu\": [[\"<<\",1,2,3],[\"+\",4,5,6]], \"load\": []}\n]\n");
    check_written("[]", "[\n]\n");
}

static void test_extreme_numbers_survive(void **state)
{
    (void)state;
    const char *const text =
        "[\n{\"load\": [[\"const\",0,9223372036854775807],[\"const\",-2147483648,-9223372036854775808],"
        "[\"const\",2147483647,4294967296],[\"load_offset\",1,2,-3]],"
        " \"flow\": [[\"jump\",-9223372036854775808]]}\n]\n";
    check_written(text, text);
    check_written("[{\"load\":[[\"const\",0,-0]]}]", "[\n{\"load\": [[\"const\",0,0]]}\n]\n");
}

static void test_unknown_and_ignored_slots(void **state)
{
    (void)state;
    const char *const text =
        "[{\"valu\": [[\"vsub\", 1, {\"b\": 2.5, \"a\": [true, null]}]],"
        "\"alu\": [[\"vload\", 1, 2], [\"\"]],"
        "\"debug\": [[\"mark\", []], [\"comment\"], [\"comment\", 1, 2], [\"comment\", \"\\u0041\\n\"]]}]";
    check_written(
        text,
        "[\n{\"valu\": [[\"vsub\",1,{\"a\":[true,null],\"b\":2.5}]], \"alu\": [[\"vload\",1,2],[\"\"]], "
        "\"debug\": [[\"mark\",[]],[\"comment\"],[\"comment\",1,2],[\"comment\",\"A\\n\"]]}\n]\n");
    struct prog *p = read_json(text);
    static const uint8_t ops[] = {OP_UNKNOWN, OP_UNKNOWN, OP_UNKNOWN, OP_IGNORED,
                                  OP_IGNORED, OP_IGNORED, OP_COMMENT};
    assert_int_equal(p->slots.n, sizeof ops);
    for (size_t i = 0; i < sizeof ops; i++)
        assert_int_equal(p->slots.at[i].op, ops[i]);
    assert_int_equal(p->slots.at[0].engine, ENGINE_VALU);
    prog_destroy(p);
}

static void test_keys_are_texts(void **state)
{
    (void)state;
    const char *const text =
        "[\n{\"debug\": "
        "[[\"compare\",3,[0,\"val\"]],[\"vcompare\",8,[1,\"b\",{\"a\":1}]],[\"vcompare\",8,[]]]}\n]\n";
    check_written(text, text);
    struct prog *p = read_json(text);
    assert_string_equal(p->texts.at[p->slots.at[0].literal], "[0,\"val\"]");
    assert_int_equal(p->slots.at[1].arg[1], 3);
    assert_string_equal(p->texts.at[p->slots.at[1].literal + 2], "{\"a\":1}");
    assert_int_equal(p->slots.at[2].arg[1], 0);
    prog_destroy(p);
}

static void test_lines_within_values_count(void **state)
{
    (void)state;
    struct prog *p = read_json("[{\"alu\": [[\"no\", [1,\n2]]],\n \"debug\": [[\"compare\", 1, [\n\n3]], "
                               "[\"comment\",\n\"t\"]]},\n{}]");
    assert_int_equal(p->bundles.at[1].line, 7);
    prog_destroy(p);
}

static void test_object_form(void **state)
{
    (void)state;
    struct prog *p =
        read_json("{\"program\": [{}], \"scratch_map\": {\"8\": [\"v \\\"x\", 8], \"0\": [\"i\", 1]},"
                  "\"machine\": {\"cores\": 3, \"slots\": {\"alu\": 0, \"debug\": 64}, \"vlen\": 4}}");
    assert_true(p->object_form);
    assert_int_equal(p->machine.cores, 3);
    assert_int_equal(p->machine.vlen, 4);
    assert_int_equal(p->machine.scratch, 1536);
    assert_int_equal(p->machine.slots[ENGINE_ALU], 0);
    assert_int_equal(p->machine.slots[ENGINE_VALU], 6);
    assert_int_equal(p->names.n, 2);
    assert_string_equal(p->names.at[0].name, "v \"x");
    assert_int_equal(p->names.at[0].address, 8);
    assert_int_equal(p->names.at[0].length, 8);
    prog_destroy(p);
    const char *const text =
        "{\"machine\": {\"slots\": {\"alu\": 12, \"valu\": 6, \"load\": 2, \"store\": 2, \"flow\": 1, "
        "\"debug\": 9}, \"vlen\": 8, \"scratch\": 1536, \"cores\": 1},\n"
        "\"scratch_map\": {\"8\": [\"v\", 8], \"0\": [\"\\u0001\", 1]},\n\"program\": [\n{}\n]}\n";
    check_written(text, text);
}

static void test_only_the_first_name_of_an_address_is_written(void **state)
{
    (void)state;
    struct prog *p = prog_create();
    p->object_form = true;
    assert_true(prog_add_name(p, "a", 1, 4, 1) && prog_add_name(p, "b", 1, 2, 1) &&
                prog_add_name(p, "c", 1, 4, 8));
    struct text out = {0};
    prog_write_json(p, &out);
    assert_non_null(strstr(out.at, "\"scratch_map\": {\"4\": [\"a\", 1], \"2\": [\"b\", 1]},"));
    text_free(&out);
    prog_destroy(p);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *what;
    } cases[] = {
        {"", 1, 1, "expected a program (a list of bundles, or an object), found the end of the input"},
        {" \n ", 2, 2, "found the end of the input"},
        {"5", 1, 1, "found a number"},
        {"[", 1, 2, "expected a bundle (an object), found the end of the input"},
        {"[{\"alu\": [[\"+\", 1", 1, 18, "expected ',' or ']', found the end of the input"},
        {"[{}", 1, 4, "expected ',' or ']', found the end"},
        {"[{},]", 1, 5, "expected another item after ',', found ']'"},
        {"[{} {}]", 1, 5, "expected ',' or ']', found an object"},
        {"[]\nx", 2, 1, "expected the end of the input, found something that is not JSON"},
        {"[5]", 1, 2, "expected a bundle (an object), found a number"},
        {"[{5: []}]", 1, 3, "expected a key, found a number"},
        {"[{\"alu\" []}]", 1, 9, "expected ':' after a key, found a list"},
        {"[{\"alu\": {}}]", 1, 10, "expected a list of slots, found an object"},
        {"[{},\n {\"fpu\": []}]", 2, 3, "there is no engine `fpu`"},
        {"[{\"alu\": [], \"alu\": []}]", 1, 14, "engine `alu` is named twice"},
        {"[{\"alu\": [7]}]", 1, 11, "expected a slot (a list), found a number"},
        {"[{\"alu\": [[]]}]", 1, 12, "expected an operation's name, found ']'"},
        {"[{\"alu\": [[1, 2]]}]", 1, 12, "expected an operation's name, found a number"},
        {"[{\"alu\": [[\"+\", 1, 2]]}]", 1, 21, "`+` takes 3 operands, found 2"},
        {"[{\"alu\": [[\"+\", 1, 2, 3, 4]]}]", 1, 26, "`+` takes 3 operands, found more"},
        {"[{\"flow\": [[\"halt\", 0]]}]", 1, 21, "`halt` takes 0 operands, found more"},
        {"[{\"flow\": [[\"jump\"]]}]", 1, 19, "`jump` takes 1 operand, found 0"},
        {"[{\"debug\": [[\"compare\", 1]]}]", 1, 26, "`compare` takes 2 operands, found 1"},
        {"[{\"debug\": [[\"vcompare\", 1, 2]]}]", 1, 29, "expected a list of keys, found a number"},
        {"[{\"debug\": [[\"compare\", \"x\", 2]]}]", 1, 25,
         "expected a scratch address (32 bit), found a string"},
        {"[{\"alu\": [[\"+\", 1,\n  \"x\", 3]]}]", 2, 3,
         "expected a scratch address (32 bit), found a string"},
        {"[{\"alu\": [[\"+\", null, 2, 3]]}]", 1, 17,
         "the destination, a scratch address (32 bit), found null"},
        {"[{\"alu\": [[\"+\", 1, 2, 2147483648]]}]", 1, 23, "(32 bit), found 2147483648"},
        {"[{\"alu\": [[\"+\", 1, -2147483649, 2]]}]", 1, 20, "(32 bit), found -2147483649"},
        {"[{\"load\": [[\"const\", 9223372036854775808, 1]]}]", 1, 22, "found 9223372036854775808"},
        {"[{\"flow\": [[\"jump\", -9223372036854775809]]}]", 1, 21, "found -9223372036854775809"},
        {"[{\"alu\": [[\"+\", 1, 99999999999999999999999999]]}]", 1, 20, "found 99999999999999999999999999"},
        {"[{\"load\": [[\"const\", 1, 1.0]]}]", 1, 25,
         "expected a whole number, found a number that is not whole"},
        {"[{\"load\": [[\"const\", 1, 1e3]]}]", 1, 25, "found a number that is not whole"},
        {"[{\"load\": [[\"const\", 1, 01]]}]", 1, 25, "found a malformed number"},
        {"[{\"load\": [[\"const\", 1, -]]}]", 1, 25, "found a malformed number"},
        {"[{\"load\": [[\"const\", 1, true]]}]", 1, 25, "found a truth value"},
        {"[{\"flow\": [[\"jump\", \"x\"]]}]", 1, 21, "expected a bundle number, found a string"},
        {"[{\"flow\": [[\"cond_jump_rel\", 1, []]]}]", 1, 33, "expected a distance in bundles, found a list"},
        {"[{\"valu\": [[\"vsub\", tru]]}]", 1, 21, "invalid token near 'tru'"},
        {"[{\"valu\": [[\"vsub\", {\"a\": 1, \"a\": 2}]]}]", 1, 30, "duplicate object key"},
        {"[{\"debug\": [[\"comment\", \"a\\u0000\"]]}]", 1, 25, "a string must not hold \\u0000"},
        {"[{\"debug\": [[\"comment\", \"abc]]}]", 1, 25, "premature end of input"},
        {"[{\"debug\": [[\"comment\", \"\xff\"]]}]", 1, 25, "unable to decode byte 0xff"},
        {"[{\"debug\": [[\"comment\", 1e999]]}]", 1, 25, "real number overflow"},
        {"[{\"al\\x\": []}]", 1, 3, "invalid escape"},
        {"{}", 1, 1, "key `program` is missing"},
        {"{\"program\": [], \"x\": 1}", 1, 17, "unknown key `x` in a program"},
        {"{\"program\": [], \"program\": []}", 1, 17, "key `program` is given twice"},
        {"{\"program\": {}}", 1, 13, "expected a list of bundles, found an object"},
        {"{\"machine\": []}", 1, 13, "expected a machine (an object), found a list"},
        {"{\"machine\": {\"speed\": 1}}", 1, 14, "unknown key `speed` in a machine"},
        {"{\"machine\": {\"latency\": 3}}", 1, 25, "expected an object of numbers by engine, found a number"},
        {"{\"machine\": {\"latency\": {\"debug\": 3}}}", 1, 26,
         "unknown key `debug` in a machine's latencies"},
        {"{\"machine\": {\"latency\": {\"alu\": 65}}}", 1, 33, "latency: expected 1 to 64 cycles, found 65"},
        {"{\"machine\": {\"vlen\": 65}}", 1, 22, "vlen: expected 1 to 64, found 65"},
        {"{\"machine\": {\"vlen\": 4294967304}}", 1, 22, "expected a whole number from 0 to 2^32-1"},
        {"{\"machine\": {\"scratch\": 0}}", 1, 25, "scratch: expected 1 to 16777216 words, found 0"},
        {"{\"machine\": {\"cores\": -1}}", 1, 23, "found -1"},
        {"{\"machine\": {\"slots\": {\"fpu\": 1}}}", 1, 24, "unknown key `fpu` in a machine's slots"},
        {"{\"machine\": {\"slots\": {\"alu\": 65}}}", 1, 31,
         "slots: expected at most 64 an engine, found 65"},
        {"{\"machine\": {\"slots\": {\"alu\": 1, \"alu\": 2}}}", 1, 34, "key `alu` is given twice"},
        {"{\"scratch_map\": {\"x\": [\"a\", 1]}}", 1, 18,
         "expected a scratch address in decimal as key, found `x`"},
        {"{\"scratch_map\": {\"01\": [\"a\", 1]}}", 1, 18, "found `01`"},
        {"{\"scratch_map\": {\"2147483648\": [\"a\", 1]}}", 1, 18, "found `2147483648`"},
        {"{\"scratch_map\": {\"1\": [\"a\", 1], \"1\": [\"b\", 1]}}", 1, 33, "address 1 has a name already"},
        {"{\"scratch_map\": {\"1\": []}}", 1, 24, "expected a name and a length, found ']'"},
        {"{\"scratch_map\": {\"1\": [\"a\"]}}", 1, 27, "expected a length after the name, found ']'"},
        {"{\"scratch_map\": {\"1\": [\"a\", -1]}}", 1, 29, "expected a length in words, found -1"},
        {"{\"scratch_map\": {\"1\": [\"a\", 1, 2]}}", 1, 32, "expected ']' after name and length"},
        {"{\"scratch_map\": {\"1\": [1, 1]}}", 1, 24, "expected a name, found a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_error(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].column, cases[i].what);
    check_error("[{}]\0", 5, 1, 5, "found something that is not JSON");
}

/* Every beginning of a program is an error at its end or before, never anything else. */
static void test_every_truncation(void **state)
{
    (void)state;
    static const char text[] =
        "{\"machine\": {\"slots\": {\"alu\": 12}, \"vlen\": 8}, \"scratch_map\": {\"0\": [\"i\", 1]},"
        "\"program\": [{\"alu\": [[\"+\", 1, 2, 3], [\"no\", {\"a\": [1.5, \"x\\n\"]}]]},\n"
        "{\"debug\": [[\"vcompare\", 8, [1, \"b\"]], [\"comment\", \"t\"]]}]}";
    prog_destroy(read_json(text));
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        /* An exact copy, so that the address sanitizer sees any read beyond the end. */
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, text, n);
        char *exact = realloc(copy, n ? n : 1);
        assert_non_null(exact);
        struct prog *p;
        struct diag d;
        assert_int_equal(prog_read_json(exact, n, NULL, &p, &d), ST_INPUT);
        assert_in_range(d.line, 1, 2);
        free(exact);
    }
}

static void test_nesting(void **state)
{
    (void)state;
    char deep[20000];
    for (size_t depth = 200; depth <= 9000; depth += 8800) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        check_error(deep, 2 * depth, 1, 2, "expected a bundle (an object), found a list");
    }
    char slot[20000] = "[{\"alu\": [[\"deep\", ";
    const size_t start = strlen(slot);
    memset(slot + start, '[', 9000);
    check_error(slot, start + 9000, 1, 2067, "maximum parsing depth reached");
}

/* Very long values are refused, not read. */
static void test_long_values(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "[{\"debug\": [[\"comment\", \"");
    for (size_t i = 0; i < 1 << 17; i++)
        text_add(&t, "0123456789");
    text_add(&t, "\"]]}]");
    check_error(t.at, t.n, 1, 25, "a value of more than 1048576 bytes");
    text_free(&t);
}

static void check_list_error(const char *text, unsigned column, const char *what)
{
    struct prog_list programs;
    struct diag d;
    assert_int_equal(prog_read_json_list(text, strlen(text), "case", &programs, &d), ST_INPUT);
    assert_int_equal(d.column, column);
    assert_non_null(strstr(d.text, what));
    assert_int_equal(programs.list.n, 0);
}

/* Several programs in a file, and one alone. */
static void test_stages(void **state)
{
    (void)state;
    static const char several[] = "{\"stages\": [{\"name\": \"a\", \"program\": [{\"flow\": [[\"halt\"]]}]},"
                                  " {\"program\": {\"program\": []}, \"name\": \"b\"}]}";
    struct prog_list programs;
    struct diag d;
    assert_int_equal(prog_read_json_list(several, strlen(several), NULL, &programs, &d), ST_OK);
    assert_int_equal(programs.list.n, 2);
    assert_string_equal(programs.list.at[0].name, "a");
    assert_string_equal(programs.list.at[1].name, "b");
    assert_int_equal(programs.list.at[0].prog->bundles.n, 1);
    assert_int_equal(programs.list.at[1].prog->bundles.n, 0);
    prog_list_free(&programs);
    assert_int_equal(prog_read_json_list("[{}]", 4, NULL, &programs, &d), ST_OK);
    assert_int_equal(programs.list.n, 1);
    assert_string_equal(programs.list.at[0].name, "");
    prog_list_free(&programs);
    check_list_error("{\"stages\": []}", 13, "expected at least one stage");
    check_list_error("{\"stages\": 3}", 12, "expected a list of stages, found a number");
    check_list_error("{\"stages\": [{\"name\": \"a\"}]}", 13, "a stage has a `name` and a `program`");
    check_list_error("{\"stages\": [{\"name\": \"a\", \"name\": \"b\"}]}", 27, "key `name` is given twice");
    check_list_error("{\"stages\": [{\"name\": \"a\", \"program\": []}], \"x\": 1}", 44,
                     "nothing behind the stages");
    check_list_error("{\"stages\": [{\"name\": \"a\", \"program\": [{\"fly\": []}]}]}", 40,
                     "no engine `fly`");
    check_list_error("{\"program\": 1}", 13, "expected a list of bundles");
}

static void test_load_by_name(void **state)
{
    (void)state;
    char path[] = "/tmp/sheaf-test-XXXXXX.s";
    const int fd = mkstemps(path, 2);
    assert_true(fd >= 0);
    static const char text[] = "{ flow: halt }\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    struct prog *p;
    struct diag d;
    assert_int_equal(prog_load(path, &p, &d), ST_OK);
    assert_int_equal(p->slots.at[0].op, OP_HALT);
    prog_destroy(p);
    unlink(path);
    assert_int_equal(prog_load(path, &p, &d), ST_IO);
    assert_null(p);
    assert_int_equal(prog_load("/", &p, &d), ST_IO);
    assert_string_equal(d.file, "/");
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_list),
        cmocka_unit_test(test_order_and_empty_lists_are_kept),
        cmocka_unit_test(test_extreme_numbers_survive),
        cmocka_unit_test(test_unknown_and_ignored_slots),
        cmocka_unit_test(test_keys_are_texts),
        cmocka_unit_test(test_lines_within_values_count),
        cmocka_unit_test(test_object_form),
        cmocka_unit_test(test_only_the_first_name_of_an_address_is_written),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_load_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
