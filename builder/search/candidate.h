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

/* --- balance ----------------------------------------------------------------------------- */

/* Decisions in balance: how much work each answer gives each engine, and answers for
 * which the fullest engine has least. A search starts there, for what a schedule can
 * reach is bounded by it.
 *
 * algorithm   questions of one kind are taken to be alike. The effect of an answer is
 *             measured by asking it in a few places, among answers drawn at random (so
 *             that what all share, constants say, is there already). Then question by
 *             question, in random order, the answer that leaves the shortest time,
 *             until none changes: a local optimum of a small integer program
 */

enum { BALANCE_MASKS = 1 << ENGINE_DEBUG };

/* Slots wanted, by the engines that may give them (alu alone in lanes, else ops). */
struct balance_work {
    float by_units[BALANCE_MASKS];
};

struct balance {
    struct balance_work base;                                /* with the answers in `choices` */
    struct choices choices;                                  /* all questions, with answers drawn at random */
    struct balance_work delta[CHOICE_KINDS][CHOICE_OPTIONS]; /* against option 0 */
    bool fixed[CHOICE_KINDS];                                /* its answers change what else is asked */
};

/* Measures around the choices' present answers (which have been asked: question is
 * set). ST_OK, ST_NOMEM, or the kernel's failure. */
enum status balance_measure(struct balance *m, const struct search_kernel *k, const struct choices *c,
                            struct rng *rng, struct diag *d);
void balance_free(struct balance *m);

/* The work of a whole ir. */
void balance_count(const struct ir *ir, struct balance_work *w);

/* Cycles that the work takes at least, with engines as full as good schedules fill them. */
double balance_cycles(const struct isa_machine *machine, const struct balance_work *w);

/* Improves the answers (to the questions in mix.choices); leaves them alone if one that decides what else is
 * asked is not as measured. */
void balance_answers(const struct balance *m, const struct isa_machine *machine, struct choices *c,
                     struct rng *rng);

/* --- mutate ------------------------------------------------------------------------------ */

/* The steps of the search. */

/* Answers to all questions, by a distribution drawn for each kind of them; those that
 * decide what else is asked keep theirs unless `all`. */
void move_draw_choices(struct choices *c, const struct balance *m, bool all, struct rng *rng);

/* Changes a few answers; false if there are no questions. */
bool move_flip(struct choices *c, struct rng *rng);

/* Changes keys or options in place; `heat` from 1 down to 0 says how boldly. */
void move_keys(struct candidate *s, struct rng *rng, double heat);

/* The number of strands and of their rounds. */
struct extent {
    uint32_t strands, rounds;
};
struct extent candidate_extent(const struct candidate *s);

#endif
