/* Generated data out of the ordinary for moe_sort: keys that decide by one where the choice of groups ends;
 * equal keys everywhere, at the boundaries of the choice of groups and of experts, extremes, experts in
 * order, experts that every token chooses, experts that one token chooses. */
#include "kernels/moe_sort.h"
#include "sim/base/random.h"

enum { BIAS = 262144, MOST = 32768, HALF = MOST / 2 };

enum {
    UNIFORM,
    TIES,
    LOWEST,
    HIGHEST,
    EXTREMES,
    FEW,
    BOUNDARY,
    GROUPS,
    ASCENDING,
    DESCENDING,
    CROWDED,
    CROWDED_FIRST,
    CROWDED_LAST,
    APART,
    TOP_PAIR,
    LEVEL,
    CLOSE,
    MIXED,
    CONTEST
};

const struct kern_choice moe_shapes[] = {{"uniform", UNIFORM},
                                         {"ties", TIES},
                                         {"lowest", LOWEST},
                                         {"highest", HIGHEST},
                                         {"extremes", EXTREMES},
                                         {"few", FEW},
                                         {"boundary", BOUNDARY},
                                         {"groups", GROUPS},
                                         {"ascending", ASCENDING},
                                         {"descending", DESCENDING},
                                         {"crowded", CROWDED},
                                         {"crowded_first", CROWDED_FIRST},
                                         {"crowded_last", CROWDED_LAST},
                                         {"apart", APART},
                                         {"top_pair", TOP_PAIR},
                                         {"level", LEVEL},
                                         {"close", CLOSE},
                                         {"mixed", MIXED},
                                         {"contest", CONTEST},
                                         {NULL, 0}};

struct shape {
    struct moe_sizes z;
    uint32_t token, crowd; /* the first group of the experts that all choose */
    struct rng rng;
};

/* K experts with keys above all others, of TG groups, from `first` on; they are the ones chosen. */
static bool is_chosen(const struct moe_sizes *z, uint32_t e, uint32_t first)
{
    const uint32_t group = (e / z->group + z->ng - first % z->ng) % z->ng, within = e % z->group;
    return group < z->tg && within * z->tg + group < z->k;
}

static uint32_t signal(struct shape *s, int64_t shape, uint32_t e)
{
    const struct moe_sizes *z = &s->z;
    const uint32_t group = e / z->group, within = e % z->group;
    switch (shape) {
    case TIES: return HALF;
    case LOWEST: return 1;
    case HIGHEST: return MOST;
    case EXTREMES: return rng_below(&s->rng, 2) ? MOST : 1;
    case FEW: return 1 + rng_below(&s->rng, 3);
    /* Half of the chosen are above, the others among equals, in every group. */
    case BOUNDARY: return is_chosen(z, e, 0) && (within * z->tg + group) % 2 ? MOST : HALF;
    /* Every group's two largest add up to the same, each by another pair; which ones are kept is for the
     * group's number. */
    case GROUPS:
        return within == 0   ? HALF + 1 + group
               : within == 1 ? HALF - 1 - group
                             : 1 + rng_below(&s->rng, HALF - 16);
    case ASCENDING: return 1 + e * (MOST - 1) / z->e;
    case DESCENDING: return MOST - e * (MOST - 1) / z->e;
    case CROWDED:
        return is_chosen(z, e, s->crowd) ? MOST - rng_below(&s->rng, 1000) : 1 + rng_below(&s->rng, HALF);
    case CROWDED_FIRST: return is_chosen(z, e, 0) ? MOST - within : 1;
    case CROWDED_LAST: return is_chosen(z, e, z->ng - z->tg) ? MOST - z->group + 1 + within : 1;
    /* Tokens after each other choose experts after each other. */
    case APART:
        return (e + z->e - s->token * z->k % z->e) % z->e < z->k ? MOST - rng_below(&s->rng, 100)
                                                                 : 1 + rng_below(&s->rng, 100);
    /* One group has the largest expert and the smallest others. */
    default:
        return group == s->token % z->ng && within == s->token % z->group ? MOST : 1 + rng_below(&s->rng, 2);
    }
}

/* The experts chosen have keys that differ by one, in an order of its own for every token; the groups kept
 * have sums that are above those of the others by one at the least: if one of their keys is computed too
 * small, the order is another one, or the groups are. All tokens choose the same. In their turn all experts
 * are chosen, each at every rank. */
static void contest(struct shape *s, uint32_t turn, uint32_t *sig, const uint32_t *bias)
{
    enum { TOP = 22000, OTHERS = 9000 };
    const struct moe_sizes *z = &s->z;
    const uint32_t parts = moe_cdiv(z->ng, z->tg), part = turn % parts, row = turn / parts;
    const uint32_t each = moe_cdiv(z->k, z->tg); /* chosen of a group */
    for (uint32_t t = 0; t < z->m; t++)
        for (uint32_t g = 0; g < z->ng; g++) {
            const uint32_t of = (g + z->ng - part * z->tg % z->ng) % z->ng;
            const bool kept = of < z->tg;
            for (uint32_t e = 0; e < z->group; e++) {
                const uint32_t from = row * each % z->group, within = (e + z->group - from) % z->group;
                const uint32_t rank = (within * z->tg + of + t * (1 + row) + row) % z->k;
                uint32_t key = 1 + rng_below(&s->rng, OTHERS);
                if (kept && within * z->tg + of < z->k)
                    key = TOP - rank;
                else if (within < 2) /* what is kept adds up to 2 * (TOP - K) + 3 or more, where it is two of
                                        the chosen */
                    key = TOP - z->k + (within ? 0 - rng_below(&s->rng, 2) : 2);
                sig[t * z->e + g * z->group + e] = key - (bias[g * z->group + e] - BIAS);
            }
        }
}

/* All keys are equal, or close to each other, as sums of two numbers that are not. */
static void level(struct shape *s, bool close, uint32_t *sig, const uint32_t *bias)
{
    const uint32_t key = HALF + rng_below(&s->rng, 1000);
    for (uint32_t i = 0; i < s->z.m * s->z.e; i++)
        sig[i] = key + (close ? rng_below(&s->rng, 40) : 0) - (bias[i % s->z.e] - BIAS);
}

/* Every token's keys are out of the ordinary in another way, biases as they were drawn. */
static void mixed(struct shape *s, uint32_t *sig, const uint32_t *bias)
{
    static const int64_t ways[] = {CLOSE,    CLOSE,    CLOSE,    CLOSE, EXTREMES, EXTREMES, FEW,     FEW,
                                   TOP_PAIR, TOP_PAIR, TOP_PAIR, APART, CROWDED,  GROUPS,   BOUNDARY};
    for (s->token = 0; s->token < s->z.m; s->token++) {
        const int64_t shape = ways[rng_below(&s->rng, sizeof ways / sizeof *ways)];
        const uint32_t shift = rng_below(&s->rng, s->z.e), key = HALF + rng_below(&s->rng, 1000);
        uint32_t *of = sig + s->token * s->z.e;
        for (uint32_t e = 0; e < s->z.e; e++) {
            if (shape == LEVEL || shape == CLOSE)
                of[e] = key + (shape == CLOSE ? rng_below(&s->rng, 40) : 0) - (bias[e] - BIAS);
            else
                of[e] = signal(s, shape, (e + shift) % s->z.e);
        }
    }
}

/* Signals have a range; biases may be drawn so far apart that they leave it. */
static void confine(struct shape *s, uint32_t *sig)
{
    for (uint32_t i = 0; i < s->z.m * s->z.e; i++)
        sig[i] = sig[i] - 1 < MOST ? sig[i] : HALF;
}

void moe_shape(struct kern_problem *p)
{
    const int64_t shape = p->params.at[MOE_SHAPE];
    struct shape s = {.z = moe_sizes(&p->params), .rng = {p->seed}};
    s.crowd = (uint32_t)(p->seed % s.z.ng);
    if (shape == UNIFORM)
        return;
    uint32_t *sig = p->image + s.z.at[MOE_SIG], *bias = p->image + s.z.at[MOE_BIAS];
    if (shape >= LEVEL) {
        if (shape == CONTEST)
            contest(&s, (uint32_t)p->params.at[MOE_TURN], sig, bias);
        else if (shape == MIXED)
            mixed(&s, sig, bias);
        else
            level(&s, shape == CLOSE, sig, bias);
        confine(&s, sig);
        return;
    }
    for (s.token = 0; s.token < s.z.m; s.token++)
        for (uint32_t e = 0; e < s.z.e; e++)
            *sig++ = signal(&s, shape, e);
    for (uint32_t e = 0; e < s.z.e; e++)
        bias[e] = BIAS;
}
