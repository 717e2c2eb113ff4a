/* A search in units of work: which there are, where each starts, and what comes of them
 * together. The same for a seed, a budget and a start, however many workers there are.
 *
 * algorithm   a unit is a short annealing of its own. Every other one starts from nothing,
 *             the others from the best result of all units but the `lag` before them: so
 *             many can be at work without waiting for each other
 */
#ifndef SHEAF_TOOLS_SEARCH_PLAN_H
#define SHEAF_TOOLS_SEARCH_PLAN_H

#include "kernels/tuned.h"
#include "tools/pool/pool.h"

/* A unit that was handed out and is not merged. */
struct search_flight {
    uint64_t evaluations; /* so far */
    bool done;
    struct tuning found; /* cycles 0: nothing better than its start */
};

/* The best of the first `after` units, and of the start. */
struct search_milestone {
    uint64_t after;
    struct tuning best;
};

struct search_plan {
    const struct kern_variant *variant;
    const struct kern_request *rq;
    const char *title;
    uint64_t seed, evaluations, units, lag;
    uint64_t merged, searched;            /* units, and their evaluations */
    VEC(struct search_flight) flights;    /* units from `merged` on */
    VEC(struct search_milestone) history; /* those that units to come need; the last is the newest */
};

/* Evaluations are at least 1; `best` (cycles 0: nothing) is copied. Variant, request and
 * title have to outlive the plan. False when out of memory; free it either way. */
bool search_plan_start(struct search_plan *p, const struct tuning *best);
void search_plan_free(struct search_plan *p);

/* How many of the units before it a unit knows of. */
uint64_t search_plan_seen(const struct search_plan *p, uint64_t unit);

/* As pool_plan.next. What costs `shown` or more is not worth a report before the result. */
enum pool_next search_plan_next(struct search_plan *p, double shown, uint64_t *unit, struct text *request);

/* Takes a report. A result that may be the best so far is left in *found (else cycles 0). */
enum status search_plan_take(struct search_plan *p, const struct pool_message *r, struct tuning *found,
                             struct diag *d);

/* Of all units merged and the start; cycles 0 if there is none. Valid until the next result. */
const struct tuning *search_plan_best(const struct search_plan *p);

/* plan.c: the plan as a file, replaced in one step; units in flight are left out, and
 * handed out again. `fresh` says how it was started, `there` is what the record cost then. */
enum status search_plan_save(const struct search_plan *p, const char *path, bool fresh, double there,
                             struct diag *d);

/* Takes up a plan just started where the file leaves it; *found is false when the file is of
 * another search. The plan is to be freed after a failure. */
enum status search_plan_load(struct search_plan *p, const char *path, bool fresh, double *there, bool *found,
                             struct diag *d);

/* Of all units handed out. */
uint64_t search_plan_evaluations(const struct search_plan *p);

/* As pool_plan.work, with the plan as context: all it needs of the plan never changes. */
void search_plan_work(void *plan, const struct pool_message *request, struct pool_channel *channel,
                      struct text *result);

#endif
