/* Assembly: its syntax, where each error points, and that JSON to assembly and back
 * is the identity, on programs drawn from the operation table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/file.h"
#include "sim/base/random.h"
#include "sim/program/program.h"

typedef enum status reader(const char *, size_t, const char *, struct prog **, struct diag *);
typedef void writer(const struct prog *, struct text *);

static struct prog *read_with(reader *read, const char *text)
{
    struct prog *p;
    struct diag d;
    const enum status status = read(text, strlen(text), NULL, &p, &d);
    if (status != ST_OK)
        print_error("%s\n%u:%u: %s\n", text, d.line, d.column, d.text);
    assert_int_equal(status, ST_OK);
    return p;
}

static char *write_with(writer *write, const struct prog *p)
{
    struct text out = {0};
    write(p, &out);
    assert_true(text_ok(&out));
    if (!out.at)
        text_add(&out, "");
    return out.at;
}

/* Assembly gives this JSON; both ways of writing it read back to the same. */
static void check_asm(const char *assembly, const char *json)
{
    struct prog *p = read_with(prog_read_asm, assembly);
    char *got = write_with(prog_write_json, p), *written = write_with(prog_write_asm, p);
    assert_string_equal(got, json);
    struct prog *again = read_with(prog_read_asm, written);
    char *got_again = write_with(prog_write_json, again), *written_again = write_with(prog_write_asm, again);
    assert_string_equal(got_again, json);
    assert_string_equal(written_again, written);
    free(got);
    free(written);
    free(got_again);
    free(written_again);
    prog_destroy(p);
    prog_destroy(again);
}

static void test_syntax(void **state)
{
    (void)state;
    check_asm("", "[\n]\n");
    check_asm("# nothing\n\n{}{ } {alu:}\n", "[\n{},\n{},\n{\"alu\": []}\n]\n");
    check_asm("{ load: const 5, 0xFF; ; vload 8, 5\n\n;store: store 1,2 # why\r\n flow: halt;}",
              "[\n{\"load\": [[\"const\",5,255],[\"vload\",8,5]], \"store\": [[\"store\",1,2]], \"flow\": "
              "[[\"halt\"]]}\n]\n");
    check_asm(
        "{alu: << 1,2,\n # a list goes on behind its comma\n 3; //4,5,6; - 7, -8, 9; load: load 1, 2}",
        "[\n{\"alu\": [[\"<<\",1,2,3],[\"//\",4,5,6],[\"-\",7,-8,9]], \"load\": [[\"load\",1,2]]}\n]\n");
    check_asm("{ load: const 1, -0x8000000000000000; const 1, 0x7fffffffffffffff; load_offset 1, 2, -3 }",
              "[\n{\"load\": [[\"const\",1,-9223372036854775808],[\"const\",1,9223372036854775807],"
              "[\"load_offset\",1,2,-3]]}\n]\n");
    check_asm("{ flow: cond_jump_rel 1, -2; jump 7; jump -7 }",
              "[\n{\"flow\": [[\"cond_jump_rel\",1,-2],[\"jump\",7],[\"jump\",-7]]}\n]\n");
}

static void test_names(void **state)
{
    (void)state;
    check_asm(".name i 7\n.name \"odd \\\"one\" 8 8\n{ alu: + i, \"odd \\\"one\" + 0x2, i+1 }",
              "{\"machine\": {\"slots\": {\"alu\": 12, \"valu\": 6, \"load\": 2, \"store\": 2, \"flow\": 1}, "
              "\"vlen\": 8, \"scratch\": 1536, \"cores\": 1},\n"
              "\"scratch_map\": {\"7\": [\"i\", 1], \"8\": [\"odd \\\"one\", 8]},\n"
              "\"program\": [\n{\"alu\": [[\"+\",7,10,8]]}\n]}\n");
    /* The first of two names that are spelled alike is meant, and printed. */
    struct prog *p = read_with(prog_read_asm, ".name a 1\n.name a 2\n{ flow: coreid a; coreid 2 }");
    assert_int_equal(p->slots.at[0].arg[0], 1);
    char *written = write_with(prog_write_asm, p);
    assert_non_null(strstr(written, "{ flow: coreid a; coreid 2 }"));
    free(written);
    prog_destroy(p);
}

static void test_labels(void **state)
{
    (void)state;
    struct prog *p =
        read_with(prog_read_asm, "a: b:\n{ flow: jump @end }\nL0: { flow: jump 0 }\n"
                                 "{ flow: cond_jump 1, @\"a b\" }\n\"a b\": { flow: jump 2 }\nend:");
    assert_int_equal(p->slots.at[0].literal, 4);
    assert_int_equal(p->slots.at[2].literal, 3);
    char *written = write_with(prog_write_asm, p);
    assert_string_equal(written, "a:\nb:\n{ flow: jump @end }\nL0:\n{ flow: jump @a }\nL1:\n"
                                 "{ flow: cond_jump 1, @\"a b\" }\n\"a b\":\n{ flow: jump @L1 }\nend:\n");
    free(written);
    prog_destroy(p);
}

static void test_any_slot_as_json(void **state)
{
    (void)state;
    check_asm("{ valu: [\"vsub\", 1, {\"b\": 1, \"a\": [\"#;}\"]}]; [\"+\", 1,\n 2, 3]\n debug: [\"mark\"]; "
              "comment \"}#\"; "
              "compare 1, [1, \"x\"]; vcompare 8, [1, [2], \"b\"]; comment 5; comment null }",
              "[\n{\"valu\": [[\"vsub\",1,{\"a\":[\"#;}\"],\"b\":1}],[\"+\",1,2,3]], \"debug\": [[\"mark\"],"
              "[\"comment\",\"}#\"],[\"compare\",1,[1,\"x\"]],[\"vcompare\",8,[1,[2],\"b\"]],[\"comment\",5],"
              "[\"comment\",null]]}\n]\n");
}

static void test_machine(void **state)
{
    (void)state;
    struct prog *p = read_with(prog_read_asm, ".machine vlen=4 alu=3 # small\n.machine cores=2\n{}");
    assert_int_equal(p->machine.vlen, 4);
    assert_int_equal(p->machine.cores, 2);
    assert_int_equal(p->machine.slots[ENGINE_ALU], 3);
    assert_int_equal(p->machine.slots[ENGINE_VALU], 6);
    char *written = write_with(prog_write_asm, p);
    assert_string_equal(written,
                        ".machine vlen=4 scratch=1536 cores=2 alu=3 valu=6 load=2 store=2 flow=1\n{}\n");
    free(written);
    prog_destroy(p);
    check_asm(
        ".machine load_latency=3 alu=2 flow_latency=64\n{}",
        "{\"machine\": {\"slots\": {\"alu\": 2, \"valu\": 6, \"load\": 2, \"store\": 2, \"flow\": 1}, "
        "\"latency\": {\"alu\": 1, \"valu\": 1, \"load\": 3, \"store\": 1, \"flow\": 64}, "
        "\"vlen\": 8, \"scratch\": 1536, \"cores\": 1},\n\"scratch_map\": {},\n\"program\": [\n{}\n]}\n");
}

static void test_long_bundles_are_broken(void **state)
{
    (void)state;
    struct text t = {0};
    text_add(&t, "{ flow: halt; alu:");
    for (int i = 0; i < 40; i++)
        text_addf(&t, "; + %d, %d, 3", i, 1000 + i);
    text_add(&t, "; load: }");
    struct prog *p = read_with(prog_read_asm, t.at);
    char *written = write_with(prog_write_asm, p);
    assert_ptr_equal(strstr(written, "{ flow:  halt\n  alu:   + 0, 1000, 3; "), written);
    assert_non_null(strstr(written, "\n  load: }\n"));
    for (const char *line = written, *end; (end = strchr(line, '\n')); line = end + 1)
        assert_in_range(end - line, 1, 100);
    struct prog *again = read_with(prog_read_asm, written);
    assert_int_equal(again->bundles.n, 1);
    assert_int_equal(again->slots.n, 41);
    text_free(&t);
    free(written);
    prog_destroy(p);
    prog_destroy(again);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *what;
    } cases[] = {
        {"5", 1, 1, "expected a bundle, a label or a directive, found a number"},
        {"\n  }", 2, 3, "found '}'"},
        {"\n{", 2, 2, "expected the '}' of the bundle in line 2, found the end of the input"},
        {"{ alu: + 1, 2, 3", 1, 17, "expected the '}' of the bundle in line 1"},
        {"{ + 1, 2, 3 }", 1, 3, "expected an engine, such as `alu:`, found '+'"},
        {"{ const 1, 2 }", 1, 3, "expected an engine, such as `alu:`, found a name"},
        {"{}\n{ fpu: }", 2, 3, "there is no engine `fpu`"},
        {"{ alu: ; load: ; alu: }", 1, 18, "engine `alu` is named twice"},
        {"{ alu: add 1, 2, 3 }", 1, 8, "engine alu has no operation `add`"},
        {"{ alu: +++ 1, 2, 3 }", 1, 8, "engine alu has no operation `+++`"},
        {"{ alu: 5 }", 1, 8, "expected an operation, found a number"},
        {"{ alu: + 1, 2 }", 1, 15, "`+` takes 3 operands, found 2"},
        {"{ alu: +\n }", 1, 9, "`+` takes 3 operands, found 0"},
        {"{ alu: + 1, 2, 3, 4 }", 1, 17, "`+` takes 3 operands, found more"},
        {"{ alu: + 1, 2, 3 4 }", 1, 18, "expected ';', a new line or '}' after a slot, found a number"},
        {"{ alu: + 1 2, 3 }", 1, 12, "expected ',' and another operand, found a number"},
        {"{ flow: halt 1 }", 1, 14, "expected ';', a new line or '}' after a slot, found a number"},
        {"{ alu: + i, 2, 3 }", 1, 10, "there is no name `i`"},
        {"{ alu: + i, 2, 3 }\n.name i 0", 1, 10, "there is no name `i`"},
        {".name i 2147483647\n{ alu: + i+1, 2, 3 }", 2, 12, "expected an offset in words, found 1"},
        {".name i 1\n{ alu: + i+-1, 2, 3 }", 2, 12, "expected an offset in words, found -1"},
        {"{ alu: + 2147483648, 2, 3 }", 1, 10, "expected a scratch address (32 bit), found 2147483648"},
        {"{ alu: + @x, 2, 3 }", 1, 10, "expected a scratch address, found '@'"},
        {"{ load: const 1, x }", 1, 18, "expected a whole number, found a name"},
        {"{ load: const 1, 12x }", 1, 18, "found a malformed number"},
        {"{ load: const 1, 0x }", 1, 18, "found a malformed number"},
        {"{ load: const 1, 1.5 }", 1, 18, "found a malformed number"},
        {"{ load: const 0x8000000000000000, 1 }", 1, 15, "found 0x8000000000000000"},
        {"{ flow: jump -9223372036854775809 }", 1, 14, "found -9223372036854775809"},
        {"{ flow: jump @nowhere }", 1, 14, "there is no label `nowhere`"},
        {"{ flow: jump @5 }", 1, 15, "expected a label's name, found a number"},
        {"{ flow: jump x }", 1, 14, "expected a label (@name) or a bundle number, found a name"},
        {"{ flow: cond_jump_rel 1, @x }", 1, 26, "expected a distance in bundles, found '@'"},
        {"{ debug: comment }", 1, 18, "`comment` takes 1 operand, found 0"},
        {"{ debug: comment tru }", 1, 18, "invalid token near 'tru'"},
        {"{ debug: vcompare 1, 2 }", 1, 22, "expected a list of keys, found a number"},
        {"{ alu: [1] }", 1, 9, "expected an operation's name, found a number"},
        {"{ alu: [\"+\", 1] }", 1, 15, "`+` takes 3 operands, found 1"},
        {"a\n{}", 1, 2, "expected ':' after a label, found the end of the line"},
        {"a: {}\na: {}", 2, 1, "label `a` is already that of bundle 0"},
        {"\"a: {}", 1, 1, "premature end of input"},
        {".org 5", 1, 1, "there is no directive `.org`"},
        {".name 5 5", 1, 7, "expected a name, found a number"},
        {".name i", 1, 8, "expected a scratch address, found the end of the input"},
        {".name i -1", 1, 9, "found -1"},
        {".name i 1 -1", 1, 11, "expected a length in words, found -1"},
        {".name i 1 1 1", 1, 13, "expected the end of the line, found a number"},
        {".machine speed=1", 1, 10, "the machine has no parameter `speed`"},
        {".machine debug_latency=1", 1, 10, "the machine has no parameter `debug_latency`"},
        {".machine _latency=1", 1, 10, "the machine has no parameter `_latency`"},
        {".machine load_latency=0", 1, 23, "latency: expected 1 to 64 cycles, found 0"},
        {".machine alu_latency=2 alu_latency=2", 1, 24, "`alu_latency` is given twice"},
        {".machine vlen 1", 1, 15, "expected '=', found a number"},
        {".machine vlen=0", 1, 15, "vlen: expected 1 to 64, found 0"},
        {".machine alu=1\n.machine alu=1", 2, 10, "`alu` is given twice"},
        {".machine cores=x", 1, 16, "expected a whole number from 0 to 2^32-1, found a name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prog *p = (struct prog *)&p;
        struct diag d;
        assert_int_equal(prog_read_asm(cases[i].text, strlen(cases[i].text), "t.s", &p, &d), ST_INPUT);
        if (!strstr(d.text, cases[i].what) || d.line != cases[i].line || d.column != cases[i].column)
            print_error("%s\n%u:%u: %s\n", cases[i].text, d.line, d.column, d.text);
        assert_null(p);
        assert_non_null(strstr(d.text, cases[i].what));
        assert_int_equal(d.line, cases[i].line);
        assert_int_equal(d.column, cases[i].column);
    }
}

static void test_caret(void **state)
{
    (void)state;
    static const char text[] = "{}\n{ alu: + 1, x, 3 }\n";
    struct prog *p;
    struct diag d;
    char out[400];
    assert_int_equal(prog_read_asm(text, sizeof text - 1, "t.s", &p, &d), ST_INPUT);
    (void)diag_render(&d, out, sizeof out);
    assert_string_equal(out, "t.s:2:13: there is no name `x`\n  { alu: + 1, x, 3 }\n              ^");
}

/* The example of README.md, between the lines that mark it, assembles. */
static void test_readme_example(void **state)
{
    (void)state;
    char *text;
    size_t size;
    struct diag d;
    assert_int_equal(file_read("sim/program/README.md", 1 << 20, &text, &size, &d), ST_OK);
    char *begin = strstr(text, "```asm\n"), *end = begin ? strstr(begin, "\n```\n") : NULL;
    assert_non_null(end);
    begin += strlen("```asm\n");
    end[1] = '\0';
    char *json_begin = strstr(end + 2, "```json\n"),
         *json_end = json_begin ? strstr(json_begin, "\n```\n") : NULL;
    assert_non_null(json_end);
    json_end[1] = '\0';
    check_asm(begin, json_begin + strlen("```json\n"));
    free(text);
}

/* A number that is often small, often at an edge. */
static int64_t draw_number(struct rng *r)
{
    static const int64_t edges[] = {0,         9,         10,         -1,        255,
                                    INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN};
    switch (rng_below(r, 4)) {
    case 0: return edges[rng_below(r, sizeof edges / sizeof *edges)];
    case 1: return (int64_t)rng_next(r);
    default: return rng_below(r, 40);
    }
}

static int64_t draw_text(struct rng *r, struct prog *p)
{
    static const char *const texts[] = {
        "1",           "\"x\"", "[0,\"val\"]",   "{\"a\":[1.5,\"#;}\"]}", "null",
        "\"\\n\\\"\"", "true",  "\"h\xc3\xa9\"", "[[],{},[-1]]",          "-7"};
    const char *text = texts[rng_below(r, sizeof texts / sizeof *texts)];
    return prog_add_text(p, text, strlen(text));
}

static struct isa_slot draw_slot(struct rng *r, struct prog *p, enum isa_engine engine)
{
    struct isa_slot s = {.engine = (uint8_t)engine};
    if (rng_below(r, 16) == 0) {
        const char *raw = engine == ENGINE_DEBUG ? "[\"mark\",1]" : "[\"no such\",{\"a\":[]},2.5]";
        s.op = engine == ENGINE_DEBUG ? OP_IGNORED : OP_UNKNOWN;
        s.literal = prog_add_text(p, raw, strlen(raw));
        return s;
    }
    do
        s.op = (uint8_t)rng_below(r, ISA_OPS);
    while (isa_info((enum isa_op)s.op)->engine != engine);
    const struct isa_info *info = isa_info((enum isa_op)s.op);
    for (unsigned i = 0; i < info->args; i++) {
        const enum isa_role role = info->role[i];
        if (isa_role_is_address(role)) {
            s.arg[i] = (int32_t)draw_number(r);
        } else if (role == ROLE_KEYS) {
            s.literal = (int64_t)p->texts.n;
            s.arg[i] = (int32_t)rng_below(r, 9);
            for (int32_t k = 0; k < s.arg[i]; k++)
                (void)draw_text(r, p);
        } else {
            s.literal = role == ROLE_KEY || role == ROLE_TEXT ? draw_text(r, p) : draw_number(r);
        }
    }
    return s;
}

static void draw_names(struct rng *r, struct prog *p)
{
    static const char *const names[] = {"i",     "tmp.1",   "a b",      "",   "alu", "L0",
                                        "const", "\"q\\\n", "\xc3\xa9", "9x", "_"};
    uint32_t address = 0;
    for (uint32_t n = rng_below(r, 12); n; n--) {
        const char *name = names[rng_below(r, sizeof names / sizeof *names)];
        address += 1 + rng_below(r, 4);
        assert_true(prog_add_name(p, name, strlen(name), address, rng_below(r, 12)));
    }
}

static struct prog *draw_program(struct rng *r)
{
    struct prog *p = prog_create();
    p->object_form = rng_below(r, 2) == 0;
    if (p->object_form && rng_below(r, 2)) {
        p->machine.vlen = 1 + rng_below(r, 64);
        p->machine.slots[rng_below(r, ISA_ENGINES)] = rng_below(r, 65);
    }
    if (p->object_form)
        draw_names(r, p);
    for (uint32_t b = rng_below(r, 12); b; b--) {
        assert_true(prog_add_bundle(p, 0));
        const uint32_t start = rng_below(r, ISA_ENGINES);
        for (uint32_t g = 0, n = rng_below(r, ISA_ENGINES + 1); g < n; g++) {
            const enum isa_engine engine = (enum isa_engine)((start + g) % ISA_ENGINES);
            assert_true(prog_add_group(p, engine));
            for (uint32_t s = rng_below(r, 5); s; s--)
                assert_true(prog_add_slot(p, draw_slot(r, p, engine)));
        }
    }
    return p;
}

static void assert_same(const struct prog *a, const struct prog *b)
{
    assert_int_equal(a->object_form, b->object_form);
    assert_memory_equal(&a->machine, &b->machine, sizeof a->machine);
    assert_int_equal(a->bundles.n, b->bundles.n);
    assert_int_equal(a->groups.n, b->groups.n);
    assert_int_equal(a->slots.n, b->slots.n);
    assert_int_equal(a->names.n, b->names.n);
    assert_int_equal(a->texts.n, b->texts.n);
    for (size_t i = 0; i < a->bundles.n; i++)
        assert_int_equal(a->bundles.at[i].first_group, b->bundles.at[i].first_group);
    for (size_t i = 0; i < a->groups.n; i++) {
        assert_int_equal(a->groups.at[i].engine, b->groups.at[i].engine);
        assert_int_equal(a->groups.at[i].first_slot, b->groups.at[i].first_slot);
    }
    for (size_t i = 0; i < a->slots.n; i++) {
        const struct isa_slot *x = &a->slots.at[i], *y = &b->slots.at[i];
        assert_int_equal(x->op, y->op);
        assert_int_equal(x->engine, y->engine);
        assert_memory_equal(x->arg, y->arg, sizeof x->arg);
        assert_true(x->literal == y->literal);
    }
    for (size_t i = 0; i < a->texts.n; i++)
        assert_string_equal(a->texts.at[i], b->texts.at[i]);
    for (size_t i = 0; i < a->names.n; i++) {
        assert_string_equal(a->names.at[i].name, b->names.at[i].name);
        assert_int_equal(a->names.at[i].address, b->names.at[i].address);
        assert_int_equal(a->names.at[i].length, b->names.at[i].length);
    }
}

static void test_round_trips(void **state)
{
    (void)state;
    struct rng r = {7};
    for (int i = 0; i < 3000; i++) {
        struct prog *p = draw_program(&r);
        char *json = write_with(prog_write_json, p), *assembly = write_with(prog_write_asm, p);
        struct prog *from_json = read_with(prog_read_json, json),
                    *from_asm = read_with(prog_read_asm, assembly);
        assert_same(p, from_json);
        assert_same(p, from_asm);
        char *json_again = write_with(prog_write_json, from_asm),
             *asm_again = write_with(prog_write_asm, from_asm);
        assert_string_equal(json, json_again);
        assert_string_equal(assembly, asm_again);
        free(json);
        free(assembly);
        free(json_again);
        free(asm_again);
        prog_destroy(p);
        prog_destroy(from_json);
        prog_destroy(from_asm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),         cmocka_unit_test(test_names),
        cmocka_unit_test(test_labels),         cmocka_unit_test(test_any_slot_as_json),
        cmocka_unit_test(test_machine),        cmocka_unit_test(test_long_bundles_are_broken),
        cmocka_unit_test(test_errors),         cmocka_unit_test(test_caret),
        cmocka_unit_test(test_readme_example), cmocka_unit_test(test_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
