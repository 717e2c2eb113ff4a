/* A machine that can go back: snapshots of its state, and running on from the nearest.
 *
 *     position  0 ──── mark ──── mark ──── now ──── ... ──── end
 *                        └── restored, then run to ──┘
 *
 * A position is the number of rounds over the cores that are done, one more at a fault (whose
 * round leaves a state of its own). A run is the same each time, so a position says all. */
#ifndef SHEAF_TRACES_REPLAY_REPLAY_H
#define SHEAF_TRACES_REPLAY_REPLAY_H

#include "sim/observe.h"

/* A word that was set by hand at a position; core UINT32_MAX: of memory. */
struct replay_edit {
    uint64_t at;
    uint32_t core, address, value;
};

struct replay_mark;

struct replay {
    struct sim *sim;                 /* to look at; it is moved by the functions below alone */
    const uint32_t *mem;             /* at the start, borrowed */
    VEC(struct replay_mark *) marks; /* the earliest first; none at the start */
    uint64_t every;                  /* positions between marks */
    size_t most;                     /* marks, before every other one is dropped */
    VEC(struct replay_edit) edits;   /* by position */
    bool (*interrupt)(void *user);   /* NULL, or asked from time to time: whether to give up */
    void *user;
    bool interrupted; /* the last movement was given up */
};

/* What to look for on the way. */
struct replay_scan {
    const struct sim_sink *sink; /* NULL, or told of every bundle; the machine must not be moved */
    /* Whether the position just reached is one; asked once for each, after its bundles. */
    bool (*found)(void *user, const struct sim *s);
    void *user;
};

/* A machine at its start, as sim_create, whose memory is copied again whenever it returns there:
 * program and memory are borrowed. Marks take up to about 64 MB. ST_OK; ST_INPUT, ST_NOMEM with *out NULL. */
enum status replay_create(const struct prog *p, const struct sim_config *config, const uint32_t *mem,
                          size_t mem_words, struct replay **out, struct diag *d);
void replay_destroy(struct replay *r);

uint64_t replay_at(const struct replay *r);

/* Whether nothing comes after now: every core has stopped, or there was a fault. */
bool replay_ended(const struct replay *r);

/* Goes to the position, or to the end where that comes first. */
void replay_go(struct replay *r, uint64_t at);

/* The same to where it has been, for a caller that looked around: it is not given up for an
 * interrupt, and leaves `interrupted` as it is. */
void replay_return(struct replay *r, uint64_t at);

/* Goes to the first position where the cycle counter is `cycle`, or to the end. */
void replay_go_cycle(struct replay *r, uint64_t cycle);

/* Goes to the first position after now that is found, and at most to `limit`; true if there
 * is one. Else it is at the limit or the end, or, if interrupted, where it was then. */
bool replay_forth(struct replay *r, const struct replay_scan *scan, uint64_t limit);

/* Goes to the last position before `before` (at most one more than now) and after the start that is
 * found; true if there is one. Else it is at the start, or, if interrupted, where it began. The
 * scan was last told of the bundles that lead to where it is then. */
bool replay_back(struct replay *r, const struct replay_scan *scan, uint64_t before);

/* Sets a word of a core's scratch, or of memory (core UINT32_MAX), here and whenever it comes
 * by again. What was set later on is forgotten. ST_OK, ST_INPUT for no such word, ST_NOMEM. */
enum status replay_set(struct replay *r, uint32_t core, uint64_t address, uint32_t value, struct diag *d);

#endif
