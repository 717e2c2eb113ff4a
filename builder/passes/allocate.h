/* Scratch words for blocks.
 *
 * requires    a schedule of every region
 * guarantees  two blocks share a word only if what one wrote there is never read
 *             after the other writes. Blocks of several regions, and the zero word,
 *             have their words for themselves
 * algorithm   a word is taken from when its block's first value commits until its own last
 *             read, in which cycle it may be written anew. Offline storage allocation: the
 *             widest blocks first, each at the lowest words that are free for as long
 *             (Buchsbaum et al. 2003 say how good that can be); then other orders; then
 *             what found no place goes first
 * weakness    blocks are never split or moved: some words are lost where sizes mix
 */
#ifndef SHEAF_BUILDER_PASSES_ALLOCATE_H
#define SHEAF_BUILDER_PASSES_ALLOCATE_H

#include "builder/ir/ir.h"

struct schedule;

struct allocation {
    uint32_t *at;       /* first scratch word of each block; IR_NONE: it has none */
    uint32_t *home;     /* of each block, as ir_block_homes says */
    uint32_t permanent; /* words of blocks that keep them for the whole program */
    uint32_t peak;      /* words needed at once, at least */
    uint32_t peak_region, peak_cycle;
};

/* schedules[region]. ST_OK; ST_LIMIT when no way to place the blocks was found, the
 * diag saying how many words are needed in which cycle; ST_NOMEM. *a is to be freed
 * in any case. */
enum status alloc_blocks(const struct ir *ir, const struct schedule *schedules, struct allocation *a,
                         struct diag *d);
void alloc_free(struct allocation *a);

#endif
