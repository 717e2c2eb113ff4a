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
#ifndef SHEAF_BUILDER_SEARCH_BALANCE_H
#define SHEAF_BUILDER_SEARCH_BALANCE_H

#include "builder/search/candidate.h"

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

#endif
