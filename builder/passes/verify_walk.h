/* Between verify.c and verify_order.c; nobody else includes this. */
#ifndef SHEAF_BUILDER_PASSES_VERIFY_WALK_H
#define SHEAF_BUILDER_PASSES_VERIFY_WALK_H

#include "builder/passes/verify.h"

/* What a word holds: lane `lane` of op `op` is the number lane_at[op] + lane; the value
 * that word w of block b had when control entered the region is entry + word_at[b] + w. */
enum { VERIFY_FORMS = 2 };
#define VERIFY_NOTHING UINT32_MAX

struct verify_segment {
    uint32_t first, end; /* memory words */
    uint32_t stores;     /* that may have touched it, so far */
    uint32_t issued;     /* with those in flight */
};

/* To scratch, or (word VERIFY_NOTHING) to memory by the op `value`. */
struct verify_write {
    uint32_t word, value;
    uint32_t due; /* the cycle from which on it is there */
};

struct verify_walk {
    const struct ir *ir;
    const struct emitted *e;
    struct text *all;
    struct diag *d;
    unsigned findings;
    bool failed; /* out of memory */

    uint32_t *lane_at; /* of each op */
    uint32_t *word_at; /* of each block */
    uint32_t words, entry;
    uint32_t *held;    /* by virtual word, in the order of the ir */
    uint32_t *scratch; /* by scratch word, in the order of the bundles */
    bool *done;        /* by lane number: a slot executes it */

    /* Of the region at hand. */
    uint32_t region, first_op, end_op;
    uint32_t *want_at;  /* of each op: where its reads begin in `want` */
    VEC(uint32_t) want; /* by form, source and lane: what must be read */
    uint32_t *seen_at;  /* of each op: where its segments begin in `seen` */
    VEC(uint32_t) seen; /* stores before, by segment of the access */
    VEC(struct verify_segment) segments;
    uint32_t cycle;
    VEC(struct verify_write) writes; /* of the bundle at hand, and those in flight */
    VEC(uint32_t) stores;            /* slots of the bundle at hand */
    bool jumped;
};

static inline const struct ir_form *verify_form(const struct ir_op *op, unsigned form)
{
    return form ? &op->alt : &op->form;
}

/* Memory cut at the ends of what the region's stores may touch. */
void verify_cut_memory(struct verify_walk *w);

/* The segments that an access may touch: half-open. */
struct prog_span verify_segments(const struct verify_walk *w, struct ir_mem m);

/* The region in the order of the ir, from what `held` says: fills want and seen. */
void verify_walk_ir(struct verify_walk *w);

#endif
