/* The second half of folding; see fold.h. */
#ifndef SHEAF_BUILDER_PASSES_FOLD_DEAD_H
#define SHEAF_BUILDER_PASSES_FOLD_DEAD_H

#include "builder/ir/ir.h"

/* Removes ops whose results nobody reads, in either form of the reader. Adds their
 * number to *dead; false when out of memory (then some may be removed already). */
bool fold_dead(struct ir *ir, uint32_t *dead);

#endif
