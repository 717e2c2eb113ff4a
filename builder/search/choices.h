/* Decisions that kernel code leaves to a search: which of several ways to compute
 * something this instance uses. Kernel code asks in a fixed order; the answers are
 * a string of small numbers, part of a tuning record. */
#ifndef SHEAF_BUILDER_SEARCH_CHOICES_H
#define SHEAF_BUILDER_SEARCH_CHOICES_H

#include <stdint.h>

#include "sim/base/vec.h"

enum { CHOICE_KINDS = 8, CHOICE_OPTIONS = 8 };

/* A question as it was asked: how many ways there are, and what sort of question it
 * is (a number below CHOICE_KINDS): those of one kind are likely to want like answers. */
struct question {
    uint8_t options, kind;
};

struct choices {
    VEC(uint8_t) pick;             /* the answer to each question; missing ones use the fallback */
    VEC(struct question) question; /* as asked in the last build */
    bool failed;                   /* out of memory */
};

/* Before a build. */
static inline void choices_begin(struct choices *c)
{
    c->question.n = 0;
}

/* One of 0 .. options-1, options at most CHOICE_OPTIONS. */
static inline unsigned choices_ask(struct choices *c, unsigned kind, unsigned options, unsigned fallback)
{
    const size_t i = c->question.n;
    if (!vec_push(&c->question, (struct question){(uint8_t)options, (uint8_t)kind}) ||
        (i >= c->pick.n && !vec_push(&c->pick, (uint8_t)fallback)))
        c->failed = true;
    return c->failed || c->pick.at[i] >= options ? fallback : c->pick.at[i];
}

/* The answers and questions of `from` in place of those of `to`; false when out of
 * memory. */
static inline bool choices_copy(struct choices *to, const struct choices *from)
{
    to->pick.n = to->question.n = 0;
    if (!vec_reserve(&to->pick, from->pick.n) || !vec_reserve(&to->question, from->question.n))
        return false;
    for (size_t i = 0; i < from->pick.n; i++)
        to->pick.at[to->pick.n++] = from->pick.at[i];
    for (size_t i = 0; i < from->question.n; i++)
        to->question.at[to->question.n++] = from->question.at[i];
    return true;
}

static inline void choices_free(struct choices *c)
{
    vec_free(&c->pick);
    vec_free(&c->question);
}

#endif
