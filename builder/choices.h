/* Decisions that kernel code leaves to a search: which of several ways to compute
 * something this instance uses. Kernel code asks in a fixed order; the answers are
 * a string of small numbers, part of a tuning record. */
#ifndef SHEAF_BUILDER_CHOICES_H
#define SHEAF_BUILDER_CHOICES_H

#include <stdint.h>

#include "sim/base/vec.h"

struct choices {
    VEC(uint8_t) pick;    /* the answer to each question, in order; missing ones use the fallback */
    VEC(uint8_t) options; /* as asked in the last build: how many ways there were */
    size_t asked;
    bool failed;          /* out of memory */
};

/* Before a build. */
static inline void choices_begin(struct choices *c)
{
    c->asked = c->options.n = 0;
}

/* One of 0 .. options-1. */
static inline unsigned choices_ask(struct choices *c, unsigned options, unsigned fallback)
{
    const size_t i = c->asked++;
    if (!vec_push(&c->options, (uint8_t)options))
        c->failed = true;
    if (i >= c->pick.n && !vec_push(&c->pick, (uint8_t)fallback))
        c->failed = true;
    return c->failed || c->pick.at[i] >= options ? fallback : c->pick.at[i];
}

static inline void choices_free(struct choices *c)
{
    vec_free(&c->pick);
    vec_free(&c->options);
}

#endif
