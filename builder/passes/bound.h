/* Lower bounds for the length of a region's schedule: none that fits this machine and
 * its scratch is shorter, whatever its keys.
 *
 * requires    a problem (graph, engines, blocks) whose every op some engine can run
 * guarantees  each number is a true lower bound
 * algorithm   dep    the longest path through the graph (Fernandez and Bussell 1973)
 *             work   ops that cannot start before cycle h and are followed by at least
 *                    t cycles have all but h + t cycles to themselves. For every h and t
 *                    the least cycles in which the engines can do them, under the best
 *                    choice of engine for each op. Choices connect alu, valu, flow and
 *                    load in a row, so filling the engines from alu on is that optimum
 *             live   every value holds its word for at least the longest path from
 *                    its op to its last reader: words times cycles must fit in scratch
 * weakness    the three are not combined; heads and tails know of paths, not of the work
 *             before and after. With latencies, that a write is issued no sooner than the
 *             last read of the value before, and than that value is there, is taken for
 *             granted, although it might be issued while they are in flight
 */
#ifndef SHEAF_BUILDER_PASSES_BOUND_H
#define SHEAF_BUILDER_PASSES_BOUND_H

#include "builder/passes/schedule.h"

struct bound {
    uint32_t work, dep, live;
    uint32_t cycles;     /* the largest of them */
    uint32_t head, tail; /* the h and t that give `work` */
};

/* False when out of memory. */
bool bound_region(const struct sched_graph *p, struct bound *out);

#endif
