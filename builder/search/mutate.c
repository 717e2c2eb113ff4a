#include "builder/search/mutate.h"

#include <math.h>

#include "builder/search/search.h"

void move_draw_choices(struct choices *c, const struct balance *m, bool all, struct rng *rng)
{
    double weight[CHOICE_KINDS][CHOICE_OPTIONS];
    for (unsigned k = 0; k < CHOICE_KINDS; k++)
        for (unsigned o = 0; o < CHOICE_OPTIONS; o++) {
            const double u = rng_unit(rng);
            weight[k][o] = u * u; /* uneven: most of a kind should agree */
        }
    for (size_t i = 0; i < c->question.n; i++) {
        if (!all && m->fixed[c->question.at[i].kind])
            continue;
        const double *w = weight[c->question.at[i].kind];
        double sum = 0;
        for (unsigned o = 0; o < c->question.at[i].options; o++)
            sum += w[o];
        double u = rng_unit(rng) * sum;
        unsigned o = 0;
        while (o + 1u < c->question.at[i].options && (u -= w[o]) > 0)
            o++;
        c->pick.at[i] = (uint8_t)o;
    }
}

bool move_flip(struct choices *c, struct rng *rng)
{
    const uint32_t n = (uint32_t)c->question.n;
    if (!n)
        return false;
    for (unsigned k = 1 + rng_below(rng, 3); k > 0; k--) {
        const uint32_t i = rng_below(rng, n);
        c->pick.at[i] = (uint8_t)rng_below(rng, c->question.at[i].options);
    }
    return true;
}

static const struct ir_tag *tags(const struct candidate *s, uint32_t node)
{
    return &s->ir->ops.at[s->sched.graph.first_op + node].tag;
}

struct extent candidate_extent(const struct candidate *s)
{
    struct extent x = {0, 1};
    for (uint32_t i = 0; i < s->sched.graph.ops; i++) {
        if (tags(s, i)->strand == IR_SHARED)
            continue;
        if (tags(s, i)->strand >= x.strands)
            x.strands = tags(s, i)->strand + 1u;
        if (tags(s, i)->round >= x.rounds)
            x.rounds = tags(s, i)->round + 1u;
    }
    return x;
}

/* Keys stay multiples of a unit, so that a tuning holds them exactly. */
static float rounded(double key)
{
    return (float)nearbyint(key / (double)SEARCH_UNIT) * SEARCH_UNIT;
}

/* One strand, from some round on, goes earlier or later. */
static void shift_strand(struct candidate *s, struct rng *rng, double heat, struct extent x)
{
    const uint32_t strand = rng_below(rng, x.strands);
    const uint32_t from = rng_below(rng, 2) ? rng_below(rng, x.rounds) : 0;
    const double by = (rng_unit(rng) - 0.5) * (4 + 56 * heat);
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (tags(s, i)->strand == strand && tags(s, i)->round >= from)
            s->keys[i] = rounded(s->keys[i] + by);
}

/* One strand is stretched or squeezed about its middle. */
static void stretch_strand(struct candidate *s, struct rng *rng, struct extent x)
{
    const uint32_t strand = rng_below(rng, x.strands);
    const double scale = 0.8 + 0.4 * rng_unit(rng);
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (tags(s, i)->strand == strand) {
            sum += s->keys[i];
            n++;
        }
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (tags(s, i)->strand == strand)
            s->keys[i] = rounded(sum / n + (s->keys[i] - sum / n) * scale);
}

/* Noise on the keys of what is scheduled in a window of time. */
static void shake_window(struct candidate *s, struct rng *rng)
{
    const double at = rng_unit(rng) * s->schedule.length, width = 10 + rng_unit(rng) * 150;
    const double by = 1 + 8 * rng_unit(rng);
    for (uint32_t i = 0; i < s->sched.graph.ops; i++)
        if (s->schedule.start[i] >= at && s->schedule.start[i] < at + width)
            s->keys[i] = rounded(s->keys[i] + by * 2 * (rng_unit(rng) - 0.5));
}

void move_keys(struct candidate *s, struct rng *rng, double heat)
{
    const struct extent x = candidate_extent(s);
    const uint32_t which = x.strands ? rng_below(rng, 64) : 50;
    if (which < 30)
        shift_strand(s, rng, heat, x);
    else if (which < 40)
        stretch_strand(s, rng, x);
    else if (which < 60)
        shake_window(s, rng);
    else {
        s->options.flow_bias = rounded(rng_unit(rng) * 400);
        s->options.valu_bias = rounded((rng_unit(rng) - 0.3) * 10);
    }
}
