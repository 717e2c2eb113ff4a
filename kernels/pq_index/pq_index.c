#include "kernels/pq_index/pq_index.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/fnv.h"
#include "sim/base/random.h"

static const struct kern_param params[PQ_PARAMS] = {
    [PQ_H] = {"H", "query heads", 4, 1, 256, NULL, false},
    [PQ_G] = {"G", "query heads for each key head", 1, 1, 256, NULL, false},
    [PQ_S] = {"S", "sub-vectors of a key", 2, 1, 8, NULL, false},
    [PQ_D] = {"D", "words of a sub-vector", 64, 1, 256, NULL, false},
    [PQ_C] = {"C", "centroids of a sub-vector", 64, 1, 256, NULL, false},
    [PQ_N] = {"n", "keys", 3968, 2, 1 << 16, NULL, false},
    [PQ_K] = {"K", "keys kept by score", 128, 1, 1 << 16, NULL, false},
    [PQ_SINK] = {"SINK", "first positions, always kept", 128, 0, 1024, NULL, false},
    [PQ_WIN] = {"WIN", "last positions, always kept", 128, 0, 1 << 16, NULL, false},
    [PQ_SHAPE] = {"shape", "what is special about generated data", 0, 0, 15, pq_shapes, true},
    [PQ_TURN] = {"turn", "which of the inputs of shape=contest", 0, 0, 1 << 20, NULL, true},
};

static const struct kern_contract contracts[] = {
    {"full", "values are 8 bits wide; every word counts but those of the work area"},
};

static const struct kern_variant variants[] = {
    {"staged", "seven programs, every intermediate in memory", {69916}, pq_index_staged, NULL, false},
    {"captured",
     "the same steps as one program, scheduled as one, addresses known",
     {69887},
     pq_index_captured,
     NULL,
     false},
    {"fused",
     "one program: tables of pairs; a head's keys are chosen from while the next one's are made",
     {15621},
     pq_index_fused,
     NULL,
     false},
};

static const char *validate(const struct kern_params *p, unsigned contract)
{
    (void)contract;
    if (p->at[PQ_H] % p->at[PQ_G])
        return "H is not a multiple of G";
    if (p->at[PQ_WIN] > p->at[PQ_N])
        return "WIN is above n";
    if (p->at[PQ_N] - p->at[PQ_WIN] <= p->at[PQ_K])
        return "n - WIN, the candidates, must be more than K";
    /* Keep programs within a megaword of slots, the reference within a second. */
    if (p->at[PQ_S] * p->at[PQ_C] * p->at[PQ_D] > 1 << 16)
        return "S * C * D is above 65536";
    if (p->at[PQ_H] * p->at[PQ_S] * p->at[PQ_N] > 1 << 20)
        return "H * S * n is above 1048576";
    return NULL;
}

static uint32_t padded(uint32_t words)
{
    return (words + 7) / 8 * 8;
}

struct pq_sizes pq_sizes_of(const struct kern_params *p)
{
    uint32_t v[PQ_PARAMS];
    for (unsigned i = 0; i < PQ_PARAMS; i++)
        v[i] = (uint32_t)p->at[i];
    struct pq_sizes z = {.heads = v[PQ_H],
                         .share = v[PQ_G],
                         .subs = v[PQ_S],
                         .dims = v[PQ_D],
                         .centroids = v[PQ_C],
                         .keys = v[PQ_N],
                         .kept = v[PQ_K],
                         .sink = v[PQ_SINK],
                         .window = v[PQ_WIN]};
    z.candidates = z.keys - z.window;
    z.listed = z.sink + z.kept + z.window;
    z.positions = z.sink + z.keys;
    const uint32_t groups = z.heads / z.share, codes = groups * z.subs;
    z.words[PQ_HEAD] = PQ_HEADER;
    z.words[PQ_Q] = padded(z.heads * z.subs * z.dims);
    z.words[PQ_CENT] = padded(codes * z.centroids * z.dims);
    z.words[PQ_CODES] = padded(codes * z.keys);
    z.words[PQ_LIST] = padded(z.heads * z.listed);
    z.words[PQ_WEIGHT] = padded(z.heads * z.positions);
    z.words[PQ_WORK] = padded(2 * z.heads * z.keys + 2 * z.centroids * z.centroids + 8192);
    for (unsigned i = 1; i < PQ_ARRAYS; i++)
        z.first[i] = z.first[i - 1] + z.words[i - 1];
    return z;
}

static void layout(struct kern_instance *p)
{
    static const char *const names[PQ_ARRAYS] = {"header", "q", "cent", "codes", "list", "weight", "work"};
    const struct pq_sizes z = pq_sizes_of(&p->params);
    for (unsigned i = 0; i < PQ_ARRAYS; i++)
        p->arrays[i] = (struct kern_array){names[i], z.first[i], z.words[i], 0};
    p->n_arrays = PQ_ARRAYS;
    p->words = z.first[PQ_WORK] + z.words[PQ_WORK];
}

static void draw_words(struct mt *g, int64_t low, int64_t high, uint32_t *words, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        words[i] = (uint32_t)mt_randint(g, low, high);
}

static void draw(struct kern_instance *p)
{
    const struct pq_sizes z = pq_sizes_of(&p->params);
    const uint32_t codebooks = z.heads / z.share * z.subs;
    uint32_t *m = p->image;
    for (unsigned i = 0; i < PQ_SHAPE; i++)
        m[i] = (uint32_t)p->params.at[i];
    for (unsigned i = PQ_Q; i < PQ_ARRAYS; i++)
        m[PQ_H_ADDRESS + i - PQ_Q] = z.first[i];
    m[PQ_H_WORK_WORDS] = z.words[PQ_WORK];
    struct mt g;
    mt_seed(&g, p->seed);
    draw_words(&g, -127, 127, m + z.first[PQ_Q], z.heads * z.subs * z.dims);
    draw_words(&g, -127, 127, m + z.first[PQ_CENT], codebooks * z.centroids * z.dims);
    draw_words(&g, 0, z.centroids - 1, m + z.first[PQ_CODES], codebooks * z.keys);
    pq_shape(p);
}

/* --- the reference ------------------------------------------------------------ */

static int falling(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

/* The candidates' keys for head h, in the order of the scores as signed numbers. */
static void score(const struct pq_sizes *z, const uint32_t *mem, uint32_t h, uint32_t *key)
{
    const uint32_t g = h / z->share;
    for (uint32_t i = 0; i < z->candidates; i++)
        key[i] = 0x80000000;
    for (uint32_t s = 0; s < z->subs; s++) {
        uint32_t lut[256] = {0};
        const uint32_t *q = mem + z->first[PQ_Q] + (h * z->subs + s) * z->dims;
        const uint32_t *cent = mem + z->first[PQ_CENT] + (g * z->subs + s) * z->centroids * z->dims;
        const uint32_t *codes = mem + z->first[PQ_CODES] + (g * z->subs + s) * z->keys;
        for (uint32_t c = 0; c < z->centroids; c++)
            for (uint32_t d = 0; d < z->dims; d++)
                lut[c] += q[d] * cent[c * z->dims + d];
        for (uint32_t i = 0; i < z->candidates; i++)
            key[i] += lut[codes[i]];
    }
}

/* Uses the work area, as a program would. */
static bool reference(const struct kern_params *p, uint32_t *mem, const struct deadline *deadline)
{
    const struct pq_sizes z = pq_sizes_of(p);
    uint32_t *key = mem + z.first[PQ_WORK], *sorted = key + z.keys;
    memset(mem + z.first[PQ_WEIGHT], 0, z.heads * z.positions * sizeof *mem);
    for (uint32_t h = 0; h < z.heads; h++) {
        if (deadline_over(deadline))
            return false;
        uint32_t *list = mem + z.first[PQ_LIST] + h * z.listed, above = 0, n = 0;
        uint32_t *weight = mem + z.first[PQ_WEIGHT] + h * z.positions;
        score(&z, mem, h, key);
        memcpy(sorted, key, z.candidates * sizeof *key);
        qsort(sorted, z.candidates, sizeof *sorted, falling);
        const uint32_t least = sorted[z.kept - 1];
        while (sorted[above] > least)
            above++;
        uint32_t rest = z.kept - above;
        for (uint32_t i = 0; i < z.sink; i++)
            list[n++] = i;
        for (uint32_t i = 0; i < z.candidates; i++)
            if (key[i] > least || (key[i] == least && rest && rest--))
                list[n++] = z.sink + i;
        for (uint32_t i = 0; i < z.window; i++)
            list[n++] = z.positions - z.window + i;
        for (uint32_t i = 0; i < n; i++)
            weight[list[i]] = 1;
    }
    return true;
}

static void compare(struct kern_instance *p)
{
    for (unsigned i = 0; i < PQ_WORK; i++)
        p->arrays[i].compared = p->arrays[i].words;
}

static void facts(const struct kern_instance *p, struct kern_facts *out)
{
    const struct pq_sizes z = pq_sizes_of(&p->params);
    const uint32_t *list = p->expected + z.first[PQ_LIST], *weight = p->expected + z.first[PQ_WEIGHT];
    out->at[out->n++] = (struct kern_fact){"seed", KERN_NUMBER, p->seed, NULL, 0};
    for (unsigned i = 0; i < PQ_SHAPE; i++)
        out->at[out->n++] =
            (struct kern_fact){params[i].name, KERN_NUMBER, (uint64_t)p->params.at[i], NULL, 0};
    const struct kern_fact list_of[] = {
        {"mem_words", KERN_NUMBER, p->words, NULL, 0},
        {"mem_fnv1a64", KERN_FNV, fnv1a64_words(p->image, p->words), NULL, 0},
        {"header", KERN_WORDS, 0, p->image, PQ_HEADER},
        {"list_fnv1a64", KERN_FNV, fnv1a64_words(list, z.heads * z.listed), NULL, 0},
        {"weight_fnv1a64", KERN_FNV, fnv1a64_words(weight, z.heads * z.positions), NULL, 0},
        {"first_selected", KERN_WORDS, 0, list + z.sink, z.kept < 6 ? z.kept : 6},
    };
    for (size_t i = 0; i < sizeof list_of / sizeof *list_of; i++)
        out->at[out->n++] = list_of[i];
}

const struct kern pq_index = {
    .name = "pq_index",
    .doc = "keys a query head attends to: product-quantised scores, top-k, sink and window",
    .params = params,
    .contracts = contracts,
    .variants = variants,
    .n_params = PQ_PARAMS,
    .n_contracts = sizeof contracts / sizeof *contracts,
    .n_variants = sizeof variants / sizeof *variants,
    .validate = validate,
    .layout = layout,
    .draw = draw,
    .reference = reference,
    .compare = compare,
    .facts = facts,
};
