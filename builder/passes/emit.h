/* Bundles from schedules.
 *
 * requires    a schedule of every region and words for every block
 * guarantees  in each bundle engines in the order of the machine's table, and within
 *             an engine slots in the order of the ir: of two loads to one word the
 *             later one stays. A cycle without slots makes a bundle, with an empty list
 *             of slots, only where some result is in flight; a region that something
 *             follows ends when all its results are there
 */
#ifndef SHEAF_BUILDER_PASSES_EMIT_H
#define SHEAF_BUILDER_PASSES_EMIT_H

#include "builder/passes/allocate.h"
#include "sim/program/program.h"

/* What a slot executes: lanes [first, first + lanes) of an op of the ir, or, if op is
 * IR_NONE, the jump at a region's end. */
struct emit_origin {
    uint32_t op;
    uint8_t first, lanes;
};

struct emitted {
    struct prog *prog;
    VEC(struct emit_origin) origins; /* of prog's slots */
    VEC(uint32_t) region_at;         /* first bundle of each region, and the end */
    VEC(uint32_t)
    home; /* first word of each block that keeps its words for the whole program, else IR_NONE */
};

/* ST_OK, ST_LIMIT (too many bundles), ST_NOMEM. *out is empty unless ST_OK. */
enum status emit_program(const struct ir *ir, const struct schedule *schedules, const struct allocation *a,
                         struct emitted *out, struct diag *d);
void emit_free(struct emitted *e);

#endif
