/* Lifting: the bundles of any program to the builder's ir.
 *
 * requires    a program for one core of a machine without latencies
 * guarantees  the ir's sequential meaning is the program's: memory, the trace buffer and
 *             where control goes, for every run that ends without a fault and whose
 *             accesses stay in the ranges that are given
 * algorithm   the program is cut into regions at its jumps and their targets. A write of a
 *             word is a definition; definitions that one vector operand reads or writes
 *             together are joined (union and find, Tarjan 1975), and what is joined becomes
 *             a block whose words lie as far apart as they did. Words that are alive where
 *             control enters a region, and all that is joined with them, stay at their
 *             addresses: pinned blocks. Slots of a bundle, which read before any of them
 *             writes, are put in an order that means the same; where they write each
 *             other's operands in a circle, copies are made first
 * weakness    indirect jumps, several cores and latencies are refused. Debug slots are left
 *             out. A value that lives in two regions keeps its address everywhere
 */
#ifndef SHEAF_BUILDER_OPTIMIZE_LIFT_H
#define SHEAF_BUILDER_OPTIMIZE_LIFT_H

#include "builder/ir/ir.h"
#include "sim/program/program.h"

/* What is known of memory from elsewhere. Everything may be empty. */
struct lift_facts {
    const struct ir_mem *access; /* by slot: the words that it may touch; NULL: not known */
    const uint32_t *mem;         /* values of the first words at the start */
    const bool *fixed;           /* by word: it has that value in every run */
    size_t words;
};

struct lift_options {
    bool rename;       /* values that live in one region may change their addresses */
    bool keep_scratch; /* the words that the program writes are looked at when it ends */
    bool pause;        /* pause slots pause: what is before one stays before it */
    struct lift_facts facts;
};

struct lifted {
    struct ir *ir;                    /* owned; the origin of an op is the bundle it was issued in */
    uint32_t debug_slots;             /* left out */
    VEC(uint32_t) pauses;             /* bundles whose pause is left out, in order */
    uint32_t first_store, last_store; /* bundles; UINT32_MAX and 0 where there is none */
    uint32_t proved, given, unknown;  /* accesses: address is constant; a range is given; neither */
};

/* ST_OK; ST_INPUT: it cannot be lifted, *d says why, with bundle and slot; ST_NOMEM.
 * *out is to be freed in any case. */
enum status lift_program(const struct prog *p, const struct lift_options *o, struct lifted *out,
                         struct diag *d);
void lifted_free(struct lifted *l);

#endif
