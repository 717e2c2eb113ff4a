/* Loads that fetch what was loaded before: what a gather could save. */
#ifndef SHEAF_TRACES_PROFILE_LOADS_H
#define SHEAF_TRACES_PROFILE_LOADS_H

#include "traces/record/history.h"

/* Gather loads, those of one word, by how many load a word of memory that an earlier one of
 * the same part has loaded. */
struct loads_share {
    uint64_t loads, repeated;
};

struct loads_round {
    uint16_t round;
    struct loads_share share;
};

enum { LOADS_WINDOW = 64 }; /* cycles */

struct loads {
    uint64_t gathers, vectors, constants; /* load slots; they add up to all */
    struct loads_share vector;            /* parts: the loads that one vector operand reads */
    struct loads_share window;            /* LOADS_WINDOW cycles */
    struct loads_share all;               /* the whole run */
    bool has_rounds;                      /* notes tell: */
    struct loads_share round;             /* parts: rounds */
    VEC(struct loads_round) rounds;       /* that have gathers, in order */
};

/* ST_OK, ST_NOMEM. To be freed with loads_free in any case. */
enum status loads_find(const struct history *h, struct loads *out, struct diag *d);
void loads_free(struct loads *l);

#endif
