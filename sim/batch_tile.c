#include "sim/batch_tile.h"

/* Words turned at a time: a line of the host's cache of each instance. */
enum { STRIP = 16 };

void tile_in(uint32_t *rows, const uint32_t *const *from, size_t words)
{
    for (size_t w = 0; w < words; w += STRIP) {
        const size_t n = words - w < STRIP ? words - w : STRIP;
        for (unsigned t = 0; t < BATCH_LANES; t++)
            for (size_t i = 0; i < n; i++)
                rows[(w + i) * BATCH_LANES + t] = from[t][w + i];
    }
}

void tile_out(const uint32_t *rows, uint32_t *const *to, uint64_t lanes_out, size_t words)
{
    for (size_t w = 0; w < words; w += STRIP) {
        const size_t n = words - w < STRIP ? words - w : STRIP;
        for (uint64_t left = lanes_out; left; left &= left - 1) {
            const unsigned t = (unsigned)__builtin_ctzll(left);
            for (size_t i = 0; i < n; i++)
                to[t][w + i] = rows[(w + i) * BATCH_LANES + t];
        }
    }
}

void tile_copy_lane(uint32_t *rows, uint64_t lanes_to, unsigned of, size_t words)
{
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = lanes_to; left; left &= left - 1)
            rows[w * BATCH_LANES + (unsigned)__builtin_ctzll(left)] = rows[w * BATCH_LANES + of];
}
