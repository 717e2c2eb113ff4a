/* The dependence graph of one region.
 *
 * requires    a region of an ir
 * guarantees  any order of issue that keeps every edge gives every read, of scratch
 *             or memory, the value the sequential order gives it
 * algorithm   one walk in program order at word granularity, remembering for each
 *             word its last writer and the readers since (RAW, WAR, WAW); memory is
 *             cut into segments at the ends of all declared ranges. Where one access
 *             depends on many stores, a fence (a node without an operation) stands
 *             between, so that edges stay linear in the size of the region.
 */
#ifndef SHEAF_BUILDER_PASSES_DEPEND_H
#define SHEAF_BUILDER_PASSES_DEPEND_H

#include "builder/ir/ir.h"

/* `delay` 1: `to` may start when what the other end writes is there, as many cycles after
 * its finish as its engine takes. 0: in the same bundle (a read of what is overwritten,
 * or two loads in slot order). */
struct dep_edge {
    uint32_t to;
    uint32_t delay;
};

/* Node i below `ops` is op first_op + i; the rest are fences. succ[succ_at[i] ..
 * succ_at[i+1]) are the edges from i, pred likewise the edges into it. */
struct dep_graph {
    uint32_t first_op, ops, nodes, edges;
    uint32_t *succ_at, *pred_at;
    struct dep_edge *succ, *pred;
};

/* Fills *g; false when out of memory, and then *g holds nothing. */
bool dep_build(const struct ir *ir, uint32_t region, struct dep_graph *g);
void dep_free(struct dep_graph *g);

/* The nodes in an order that every edge follows; `order` has room for all of them.
 * False when out of memory. */
bool dep_order(const struct dep_graph *g, uint32_t *order);

#endif
