#include "sim/engine/batch_tile.h"

/* Four words of four lanes are turned at a time, and lines of the host's cache, STRIP
 * words of each lane, one after the other, so that each is fetched once. */
enum { QUAD = 4, STRIP = 16 };

typedef uint32_t quad
    __attribute__((vector_size(QUAD * sizeof(uint32_t)), aligned(sizeof(uint32_t)), may_alias));

#ifdef __clang__
#define PICK(x, y, i, j, k, l) __builtin_shufflevector(x, y, i, j, k, l)
#else
#define PICK(x, y, i, j, k, l) __builtin_shuffle(x, y, (quad){i, j, k, l})
#endif

/* to[i][k] = from[k][i], i and k below four. */
static inline void turn(uint32_t *const to[QUAD], const uint32_t *const from[QUAD])
{
    const quad a = *(const quad *)from[0], b = *(const quad *)from[1];
    const quad c = *(const quad *)from[2], d = *(const quad *)from[3];
    const quad low = PICK(a, b, 0, 4, 1, 5), high = PICK(a, b, 2, 6, 3, 7);
    const quad low2 = PICK(c, d, 0, 4, 1, 5), high2 = PICK(c, d, 2, 6, 3, 7);
    *(quad *)to[0] = PICK(low, low2, 0, 1, 4, 5);
    *(quad *)to[1] = PICK(low, low2, 2, 3, 6, 7);
    *(quad *)to[2] = PICK(high, high2, 0, 1, 4, 5);
    *(quad *)to[3] = PICK(high, high2, 2, 3, 6, 7);
}

static uint32_t *word_of(uint32_t *rows, size_t w, unsigned t)
{
    return rows + w * BATCH_LANES + t;
}

void tile_in(uint32_t *rows, const uint32_t *const *from, size_t words)
{
    const size_t strips = words - words % STRIP;
    for (size_t w = 0; w < strips; w += STRIP)
        for (unsigned t = 0; t < BATCH_LANES; t += QUAD) {
            for (unsigned k = 0; k < QUAD; k++)
                __builtin_prefetch(from[t + k] + w + 2 * STRIP);
            for (size_t i = w; i < w + STRIP; i += QUAD)
                turn((uint32_t *const[]){word_of(rows, i, t), word_of(rows, i + 1, t),
                                         word_of(rows, i + 2, t), word_of(rows, i + 3, t)},
                     (const uint32_t *const[]){from[t] + i, from[t + 1] + i, from[t + 2] + i,
                                               from[t + 3] + i});
        }
    for (size_t w = strips; w < words; w++)
        for (unsigned t = 0; t < BATCH_LANES; t++)
            *word_of(rows, w, t) = from[t][w];
}

/* Lanes t to t + 3. */
static void quads_out(uint32_t *rows, uint32_t *const *to, unsigned t, size_t w)
{
    for (unsigned k = 0; k < QUAD; k++)
        __builtin_prefetch(to[t + k] + w + 2 * STRIP, 1);
    for (size_t i = w; i < w + STRIP; i += QUAD)
        turn((uint32_t *const[]){to[t] + i, to[t + 1] + i, to[t + 2] + i, to[t + 3] + i},
             (const uint32_t *const[]){word_of(rows, i, t), word_of(rows, i + 1, t), word_of(rows, i + 2, t),
                                       word_of(rows, i + 3, t)});
}

void tile_out(uint32_t *rows, uint32_t *const *to, uint64_t set, size_t words)
{
    const size_t strips = words - words % STRIP;
    const uint64_t four = (1 << QUAD) - 1;
    for (size_t w = 0; w < strips; w += STRIP)
        for (unsigned t = 0; t < BATCH_LANES; t += QUAD) {
            if ((set >> t & four) == four) {
                quads_out(rows, to, t, w);
                continue;
            }
            for (uint64_t left = set & four << t; left; left &= left - 1)
                for (size_t i = w; i < w + STRIP; i++)
                    to[__builtin_ctzll(left)][i] = *word_of(rows, i, (unsigned)__builtin_ctzll(left));
        }
    for (size_t w = strips; w < words; w++)
        for (uint64_t left = set; left; left &= left - 1)
            to[__builtin_ctzll(left)][w] = *word_of(rows, w, (unsigned)__builtin_ctzll(left));
}

void tile_copy_lane(uint32_t *rows, uint64_t set, unsigned of, size_t words)
{
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = set; left; left &= left - 1)
            *word_of(rows, w, (unsigned)__builtin_ctzll(left)) = *word_of(rows, w, of);
}
