#include "kernels/tree_hash/tree_hash.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/fnv.h"
#include "sim/base/random.h"

static const struct kern_choice starts[] = {{"zero", 0}, {"any", 1}, {NULL, 0}};
static const struct kern_choice widths[] = {{"30", 30}, {"32", 32}, {NULL, 0}};

static const struct kern_param params[TREE_PARAMS] = {
    [TREE_HEIGHT] = {"height", "the tree has 2^(height+1)-1 nodes", 10, 0, 20, NULL, false},
    [TREE_ROUNDS] = {"rounds", "steps each walker takes", 16, 1, 1 << 20, NULL, false},
    [TREE_BATCH] = {"batch", "walkers", 256, 1, 1 << 20, NULL, false},
    [TREE_START] = {"start", "where walkers start: at the root, or anywhere", 0, 0, 1, starts, true},
    [TREE_BITS] = {"bits", "width of generated nodes and values", 30, 30, 32, widths, true},
    [TREE_SHAPE] = {"shape", "what is special about generated data", 0, 0, 9, tree_shapes, true},
};

static const struct kern_contract contracts[TREE_CONTRACTS] = {
    [TREE_VALUES] = {"values", "walkers start at the root; values count, all else may be overwritten"},
    [TREE_INDICES] = {"indices", "walkers start at the root; values and indices count"},
    [TREE_FULL] = {"full", "walkers start anywhere; every word of memory counts"},
};

static const struct kern_variant variants[] = {
    {"scalar",
     "one slot a bundle, straight from the reference",
     {147734, 147734, 147734},
     tree_hash_scalar,
     NULL,
     false},
    {"packed", "the same slots packed into bundles", {10103, 10103, 10103}, tree_hash_packed, NULL, false},
    {"resident",
     "8 lanes, indices and values stay in scratch",
     {6757, 6757, 6757},
     tree_hash_resident,
     NULL,
     false},
    {"grouped", "six groups share each bundle", {3816, 3816, 3816}, tree_hash_grouped, NULL, false},
    {"interleaved",
     "rounds of all groups interleaved",
     {2102, 2102, 2102},
     tree_hash_interleaved,
     NULL,
     false},
    {"best",
     "everything the builder knows: tables of records, searched decisions and order",
     {876, 890, 1661},
     NULL,
     tree_hash_best,
     false},
};

static const char *validate(const struct kern_params *p, unsigned contract)
{
    /* Keeps the reference within a second. */
    if (p->at[TREE_ROUNDS] * p->at[TREE_BATCH] > 1 << 26)
        return "rounds * batch is above 67108864";
    if (p->at[TREE_START] && contract != TREE_FULL)
        return "start=any needs the contract `full`";
    return NULL;
}

static uint32_t nodes(const struct kern_params *p)
{
    return (2u << p->at[TREE_HEIGHT]) - 1;
}

static void layout(struct kern_instance *p)
{
    const uint32_t batch = (uint32_t)p->params.at[TREE_BATCH];
    const uint32_t indices = TREE_HEADER + nodes(&p->params), values = indices + batch;
    p->arrays[0] = (struct kern_array){"header", 0, TREE_HEADER, 0};
    p->arrays[1] = (struct kern_array){"tree", TREE_HEADER, nodes(&p->params), 0};
    p->arrays[2] = (struct kern_array){"indices", indices, batch, 0};
    p->arrays[3] = (struct kern_array){"values", values, batch, 0};
    p->n_arrays = 4;
    p->words = values + batch;
}

static void draw_words(struct mt *g, int64_t bits, uint32_t *words, uint32_t n)
{
    if (bits != 32)
        mt_randints(g, 0, (1 << 30) - 1, words, n);
    else
        for (uint32_t i = 0; i < n; i++)
            words[i] = mt_next(g);
}

static void draw(struct kern_instance *p)
{
    const struct kern_params *q = &p->params;
    const struct kern_array *tree = &p->arrays[1], *indices = &p->arrays[2], *values = &p->arrays[3];
    uint32_t *m = p->image;
    m[TREE_H_ROUNDS] = (uint32_t)q->at[TREE_ROUNDS];
    m[TREE_H_NODES] = tree->words;
    m[TREE_H_BATCH] = values->words;
    m[TREE_H_HEIGHT] = (uint32_t)q->at[TREE_HEIGHT];
    m[TREE_H_TREE] = tree->first;
    m[TREE_H_INDICES] = indices->first;
    m[TREE_H_VALUES] = values->first;
    struct mt g;
    mt_seed(&g, p->seed);
    draw_words(&g, q->at[TREE_BITS], m + tree->first, tree->words);
    draw_words(&g, q->at[TREE_BITS], m + values->first, values->words);
    if (q->at[TREE_START])
        mt_randints(&g, 0, (int64_t)tree->words - 1, m + indices->first, indices->words);
    tree_shape(p);
}

/* Written out rather than looped over tree_hash_stages: the judge of a program
 * shares nothing with what builds it. */
uint32_t tree_hash_of(uint32_t a)
{
    a = (a + 0x7ED55D16) + (a << 12);
    a = (a ^ 0xC761C23C) ^ (a >> 19);
    a = (a + 0x165667B1) + (a << 5);
    a = (a + 0xD3A2646C) ^ (a << 9);
    a = (a + 0xFD7046C5) + (a << 3);
    a = (a ^ 0xB55A4F09) ^ (a >> 16);
    return a;
}

/* Marks the nodes that are looked at in `seen`, unless it is NULL. False when the deadline is over before. */
static bool walk(const struct kern_params *p, uint32_t *mem, bool *seen, const struct deadline *deadline)
{
    const uint32_t n = nodes(p), batch = (uint32_t)p->at[TREE_BATCH];
    const uint32_t *node = mem + TREE_HEADER;
    uint32_t *index = mem + TREE_HEADER + n, *value = index + batch;
    for (int64_t round = 0; round < p->at[TREE_ROUNDS]; round++) {
        if (deadline_over(deadline))
            return false;
        for (uint32_t i = 0; i < batch; i++) {
            if (seen)
                seen[index[i]] = true;
            value[i] = tree_hash_of(value[i] ^ node[index[i]]);
            index[i] = 2 * index[i] + (value[i] % 2 == 0 ? 1 : 2);
            if (index[i] >= n)
                index[i] = 0;
        }
    }
    return true;
}

static bool reference(const struct kern_params *p, uint32_t *mem, const struct deadline *deadline)
{
    return walk(p, mem, NULL, deadline);
}

/* Each node that is visited comes in once, values come and go, and so do indices as far as
 * the contract has them. */
static void io_words(const struct kern_instance *p, uint64_t *in, uint64_t *out)
{
    uint32_t *mem = malloc(p->words * sizeof *mem);
    bool *seen = calloc(nodes(&p->params), sizeof *seen);
    const uint64_t batch = (uint64_t)p->params.at[TREE_BATCH];
    if (mem && seen) {
        memcpy(mem, p->image, p->words * sizeof *mem);
        (void)walk(&p->params, mem, seen, NULL);
        *in = p->contract == TREE_FULL ? 2 * batch : batch;
        *out = p->contract == TREE_VALUES ? batch : 2 * batch;
        for (uint32_t i = 0; i < nodes(&p->params); i++)
            *in += seen[i];
    }
    free(mem);
    free(seen);
}

static void compare(struct kern_instance *p)
{
    const unsigned first = p->contract == TREE_FULL ? 0 : p->contract == TREE_INDICES ? 2 : 3;
    for (unsigned i = first; i < p->n_arrays; i++)
        p->arrays[i].compared = p->arrays[i].words;
}

static void facts(const struct kern_instance *p, struct kern_facts *out)
{
    const uint32_t *m = p->expected, *indices = m + p->arrays[2].first, *values = m + p->arrays[3].first;
    const size_t batch = p->arrays[3].words, few = batch < 4 ? batch : 4;
    const struct kern_fact list[] = {
        {"seed", KERN_NUMBER, p->seed, NULL, 0},
        {"forest_height", KERN_NUMBER, (uint64_t)p->params.at[TREE_HEIGHT], NULL, 0},
        {"rounds", KERN_NUMBER, (uint64_t)p->params.at[TREE_ROUNDS], NULL, 0},
        {"batch_size", KERN_NUMBER, (uint64_t)p->params.at[TREE_BATCH], NULL, 0},
        {"mem_words", KERN_NUMBER, p->words, NULL, 0},
        {"mem_fnv1a64", KERN_FNV, fnv1a64_words(p->image, p->words), NULL, 0},
        {"header", KERN_WORDS, 0, p->image, TREE_HEADER + 1},
        {"values_fnv1a64", KERN_FNV, fnv1a64_words(values, batch), NULL, 0},
        {"indices_fnv1a64", KERN_FNV, fnv1a64_words(indices, batch), NULL, 0},
        {"final_mem_fnv1a64", KERN_FNV, fnv1a64_words(m, p->words), NULL, 0},
        {"first_values", KERN_WORDS, 0, values, few},
        {"first_indices", KERN_WORDS, 0, indices, few},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        out->at[out->n++] = list[i];
}

/* Those of the public challenge, and its best known figures. */
static const uint32_t thresholds[] = {147734, 18532, 2164, 1790, 1579, 1548, 1487, 1363, 923, 864};

const struct kern tree_hash = {
    .name = "tree_hash",
    .doc = "batched traversal of a perfect binary tree",
    .params = params,
    .contracts = contracts,
    .variants = variants,
    .n_params = TREE_PARAMS,
    .n_contracts = TREE_CONTRACTS,
    .n_variants = sizeof variants / sizeof *variants,
    .thresholds = thresholds,
    .n_thresholds = sizeof thresholds / sizeof *thresholds,
    .validate = validate,
    .layout = layout,
    .draw = draw,
    .reference = reference,
    .compare = compare,
    .facts = facts,
    .io_words = io_words,
    .values = tree_hash_values,
};
