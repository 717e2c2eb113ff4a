/* How the fast simulator translates: which bundles have a fast form, what order and
 * what copies it finds. That the result is right is the differential fuzzer's part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/engine/predecode.h"
#include "sim/engine/serialize.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { MEM = 64 };

static struct prog *read(const char *json)
{
    struct prog *p;
    struct diag d = {0};
    if (prog_read_json(json, strlen(json), "case", &p, &d) != ST_OK)
        fail_msg("%s", d.text);
    return p;
}

/* How many micro-operations of each code the program becomes. */
static void translate(const char *json, const struct sim_config *config, enum micro_form form,
                      unsigned *codes)
{
    struct prog *p = read(json);
    struct micro_stream s = {0};
    assert_true(predecode(p, config, MEM, form, &s));
    assert_int_equal(s.marks.n, p->bundles.n + 1);
    memset(codes, 0, MICRO_CODES * sizeof *codes);
    for (size_t i = 0; i < s.code.n; i++)
        codes[s.code.at[i].code]++;
    assert_int_equal(codes[MICRO_END], 1);
    assert_int_equal(codes[MICRO_YIELD], form == MICRO_TURNS ? p->bundles.n : 0);
    predecode_free(&s);
    prog_destroy(p);
}

struct form {
    const char *bundle;
    unsigned code, n; /* it holds n of these; no code is in more than one */
};

static void what_each_bundle_becomes(void **state)
{
    (void)state;
    static const struct form forms[] = {
        {"{}", MICRO_ORACLE, 0},
        {"{\"debug\": [[\"comment\", 1]]}", MICRO_ORACLE, 0},
        {"{\"alu\": [[\"+\", 1, 1, 1]]}", OP_ALU_ADD, 1},
        {"{\"valu\": [[\"+\", 1, 1, 1]]}", MICRO_WIDE + OP_VALU_ADD, 1},
        /* A chain that an order resolves, and a swap that one copy does. */
        {"{\"alu\": [[\"+\", 1, 2, 2], [\"+\", 3, 1, 1], [\"+\", 4, 3, 3]]}", MICRO_COPY, 0},
        {"{\"alu\": [[\"+\", 1, 2, 2], [\"+\", 2, 1, 1]]}", MICRO_COPY, 1},
        {"{\"alu\": [[\"+\", 1, 2, 2], [\"+\", 2, 1, 1], [\"-\", 2, 7, 7]]}", MICRO_COPY, 2},
        {"{\"valu\": [[\"+\", 8, 16, 16], [\"+\", 16, 8, 8]]}", MICRO_COPY_8, 1},
        /* The narrower write is the one that waits. */
        {"{\"valu\": [[\"+\", 8, 30, 30]], \"alu\": [[\"+\", 30, 8, 8]]}", MICRO_COPY, 1},
        {"{\"valu\": [[\"+\", 8, 30, 30]], \"alu\": [[\"+\", 30, 8, 8]]}", MICRO_COPY_8, 0},
        /* Old data out, new data in. */
        {"{\"load\": [[\"vload\", 8, 0]], \"store\": [[\"vstore\", 1, 8]]}", MICRO_COPY_8, 1},
        {"{\"load\": [[\"vload\", 8, 0]], \"store\": [[\"vstore\", 1, 16]]}", MICRO_CHECK, 1},
        /* Overlapping loads in a deliberate order. */
        {"{\"load\": [[\"vload\", 8, 0], [\"vload\", 9, 1]]}", MICRO_ORACLE, 0},
        {"{\"store\": [[\"vstore\", 0, 8], [\"store\", 1, 8]]}", MICRO_CHECK_APART, 1},
        {"{\"load\": [[\"load\", 8, 0]], \"store\": [[\"vstore\", 0, 8], [\"store\", 1, 8]]}", MICRO_CHECK_2,
         1},
        {"{\"alu\": [[\"//\", 1, 2, 3]]}", MICRO_CHECK_DIVISOR, 0},
        {"{\"alu\": [[\"//\", 1, 2, 3], [\"%\", 4, 5, 6]]}", MICRO_CHECK_DIVISOR, 1},
        {"{\"flow\": [[\"cond_jump\", 1, 0]], \"alu\": [[\"+\", 1, 2, 3]]}", MICRO_COPY, 1},
        {"{\"flow\": [[\"cond_jump\", 4, 0]], \"alu\": [[\"+\", 1, 2, 3]]}", MICRO_COPY, 0},
        {"{\"flow\": [[\"pause\"]]}", OP_PAUSE, 0},
        /* The oracle's. */
        {"{\"alu\": [[\"+\", 1536, 1, 1]]}", MICRO_ORACLE, 1},
        {"{\"valu\": [[\"+\", 1, 1529, 1]]}", MICRO_ORACLE, 1},
        {"{\"alu\": [[\"?\", 1]]}", MICRO_ORACLE, 1},
        {"{\"flow\": [[\"halt\"], [\"halt\"]]}", MICRO_ORACLE, 1},
        {"{\"flow\": [[\"trace_write\", 1]]}", MICRO_ORACLE, 1},
        {"{\"flow\": [[\"jump\", -1]]}", MICRO_ORACLE, 1},
        {"{\"debug\": [[\"compare\", 1, 1]]}", MICRO_ORACLE, 1},
    };
    const struct sim_config config = sim_default_config();
    for (unsigned i = 0; i < COUNT(forms); i++) {
        unsigned codes[MICRO_CODES];
        char json[300];
        (void)snprintf(json, sizeof json, "[%s]", forms[i].bundle);
        translate(json, &config, (enum micro_form)(i % 3), codes);
        if (codes[forms[i].code] != forms[i].n)
            fail_msg("%s: %u of code %u, expected %u", forms[i].bundle, codes[forms[i].code], forms[i].code,
                     forms[i].n);
        if (forms[i].code != MICRO_ORACLE)
            assert_int_equal(codes[MICRO_ORACLE], 0);
    }
}

static void every_code_has_a_label(void **state)
{
    (void)state;
    unsigned labels[MICRO_CODES] = {0};
#define MICRO_LABEL(code, label) labels[code]++;
#include "sim/engine/micro_labels.def"
    for (unsigned code = 0; code < MICRO_CODES; code++)
        assert_int_equal(labels[code], 1);
}

static void configuration_decides_too(void **state)
{
    (void)state;
    unsigned codes[MICRO_CODES];
    struct sim_config config = sim_default_config();
    config.strict = true;
    translate("[{\"load\": [[\"vload\", 8, 0], [\"vload\", 9, 1]]}]", &config, MICRO_STRAIGHT, codes);
    assert_int_equal(codes[MICRO_ORACLE], 1);
    config = sim_default_config();
    config.debug = false;
    config.pause = true;
    translate("[{\"debug\": [[\"compare\", 1, 1]]}, {\"flow\": [[\"pause\"]]}]", &config, MICRO_STRAIGHT,
              codes);
    assert_int_equal(codes[MICRO_ORACLE], 0);
    assert_int_equal(codes[OP_PAUSE], 1);
    config.machine.vlen = 4;
    translate("[{\"valu\": [[\"+\", 1, 1, 1], [\"+\", 9, 2, 2]]}]", &config, MICRO_STRAIGHT, codes);
    assert_int_equal(codes[OP_VALU_ADD], 2);
}

/* Any order that is found must let nobody read what has been written. */
static void orders_are_sound(void **state)
{
    (void)state;
    enum { WORDS = 24 };
    struct rng r = {5};
    struct serialize_word words[WORDS] = {{0, 0}};
    struct serialize_table table = {words, 0};
    for (unsigned round = 0; round < 20000; round++) {
        struct isa_effects fx[SERIALIZE_SLOTS];
        struct serialize_bundle b = {.fx = fx, .n = 1 + rng_below(&r, round % 100 ? 9 : SERIALIZE_SLOTS)};
        for (unsigned i = 0; i < b.n; i++) {
            const uint32_t n = rng_below(&r, 3) ? 1 : 4, kind = rng_below(&r, 6);
            fx[i] = (struct isa_effects){.reads = 2, .writes = kind != 0};
            fx[i].write = (struct isa_range){rng_below(&r, WORDS - 4), n};
            for (unsigned k = 0; k < 2; k++)
                fx[i].read[k] = (struct isa_range){rng_below(&r, WORDS - 4), k ? n : 1};
            b.stores |= (uint64_t)(kind == 0) << i;
            b.loads |= (uint64_t)(kind == 1) << i;
        }
        struct order order;
        serialize_find(&table, &b, &order);
        uint64_t done = 0;
        unsigned last[WORDS], final[WORDS]; /* slot + 1 that wrote the word: as executed, as it should be */
        memset(last, 0, sizeof last);
        memset(final, 0, sizeof final);
        for (unsigned k = 0; k < b.n; k++) {
            const unsigned i = order.sequence[k];
            assert_false(done >> i & 1);
            for (unsigned q = 0; q < fx[i].reads; q++)
                for (uint32_t w = 0; w < fx[i].read[q].n; w++)
                    assert_int_equal(last[fx[i].read[q].first + w], 0);
            for (uint32_t w = 0; fx[i].writes && !(order.buffered >> i & 1) && w < fx[i].write.n; w++)
                last[fx[i].write.first + w] = i + 1;
            if (b.stores >> i & 1)
                assert_int_equal(b.loads & ~done, 0);
            done |= UINT64_C(1) << i;
        }
        for (unsigned i = 0; i < b.n; i++)
            for (uint32_t w = 0; fx[i].writes && w < fx[i].write.n; w++) {
                final[fx[i].write.first + w] = i + 1;
                if (order.buffered >> i & 1)
                    last[fx[i].write.first + w] = i + 1;
            }
        assert_memory_equal(last, final, sizeof last);
    }
}

/* A long program of full bundles is translated into blocks, a short one is not. */
static void long_programs_get_blocks(void **state)
{
    (void)state;
    static const char bundle[] =
        "{\"alu\": [[\"+\", 1, 1, 2], [\"-\", 2, 1, 2], [\"*\", 3, 1, 2], [\"^\", 4, 1, 2], [\"&\", 5, 1, "
        "2]],"
        " \"valu\": [[\"|\", 8, 16, 24], [\"<<\", 16, 8, 24], [\"multiply_add\", 24, 16, 8, 24]],"
        " \"flow\": [[\"vselect\", 32, 8, 16, 24]]}";
    const struct sim_config config = sim_default_config();
    for (unsigned n = 10; n <= 1000; n *= 100) {
        struct text t = {0};
        for (unsigned i = 0; i < n; i++)
            text_addf(&t, "%c%s", i ? ',' : '[', bundle);
        text_add(&t, "]");
        assert_true(text_ok(&t));
        unsigned codes[MICRO_CODES];
        translate(t.at, &config, MICRO_STRAIGHT, codes);
        assert_int_equal(codes[MICRO_BLOCK_READ], n == 1000 ? n : 0);
        assert_int_equal(codes[MICRO_BLOCK_WRITE], n == 1000 ? n : 0);
        assert_int_equal(codes[MICRO_COPY_8] > 0, n == 10);
        translate(t.at, &config, MICRO_BATCH, codes);
        assert_int_equal(codes[MICRO_BLOCK_READ], 0);
        text_free(&t);
    }
}

/* Scalar slots on consecutive words become one on lanes, where that cannot be told. */
static void runs_become_vectors(void **state)
{
    (void)state;
    static const struct form forms[] = {
        {"[\"^\", 40, 8, 16], [\"^\", 41, 9, 17], [\"^\", 42, 10, 18]", MICRO_PART + OP_VALU_XOR, 1},
        {"[\"^\", 42, 10, 18], [\"+\", 50, 8, 8], [\"^\", 41, 9, 17]", MICRO_PART + OP_VALU_XOR, 1},
        {"[\"+\", 1, 9, 1], [\"+\", 2, 10, 2], [\"+\", 3, 11, 3], [\"+\", 4, 12, 4], [\"+\", 5, 13, 5], "
         "[\"+\", 6, 14, 6], [\"+\", 7, 15, 7], [\"+\", 8, 16, 8]",
         MICRO_WIDE + OP_VALU_ADD, 1},
        {"[\"+\", 1, 20, 1], [\"+\", 2, 21, 2], [\"+\", 3, 22, 3], [\"+\", 4, 23, 4], [\"+\", 5, 24, 5], "
         "[\"+\", 6, 25, 6], [\"+\", 7, 26, 7], [\"+\", 8, 27, 8], [\"+\", 9, 28, 9]",
         OP_ALU_ADD, 1},
        {"[\"+\", 1, 9, 1], [\"+\", 2, 10, 1]", OP_ALU_ADD, 2},
        {"[\"+\", 1, 9, 1], [\"-\", 2, 10, 2]", MICRO_PART + OP_VALU_ADD, 0},
        {"[\"%\", 1, 9, 1], [\"%\", 2, 10, 2]", OP_ALU_MOD, 2},
        {"[\"+\", 1, 9, 1], [\"+\", 2, 10, 2], [\"+\", 1, 9, 1]", OP_ALU_ADD, 3},
        /* Two that read each other's words: one is computed beside its word_range. */
        {"[\"+\", 1, 9, 20], [\"+\", 2, 10, 21], [\"-\", 9, 1, 20], [\"-\", 10, 2, 21]",
         MICRO_PART + OP_VALU_OR, 1},
    };
    struct sim_config config = sim_default_config();
    unsigned codes[MICRO_CODES];
    for (unsigned i = 0; i < COUNT(forms); i++) {
        char json[400];
        (void)snprintf(json, sizeof json, "[{\"alu\": [%s]}]", forms[i].bundle);
        translate(json, &config, (enum micro_form)(i % 3), codes);
        if (codes[forms[i].code] != forms[i].n)
            fail_msg("%s: %u of code %u, expected %u", forms[i].bundle, codes[forms[i].code], forms[i].code,
                     forms[i].n);
    }
    config.machine.vlen = 4;
    translate("[{\"alu\": [[\"+\", 1, 9, 1], [\"+\", 2, 10, 2]]}]", &config, MICRO_STRAIGHT, codes);
    assert_int_equal(codes[OP_ALU_ADD], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_bundle_becomes),  cmocka_unit_test(every_code_has_a_label),
        cmocka_unit_test(configuration_decides_too), cmocka_unit_test(orders_are_sound),
        cmocka_unit_test(long_programs_get_blocks),  cmocka_unit_test(runs_become_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
