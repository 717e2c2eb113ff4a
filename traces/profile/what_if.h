/* What-if runs for advice: the recorded slots under other conditions. */
#ifndef SHEAF_TRACES_PROFILE_WHAT_IF_H
#define SHEAF_TRACES_PROFILE_WHAT_IF_H

#include "traces/profile/limits.h"

/* Longer runs have no list schedules. */
enum { WHAT_IF_MAX_SLOTS = 1000000, WHAT_IF_MAX_EDGES = 1 << 24 };

/* Cycles under some condition: a bound, and those of a list schedule (or of one that fewer conditions
 * allow, if that is shorter). */
struct what_if {
    uint32_t bound, reschedule;
};

struct what_ifs {
    struct what_if now;                 /* as it is */
    struct what_if renamed;             /* every value has words of its own */
    struct what_if unrolled;            /* and nothing waits for a jump */
    struct what_if wider[ENGINE_DEBUG]; /* as it is, with one more slot of an engine */
    bool rescheduled;                   /* false: too long a run for list schedules, or latencies */
};

/* In *dep the chain that is left when loops are unrolled. ST_OK, ST_NOMEM. */
enum status what_if_run(const struct history *h, const struct limits *l, struct what_ifs *out, uint32_t *dep,
                        struct diag *d);

#endif
