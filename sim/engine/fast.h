/* Between the fast simulator's driver (fast.c) and its loop (fast_loop.h, compiled
 * once for every host and once more where the host may have wider vectors). The batch
 * engine keeps account in the same way. */
#ifndef SHEAF_SIM_ENGINE_FAST_H
#define SHEAF_SIM_ENGINE_FAST_H

#include "sim/engine/predecode.h"

/* Why the loop came back. The bundles before frame.pc are done and accounted for. */
enum fast_exit {
    FAST_NEXT,   /* the driver decides how to go on at pc (perhaps beyond the end) */
    FAST_ORACLE, /* step_bundle has to do the bundle at pc */
    FAST_HALT,
    FAST_PAUSE,
};

enum { LANES = 8 };
typedef uint32_t lanes
    __attribute__((vector_size(LANES * sizeof(uint32_t)), aligned(sizeof(uint32_t)), may_alias));

/* A block's results, between its two micro-operations. */
struct fast_results {
    uint32_t alu[BLOCK_KINDS][BLOCK_ALU], load[BLOCK_LOAD];
    lanes valu[BLOCK_KINDS][BLOCK_VALU], madd[BLOCK_MADD], vload[BLOCK_LOAD], vselect;
};

/* What the loop works on, and where it keeps account: `cycle`, `rounds`, `work` and
 * `double_writes` are brought up to date at taken jumps and on return. */
struct fast_frame {
    const struct micro *code;
    const struct micro_mark *marks;
    const struct superinstruction *blocks;
    uint32_t bundles, vlen, core;
    uint32_t *scratch, *mem;
    struct fast_results *results;
    uint64_t cycle, rounds, work, double_writes;
    uint64_t round_limit; /* leave at a jump from where a run to the end would exceed it */
    int64_t loop_from, loop_to;
    int64_t pc;
};

typedef enum fast_exit fast_loop(struct fast_frame *f);

/* Runs from bundle f->pc, which must be inside the program. */
fast_loop fast_loop_any;
#if defined __x86_64__
#define FAST_HAVE_AVX2 1
fast_loop fast_loop_avx2; /* only where the host has AVX2 */
#endif

/* Whether a run from bundle pc straight to the end keeps within the limit. */
static inline bool fast_fits(const struct fast_frame *f, uint32_t pc)
{
    return f->rounds + (f->bundles - pc) <= f->round_limit;
}

/* Sets the limit of rounds from where the frame stands: as many as surely exceed none of the config's
 * limits (a round costs a cycle at the most), and no more than `most`. But for the config's limits and
 * `most`, there is effort for one pass through the program at least. Effort is for a stream whose
 * operations are each done `width` times at once. */
void fast_limit(struct fast_frame *f, const struct sim *s, const struct micro_stream *stream, uint64_t most,
                uint64_t width);

/* Moves the account forward to bundle `end`, and the start of the run to `to`. */
static inline void fast_account(struct fast_frame *f, uint32_t *start, uint32_t end, uint32_t to)
{
    const struct micro_mark *from = &f->marks[*start], *here = &f->marks[end];
    f->cycle += here->cycles - from->cycles;
    f->double_writes += here->twice - from->twice;
    f->rounds += end - *start;
    f->work += here->work - from->work;
    *start = to;
}

/* The bundle a micro-operation belongs to: the last one that begins at or before it. */
static inline uint32_t fast_bundle_of(const struct fast_frame *f, const struct micro *m)
{
    const size_t at = (size_t)(m - f->code);
    uint32_t low = 0, high = f->bundles;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (f->marks[middle].first <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

#endif
