/* Between the batch simulator's driver (batch.c), its tile (batch.c) and its loop
 * (batch_loop.h, compiled for every host and again for wider vectors). */
#ifndef SHEAF_SIM_ENGINE_BATCH_FRAME_H
#define SHEAF_SIM_ENGINE_BATCH_FRAME_H

#include "sim/engine/fast.h"

/* Instances in a tile; sets of them are bit masks. Wide enough that finding the next
 * operation costs little beside executing it, and narrow enough that a tile's scratch and
 * a memory of some thousand words lie in the host's second cache. */
enum { BATCH_LANES = 32 };

/* All of them. */
#define BATCH_ALL (UINT64_MAX >> (64 - BATCH_LANES))

/* Why the loop came back. */
enum batch_exit {
    BATCH_NEXT,  /* all of them are at pc; the driver decides how to go on (perhaps beyond the end) */
    BATCH_LEAVE, /* the lanes in `odd` cannot do the bundle at pc, which nobody has begun */
    BATCH_PART,  /* after the bundle at pc, each lane is to go on at its `next` */
    BATCH_HALT,  /* all of them have halted */
};

/* A tile's lanes share one pc and one account. Of `one`, scratch and mem are rows: word
 * w of lane t is at [w * BATCH_LANES + t]. */
struct batch_frame {
    struct fast_frame one;
    uint64_t runs; /* pauses, and one more */
    uint64_t odd;
    uint32_t next[BATCH_LANES];
};

typedef enum batch_exit batch_loop(struct batch_frame *f);

/* Runs from bundle one.pc, which must be inside the program. */
batch_loop batch_loop_any, batch_loop_avx2, batch_loop_avx512;

/* The loops that this host can run, the widest first, batch_loop_any last: NULL beyond. */
batch_loop *batch_loop_at(unsigned i);

/* Has a batch that runs in lockstep run in this loop, instead of the widest. */
struct sim_batch;
void batch_use(struct sim_batch *b, batch_loop *loop);

/* --- batch tile -------------------------------------------------------------------------- */

/* A tile's rows and the instances' own words: one is the other, turned. A row is a word
 * of all lanes (batch_frame.h); an instance's words are one after the other. */

/* Lane t's words are from[t]'s; instances may repeat. */
void tile_in(uint32_t *rows, const uint32_t *const *from, size_t words);

/* The words of the lanes in the set go to to[t]; the other pointers are not used. */
void tile_out(uint32_t *rows, uint32_t *const *to, uint64_t set, size_t words);

/* The lanes in the set become copies of lane `of`. */
void tile_copy_lane(uint32_t *rows, uint64_t set, unsigned of, size_t words);

#endif
