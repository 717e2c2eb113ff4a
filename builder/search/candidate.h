/* A point of the search: decisions, a key for every node, and what comes of them.
 * Shared by the files of the search. */
#ifndef SHEAF_BUILDER_SEARCH_CANDIDATE_H
#define SHEAF_BUILDER_SEARCH_CANDIDATE_H

#include "builder/passes/schedule.h"
#include "builder/search/choices.h"
#include "sim/base/random.h"

/* Kernel code as a function of decisions. */
struct search_kernel {
    const void *context;
    /* A new ir in *out, owned by the caller. */
    enum status (*make)(const void *context, struct choices *choices, struct ir **out, struct diag *d);
};

struct candidate {
    struct choices choices;
    struct ir *ir;
    struct sched_graph sched; /* of the region searched */
    struct schedule schedule; /* forward, by `keys` */
    float *keys;              /* by node */
    struct sched_options options;
    double cost; /* cycles, and below one cycle how much is left to do in the last ones */
};

/* Builds ir and problem for the state's choices; keys are allocated, not set. The
 * state must be zero but for its choices and options. On failure it is freed. */
enum status candidate_make(struct candidate *s, const struct search_kernel *k, uint32_t region,
                           struct diag *d);
void candidate_free(struct candidate *s);

/* Keys for a start: strands one after the other, `stagger` apart, ops by depth. */
bool candidate_first_keys(struct candidate *s, float stagger, float pace);

/* Keys taken over from another state of the same kernel: strand by strand and round
 * by round in order; shared ops anew. */
bool candidate_take_keys(struct candidate *s, const struct candidate *from);

/* Keys of ops that belong to no strand, and of fences: just before their first use. */
void candidate_shared_keys(struct candidate *s);

/* Schedules forward by the keys, then `passes` times backward and forward again
 * (iterative forward/backward improvement, Li and Willis 1992); keeps the best
 * forward schedule and its keys. False when out of memory. */
bool candidate_evaluate(struct candidate *s, unsigned passes);

#endif
