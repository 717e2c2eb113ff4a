#include "sim/base/random.h"

#include <assert.h>

enum { N = 624, M = 397 };

static void mt_init(struct mt *g, uint32_t seed)
{
    g->state[0] = seed;
    for (uint32_t i = 1; i < N; i++)
        g->state[i] = UINT32_C(1812433253) * (g->state[i - 1] ^ (g->state[i - 1] >> 30)) + i;
    g->next = N;
}

void mt_seed(struct mt *g, uint64_t seed)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const unsigned length = key[1] ? 2 : 1;
    uint32_t *s = g->state;
    mt_init(g, 19650218);
    unsigned i = 1, j = 0;
    for (unsigned k = N; k; k--) {
        s[i] = (s[i] ^ ((s[i - 1] ^ (s[i - 1] >> 30)) * UINT32_C(1664525))) + key[j] + j;
        if (++i == N) {
            s[0] = s[N - 1];
            i = 1;
        }
        j = (j + 1) % length;
    }
    for (unsigned k = N - 1; k; k--) {
        s[i] = (s[i] ^ ((s[i - 1] ^ (s[i - 1] >> 30)) * UINT32_C(1566083941))) - i;
        if (++i == N) {
            s[0] = s[N - 1];
            i = 1;
        }
    }
    s[0] = UINT32_C(0x80000000);
}

static inline uint32_t twist(uint32_t s, uint32_t next, uint32_t far)
{
    const uint32_t y = (s & UINT32_C(0x80000000)) | (next & UINT32_C(0x7fffffff));
    return far ^ (y >> 1) ^ (UINT32_C(0x9908b0df) & (0 - (y & 1)));
}

/* In stretches within which nothing written is read again, for the compiler's vectors. */
static void mt_refill(struct mt *g)
{
    uint32_t *s = g->state;
    for (unsigned k = 0; k < N - M; k++)
        s[k] = twist(s[k], s[k + 1], s[k + M]);
    for (unsigned k = N - M; k < N - 1; k++)
        s[k] = twist(s[k], s[k + 1], s[k + M - N]);
    s[N - 1] = twist(s[N - 1], s[0], s[M - 1]);
    for (unsigned k = 0; k < N; k++) {
        uint32_t y = s[k];
        y ^= y >> 11;
        y ^= (y << 7) & UINT32_C(0x9d2c5680);
        y ^= (y << 15) & UINT32_C(0xefc60000);
        g->out[k] = y ^ (y >> 18);
    }
    g->next = 0;
}

uint32_t mt_next(struct mt *g)
{
    if (g->next >= N)
        mt_refill(g);
    return g->out[g->next++];
}

static unsigned bit_length(uint32_t n)
{
    unsigned bits = 0;
    while (bits < 32 && n >> bits)
        bits++;
    return bits;
}

int64_t mt_randint(struct mt *g, int64_t low, int64_t high)
{
    assert(low <= high && high - low < UINT32_MAX);
    const uint32_t n = (uint32_t)(high - low) + 1;
    const unsigned bits = bit_length(n);
    uint32_t r;
    do
        r = mt_next(g) >> (32 - bits);
    while (r >= n);
    return low + r;
}

void mt_randints(struct mt *g, int64_t low, int64_t high, uint32_t *words, size_t n)
{
    assert(low <= high && high - low < UINT32_MAX);
    const uint32_t range = (uint32_t)(high - low) + 1;
    const unsigned shift = 32 - bit_length(range);
    for (size_t done = 0; done < n;) {
        if (g->next >= N)
            mt_refill(g);
        /* Without a branch on whether the draw counts, which nobody could predict. */
        const uint32_t r = g->out[g->next++] >> shift;
        words[done] = (uint32_t)low + r;
        done += r < range;
    }
}
