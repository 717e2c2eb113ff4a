/* Values that are computed, loaded or stored again.
 *
 * requires    an ir that is complete: no op is made afterwards
 * guarantees  the same words in memory at the end of every region, the same branches, for runs without a
 *             fault. Fewer ops, none dearer than before
 * algorithm   value numbering in each region (Cocke and Schwartz 1970), in one walk: an op on the same
 *             words, not written since, is a copy of the earlier one; so is a load of words that were
 *             loaded or stored since they were last written. A store whose words are all stored to again,
 *             and not loaded before that, goes. A product that only one sum reads becomes a multiply_add
 * weakness    only words that are written once are read instead of others; memory counts where an access
 *             has exactly its words as range
 */
#ifndef SHEAF_BUILDER_PASSES_NUMBER_H
#define SHEAF_BUILDER_PASSES_NUMBER_H

#include "builder/ir/ir.h"

struct number_counts {
    uint32_t repeated; /* ops that compute what is there */
    uint32_t loads;    /* of words that are there */
    uint32_t stores;   /* overwritten before they are read */
    uint32_t fused;    /* products and sums that are one multiply_add */
};

/* Reads of copies become reads of what they are copies of; overwritten stores are removed, and ops that
 * nobody reads. ST_OK or ST_NOMEM, the ir then unchanged in meaning. */
enum status number_ir(struct ir *ir, struct number_counts *counts, struct diag *d);

#endif
