/* Generated data out of the ordinary for pq_index: scores that decide by one; that are equal, in order,
 * extreme, and equal just where the choice of K ends. Scores are what sub-vector 0 says, but where all say
 * the same. */
#include <assert.h>
#include <string.h>

#include "kernels/pq_index/pq_index.h"
#include "sim/base/random.h"

enum { MOST = 127, MAX_CODES = 256 };

enum {
    UNIFORM,
    ZEROS,
    TIES,
    FEW,
    BOUNDARY,
    BOUNDARY_FIRST,
    BOUNDARY_LAST,
    HIGHEST,
    LOWEST,
    EXTREMES,
    ASCENDING,
    DESCENDING,
    FIRST,
    LAST,
    MIXED,
    CONTEST,
    FAR_CONTEST
};

const struct kern_choice pq_shapes[] = {{"uniform", UNIFORM},
                                        {"zeros", ZEROS},
                                        {"ties", TIES},
                                        {"few", FEW},
                                        {"boundary", BOUNDARY},
                                        {"boundary_first", BOUNDARY_FIRST},
                                        {"boundary_last", BOUNDARY_LAST},
                                        {"highest", HIGHEST},
                                        {"lowest", LOWEST},
                                        {"extremes", EXTREMES},
                                        {"ascending", ASCENDING},
                                        {"descending", DESCENDING},
                                        {"first", FIRST},
                                        {"last", LAST},
                                        {"mixed", MIXED},
                                        {"contest", CONTEST},
                                        {"far_contest", FAR_CONTEST},
                                        {NULL, 0}};

/* What belongs to one key head: its query heads, centroids and codes. */
struct shape {
    struct pq_sizes z;
    uint32_t *q, *cent, *codes;
    struct rng rng;
};

static void fill(uint32_t *words, uint32_t n, int32_t value)
{
    for (uint32_t i = 0; i < n; i++)
        words[i] = (uint32_t)value;
}

static void set_q(const struct shape *s, int32_t first, int32_t others)
{
    for (uint32_t h = 0; h < s->z.heads; h++)
        for (uint32_t i = 0; i < s->z.subs; i++)
            fill(s->q + (h * s->z.subs + i) * s->z.dims, s->z.dims, i == 0 ? first : others);
}

static uint32_t *centroid(const struct shape *s, uint32_t sub, uint32_t c)
{
    return s->cent + (sub * s->z.centroids + c) * s->z.dims;
}

static void shuffle(struct shape *s, uint32_t *words, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t j = rng_below(&s->rng, i), other = words[i - 1];
        words[i - 1] = words[j];
        words[j] = other;
    }
}

/* Three scores: code 0 high, 1 in the middle, 2 low. `high` keys have the first and `middle` the next; in
 * this order (or from the end), or anywhere. What was drawn before says by how much scores differ. */
static void three_scores(struct shape *s, uint32_t high, uint32_t middle, bool from_end, bool anywhere)
{
    const struct pq_sizes *z = &s->z;
    const uint32_t low = z->centroids > 2 ? 2 : z->centroids - 1, mid = z->centroids > 1 ? 1 : 0;
    set_q(s, 1, 0);
    const int32_t step = 1 + (int32_t)rng_below(&s->rng, MOST);
    fill(centroid(s, 0, 0), z->dims, step);
    fill(centroid(s, 0, mid), z->dims, mid ? 0 : step);
    if (low != mid)
        fill(centroid(s, 0, low), z->dims, -step);
    uint32_t *code = s->codes;
    for (uint32_t i = 0; i < z->candidates; i++)
        code[from_end ? z->candidates - 1 - i : i] = i < high ? 0 : i < high + middle ? mid : low;
    if (anywhere)
        shuffle(s, code, z->candidates);
}

/* Every score as high or as low as there is; or each key one or the other. */
static void extremes(struct shape *s, int64_t shape)
{
    set_q(s, MOST, MOST);
    for (uint32_t i = 0; i < s->z.subs; i++)
        for (uint32_t c = 0; c < s->z.centroids; c++) {
            const bool high = shape == HIGHEST || (shape == EXTREMES && c % 2 == 0);
            fill(centroid(s, i, c), s->z.dims, high ? MOST : -MOST);
        }
}

/* Scores that rise or fall with the position, in as many steps as there are centroids. */
static void in_order(struct shape *s, bool up)
{
    const struct pq_sizes *z = &s->z;
    set_q(s, 1, 0);
    for (uint32_t c = 0; c < z->centroids; c++) {
        const int32_t value = (int32_t)c - (int32_t)z->centroids / 2;
        fill(centroid(s, 0, c), z->dims, value > MOST ? MOST : value < -MOST ? -MOST : value);
    }
    uint32_t *code = s->codes;
    for (uint32_t i = 0; i < z->keys; i++) {
        const uint32_t at = (uint32_t)((uint64_t)i * z->centroids / z->keys);
        code[i] = up ? at : z->centroids - 1 - at;
    }
}

static void few(struct shape *s)
{
    for (uint32_t i = 0; i < s->z.heads * s->z.subs * s->z.dims; i++)
        s->q[i] = (uint32_t)((int32_t)rng_below(&s->rng, 3) - 1);
    for (uint32_t i = 0; i < s->z.subs * s->z.centroids * s->z.dims; i++)
        s->cent[i] = rng_below(&s->rng, 8) ? 0 : (uint32_t)((int32_t)rng_below(&s->rng, 3) - 1);
}

/* --- contests ----------------------------------------------------------------------- */

/* What a centroid of sub-vector 0 adds, its counterpart of sub-vector 1 takes away, but for a number that all
 * keys have and a class that a key has: sums of numbers with many bits that differ by one. */
enum { BASE, NEXT, HIGH, CLASSES };

/* A number's words for a query: its part of each of them, with either sign, at most 63. */
static void draw_common(struct shape *s, int32_t *word)
{
    const uint32_t most = rng_below(&s->rng, MOST / 2 + 1);
    const bool down = rng_below(&s->rng, 2);
    for (uint32_t d = 0; d < s->z.dims; d++) {
        const int32_t part = (int32_t)rng_below(&s->rng, most + 1);
        word[d] = ((int32_t)s->q[d] < 0) == down ? part : -part;
    }
    word[s->z.dims - 1] = 0;
}

static void counterparts(struct shape *s, uint32_t each)
{
    enum { MAX_DIMS = 256 };
    const struct pq_sizes *z = &s->z;
    const uint32_t last = z->dims - 1;
    int32_t common[MAX_DIMS] = {0};
    for (uint32_t h = 0; h < z->heads; h++)
        for (uint32_t i = 0; i < z->subs; i++) {
            uint32_t *q = s->q + (h * z->subs + i) * z->dims;
            memmove(q, s->q, z->dims * sizeof *q);
            q[last] = 1;
        }
    draw_common(s, common);
    for (uint32_t c = 0; c < z->centroids; c++) {
        const int32_t class = (int32_t)(c / each);
        uint32_t *one = centroid(s, 0, c), *other = centroid(s, 1, c);
        for (uint32_t d = 0; d < z->dims; d++) {
            one[d] = c < each ? (uint32_t)((int32_t)one[d] / 2) : centroid(s, 0, c % each)[d];
            other[d] = (uint32_t)(common[d] - (int32_t)one[d]);
        }
        other[last] += (uint32_t)(class < CLASSES ? class : HIGH);
        for (uint32_t i = 2; i < z->subs; i++)
            memmove(centroid(s, i, c), centroid(s, i, 0), z->dims * sizeof *one);
    }
}

/* What centroid c of sub-vector 0 adds. */
static int32_t adds(const struct shape *s, uint32_t c)
{
    const uint32_t *word = centroid(s, 0, c);
    int32_t sum = 0;
    for (uint32_t d = 0; d < s->z.dims; d++)
        sum += (int32_t)s->q[d] * (int32_t)word[d];
    return sum;
}

/* All scores are equal, but those of K keys, which are higher by two, and of a few others, higher by one; or
 * all but one of the K are far higher. In their turn all keys are among the K. */
static void contest(struct shape *s, uint32_t turn, bool far)
{
    enum { NEXTS = 4 };
    const struct pq_sizes *z = &s->z;
    const uint32_t classes = z->centroids < CLASSES ? 2 : CLASSES, each = z->centroids / classes;
    const uint32_t high = (classes - 1) * each, stride = z->candidates / z->kept;
    const uint32_t least = rng_below(&s->rng, z->kept), window = (turn / 2 % classes) * each;
    int32_t sum[MAX_CODES];
    uint32_t *one = s->codes, *other = s->codes + z->keys;
    assert(each > 0); /* there are two centroids at the least */
    counterparts(s, each);
    for (uint32_t c = 0; c < each; c++)
        sum[c] = adds(s, c);
    for (uint32_t i = 0; i < z->keys; i++) {
        one[i] = each ? one[i] % each : 0; /* there are two centroids at least */
        other[i] = one[i] + (i < z->candidates ? 0 : window);
    }
    for (uint32_t n = 0; n < NEXTS && classes > 2; n++) {
        const uint32_t i = rng_below(&s->rng, z->candidates);
        other[i] = one[i] + each;
    }
    for (uint32_t k = 0; k < z->kept; k++) {
        const uint32_t i = k * stride + turn % stride, with = rng_below(&s->rng, each);
        const uint32_t more = sum[with] > sum[one[i]] ? with : one[i], less = more == with ? one[i] : with;
        if (far && k != least)
            one[i] = more;
        other[i] = (far && k != least ? less : one[i]) + high;
    }
}

/* One key head's share of an instance. */
static void apply(struct shape *s, int64_t shape, uint32_t turn)
{
    const struct pq_sizes *z = &s->z;
    const uint32_t rest = z->candidates - z->kept, half = z->kept / 2, middle = z->kept - half + 1 + rest / 2;
    switch (shape) {
    case ZEROS:
        set_q(s, 0, 0);
        fill(s->cent, z->subs * z->centroids * z->dims, 0);
        fill(s->codes, z->subs * z->keys, 0);
        break;
    case TIES: set_q(s, 0, 0); break;
    case FEW: few(s); break;
    case BOUNDARY: three_scores(s, half, middle, false, true); break;
    case BOUNDARY_FIRST: three_scores(s, z->kept - 1, 2, false, true); break;
    case BOUNDARY_LAST: three_scores(s, z->kept - 1, rest + 1, true, rng_below(&s->rng, 2)); break;
    case HIGHEST:
    case LOWEST:
    case EXTREMES: extremes(s, shape); break;
    case ASCENDING: in_order(s, true); break;
    case DESCENDING: in_order(s, false); break;
    case FIRST: three_scores(s, z->kept, 0, false, false); break;
    case LAST: three_scores(s, z->kept, 0, true, false); break;
    case CONTEST:
    case FAR_CONTEST:
        if (z->subs > 1 && z->centroids > 1)
            contest(s, turn, shape == FAR_CONTEST);
        else
            three_scores(s, half, middle, false, true);
        break;
    default: break;
    }
}

void pq_shape(struct kern_instance *p)
{
    const struct pq_sizes z = pq_sizes_of(&p->params);
    const int64_t shape = p->params.at[PQ_SHAPE];
    struct shape s = {.z = z, .rng = {p->seed}};
    s.z.heads = z.share;
    for (uint32_t g = 0; g < z.heads / z.share; g++) {
        s.q = p->image + z.first[PQ_Q] + g * z.share * z.subs * z.dims;
        s.cent = p->image + z.first[PQ_CENT] + g * z.subs * z.centroids * z.dims;
        s.codes = p->image + z.first[PQ_CODES] + g * z.subs * z.keys;
        apply(&s, shape != MIXED ? shape : (int64_t)rng_below(&s.rng, FAR_CONTEST + 1),
              (uint32_t)p->params.at[PQ_TURN] + g);
    }
}
