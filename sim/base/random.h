/* Two generators. mt: Python's `random` bit for bit, so that a seed means the
 * same instance everywhere. rng: a small fast one for fuzzers and searches. */
#ifndef SHEAF_BASE_RANDOM_H
#define SHEAF_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* MT19937 (Matsumoto and Nishimura, 1998), seeded as CPython's random.seed(int):
 * init_by_array over the seed's 32-bit words, least significant first. */
struct mt {
    uint32_t state[624];
    uint32_t out[624]; /* what is drawn from that state */
    unsigned next;     /* in out */
};

void mt_seed(struct mt *g, uint64_t seed);
uint32_t mt_next(struct mt *g);

/* Python's random.randint(low, high): draws of bit_length(n) bits, n = high-low+1,
 * until one is below n. Requires low <= high and high - low < 2^32 - 1. */
int64_t mt_randint(struct mt *g, int64_t low, int64_t high);

/* Draws n such numbers, the same as one after the other, modulo 2^32: many times as fast. */
void mt_randints(struct mt *g, int64_t low, int64_t high, uint32_t *words, size_t n);

/* splitmix64 (Steele, Lea, Flood, 2014): any state is a good seed. */
struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform enough in 0..n-1 for n well below 2^32 (multiply-shift). n > 0. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

/* Uniform in [0, 1). */
static inline double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

#endif
