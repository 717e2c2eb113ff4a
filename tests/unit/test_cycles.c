/* tests/cycles.csv, compared exactly: a count that has become higher is a defect,
 * one that has become lower is written there (and in the variant's row). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernel.h"

static const char *const table = "tests/cycles.csv";

static uint64_t run_program(const struct prog *program, uint32_t *mem, uint32_t words)
{
    struct sim_config config = sim_default_config();
    struct sim *s;
    struct diag d;
    assert_int_equal(sim_create(program, &config, mem, words, &s, &d), ST_OK);
    assert_int_equal(sim_run(s), SIM_STOPPED);
    memcpy(mem, s->mem, words * sizeof *mem);
    const uint64_t cycles = s->cycle;
    sim_destroy(s);
    return cycles;
}

/* The cycles of a right run on seed 123. */
static uint64_t measure(const struct kern *k, const struct kern_variant *v, unsigned contract,
                        const struct kern_params *params)
{
    const struct kern_request rq = {
        .params = *params, .contract = contract, .machine = isa_default_machine()};
    struct kern_instance *p;
    struct kern_programs programs;
    struct diag d;
    assert_int_equal(kern_instance_create(k, params, contract, 123, &p, &d), ST_OK);
    assert_int_equal(kern_build(k, v, &rq, &programs, &d), ST_OK);
    uint64_t cycles = 0;
    for (size_t i = 0; i < programs.list.n; i++)
        cycles += run_program(programs.list.at[i].prog, p->image, p->words);
    struct kern_wrong wrong;
    assert_false(kern_first_wrong(p, p->image, &wrong));
    kern_programs_free(&programs);
    kern_instance_destroy(p);
    return cycles;
}

/* Checks one row; adds it to the rows seen of its variant. */
static void check_row(char *line, unsigned seen[])
{
    char *save = NULL, *field[5];
    for (unsigned i = 0; i < 5; i++) {
        field[i] = strtok_r(i ? NULL : line, ",\n", &save);
        assert_non_null(field[i]);
    }
    const struct kern *k = kern_find(field[0], strlen(field[0]));
    assert_non_null(k);
    const struct kern_variant *v = kern_find_variant(k, field[1]);
    assert_non_null(v);
    const unsigned contract = kern_find_contract(k, field[2]);
    assert_in_range(contract, 0, k->n_contracts - 1);
    struct kern_params params = kern_defaults(k);
    struct diag d;
    for (char *c = field[3]; *c; c++)
        if (*c == ' ')
            *c = ',';
    assert_int_equal(kern_set(k, field[3], &params, &d), ST_OK);
    const uint64_t recorded = strtoull(field[4], NULL, 10), cycles = measure(k, v, contract, &params);
    if (cycles != recorded)
        fail_msg("%s:%s, %s, %s: %llu cycles, recorded %llu", field[0], field[1], field[2], field[3],
                 (unsigned long long)cycles, (unsigned long long)recorded);
    const struct kern_params standard = kern_defaults(k);
    if (memcmp(&params, &standard, sizeof params) == 0) {
        assert_int_equal(v->cycles[contract], recorded);
        seen[v - k->variants] |= 1u << contract;
    }
}

/* The standard instance of every variant under every contract it is known for has a row. */
static void test_recorded(void **state)
{
    (void)state;
    enum { KERNELS = 8, VARIANTS = 16 };
    unsigned seen[KERNELS][VARIANTS] = {{0}};
    char line[256];
    FILE *f = fopen(table, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_string_equal(line, "kernel,variant,contract,parameters,cycles\n");
    while (fgets(line, sizeof line, f)) {
        unsigned i = 0;
        while (kern_at(i) && kern_at(i) != kern_find(line, strcspn(line, ",")))
            i++;
        assert_non_null(kern_at(i));
        check_row(line, seen[i]);
    }
    (void)fclose(f);
    for (unsigned i = 0; kern_at(i); i++)
        for (unsigned v = 0; v < kern_at(i)->n_variants; v++)
            for (unsigned c = 0; c < kern_at(i)->n_contracts; c++)
                assert_int_equal(kern_at(i)->variants[v].cycles[c] != 0, seen[i][v] >> c & 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
