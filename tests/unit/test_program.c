/* Programs in memory: names for addresses, slots as text, and the static checker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/program/check.h"
#include "sim/program/program.h"

static struct prog *read_asm(const char *text)
{
    struct prog *p;
    struct diag d;
    const enum status status = prog_read_asm(text, strlen(text), NULL, &p, &d);
    if (status != ST_OK)
        print_error("%s\n%u:%u: %s\n", text, d.line, d.column, d.text);
    assert_int_equal(status, ST_OK);
    return p;
}

static void assert_address(const struct prog *p, int64_t address, const char *expected)
{
    struct text t = {0};
    prog_address_text(p, address, &t);
    assert_string_equal(t.at, expected);
    text_free(&t);
}

static void test_names_of_addresses(void **state)
{
    (void)state;
    struct prog *p = read_asm(".name block 10 20\n.name inner 14 4\n.name i 3\n.name j 3 2\n.name i 100\n"
                              ".name none 50 0\n.name \"a b\" 60 2\n");
    for (int pass = 0; pass < 2; pass++) {
        assert_address(p, 2, "2");
        assert_address(p, 3, "i");
        assert_address(p, 4, "j+1");
        assert_address(p, 5, "5");
        assert_address(p, 10, "block");
        assert_address(p, 13, "block+3");
        assert_address(p, 14, "inner");
        assert_address(p, 17, "inner+3");
        assert_address(p, 18, "block+8");
        assert_address(p, 29, "block+19");
        assert_address(p, 30, "30");
        assert_address(p, 50, "50");
        assert_address(p, 61, "\"a b\"+1");
        assert_address(p, 100, "100");
        assert_address(p, -1, "-1");
        assert_address(p, INT64_MAX, "9223372036854775807");
        /* The second time with an index that is stale. */
        assert_true(prog_add_name(p, "late", 4, 200, 2));
    }
    assert_address(p, 201, "late+1");
    assert_true(prog_index_names(p));
    assert_address(p, 201, "late+1");
    prog_destroy(p);
}

/* The rule of names, literally: of the names that cover an address and are the first
 * of their spelling, the one that begins nearest, then the first in the source. */
static const struct prog_name *plain_search(const struct prog *p, int64_t address)
{
    const struct prog_name *best = NULL;
    for (size_t i = 0; i < p->names.n; i++) {
        const struct prog_name *n = &p->names.at[i];
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first = first && strcmp(p->names.at[k].name, n->name) != 0;
        if (first && address >= n->address && address < (int64_t)n->address + n->length &&
            (!best || n->address > best->address))
            best = n;
    }
    return best;
}

static void test_names_against_a_plain_search(void **state)
{
    (void)state;
    struct rng r = {3};
    for (int round = 0; round < 300; round++) {
        struct prog *p = prog_create();
        for (uint32_t n = rng_below(&r, 14); n; n--) {
            const char name[] = {(char)('a' + rng_below(&r, 20)), '\0'};
            assert_true(prog_add_name(p, name, 1, rng_below(&r, 40), rng_below(&r, 20)));
        }
        assert_true(prog_index_names(p));
        for (int64_t address = -1; address < 62; address++) {
            const struct prog_name *n = plain_search(p, address);
            char expected[40];
            if (!n)
                (void)snprintf(expected, sizeof expected, "%d", (int)address);
            else if (n->address == address)
                (void)snprintf(expected, sizeof expected, "%s", n->name);
            else
                (void)snprintf(expected, sizeof expected, "%s+%d", n->name, (int)(address - n->address));
            assert_address(p, address, expected);
        }
        prog_destroy(p);
    }
}

static void test_slot_text(void **state)
{
    (void)state;
    struct prog *p = read_asm(".name v 8 8\nl: { alu: + 1, 2, 3; load: const v+1, 255; const 9, -255; "
                              "flow: jump @l; cond_jump v, 9; debug: vcompare v, [1, [2]]; [\"x\", 1] }");
    static const char *const expected[] = {"+ 1, 2, 3", "const v+1, 0xff", "const v+1, -255",
                                           "jump @l",   "cond_jump v, 9",  "vcompare v, [1,[2]]",
                                           "[\"x\",1]"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct text t = {0};
        prog_slot_text(p, &p->slots.at[i], &t);
        assert_string_equal(t.at, expected[i]);
        text_free(&t);
    }
    prog_destroy(p);
}

/* All findings, a line each. */
static void check_findings(const char *assembly, const char *expected)
{
    struct prog *p = read_asm(assembly);
    struct prog_findings f = {0};
    assert_int_equal(prog_check(p, &p->machine, 100, &f), ST_OK);
    struct text t = {0};
    text_add(&t, "");
    for (size_t i = 0; i < f.list.n; i++) {
        prog_finding_text(p, &f.list.at[i], &t);
        text_add(&t, "\n");
    }
    assert_string_equal(t.at, expected);
    assert_int_equal(f.list.n, f.errors + f.warnings);
    text_free(&t);
    prog_findings_free(&f);
    prog_destroy(p);
}

static void test_clean_programs(void **state)
{
    (void)state;
    check_findings("", "");
    check_findings("{}{ load: const 1, 5; const 2, 6 }\na: { alu: + 1, 1, 2 }\n{ flow: cond_jump 1, @a }{ "
                   "flow: jump @end }"
                   "{ flow: halt }\nend:",
                   "warning: unreachable: bundle 5 (line 3): nothing leads to this bundle\n");
    check_findings("{ load: vload 1528, 0; const 0, 1; debug: compare 1535, 1 }", "");
}

static void test_limits_and_unknown(void **state)
{
    (void)state;
    check_findings(
        ".machine alu=2\n{ load: const 1, 0 }\n{ alu: + 1, 1, 1; + 2, 1, 1; + 3, 1, 1; + 4, 1, 1 }",
        "error: slot_limit: bundle 1 (line 3), alu slot 2 `+ 3, 1, 1`: 4 alu slots, at most 2 a cycle\n");
    check_findings("{ valu: [\"vsub\", 1]; debug: [\"any\", 1] }",
                   "error: unknown_op: bundle 0 (line 1), valu slot 0 `[\"vsub\",1]`: engine valu has no "
                   "such operation\n");
    check_findings("{ debug: comment 1; comment 2; comment 3; comment 4 }", "");
}

static void test_ranges(void **state)
{
    (void)state;
    check_findings(".machine scratch=16\n.name v 8 8\n{ load: const 16, 0; const -1, 0; valu: vbroadcast "
                   "v+1, 2147483647 }",
                   "error: out_of_range: bundle 0 (line 3), load slot 0 `const 16, 0`: "
                   "writes scratch word 16, scratch has 16 words\n"
                   "error: out_of_range: bundle 0 (line 3), load slot 1 `const -1, 0`: "
                   "writes scratch word -1, scratch has 16 words\n"
                   "error: out_of_range: bundle 0 (line 3), valu slot 0 `vbroadcast v+1, 2147483647`: "
                   "reads scratch word 2147483647, scratch has 16 words\n"
                   "error: out_of_range: bundle 0 (line 3), valu slot 0 `vbroadcast v+1, 2147483647`: "
                   "writes scratch words 9 to 16, scratch has 16 words\n");
    check_findings(
        "{ load: load_offset 1, 1, 9223372036854775807 }",
        "error: out_of_range: bundle 0 (line 1), load slot 0 `load_offset 1, 1, 9223372036854775807`: "
        "reads scratch word 1099511627777, scratch has 1536 words\n"
        "error: out_of_range: bundle 0 (line 1), load slot 0 `load_offset 1, 1, 9223372036854775807`: "
        "writes scratch word 1099511627777, scratch has 1536 words\n");
    check_findings(
        "{ load: vload 8, 0; const 0, 1; debug: vcompare 8, [1, 2] }",
        "error: debug_mismatch: bundle 0 (line 1), debug slot 0 `vcompare 8, [1,2]`: 2 keys for 8 lanes\n");
}

static void test_jumps(void **state)
{
    (void)state;
    check_findings(
        ".machine flow=4\n{ load: const 0, 1 }\n{ flow: cond_jump 0, -1; cond_jump 0, 4; "
        "cond_jump_rel 0, -3; cond_jump_rel 0, 9223372036854775807 }\n{ flow: jump 3 }",
        "error: out_of_range: bundle 1 (line 3), flow slot 0 `cond_jump 0, -1`: "
        "jumps to bundle -1, expected 0 or more\n"
        "error: out_of_range: bundle 1 (line 3), flow slot 1 `cond_jump 0, 4`: "
        "jumps to bundle 4 beyond the end, the program has 3\n"
        "error: out_of_range: bundle 1 (line 3), flow slot 2 `cond_jump_rel 0, -3`: "
        "jumps to bundle -1, expected 0 or more\n"
        "error: out_of_range: bundle 1 (line 3), flow slot 3 `cond_jump_rel 0, 9223372036854775807`: "
        "jumps to bundle 1152921504606846978 beyond the end, the program has 3\n");
}

static void test_reachability(void **state)
{
    (void)state;
    check_findings("{ flow: jump 3 }{}{}{ load: const 0, 1 }{ flow: cond_jump_rel 0, 1 }{ flow: pause }{}{ "
                   "flow: halt }{}{}",
                   "warning: unreachable: bundle 1 (line 1): nothing leads to the bundles 1 to 2\n"
                   "warning: unreachable: bundle 8 (line 1): nothing leads to the bundles 8 to 9\n");
    check_findings("{ load: const 0, 1; flow: jump_indirect 0 }{}{ flow: halt }{}", "");
}

static void test_double_writes(void **state)
{
    (void)state;
    check_findings(
        ".name t 1\n{ load: const t, 1; const 1, 2; alu: + 2, t, t; + t, t, t }\n{ load: const t, 1 }",
        "warning: write_conflict: bundle 0 (line 2), load slot 1 `const t, 2`: "
        "writes t (scratch 1), as does load `const t, 1` of the same bundle\n"
        "warning: write_conflict: bundle 0 (line 2), alu slot 1 `+ t, t, t`: "
        "writes t (scratch 1), as does load `const t, 2` of the same bundle\n");
    check_findings("{ load: const 0, 1 }{ load: vload 8, 0; vload 15, 0; flow: coreid 16 }",
                   "warning: write_conflict: bundle 1 (line 1), load slot 1 `vload 15, 0`: "
                   "writes scratch 15, as does load `vload 8, 0` of the same bundle\n"
                   "warning: write_conflict: bundle 1 (line 1), flow slot 0 `coreid 16`: "
                   "writes scratch 16, as does load `vload 15, 0` of the same bundle\n");
}

static void test_words_that_nothing_writes(void **state)
{
    (void)state;
    check_findings(".name x 8 8\n{ load: const 0, 1 }{ store: store 0, 5; vstore 0, x; store 0, x+7 }",
                   "error: slot_limit: bundle 1 (line 2), store slot 2 `store 0, x+7`: 3 store slots, at "
                   "most 2 a cycle\n"
                   "warning: never_written: bundle 1 (line 2), store slot 0 `store 0, 5`: "
                   "reads scratch 5, which nothing writes\n"
                   "warning: never_written: bundle 1 (line 2), store slot 1 `vstore 0, x`: "
                   "reads x (scratch 8), which nothing writes\n");
}

static void test_findings_are_limited(void **state)
{
    (void)state;
    struct text t = {0};
    for (int i = 0; i < 50; i++)
        text_add(&t, "{ alu: [\"no\"] }");
    struct prog *p = read_asm(t.at);
    struct prog_findings f = {0};
    assert_int_equal(prog_check(p, &p->machine, 7, &f), ST_OK);
    assert_int_equal(f.list.n, 7);
    assert_int_equal(f.errors, 50);
    assert_int_equal(f.warnings, 0);
    prog_findings_free(&f);
    prog_destroy(p);
    text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_addresses),
        cmocka_unit_test(test_names_against_a_plain_search),
        cmocka_unit_test(test_slot_text),
        cmocka_unit_test(test_clean_programs),
        cmocka_unit_test(test_limits_and_unknown),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_reachability),
        cmocka_unit_test(test_double_writes),
        cmocka_unit_test(test_words_that_nothing_writes),
        cmocka_unit_test(test_findings_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
