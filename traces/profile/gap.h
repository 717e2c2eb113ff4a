/* The cycles between a run and its bound, itemised. */
#ifndef SHEAF_TRACES_PROFILE_GAP_H
#define SHEAF_TRACES_PROFILE_GAP_H

#include "traces/profile/holes.h"
#include "traces/profile/limits.h"

/* Where `by_dep`, the bound is the chain, and the items are its delays in cycles: by what each of its
 * slots waited for, or for a free slot of its engine (full), and what came after it (none).
 * Otherwise it is the work of `engine`, and the items are in slots of that engine: empty ones between
 * the bound's head and tail, and slots there that the bound does not count (full).
 * The items add up to units * (cycles - bound) + rounding, where units is 1 or the engine's slots a
 * cycle, and rounding the slots that are left over because the bound is a whole number of cycles.
 */
struct gap {
    uint32_t cycles, bound;
    bool by_dep;
    enum isa_engine engine;
    uint32_t units;
    int64_t cause[CAUSES], full, rounding;
};

/* Of a run on one core; of several there is none (false). */
bool gap_find(const struct history *h, const struct holes *holes, const struct limits *l, struct gap *out);

#endif
