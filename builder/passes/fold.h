/* Constants, identities, copies and dead code.
 *
 * requires    an ir that is complete: no op is made afterwards
 * guarantees  the same stores of the same values to the same addresses, in the same
 *             order, and the same branches. Fewer ops, none dearer than before: a
 *             constant is loaded only where what it replaces is worth more than the
 *             alu slot or two that make it from others
 * algorithm   one walk in program order that knows for each word its value, if it is
 *             constant, and what it is a copy of (Wegman and Zadeck 1991, without the
 *             branches; the machine's own evaluators); then liveness of words backwards
 *             (Kennedy 1981), until nothing more dies
 * weakness    in regions after the first only facts of the region itself are known,
 *             and of words that the first alone writes
 */
#ifndef SHEAF_BUILDER_PASSES_FOLD_H
#define SHEAF_BUILDER_PASSES_FOLD_H

#include "builder/ir/ir.h"

struct fold_counts {
    uint32_t constants;  /* ops whose result was there, or became a constant's own op */
    uint32_t copies;     /* ops that change nothing: who reads them reads their source */
    uint32_t simplified; /* multiply_adds that are one operation */
    uint32_t dead;       /* ops removed, the above among them */
};

/* Folds in place. ST_OK or ST_NOMEM, the ir then unchanged in meaning. `counts` may
 * be NULL. */
enum status fold_ir(struct ir *ir, struct fold_counts *counts, struct diag *d);

/* --- fold dead --------------------------------------------------------------------------- */

/* The second half of folding; see fold.h. */

/* Removes ops whose results nobody reads, in either form of the reader. Adds their
 * number to *dead; false when out of memory (then some may be removed already). */
bool fold_dead(struct ir *ir, uint32_t *dead);

#endif
