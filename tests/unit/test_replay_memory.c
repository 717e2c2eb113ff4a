/* Memory that runs out at every possible word_range while a run is debugged: what fails says so, a
 * snapshot that cannot be taken only costs time, and nothing leaks. This program is linked with
 * --wrap for the allocator (see the Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing.h"
#include "traces/replay/breakpoints.h"
#include "traces/replay/provenance.h"

static const char text[] = ".name i 0\n.name one 1\n.name v 8 8\n"
                           "{ load: const i, 50; const one, 1 }\n"
                           "again: { alu: - i, i, one; + v+2, v+2, i }\n"
                           "{ flow: cond_jump i, @again; store: store one, i }\n"
                           "{ flow: trace_write i }\n";

enum { WORDS = 4, END = 103 };

/* Looks around in the middle of the run; the position stays. */
static enum status look(struct replay *r, struct diag *d)
{
    struct provenance by[16];
    enum provenance_end end;
    struct expr *e;
    uint64_t value = 0;
    const struct word_range word_range = {0, 8, 8};
    const bool complete = provenance_writers(r, &word_range, by);
    const size_t n = provenance_readers(r, &word_range, by, 16, &end);
    enum status status = expr_parse("i + v[2] * 2", r->sim->prog, &e, d);
    if (status == ST_OK)
        status = expr_value(e, r->sim, 0, &value, d);
    expr_free(e);
    if (!failed) {
        assert_true(complete && n == 1 && end == PROVENANCE_ENDED);
        assert_int_equal(by[0].first, 10);
        assert_true(value > 2000);
    }
    return status;
}

static enum status stop(struct replay *r, struct breakpoints *all, struct diag *d)
{
    struct stop stop = {.kind = BREAK_CONDITION};
    struct breakpoint_hit hit;
    const enum status status = expr_parse("i == 7", r->sim->prog, &stop.condition, d);
    if (status != ST_OK)
        return status;
    if (!breakpoints_add(all, stop) ||
        !breakpoints_add(all, (struct stop){.kind = BREAK_CHANGE, .word_range = {WORD_RANGE_MEM, 1, 1}}))
        return ST_NOMEM;
    if (breakpoints_forth(all, r, UINT64_MAX, &hit) && !failed)
        assert_int_equal(hit.id, 2);
    if (breakpoints_back(all, r, &hit) && !failed)
        assert_int_equal(hit.address, 1);
    return ST_OK;
}

static enum status debug(const struct prog *p, const uint32_t *mem, uint32_t store_latency)
{
    struct replay *r;
    struct diag d;
    struct breakpoints all = {0};
    struct sim_config config = sim_default_config();
    config.machine.scratch = 64;
    config.machine.latency[ENGINE_STORE] = store_latency;
    enum status status = replay_create(p, &config, mem, WORDS, &r, &d);
    if (status != ST_OK)
        return status;
    r->every = 10;
    r->most = 4;
    replay_go(r, 60);
    status = look(r, &d);
    if (status == ST_OK)
        status = stop(r, &all, &d);
    if (status == ST_OK)
        status = replay_set(r, 0, 5, 77, &d);
    replay_go(r, UINT64_MAX);
    /* The machine itself may have had no memory for a bundle: that is a fault. */
    if (r->sim->fault.kind == FAULT_NONE) {
        assert_int_equal(r->sim->rounds, END);
        assert_int_equal(r->sim->cores[0].scratch[10], 49 * 50 / 2 + 50);
        assert_int_equal(r->sim->cores[0].scratch[5], status == ST_OK ? 77 : 0);
    } else {
        assert_int_equal(r->sim->fault.kind, FAULT_OUT_OF_MEMORY);
        assert_true(failed);
    }
    breakpoints_clear(&all);
    replay_destroy(r);
    return status;
}

static void run_out(uint32_t store_latency)
{
    const uint32_t mem[WORDS] = {0};
    struct prog *p;
    struct diag d = {0};
    assert_int_equal(prog_read_asm(text, strlen(text), "case", &p, &d), ST_OK);
    const long before = live;
    unsigned refused = 0, n = 0;
    do {
        fail_after((long)n++);
        const enum status status = debug(p, mem, store_latency);
        const bool had_failed = failed;
        fail_after(-1);
        failed = had_failed;
        assert_true(status == ST_OK || (status == ST_NOMEM && failed));
        refused += status == ST_NOMEM;
        assert_int_equal(live, before);
    } while (failed);
    assert_true(refused > 10 && n > 30);
    prog_destroy(p);
}

static void memory_runs_out_everywhere(void **state)
{
    (void)state;
    run_out(1);
    run_out(5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_runs_out_everywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
