/* Schedules made shorter op by op, forward and backward.
 *
 * requires    a dependence graph whose ops, in the order of the ir and by their origins, are a
 *             schedule: each op in the bundle it came from, on the engine its form names
 * guarantees  a schedule that keeps every edge and every slot limit, and, where each bundle held
 *             what its ops take, is no longer than that one
 * algorithm   serial schedule generation: op after op, each at the first cycle in which its
 *             operands are there and a slot is free (Kelley 1963); then in the order of what came
 *             of it from the end backward, and again forward, which never lengthens it (double
 *             justification; Wiest 1964, Valls et al. 2005). An op takes another engine than
 *             before only where that is sooner
 * weakness    scratch is not counted: for values that stay at their addresses it need not be
 */
#ifndef SHEAF_BUILDER_PASSES_COMPACT_H
#define SHEAF_BUILDER_PASSES_COMPACT_H

#include "builder/passes/schedule.h"

/* How much sooner an op may be than it was: `share` of the time before it, and `cycles` more. What is
 * issued late needs fewer words. */
struct compact_window {
    float share;
    uint32_t cycles;
};

/* Fills *s, which schedule_init has made for `p`. `passes`: backward and forward. False when out of memory.
 */
bool compact_schedule(const struct sched_graph *p, struct compact_window window, unsigned passes,
                      struct schedule *s);

/* The same for a schedule of any other origin: *s, made likewise, becomes what is left of `from`, which is
 * no longer. */
bool compact_again(const struct sched_graph *p, const struct schedule *from, unsigned passes,
                   struct schedule *s);

#endif
