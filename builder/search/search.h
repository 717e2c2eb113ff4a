/* An anytime search for a better program: over a kernel's decisions and over the
 * keys by which its ops are scheduled.
 *
 * algorithm   simulated annealing (Kirkpatrick, Gelatt, Vecchi 1983) on several
 *             islands. A step flips decisions, shifts or stretches strands, or shakes
 *             the keys of a window of time; forward/backward improvement repairs the
 *             schedule, and its keys become the state's. After each epoch the worst
 *             island goes on from the best one's state.
 * guarantees  for a seed, a number of evaluations and of islands the result is the
 *             same, however many threads work and whatever their timing
 */
#ifndef SHEAF_BUILDER_SEARCH_SEARCH_H
#define SHEAF_BUILDER_SEARCH_SEARCH_H

#include "builder/search/candidate.h"
#include "sim/base/text.h"

/* What a search found, enough to get the schedule again in one pass. */
struct tuning {
    VEC(uint8_t) pick; /* decisions */
    VEC(int32_t) keys; /* by node, in units of SEARCH_UNIT cycles */
    struct sched_options options;
    uint32_t cycles; /* of the region's schedule; 0: nothing found yet */
    double cost;     /* as state.cost */
};

#define SEARCH_UNIT 0.125f

struct search_progress {
    uint64_t evaluations, budget;
    uint32_t cycles; /* best so far */
    double seconds;
};

struct search_options {
    uint64_t seed, evaluations;
    unsigned islands, threads;
    uint32_t region;
    /* Called between epochs; false stops the search. May be NULL. */
    bool (*progress)(void *context, const struct search_progress *p);
    /* Asked before each evaluation, by any thread; true ends the search. May be NULL. */
    bool (*stopped)(void *context);
    void *context;
    /* Called with every result that is better than those before, to be kept; false
     * rejects it (it cannot be allocated, say). May be NULL: everything is accepted. */
    bool (*accept)(void *context, const struct candidate *s);
};

struct search_options search_default_options(void);

/* Searches on from *best (or from nothing) and leaves the best found there. ST_OK
 * also when stopped early; ST_NOMEM; or the kernel's own failure. */
enum status search_run(const struct search_kernel *k, const struct search_options *o, struct tuning *best,
                       struct diag *d);

/* The state that a tuning describes: ir, keys and schedule. */
enum status tuning_replay(const struct tuning *t, const struct search_kernel *k, uint32_t region,
                          struct candidate *out, struct diag *d);
bool tuning_of(struct tuning *t, const struct candidate *s);
/* As tuning_of: replaces what `t` holds, and is false when out of memory. */
bool tuning_copy(struct tuning *t, const struct tuning *from);
void tuning_free(struct tuning *t);

/* As text (tuning.c says how), under a title that says what it is for; and back.
 * ST_INPUT, with line and column, also when the title is another; NULL takes any. */
void tuning_write(const struct tuning *t, const char *title, struct text *out);
enum status tuning_read(const char *text, size_t size, const char *file, const char *title, struct tuning *t,
                        struct diag *d);

#endif
