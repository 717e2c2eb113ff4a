#include "kernels/tree_hash/walk.h"

#include "kernels/tree_hash/tree_hash.h"

/* A group of walkers on its way. */
struct group {
    struct walk *w;
    struct ir_val y;        /* values without the last stage's constant (the first round: with it) */
    struct ir_val address;  /* of what serves the level, block IR_NONE while on cached levels */
    struct walk_line line;  /* the line `address` is on */
    struct ir_val bits[32]; /* branches since `address` was right, oldest first; see take_bits */
    unsigned n_bits;
    bool fresh; /* the newest branch is still to be taken from y */
    struct walk_record record;
    bool record_open;   /* the record's children serve the level at hand */
    unsigned raw_lag;   /* of the address of the last raw level, see raw_lag */
    struct ir_val full; /* y with the constant, if at hand; else block IR_NONE */
};

struct ir_val walk_hash(struct walk *w, struct ir_val x)
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

/* The bits as values: the newest is not made before somebody wants it so. */
static const struct ir_val *take_bits(struct group *g)
{
    if (g->fresh) {
        ir_stage(g->w->ir, "branch");
        const struct ir_val bit = ir_alu(g->w->ir, OP_ALU_AND, g->y, g->w->shared.one);
        g->bits[g->n_bits - 1] = ir_name(g->w->ir, bit, "bit");
        g->fresh = false;
    }
    return g->bits;
}

/* The cached node for the branches so far. */
static struct ir_val cached(struct group *g, unsigned level, uint32_t round)
{
    struct ir *ir = g->w->ir;
    const struct walk_shared *s = &g->w->shared;
    if (level == 0)
        return round ? s->node[0] : s->node0_raw;
    const struct ir_val *b = take_bits(g);
    ir_stage(ir, "select");
    if (level == 1)
        return ir_select(ir, b[0], s->node[1], s->node[2]);
    const struct ir_val left = ir_select(ir, b[0], s->node[4], s->node[6]);
    return ir_select(ir, b[1], ir_select(ir, b[0], s->node[3], s->node[5]), left);
}

/* The table of a level's records, or -1. */
static int table_of(const struct walk *w, unsigned level)
{
    for (unsigned t = 0; t < w->plan.n_tables; t++)
        if (w->plan.table[t].level == level)
            return (int)t;
    return -1;
}

static void arrive(struct group *g, struct walk_line line, struct ir_val address)
{
    g->address = ir_name(g->w->ir, address, "address");
    g->line = line;
    g->n_bits = g->raw_lag = 0;
    g->fresh = false;
}

static void go_to(struct group *g, struct walk_line to)
{
    const struct ir_val *bits = take_bits(g);
    ir_stage(g->w->ir, "address");
    arrive(g, to, walk_address(g->w, g->address, g->line, to, bits, g->n_bits));
}

/* The constant put back: the values as the reference has them. */
static struct ir_val full_value(struct group *g)
{
    if (g->full.block == IR_NONE)
        g->full = ir_name(g->w->ir, ir_alu(g->w->ir, OP_ALU_XOR, g->y, g->w->shared.xor5), "value");
    return g->full;
}

/* Nodes read where they lie in the tree. From such a level to the next one an address
 * a becomes 2a - 6 + bit (the tree starts at 7), and full | ~1 is bit - 2. So where a
 * is kept `lag` words low, the next one comes out 2 lag - 4 low in two operations and
 * without a select. Counted from the last such level the lags are 0, 2, 3; then it
 * would have to be a fraction, and the general way is taken again. */
static unsigned raw_lag(const struct walk *w, unsigned level, uint32_t round)
{
    static const unsigned lag[] = {0, 2, 3};
    uint32_t more = 0;
    for (unsigned l = level + 1; l <= w->plan.height && round + (l - level) < w->plan.rounds; l++)
        if (table_of(w, l) >= 0)
            return 0;
        else
            more++;
    /* A node comes by a load of a whole vector then, which has to lie in memory. */
    const uint32_t vlen = w->ir->machine.vlen, last = w->plan.tree + (2u << level) - 2 - lag[more % 3];
    return vlen > 3 && last + vlen <= w->plan.values + w->plan.batch ? lag[more % 3] : 0;
}

static void go_to_raw(struct group *g, unsigned level, unsigned lag)
{
    struct walk *w = g->w;
    struct ir *ir = w->ir;
    const struct walk_line to = {w->plan.tree + (1u << level) - 1 - lag, 1};
    if (!g->fresh || g->n_bits != 1 || !g->raw_lag || lag != 2 * g->raw_lag - 4) {
        go_to(g, to);
        return;
    }
    ir_stage(ir, "address");
    const struct ir_val mask = ir_const(ir, ~UINT32_C(1));
    const struct ir_val bit = ir_alu(ir, OP_ALU_OR, full_value(g), mask);
    arrive(g, to, ir_madd(ir, g->address, ir_const(ir, 2), bit));
}

static struct ir_val raw_node(struct group *g, unsigned level, uint32_t round)
{
    struct ir *ir = g->w->ir;
    const unsigned vlen = ir->machine.vlen, lag = raw_lag(g->w, level, round), step = lag + 1;
    go_to_raw(g, level, lag);
    g->raw_lag = lag;
    ir_stage(ir, "gather");
    const struct ir_mem mem = {g->line.base, (1u << level) + (lag ? vlen : 0)};
    if (!lag) {
        const struct ir_val nodes = ir_gather(ir, g->address, mem);
        return ir_alu(ir, OP_ALU_XOR, full_value(g), nodes);
    }
    const struct ir_val block = ir_block(ir, (uint16_t)(step * (vlen - 1) + vlen), "nodes");
    for (unsigned l = 0; l < vlen; l++)
        ir_load_into(ir, ir_view(block, step * l, 1, vlen), ir_lane(g->address, l), mem);
    return ir_alu(ir, OP_ALU_XOR, full_value(g), ir_view(block, lag, step, vlen));
}

/* The nodes out of a table, where the level below is not visited. The nodes in the
 * tree itself are gone: the table lies over them. */
static struct ir_val table_node(struct group *g, unsigned t)
{
    const struct walk_table *table = &g->w->plan.table[t];
    go_to(g, (struct walk_line){table->base + 2, 3});
    ir_stage(g->w->ir, "gather");
    return ir_alu(g->w->ir, OP_ALU_XOR, g->y, ir_gather(g->w->ir, g->address, g->w->table_mem[t]));
}

/* The value xored with its node: the hash's input. */
static struct ir_val meet(struct group *g, unsigned level, uint32_t round)
{
    struct walk *w = g->w;
    struct ir *ir = w->ir;
    if (level < WALK_CACHED)
        return ir_alu(ir, OP_ALU_XOR, g->y, cached(g, level, round));
    if (g->record_open) {
        const struct ir_val bit = take_bits(g)[0];
        ir_stage(ir, "record");
        g->record_open = false;
        return walk_record_child(w, &g->record, bit, g->y);
    }
    const int t = table_of(w, level);
    if (t < 0)
        return raw_node(g, level, round);
    if (round + 1 == w->plan.rounds)
        return table_node(g, (unsigned)t);
    go_to(g, (struct walk_line){w->plan.table[t].base, 3});
    ir_stage(ir, "record");
    g->record_open = true;
    return walk_record_node(w, &g->record, (unsigned)t, g->address, g->y);
}

static void one_round(struct group *g, uint32_t round)
{
    struct walk *w = g->w;
    const unsigned level = round % (w->plan.height + 1);
    if (level == 0)
        arrive(g, g->line, (struct ir_val){.block = IR_NONE});
    ir_round(w->ir, round);
    const struct ir_val x = ir_name(w->ir, meet(g, level, round), "input");
    g->y = ir_name(w->ir, walk_hash(w, x), "hash");
    g->full.block = IR_NONE;
    const bool last = round + 1 == w->plan.rounds;
    if (level < w->plan.height && (!last || w->plan.want_indices)) {
        g->n_bits++;
        g->fresh = true;
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

/* Groups are vectors of walkers. The last one of a batch that is not a multiple ends
 * with the batch: it overlaps its neighbour and computes the same again, or, where
 * there is none, works on whatever lies before. */
static uint32_t first_walker(const struct walk *w, uint32_t group)
{
    const unsigned vlen = w->ir->machine.vlen;
    return (group + 1) * vlen <= w->plan.batch ? group * vlen : w->plan.batch - vlen;
}

/* The words before the end of an array that is stored to are fewer than a vector's: walkers come and go one
 * by one. */
static bool is_tiny(const struct walk *w)
{
    const struct walk_plan *p = &w->plan;
    return (p->want_indices ? p->indices : p->values) + p->batch < w->ir->machine.vlen;
}

/* A group's words of an array. */
static struct ir_mem words_of(const struct walk *w, uint32_t array, uint32_t group)
{
    return (struct ir_mem){array + first_walker(w, group), w->ir->machine.vlen};
}

static struct ir_val address_of(struct walk *w, uint32_t array, uint32_t group)
{
    return ir_const(w->ir, words_of(w, array, group).first);
}

/* A group's values, and its results to an array. */
static struct ir_val load_values(struct walk *w, uint32_t group)
{
    struct ir *ir = w->ir;
    if (!is_tiny(w))
        return ir_vload(ir, address_of(w, w->plan.values, group), words_of(w, w->plan.values, group));
    const struct ir_val y = ir_vector(ir, "value");
    for (uint32_t l = 0; l < w->plan.batch; l++)
        ir_load_into(ir, ir_lane(y, l), ir_const(ir, w->plan.values + l),
                     (struct ir_mem){w->plan.values + l, 1});
    return y;
}

static void store_results(struct walk *w, uint32_t array, uint32_t group, struct ir_val x)
{
    struct ir *ir = w->ir;
    if (!is_tiny(w)) {
        ir_store(ir, address_of(w, array, group), x, words_of(w, array, group));
        return;
    }
    for (uint32_t l = 0; l < w->plan.batch; l++)
        ir_store(ir, ir_const(ir, array + l), ir_lane(x, l), (struct ir_mem){array + l, 1});
}

/* Rounds of all groups in about the order in which they will be issued: groups start
 * one after the other, and a round takes somewhat less than the time between two
 * starts. What is used in turn, as spare memory is, then causes little waiting. */
static void all_rounds(struct walk *w, struct group *g, uint32_t groups)
{
    enum { APART = 5, ROUND = 3 };
    const uint64_t rounds = w->plan.rounds, end = (uint64_t)APART * groups + ROUND * rounds;
    for (uint64_t time = 0; time < end; time++) {
        const uint64_t latest = time / APART;
        uint64_t i = time < ROUND * rounds ? 0 : (time - ROUND * rounds) / APART + 1;
        for (; i <= latest && i < groups; i++) {
            const uint64_t since = time - APART * i;
            if (since % ROUND || since / ROUND >= rounds)
                continue;
            ir_strand(w->ir, (unsigned)i);
            one_round(&g[i], (uint32_t)(since / ROUND));
        }
    }
}

/* All values are loaded before any is stored, for groups may overlap; indices are
 * stored after all else, for their place serves as spare memory before. */
void walk_build(struct walk *w)
{
    struct ir *ir = w->ir;
    const uint32_t vlen = ir->machine.vlen, groups = (w->plan.batch + vlen - 1) / vlen;
    struct group *g = arena_array(&ir->arena, groups, sizeof *g);
    if (!g) {
        w->choices->failed = true;
        return;
    }
    walk_setup(w);
    ir_stage(ir, "values");
    for (uint32_t i = 0; i < groups; i++) {
        ir_strand(ir, i);
        g[i] = (struct group){.w = w, .address = {.block = IR_NONE}, .full = {.block = IR_NONE}};
        g[i].y = load_values(w, i);
        (void)ir_name(ir, g[i].y, "value");
    }
    all_rounds(w, g, groups);
    for (uint32_t i = 0; i < groups; i++) {
        ir_strand(ir, i);
        if (w->plan.want_indices)
            g[i].address = final_indices(&g[i]);
        g[i].y = full_value(&g[i]);
    }
    ir_stage(ir, "results");
    for (uint32_t i = 0; i < groups; i++) {
        ir_strand(ir, i);
        store_results(w, w->plan.values, i, g[i].y);
    }
    for (uint32_t i = 0; w->plan.want_indices && i < groups; i++) {
        ir_strand(ir, i);
        store_results(w, w->plan.indices, i, g[i].address);
    }
}
