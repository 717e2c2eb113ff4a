/* Memory that runs out at every possible word_range while a run is recorded and explained: each time
 * ST_NOMEM, and nothing leaks. Linked with --wrap for the allocator (see the Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing.h"
#include "tests/unit/recording.h"
#include "traces/profile/advice.h"
#include "traces/profile/live.h"

static enum status explain(const struct history *h)
{
    struct holes holes = {0};
    struct limits limits = {0};
    struct advice advice;
    struct live words = {0};
    enum status status = holes_find(h, &holes, NULL);
    if (status == ST_OK)
        status = limits_find(h, &h->machine, &limits, NULL);
    if (status == ST_OK)
        status = advice_make(h, &holes, &limits, &(struct advice_facts){0}, &advice, NULL);
    if (status == ST_OK)
        status = live_find(h, &words, NULL);
    live_free(&words);
    holes_free(&holes);
    limits_free(&limits);
    return status;
}

/* A loop over loads, adds and stores on two cores, with a swap, and the order of memory. */
static const char program[] = "{\"machine\": {\"cores\": 2%s}, \"program\": ["
                              "{\"load\": [[\"const\", 1, 20], [\"const\", 9, 0]], \"flow\": [[\"coreid\", "
                              "20]]}, {\"load\": [[\"const\", 2, 1]]},"
                              "{\"load\": [[\"load\", 3, 9], [\"vload\", 30, 9]], \"alu\": [[\"-\", 1, 1, "
                              "2], [\"+\", 5, 6, 2], [\"+\", 6, 5, 2]]},"
                              "{\"alu\": [[\"+\", 4, 3, 2]], \"valu\": [[\"+\", 40, 30, 30]]}, {\"store\": "
                              "[[\"store\", 9, 4], [\"vstore\", 9, 40]]},"
                              "{\"alu\": [[\"+\", 9, 9, 2]], \"flow\": [[\"cond_jump\", 1, 2]]}]}";

/* Recording brings no other allocations than its own: the machine has run before. */
static enum status record_and_explain(struct sim *s)
{
    struct history h;
    enum status status = hist_record(s, (struct hist_window){0, UINT64_MAX}, &h, NULL);
    if (status == ST_OK)
        status = explain(&h);
    hist_free(&h);
    return status;
}

static void fail_each(const char *latencies, long least)
{
    const uint32_t mem[64] = {0};
    char text[2000];
    (void)snprintf(text, sizeof text, program, latencies);
    fail_after(-1);
    struct recording r = record_json(text);
    long places = 0;
    for (failed = true; failed; places++) {
        sim_reset(r.s, mem);
        const long before = live;
        fail_after(places);
        const enum status status = record_and_explain(r.s);
        countdown = -1;
        assert_int_equal(status, failed ? ST_NOMEM : ST_OK);
        assert_int_equal(live, before);
    }
    assert_true(places > least);
    recording_free(&r);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_each("", 100);
    fail_each(", \"latency\": {\"load\": 3, \"alu\": 2}", 40); /* no list schedules */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
