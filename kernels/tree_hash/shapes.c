/* Generated data out of the ordinary for tree_hash: what separates programs that are right from those that
 * are right on ordinary data. */
#include <stdlib.h>

#include "kernels/tree_hash/tree_hash.h"
#include "sim/base/random.h"

enum { UNIFORM, ZEROS, ONES, EQUAL, ONE_PATH, LEFT, RIGHT, ASCENDING, DESCENDING, TINY };

const struct kern_choice tree_shapes[] = {
    {"uniform", UNIFORM},       {"zeros", ZEROS}, {"ones", ONES},   {"equal", EQUAL},
    {"one_path", ONE_PATH},     {"left", LEFT},   {"right", RIGHT}, {"ascending", ASCENDING},
    {"descending", DESCENDING}, {"tiny", TINY},   {NULL, 0}};

static void fill(uint32_t *words, uint32_t n, uint32_t value)
{
    for (uint32_t i = 0; i < n; i++)
        words[i] = value;
}

static int rising(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void sort(uint32_t *words, uint32_t n, bool up)
{
    qsort(words, n, sizeof *words, rising);
    for (uint32_t i = 0; !up && i < n / 2; i++) {
        const uint32_t other = words[i];
        words[i] = words[n - 1 - i];
        words[n - 1 - i] = other;
    }
}

/* Walkers with one value go one way; nodes that they come to for the first time are changed so that it is
 * always the same child. */
static void steer(const struct kern_instance *p, uint32_t *node, uint32_t nodes, uint32_t index,
                  uint32_t value, bool left)
{
    bool *seen = calloc(nodes, sizeof *seen);
    for (int64_t round = 0; seen && round < p->params.at[TREE_ROUNDS]; round++) {
        if (!seen[index] && (tree_hash_of(value ^ node[index]) % 2 == 0) != left)
            for (uint32_t flip = 1; flip < 1 << 12; flip++)
                if ((tree_hash_of(value ^ node[index] ^ flip) % 2 == 0) == left) {
                    node[index] ^= flip;
                    break;
                }
        seen[index] = true;
        value = tree_hash_of(value ^ node[index]);
        index = 2 * index + (value % 2 == 0 ? 1 : 2);
        if (index >= nodes)
            index = 0;
    }
    free(seen);
}

void tree_shape(struct kern_instance *p)
{
    const struct kern_array *tree = &p->arrays[1], *indices = &p->arrays[2], *values = &p->arrays[3];
    uint32_t *node = p->image + tree->first, *index = p->image + indices->first,
             *value = p->image + values->first;
    const uint32_t all = p->params.at[TREE_BITS] == 32 ? UINT32_MAX : (UINT32_C(1) << 30) - 1;
    const int64_t shape = p->params.at[TREE_SHAPE];
    switch (shape) {
    case ZEROS:
    case ONES:
        fill(node, tree->words, shape == ONES ? all : 0);
        fill(value, values->words, shape == ONES ? all : 0);
        break;
    case EQUAL:
        fill(node, tree->words, node[0]);
        fill(value, values->words, value[0]);
        break;
    case ONE_PATH:
    case LEFT:
    case RIGHT:
        fill(value, values->words, value[0]);
        fill(index, indices->words, index[0]);
        if (shape != ONE_PATH)
            steer(p, node, tree->words, index[0], value[0], shape == LEFT);
        break;
    case ASCENDING:
    case DESCENDING:
        sort(node, tree->words, shape == ASCENDING);
        sort(value, values->words, shape == ASCENDING);
        sort(index, indices->words, shape == ASCENDING);
        break;
    case TINY:
        for (uint32_t i = 0; i < tree->words; i++)
            node[i] &= 1;
        for (uint32_t i = 0; i < values->words; i++)
            value[i] &= 1;
        break;
    default: break;
    }
}
