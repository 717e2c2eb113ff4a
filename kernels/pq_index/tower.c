/* pq_index: a pyramid of maxima above a head's keys. */
#include "kernels/pq_index/flat.h"

enum { PAD = PQ_LANES };

struct pq_pyramid pq_plan_pyramid(const struct pq_sizes *z, uint32_t bias, uint32_t offset)
{
    struct pq_pyramid p = {.levels = 1, .words = {pq_round_up(z->candidates, PQ_BLOCK)}, .offset = {offset}};
    /* Padding is less than a block of keys, and less than 16 words of other levels: what has
     * more words than this has more than `kept` parents that stand for keys. */
    const uint32_t children = z->kept * PQ_FAN, least = PQ_BESIDE * PQ_LANES;
    const uint32_t top_words = children > least ? pq_round_up(children, PQ_BLOCK) : least;
    while (p.words[p.levels - 1] > top_words && children <= PQ_FLAT * PQ_LANES && p.levels < PQ_MAX_LEVELS) {
        const uint32_t below = pq_round_up(p.words[p.levels - 1], PQ_BLOCK);
        p.words[p.levels - 1] = below;
        p.offset[p.levels] = p.offset[p.levels - 1] + below + PAD;
        p.words[p.levels++] = below / PQ_FAN;
    }
    const unsigned top = p.levels - 1;
    p.size = p.offset[top] + p.words[top] + PAD - offset;
    const uint32_t words = p.levels > 1 && children > p.words[top] ? children : p.words[top];
    p.most = (words + PQ_LANES - 1) / PQ_LANES;
    /* A product is at most 128 * 128. */
    const uint64_t largest = bias + (uint64_t)z->subs * z->dims * 16384;
    while (largest >> p.bits)
        p.bits++;
    return p;
}

struct pq_tower pq_tower(struct pq_code *k, const struct pq_pyramid *p, bool exact)
{
    struct pq_tower t = {.pyramid = p};
    for (unsigned i = 0; i < p->levels; i++)
        t.to[i] = pq_cursor(k, pq_add(k, k->at[PQ_WORK], p->offset[i]), pq_work(k, p->offset[i], p->words[i]),
                            exact);
    return t;
}

/* The larger in each lane; words are below 2^31. On alu alone when the lanes are apart. */
static struct ir_val larger(struct pq_code *k, struct ir_val a, struct ir_val b)
{
    struct ir *ir = k->ir;
    const struct ir_val above = ir_alu(ir, OP_ALU_LT, a, b), more = ir_alu(ir, OP_ALU_SUB, b, a);
    if (a.stride == 1)
        return ir_choose(ir, above, b, a, more);
    return ir_alu(ir, OP_ALU_ADD, a, ir_alu(ir, OP_ALU_MUL, above, more));
}

static void store(struct pq_code *k, struct pq_tower *t, unsigned level, struct ir_val v)
{
    struct ir_mem mem;
    const struct ir_val to = pq_next(k, &t->to[level], &mem);
    ir_store(k->ir, to, v, mem);
}

/* Stores a block of a level and makes the level above of it, where there is one. */
static void add(struct pq_code *k, struct pq_tower *t, unsigned level, struct ir_val block)
{
    struct ir *ir = k->ir;
    for (unsigned i = 0; i < PQ_BLOCK; i += PQ_LANES)
        store(k, t, level, ir_lanes(block, i, 1, PQ_LANES));
    const unsigned up = level + 1, top = t->pyramid->levels - 1;
    if (level == top)
        return;
    if (up < top && !t->filled[up])
        t->block[up] = ir_block(ir, PQ_BLOCK, "level");
    for (unsigned first = 0; first < PQ_BLOCK; first += PQ_FAN * PQ_LANES) {
        struct ir_val v[PQ_FAN];
        for (unsigned i = 0; i < PQ_FAN; i++)
            v[i] = ir_view(block, first + i, PQ_FAN, PQ_LANES);
        const struct ir_val second = larger(k, v[2], v[3]);
        const struct ir_val most = larger(k, larger(k, v[0], v[1]), second);
        if (up == top) {
            store(k, t, up, most);
        } else {
            ir_alu_into(ir, ir_lanes(t->block[up], t->filled[up], 1, PQ_LANES), OP_ALU_OR, most, ir->zero);
            t->filled[up] += PQ_LANES;
        }
    }
    if (up < top && t->filled[up] == PQ_BLOCK) {
        t->filled[up] = 0;
        add(k, t, up, t->block[up]);
    }
}

void pq_tower_add(struct pq_code *k, struct pq_tower *t, struct ir_val keys)
{
    add(k, t, 0, keys);
}

void pq_tower_end(struct pq_code *k, struct pq_tower *t)
{
    for (unsigned level = 1; level + 1 < t->pyramid->levels; level++) {
        if (!t->filled[level])
            continue;
        for (; t->filled[level] < PQ_BLOCK; t->filled[level] += PQ_LANES)
            ir_alu_into(k->ir, ir_lanes(t->block[level], t->filled[level], 1, PQ_LANES), OP_ALU_OR,
                        ir_vconst(k->ir, 0), k->ir->zero);
        t->filled[level] = 0;
        add(k, t, level, t->block[level]);
    }
}

void pq_tower_leave(struct pq_code *k, struct pq_tower *t)
{
    for (unsigned i = 0; i < t->pyramid->levels; i++)
        pq_leave(k, &t->to[i]);
}
