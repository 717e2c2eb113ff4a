#include "kernels/tree_walk.h"

#include "kernels/tree_hash.h"

/* A group of walkers on its way. */
struct group {
    struct walk *w;
    struct ir_val y;         /* values without the last stage's constant (the first round: with it) */
    struct ir_val address;   /* of what serves the level, block IR_NONE while on cached levels */
    struct walk_line line;   /* the line `address` is on */
    struct ir_val bits[32];  /* branches since `address` was right, oldest first */
    unsigned n_bits;
    struct walk_record record;
    bool record_open;        /* the record's children serve the level at hand */
    struct ir_val full;      /* y with the constant, if at hand; else block IR_NONE */
};

/* The hash in ten operations, all but the last stage's constant. */
static struct ir_val hash(struct walk *w, struct ir_val x)
{
    struct ir *ir = w->ir;
    const struct walk_shared *s = &w->shared;
    ir_stage(ir, "hash");
    const struct ir_val a = ir_madd(ir, x, s->mul0, s->add0);
    const struct ir_val t = ir_alu(ir, OP_ALU_SHR, a, s->shift1);
    const struct ir_val u = ir_alu(ir, OP_ALU_XOR, a, s->xor1);
    const struct ir_val b = ir_alu(ir, OP_ALU_XOR, t, u);
    const struct ir_val p = ir_madd(ir, b, s->mul2, s->add2);
    const struct ir_val q = ir_madd(ir, b, s->mul3, s->add3);
    const struct ir_val c = ir_alu(ir, OP_ALU_XOR, p, q);
    const struct ir_val d = ir_madd(ir, c, s->mul4, s->add4);
    const struct ir_val e = ir_alu(ir, OP_ALU_SHR, d, s->shift5);
    return ir_alu(ir, OP_ALU_XOR, d, e);
}

/* The cached node for the branches so far. */
static struct ir_val cached(struct group *g, unsigned level, uint32_t round)
{
    struct ir *ir = g->w->ir;
    const struct walk_shared *s = &g->w->shared;
    const struct ir_val *b = g->bits;
    ir_stage(ir, "select");
    if (level == 0)
        return round ? s->node[0] : s->node0_raw;
    if (level == 1)
        return ir_choose(ir, b[0], s->node[1], s->node[2], s->diff[0]);
    const struct ir_val right = ir_choose(ir, b[0], s->node[4], s->node[6], s->cross[1]);
    if (choices_ask(g->w->choices, 2, 0) == 0) {
        const struct ir_val left = ir_choose(ir, b[0], s->node[3], s->node[5], s->cross[0]);
        return ir_select(ir, b[1], left, right);
    }
    const struct ir_val turn = ir_choose(ir, b[0], s->turn[0], s->turn[1], s->turn_diff);
    return ir_madd(ir, b[1], turn, right);
}

/* Nodes of a level as they lie in the tree. */
static struct walk_line raw_line(const struct walk *w, unsigned level)
{
    return (struct walk_line){w->plan.tree + (1u << level) - 1, 1};
}

/* The table that serves a level and the next, if both are still to come in this pass. */
static int table_of(const struct walk *w, unsigned level, uint32_t round)
{
    if (level >= w->plan.height || round + 1 >= w->plan.rounds)
        return -1;
    for (unsigned t = 0; t < w->plan.n_tables; t++)
        if (w->plan.table[t].level == level)
            return (int)t;
    return -1;
}

static void go_to(struct group *g, struct walk_line to)
{
    ir_stage(g->w->ir, "address");
    g->address = walk_address(g->w, g->address, g->line, to, g->bits, g->n_bits);
    g->line = to;
    g->n_bits = 0;
}

/* The constant put back: the values as the reference has them. */
static struct ir_val full_value(struct group *g)
{
    if (g->full.block == IR_NONE)
        g->full = ir_alu(g->w->ir, OP_ALU_XOR, g->y, g->w->shared.xor5);
    return g->full;
}

static struct ir_val raw_node(struct group *g, unsigned level)
{
    struct ir *ir = g->w->ir;
    const struct walk_line line = raw_line(g->w, level);
    go_to(g, line);
    ir_stage(ir, "gather");
    const struct ir_val node = ir_gather(ir, g->address, (struct ir_mem){line.base, 1u << level});
    return ir_alu(ir, OP_ALU_XOR, full_value(g), node);
}

/* The value xored with its node: the hash's input. */
static struct ir_val meet(struct group *g, unsigned level, uint32_t round)
{
    struct walk *w = g->w;
    struct ir *ir = w->ir;
    if (level < WALK_CACHED)
        return ir_alu(ir, OP_ALU_XOR, g->y, cached(g, level, round));
    if (g->record_open) {
        ir_stage(ir, "record");
        g->record_open = false;
        return walk_record_child(w, &g->record, g->bits[0], g->y);
    }
    const int t = table_of(w, level, round);
    if (t < 0)
        return raw_node(g, level);
    go_to(g, (struct walk_line){w->plan.table[t].base, 3});
    ir_stage(ir, "record");
    g->record_open = true;
    return walk_record_node(w, &g->record, (unsigned)t, g->address, g->y);
}

static void one_round(struct group *g, uint32_t round)
{
    struct walk *w = g->w;
    const unsigned level = round % (w->plan.height + 1);
    if (level == 0) {
        g->address.block = IR_NONE;
        g->n_bits = 0;
    }
    ir_round(w->ir, round);
    const struct ir_val x = meet(g, level, round);
    g->y = hash(w, x);
    g->full.block = IR_NONE;
    const bool last = round + 1 == w->plan.rounds;
    if (level < w->plan.height && (!last || w->plan.want_indices)) {
        ir_stage(w->ir, "branch");
        g->bits[g->n_bits++] = ir_alu(w->ir, OP_ALU_AND, g->y, w->shared.one);
    }
}

/* Indices at the end: node i of level L is 2^L - 1 + i. */
static struct ir_val final_indices(struct group *g)
{
    const struct walk_plan *p = &g->w->plan;
    const unsigned level = p->rounds % (p->height + 1);
    if (level == 0)
        return ir_vconst(g->w->ir, 0);
    go_to(g, (struct walk_line){(1u << level) - 1, 1});
    return g->address;
}

/* Groups are vectors of walkers; the last one of a batch that is not a multiple
 * overlaps its neighbour and computes the same values again. */
static void one_group(struct walk *w, unsigned number, struct ir_val values, struct ir_val indices, uint32_t first)
{
    struct ir *ir = w->ir;
    const unsigned vlen = ir->machine.vlen;
    const struct ir_mem at = {w->plan.values + first, vlen};
    struct group g = {.w = w, .address = {.block = IR_NONE}, .full = {.block = IR_NONE}};
    ir_cohort(ir, number);
    ir_round(ir, 0);
    ir_stage(ir, "values");
    g.y = ir_vload(ir, values, at);
    for (uint32_t r = 0; r < w->plan.rounds; r++)
        one_round(&g, r);
    ir_stage(ir, "values");
    ir_store(ir, values, full_value(&g), at);
    if (w->plan.want_indices)
        ir_store(ir, indices, final_indices(&g), (struct ir_mem){w->plan.indices + first, vlen});
}

void walk_build(struct walk *w)
{
    struct ir *ir = w->ir;
    const unsigned vlen = ir->machine.vlen;
    walk_setup(w);
    const uint32_t groups = (w->plan.batch + vlen - 1) / vlen;
    struct ir_val row = {0}, index_row = {0};
    for (uint32_t i = 0; i < groups; i++) {
        const uint32_t first = (i + 1) * vlen <= w->plan.batch ? i * vlen : w->plan.batch - vlen;
        (void)row, (void)index_row;
        one_group(w, i, ir_const(ir, w->plan.values + first),
                  w->plan.want_indices ? ir_const(ir, w->plan.indices + first) : ir->zero, first);
    }
}
