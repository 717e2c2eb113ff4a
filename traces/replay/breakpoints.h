/* Where a run is to stop: at bundles, at writes, and where a condition holds. */
#ifndef SHEAF_TRACES_REPLAY_BREAKPOINTS_H
#define SHEAF_TRACES_REPLAY_BREAKPOINTS_H

#include "traces/replay/expr.h"
#include "traces/replay/replay.h"

enum stop_kind {
    STOP_BUNDLE,    /* before a core executes it */
    STOP_WRITE,     /* after a write to one of some words */
    STOP_CHANGE,    /* the same, and the value was another one before */
    STOP_CONDITION, /* a condition, alone */
};

struct stop {
    unsigned id; /* from 1, never used again */
    enum stop_kind kind;
    uint32_t bundle;
    struct word_range word_range;
    struct expr *condition; /* NULL, or must hold too; owned */
};

/* Why it stopped. */
struct stop_hit {
    unsigned id;
    enum stop_kind kind;
    uint32_t core, bundle;        /* that is to be executed next, or that wrote; not of a condition */
    uint32_t slot;                /* that wrote, an index into prog->slots */
    uint32_t address, old, value; /* the word written */
    struct diag problem;          /* text not empty: the condition could not be evaluated */
};

/* Zero-initialise to start, stops_clear to end. */
struct stops {
    VEC(struct stop) list;
    unsigned last_id;
    uint32_t core; /* that conditions are about, where no other is */
};

/* Takes over the condition, also when out of memory. The new stop's number, or 0. */
unsigned stops_add(struct stops *all, struct stop stop);
/* False if there is none of that number. */
bool stops_remove(struct stops *all, unsigned id);
void stops_clear(struct stops *all);

/* Whether one holds here and now; not those at writes. */
bool stops_here(const struct stops *all, const struct replay *r, struct stop_hit *hit);

/* Goes on to the first position after now where one holds, at most to `limit`; or back to the
 * last one before now. True with *hit set; else see replay_forth and replay_back. */
bool stops_forth(const struct stops *all, struct replay *r, uint64_t limit, struct stop_hit *hit);
bool stops_back(const struct stops *all, struct replay *r, struct stop_hit *hit);

#endif
