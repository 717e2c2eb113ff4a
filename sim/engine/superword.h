/* Scalar slots of a bundle that do the same to consecutive words become one slot on as many
 * lanes: builders make such slots of one on vectors when valu has no room for it.
 *
 *     alu: ^ 40, 8, 16; ^ 41, 9, 17; ^ 42, 10, 18    ──>    ^ on the words from 40, 8, 16 on, 3 lanes
 *
 * Packing of isomorphic statements as in superword level parallelism (Larsen and
 * Amarasinghe, 2000), where the lanes are there to be found rather than formed. */
#ifndef SHEAF_SIM_ENGINE_SUPERWORD_H
#define SHEAF_SIM_ENGINE_SUPERWORD_H

#include "sim/engine/serialize.h"
#include "sim/isa/isa.h"

enum { SUPERWORD_LANES = 8, SUPERWORD_RUNS = SERIALIZE_SLOTS / 2 };

/* What was found. A run is the first of its slots with valu's operation, and the number of
 * lanes (2 to SUPERWORD_LANES) as its literal. */
struct fuse {
    struct isa_slot run[SUPERWORD_RUNS];
    unsigned runs;
    uint64_t gone; /* the slots that are part of a run */
};

/* `slot`: a bundle's n slots (at most SERIALIZE_SLOTS), all addresses inside the scratch.
 * Operations that can fault are left alone. */
void superword_find(const struct isa_slot *const *slot, unsigned n, struct fuse *out);

#endif
