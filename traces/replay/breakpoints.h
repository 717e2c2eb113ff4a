/* Where a run is to stop: at bundles, at writes, and where a condition holds. */
#ifndef SHEAF_TRACES_REPLAY_BREAKPOINTS_H
#define SHEAF_TRACES_REPLAY_BREAKPOINTS_H

#include "traces/replay/expr.h"
#include "traces/replay/replay.h"

enum breakpoint_kind {
    BREAK_BUNDLE,    /* before a core executes it */
    BREAK_WRITE,     /* after a write to one of some words */
    BREAK_CHANGE,    /* the same, and the value was another one before */
    BREAK_CONDITION, /* a condition, alone */
};

struct stop {
    unsigned id; /* from 1, never used again */
    enum breakpoint_kind kind;
    uint32_t bundle;
    struct word_range word_range;
    struct expr *condition; /* NULL, or must hold too; owned */
};

/* Why it stopped. */
struct breakpoint_hit {
    unsigned id;
    enum breakpoint_kind kind;
    uint32_t core, bundle;        /* that is to be executed next, or that wrote; not of a condition */
    uint32_t slot;                /* that wrote, an index into prog->slots */
    uint32_t address, old, value; /* the word written */
    struct diag problem;          /* text not empty: the condition could not be evaluated */
};

/* Zero-initialise to start, breakpoints_clear to end. */
struct breakpoints {
    VEC(struct stop) list;
    unsigned last_id;
    uint32_t core; /* that conditions are about, where no other is */
};

/* Takes over the condition, also when out of memory. The new stop's number, or 0. */
unsigned breakpoints_add(struct breakpoints *all, struct stop stop);
/* False if there is none of that number. */
bool breakpoints_remove(struct breakpoints *all, unsigned id);
void breakpoints_clear(struct breakpoints *all);

/* Whether one holds here and now; not those at writes. */
bool breakpoints_here(const struct breakpoints *all, const struct replay *r, struct breakpoint_hit *hit);

/* Goes on to the first position after now where one holds, at most to `limit`; or back to the
 * last one before now. True with *hit set; else see replay_forth and replay_back. */
bool breakpoints_forth(const struct breakpoints *all, struct replay *r, uint64_t limit,
                       struct breakpoint_hit *hit);
bool breakpoints_back(const struct breakpoints *all, struct replay *r, struct breakpoint_hit *hit);

#endif
