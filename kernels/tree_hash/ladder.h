/* What the rungs of tree_hash's ladder share: an ir to be filled, loops, and batches
 * cut into parts. A rung reads indices and values from memory and leaves both there,
 * and nothing else: it is right under every contract. */
#ifndef SHEAF_KERNELS_TREE_HASH_LADDER_H
#define SHEAF_KERNELS_TREE_HASH_LADDER_H

#include "builder/ir/ir.h"
#include "kernels/tree_hash/tree_hash.h"

struct ladder {
    struct ir *ir;
    struct kern_dump *dump;                               /* of the request */
    uint32_t rounds, batch, nodes, tree, indices, values; /* as in the image's header */
};

/* Room for a rung's code; ST_NOMEM. To be ended with ladder_finish. */
enum status ladder_begin(const struct kern_request *rq, struct ladder *l, struct diag *d);

/* Builds the program of what was made and appends it to `out` as a stage; l->ir is
 * destroyed in any case. Statuses of build_simple. */
enum status ladder_finish(struct ladder *l, const char *name, struct kern_programs *out, struct diag *d);

/* `n` passes over the code made between the two calls, n > 0; a loop if it is above 1. */
struct ladder_loop {
    uint32_t region, n;
    struct ir_val left;
};
struct ladder_loop ladder_loop(struct ladder *l, uint32_t n);
void ladder_loop_end(struct ladder *l, const struct ladder_loop *loop);

/* A part of the batch: in each of `passes` passes of a loop, `strands` strands of
 * `width` walkers. Over all passes a strand covers width * passes neighbouring
 * walkers, so that what different strands touch is apart. `rest` of the last strand's
 * walkers exist (width, but where the batch ends). */
struct ladder_part {
    uint32_t first, passes, strands, width, rest;
    struct ir_val moved; /* walkers that this pass is on from the first; no value in a single pass */
};

/* The part that begins at walker `first`, of at most `strands` strands; l->batch >
 * first. What it leaves begins at ladder_part_end. */
struct ladder_part ladder_part(const struct ladder *l, uint32_t first, uint32_t strands, uint32_t width);
uint32_t ladder_part_end(const struct ladder_part *p);

/* The loop over a part's passes. */
struct ladder_loop ladder_passes(struct ladder *l, struct ladder_part *p);
void ladder_passes_end(struct ladder *l, struct ladder_part *p, const struct ladder_loop *loop);

/* A strand's first walker in the first pass, and its words of an array over all passes. */
static inline uint32_t ladder_first(const struct ladder_part *p, uint32_t strand)
{
    return p->first + strand * p->passes * p->width;
}
static inline struct ir_mem ladder_words(const struct ladder_part *p, uint32_t array, uint32_t strand)
{
    return (struct ir_mem){array + ladder_first(p, strand), p->passes * p->width};
}

/* A strand's vector of an array (l->indices, say) to scratch and back. Lanes without a
 * walker, at the batch's end, go with the last one that is: what they compute must be
 * possible. They are not stored. */
void ladder_load(struct ladder *l, const struct ladder_part *p, uint32_t strand, uint32_t array,
                 struct ir_val to);
void ladder_store(struct ladder *l, const struct ladder_part *p, uint32_t strand, uint32_t array,
                  struct ir_val from);

/* vector.c: all of `interleaved` in l->ir. */
void ladder_interleaved(const struct ladder *l);

#endif
