/* tree_hash:best for the contract `full`: walkers start anywhere.
 *
 * Two kinds of groups. In one that roams, each lane is on a level of its own: every
 * round reads its nodes one by one, and the load engine is the limit. A group that
 * waits follows a clock instead, on which round t is at level t modulo height + 1: a
 * lane that starts on level s holds its value until round s, coming down the ancestors
 * of its start, and holds its result from round s + rounds on. It passes `height` rounds
 * more than it should, but all its lanes are on one level, where cached nodes and
 * tables of records save loads. Memory for tables: that of the indices, which are in
 * scratch until the end.
 *
 * Arithmetic is the limit of the one kind, loads of the other: a mixture of them is
 * faster than either. */
#ifndef SHEAF_KERNELS_TREE_HASH_FULL_H
#define SHEAF_KERNELS_TREE_HASH_FULL_H

#include "kernels/tree_hash/ladder.h"
#include "kernels/tree_hash/walk.h"

/* Sorts of decisions, beside those of walk.h. */
enum { FULL_ASK_TABLES = WALK_ASK_TABLES, FULL_ASK_KIND, FULL_ASK_SLOTS };

/* Levels whose nodes are vectors in scratch. */
enum { FULL_CACHED = 4 };

struct full {
    struct ladder l;
    struct walk walk;                           /* constants, addresses, records */
    struct ir_val node[(1 << FULL_CACHED) - 1]; /* level by level, half by half; see coefficients */
};

/* The code of the whole kernel in *out; `request` is a struct kern_request whose
 * contract is TREE_FULL. ST_NOMEM or ST_INPUT as ir_status says. */
enum status tree_full(const void *request, struct choices *choices, struct ir **out, struct diag *d);

/* All rounds of a group that waits. `slot` has its values, and in
 * the end its values then. Returns its indices then. */
struct ir_val full_wait(struct full *f, struct ir_val slot, struct ir_val index);

#endif
