/* The steps of the search. */
#ifndef SHEAF_BUILDER_SEARCH_MUTATE_H
#define SHEAF_BUILDER_SEARCH_MUTATE_H

#include "builder/search/balance.h"

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
