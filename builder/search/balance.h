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

enum { MIX_MASKS = 1 << ENGINE_DEBUG };

/* Slots wanted, by the engines that may give them (alu alone in lanes, else ops). */
struct mix_work {
    float by_units[MIX_MASKS];
};

struct mix {
    struct mix_work base;                                /* with the answers in `choices` */
    struct choices choices;                              /* all questions, with answers drawn at random */
    struct mix_work delta[CHOICE_KINDS][CHOICE_OPTIONS]; /* against option 0 */
    bool fixed[CHOICE_KINDS];                            /* its answers change what else is asked */
};

/* Measures around the choices' present answers (which have been asked: question is
 * set). ST_OK, ST_NOMEM, or the kernel's failure. */
enum status mix_measure(struct mix *m, const struct search_kernel *k, const struct choices *c,
                        struct rng *rng, struct diag *d);
void mix_free(struct mix *m);

/* The work of a whole ir. */
void mix_count(const struct ir *ir, struct mix_work *w);

/* Cycles that the work takes at least, with engines as full as good schedules fill them. */
double mix_cycles(const struct isa_machine *machine, const struct mix_work *w);

/* Improves the answers (to the questions in mix.choices); leaves them alone if one that decides what else is
 * asked is not as measured. */
void mix_balance(const struct mix *m, const struct isa_machine *machine, struct choices *c, struct rng *rng);

#endif
