/* Generated data out of the ordinary for moe_sort: keys that decide by one where the choice of groups ends;
 * equal keys everywhere, at the boundaries of the choice of groups and of experts, extremes, experts in
 * order, experts that every token chooses, experts that one token chooses. */
#include "kernels/moe_sort/moe_sort.h"
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
    APART,
    TOP_PAIR,
    CLOSE,
    MIXED,
    CONTEST,
    CROWDED_CONTEST
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
                                         {"apart", APART},
                                         {"top_pair", TOP_PAIR},
                                         {"close", CLOSE},
                                         {"mixed", MIXED},
                                         {"contest", CONTEST},
                                         {"crowded_contest", CROWDED_CONTEST},
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
    /* Tokens after each other choose experts after each other. */
    case APART:
        return (e + z->e - s->token * z->k % z->e) % z->e < z->k ? MOST - rng_below(&s->rng, 100)
                                                                 : 1 + rng_below(&s->rng, 100);
    /* One group has the largest expert and the smallest others. */
    default:
        return group == s->token % z->ng && within == s->token % z->group ? MOST : 1 + rng_below(&s->rng, 2);
    }
}

/* --- contests ----------------------------------------------------------------------- */

enum { TOP = 22000, GAP = 3000, OTHERS = 9000, HERALD = 40, RUN = 8 };

/* A token of a contest: how many of its experts each group has, and where. */
struct contest {
    uint32_t order[MOE_MAX_GROUPS]; /* of groups, those kept first */
    uint32_t has[MOE_MAX_GROUPS];   /* chosen experts, in that order */
    bool herald[MOE_MAX_GROUPS];    /* has one, so large that the group is before others */
    uint32_t crowd, run;          /* the group that has most, in that order, and which eight of its experts */
    uint32_t at[MOE_MAX_EXPERTS]; /* of a group: its experts, those that matter first */
    uint32_t rank[MOE_MAX_CHOSEN]; /* of the chosen experts, group by group */
};

static void shuffle(struct shape *s, uint32_t *words, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t j = rng_below(&s->rng, i), other = words[i - 1];
        words[i - 1] = words[j];
        words[j] = other;
    }
}

/* Which groups are kept: every other one, in its turn the others. */
static void draw_groups(struct shape *s, uint32_t turn, struct contest *c)
{
    const struct moe_sizes *z = &s->z;
    uint32_t kept = 0, others = z->tg;
    for (uint32_t i = 0; i < z->ng; i++) {
        const bool keep = i % 2 == 0 ? kept < z->tg : others == z->ng;
        c->order[keep ? kept++ : others++] = (i + turn) % z->ng;
    }
    shuffle(s, c->order, z->tg); /* groups that are to count are equally good */
}

/* How many of the chosen each group has. The crowd's has most, or shares them with another one. Those before
 * it have one at least, for they are better groups; all have, where all are to count. */
static void draw_shares(struct shape *s, uint32_t turn, bool all, struct contest *c)
{
    const struct moe_sizes *z = &s->z;
    const uint32_t runs = moe_cdiv(z->group, RUN), target = (turn + 5 * s->token) % (z->tg * runs);
    const uint32_t most = z->tg < z->k ? z->tg : z->k;
    c->crowd = target / runs < most ? target / runs : most - 1;
    c->run = target % runs;
    const uint32_t ones = all ? most : c->crowd, way = rng_below(&s->rng, 4);
    const uint32_t other = rng_below(&s->rng, z->tg), split = rng_below(&s->rng, 4);
    uint32_t next = 0;
    for (uint32_t i = 0; i < z->ng; i++) {
        c->herald[i] = !all && i < c->crowd;
        c->has[i] = i < ones;
    }
    for (uint32_t k = ones; k < z->k; k++) {
        uint32_t of = way == 3 && all ? k % z->tg : way && k - ones < split ? other : c->crowd;
        while (c->has[of] == z->group)
            of = next++ % z->tg;
        c->has[of]++;
    }
}

/* Ranks: the first ones best, the last ones, by turns, or anyhow. */
static void draw_ranks(struct shape *s, struct contest *c)
{
    const uint32_t k = s->z.k, way = rng_below(&s->rng, 6), half = (k + 1) / 2;
    for (uint32_t i = 0; i < k; i++)
        c->rank[i] = way == 0   ? i
                     : way == 1 ? k - 1 - i
                     : way == 2 ? (i < half ? 2 * i : 2 * (i - half) + 1)
                     : way == 3 ? (i < k / 2 ? 2 * i + 1 : 2 * (i - k / 2))
                                : i;
    if (way > 3)
        shuffle(s, c->rank, k);
}

/* Two experts of a group for each turn: neighbours; or one of each two neighbouring pairs, of each two
 * neighbouring fours, and so on. */
static void draw_pair(struct shape *s, uint32_t turn, bool neighbours, uint32_t pair[2])
{
    const uint32_t n = s->z.group, first = rng_below(&s->rng, 2);
    uint32_t half = 1, i = turn;
    if (!neighbours && n >= 4)
        for (i = turn % n, half = 2; 4 * half <= n && i >= n / (2 * half); half *= 2)
            i -= n / (2 * half);
    const uint32_t pairs = n / (2 * half); /* a group has two experts at least */
    i = pairs ? i % pairs : 0;
    pair[first] = 2 * half * i + rng_below(&s->rng, half);
    pair[!first] = 2 * half * i + half + rng_below(&s->rng, half);
}

/* Moves the experts of [from, to) that are not among the first n to place n on, in any order; how many are
 * ahead then. */
static uint32_t place(struct shape *s, struct contest *c, uint32_t n, uint32_t from, uint32_t to)
{
    const uint32_t before = n;
    for (uint32_t i = n; i < s->z.group; i++)
        if (c->at[i] >= from && c->at[i] < to) {
            const uint32_t e = c->at[i];
            c->at[i] = c->at[n];
            c->at[n++] = e;
        }
    shuffle(s, c->at + before, n - before);
    return n;
}

/* The i-th group's two experts that have their turn; those of a crowd, which are in one run of eight but for
 * some before it; and then all others. */
static void draw_places(struct shape *s, uint32_t turn, bool all, uint32_t i, struct contest *c)
{
    const uint32_t group = s->z.group, from = c->run * RUN, has = c->has[i];
    uint32_t pair[2], n = 0;
    draw_pair(s, all ? turn / 2 : turn + 7 * s->token + 3 * i, all, pair);
    for (uint32_t e = 0; e < group; e++)
        c->at[e] = e;
    if (all || has < 3) {
        (void)place(s, c, 0, pair[0], pair[0] + 1);
        n = place(s, c, 1, pair[1], pair[1] + 1);
    }
    const uint32_t left = has > n ? has - n : 0,
                   away = rng_below(&s->rng, 2) ? rng_below(&s->rng, left + 1) : 0;
    const uint32_t crowd = n;
    n = place(s, c, n, from, from + RUN);
    if (n > crowd + left - away)
        n = crowd + left - away;
    n = place(s, c, n, 0, from);
    (void)place(s, c, n, 0, group);
    if (!all)
        shuffle(s, c->at, has < 3 ? 0 : has);
}

/* The keys of a group that is kept, the i-th. The sum of the two largest. */
static uint32_t put_kept(struct shape *s, const struct contest *c, uint32_t i, uint32_t done, uint32_t *key)
{
    const struct moe_sizes *z = &s->z;
    uint32_t largest[2] = {0, 0};
    for (uint32_t k = 0; k < c->has[i] || k < 2; k++) {
        const uint32_t better = c->herald[i] ? HERALD + 10 * (z->tg - i) : 0;
        const uint32_t of =
            k < c->has[i] ? TOP - c->rank[done + k] + better : TOP - z->k - rng_below(&s->rng, 2);
        key[c->at[k]] = of;
        if (of > largest[0]) {
            largest[1] = largest[0];
            largest[0] = of;
        } else if (of > largest[1])
            largest[1] = of;
    }
    return largest[0] + largest[1];
}

/* The same where all groups are to count: sums of the two largest are the same or differ by one, and what is
 * third is far below. */
static uint32_t put_all(struct shape *s, const struct contest *c, uint32_t i, uint32_t done, uint32_t *key)
{
    const uint32_t low = TOP - GAP, sum = 2 * TOP - rng_below(&s->rng, 2),
                   apart = rng_below(&s->rng, s->z.k + 1);
    for (uint32_t k = 2; k < c->has[i]; k++)
        key[c->at[k]] = low - c->rank[done + k];
    key[c->at[1]] = c->has[i] > 1 ? TOP - apart : low - s->z.k - 1 - rng_below(&s->rng, 2);
    key[c->at[0]] = sum - key[c->at[1]];
    return sum;
}

/* One token's keys. */
static void contest_token(struct shape *s, uint32_t turn, bool all, uint32_t *key)
{
    const struct moe_sizes *z = &s->z;
    struct contest c;
    uint32_t done = 0, least = UINT32_MAX;
    draw_groups(s, turn, &c);
    draw_shares(s, turn, all, &c);
    draw_ranks(s, &c);
    for (uint32_t i = 0; i < z->ng; i++) {
        uint32_t *of = key + c.order[i] * z->group;
        draw_places(s, turn, all, i, &c);
        for (uint32_t e = 0; e < z->group; e++)
            of[e] = 1 + rng_below(&s->rng, OTHERS);
        if (i < z->tg) {
            const uint32_t sum = all ? put_all(s, &c, i, done, of) : put_kept(s, &c, i, done, of);
            least = sum < least ? sum : least;
            done += c.has[i];
        } else {
            const uint32_t sum = least - 1 - rng_below(&s->rng, 2), half = (sum + 1) / 2;
            const uint32_t more = rng_below(&s->rng, 2) ? rng_below(&s->rng, OTHERS / 2) : 0;
            of[c.at[0]] = half + more;
            of[c.at[1]] = sum - half - more;
        }
    }
}

/* The experts chosen have keys that differ by one, and so have the sums of groups that are kept and of those
 * that are not: whatever is computed too small or too large changes an order. Every group kept has as many of
 * the chosen, and in their turn all its experts are among them; or the chosen crowd, and groups come in an
 * order that is given. */
static void contest(struct shape *s, uint32_t turn, bool all, uint32_t *sig, const uint32_t *bias)
{
    const struct moe_sizes *z = &s->z;
    for (uint32_t t = 0; t < z->m; t++) {
        uint32_t *key = sig + t * z->e;
        s->token = t;
        contest_token(s, turn, all, key);
        for (uint32_t e = 0; e < z->e; e++)
            key[e] -= bias[e] - BIAS;
    }
}

/* All keys are close to each other, as sums of two numbers that are not. */
static void close_keys(struct shape *s, uint32_t *sig, const uint32_t *bias)
{
    const uint32_t key = HALF + rng_below(&s->rng, 1000);
    for (uint32_t i = 0; i < s->z.m * s->z.e; i++)
        sig[i] = key + rng_below(&s->rng, 40) - (bias[i % s->z.e] - BIAS);
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
            if (shape == CLOSE)
                of[e] = key + rng_below(&s->rng, 40) - (bias[e] - BIAS);
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

void moe_shape(struct kern_instance *p)
{
    const int64_t shape = p->params.at[MOE_SHAPE];
    struct shape s = {.z = moe_sizes(&p->params), .rng = {p->seed}};
    s.crowd = (uint32_t)(p->seed % s.z.ng);
    if (shape == UNIFORM)
        return;
    uint32_t *sig = p->image + s.z.at[MOE_SIG], *bias = p->image + s.z.at[MOE_BIAS];
    if (shape >= CLOSE) {
        if (shape >= CONTEST)
            contest(&s, (uint32_t)p->params.at[MOE_TURN], shape == CONTEST, sig, bias);
        else if (shape == MIXED)
            mixed(&s, sig, bias);
        else
            close_keys(&s, sig, bias);
        confine(&s, sig);
        return;
    }
    for (s.token = 0; s.token < s.z.m; s.token++)
        for (uint32_t e = 0; e < s.z.e; e++)
            *sig++ = signal(&s, shape, e);
    for (uint32_t e = 0; e < s.z.e; e++)
        bias[e] = BIAS;
}
