/* A set of small numbers whose least member is found in a few instructions: bits
 * in words, and above them bits that say which words are not empty. The ready
 * lists of the scheduler, where a number is an op's rank by priority. */
#ifndef SHEAF_BUILDER_PASSES_RANKSET_H
#define SHEAF_BUILDER_PASSES_RANKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANKSET_EMPTY UINT32_MAX
enum { RANKSET_LEVELS = 4 };

struct rankset {
    uint64_t *level[RANKSET_LEVELS]; /* level 0 holds the members */
    unsigned levels;
    uint32_t count;
};

/* Words that a set over 0..n-1 needs in all, n at most 2^24. */
size_t rankset_words(uint32_t n);

/* Lays an empty set over `words`, rankset_words(n) zeroed words. */
void rankset_init(struct rankset *s, uint32_t n, uint64_t *words);

static inline void rankset_add(struct rankset *s, uint32_t x)
{
    s->count++;
    for (unsigned l = 0; l < s->levels; l++, x >>= 6)
        s->level[l][x >> 6] |= UINT64_C(1) << (x & 63);
}

static inline void rankset_remove(struct rankset *s, uint32_t x)
{
    s->count--;
    for (unsigned l = 0; l < s->levels; l++, x >>= 6)
        if (s->level[l][x >> 6] &= ~(UINT64_C(1) << (x & 63)))
            return;
}

/* The least member, RANKSET_EMPTY if there is none. */
static inline uint32_t rankset_first(const struct rankset *s)
{
    if (!s->count)
        return RANKSET_EMPTY;
    uint32_t x = 0;
    for (unsigned l = s->levels; l-- > 0;)
        x = x << 6 | (uint32_t)__builtin_ctzll(s->level[l][x]);
    return x;
}

#endif
