/* Scratch words in use, over time. A word is in use from the cycle in which its value is there (or
 * the first, where its value was there from the start) to its last read. */
#ifndef SHEAF_TRACES_PROFILE_LIVE_H
#define SHEAF_TRACES_PROFILE_LIVE_H

#include "traces/record/history.h"

/* A word and how often it was read and written. */
struct live_word {
    uint32_t word;
    uint16_t core;
    uint64_t reads, writes;
};

enum { LIVE_HOT = 10 };

struct live {
    uint32_t *words; /* in use, by cycle: cycles of them; all cores together */
    uint32_t cycles;
    uint32_t peak, peak_cycle; /* the first cycle of the most */
    double mean;
    uint32_t touched;               /* words that were read or written at all */
    struct live_word hot[LIVE_HOT]; /* the most accesses first; ties: by core and address */
    unsigned n_hot;
};

/* ST_OK, ST_NOMEM. To be freed with live_free in any case. */
enum status live_find(const struct history *h, struct live *out, struct diag *d);
void live_free(struct live *l);

#endif
