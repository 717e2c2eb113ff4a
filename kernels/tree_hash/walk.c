#include "kernels/tree_hash/walk.h"

#include <assert.h>

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

/* --- walk address ------------------------------------------------------------------------ */

/* Addresses of what a walker needs next. On a line, node i of a level is served at
 * base + scale * i; after n more branches with bits b (1: left), oldest first, i
 * becomes 2^n * i + sum 2^(n-1-j) * (1 - b[j]). So from one line to another
 *
 *     a' = c * a + K(b),    c = 2^n * scale' / scale   modulo 2^32
 *
 * (a scale is odd, hence has an inverse), and K is one of 2^n constants: found by
 * selects, or by adding a multiple of a bit. Selects want the flow engine, the rest
 * valu; which mixture is best depends on what else is to be done, so it is asked. */

/* The inverse of an odd number modulo 2^32, by Newton's iteration. */
static uint32_t inverse(uint32_t a)
{
    assert(a & 1);
    uint32_t x = a;
    for (unsigned i = 0; i < 5; i++)
        x *= 2 - a * x;
    return x;
}

/* K for given values of the first `known` bits, the rest counted as 0. */
struct constants {
    struct walk *w;
    uint32_t zero;  /* K with all bits 0 */
    uint32_t scale; /* of the line to go to */
    unsigned n;
};

static uint32_t weight(const struct constants *k, unsigned bit)
{
    return 0u - (k->scale << (k->n - 1 - bit));
}

/* The constant chosen by bits[0..used): a tree of selects among 2^used constants. */
static struct ir_val chosen(const struct constants *k, const struct ir_val *bits, unsigned used, uint32_t sum)
{
    struct ir *ir = k->w->ir;
    if (!used)
        return walk_const(k->w, sum);
    const uint32_t step = weight(k, used - 1);
    /* The oldest bits are known first: the newest select comes last. */
    if (used == 1) {
        const struct ir_val zero = walk_const(k->w, sum);
        return ir_select(ir, bits[0], walk_const(k->w, sum + step), zero);
    }
    const struct ir_val one = chosen(k, bits, used - 1, sum + step), zero = chosen(k, bits, used - 1, sum);
    return ir_select(ir, bits[used - 1], one, zero);
}

/* t plus the weights of bits[from..n). */
static struct ir_val added(const struct constants *k, struct ir_val t, const struct ir_val *bits,
                           unsigned from)
{
    struct ir *ir = k->w->ir;
    for (unsigned j = from; j < k->n; j++) {
        const uint32_t step = weight(k, j);
        if (step == 1)
            t = ir_alu(ir, OP_ALU_ADD, t, bits[j]);
        else if (step == UINT32_MAX)
            t = ir_alu(ir, OP_ALU_SUB, t, bits[j]);
        else
            t = ir_madd(ir, bits[j], walk_const(k->w, step), t);
    }
    return t;
}

struct ir_val walk_address(struct walk *w, struct ir_val a, struct walk_line from, struct walk_line to,
                           const struct ir_val *bits, unsigned n)
{
    struct ir *ir = w->ir;
    const bool root = a.block == IR_NONE;
    const uint32_t c = root ? 0 : (to.scale << n) * inverse(from.scale);
    struct constants k = {w, to.base - c * from.base + to.scale * ((1u << n) - 1), to.scale, n};
    /* How many bits select the constant; the others are added, the newest at least
     * where there is nothing to multiply. */
    const unsigned most = root && n > 1 ? n - 1 : n;
    const unsigned selected =
        most - (most > 1 ? 1 - choices_ask(w->choices, root ? WALK_ASK_FIRST : WALK_ASK_ADDRESS, 2, 0) : 0);
    struct ir_val t = chosen(&k, bits, selected, k.zero);
    if (!root)
        t = ir_madd(ir, a, walk_const(w, c), t);
    return added(&k, t, bits, selected);
}

/* --- walk record ------------------------------------------------------------------------- */

/* Three ways to use records {left, right, node} loaded by one vload a lane. Loads go
 * to overlapping destinations in a fixed order, so that later ones overwrite what is
 * no longer needed of earlier ones. Costs beside the xors with node and child:
 *
 *   apart    loads 3 words apart, fields read with stride 3: 1 elementwise, 1 select
 *   paired   even lanes to one block, odd lanes to another, 2 apart: 2 selects
 *   stored   loads 1 apart leave the left children in a row; the right ones go
 *            through memory: 1 select, 1 load, 8 stores
 */

enum { APART, PAIRED, STORED, KINDS };
enum { LEFT, RIGHT, NODE, FIELDS };

/* The record of one lane to `word` of a block. */
static void load_record(struct walk *w, struct ir_val block, unsigned word, struct ir_val addr, unsigned lane,
                        unsigned table)
{
    const unsigned vlen = w->ir->machine.vlen;
    ir_load_into(w->ir, ir_view(block, word, 1, vlen), ir_lane(addr, lane), w->table_mem[table]);
}

static struct ir_val node_apart(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                                struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    r->block[0] = ir_block(w->ir, (uint16_t)(FIELDS * (vlen - 1) + vlen), "records");
    for (unsigned l = 0; l < vlen; l++)
        load_record(w, r->block[0], FIELDS * l, addr, l, table);
    return ir_alu(w->ir, OP_ALU_XOR, y, ir_view(r->block[0], NODE, FIELDS, vlen));
}

static struct ir_val child_apart(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                 struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const struct ir_val left = ir_alu(w->ir, OP_ALU_XOR, y, ir_view(r->block[0], LEFT, FIELDS, vlen));
    const struct ir_val right = ir_alu(w->ir, OP_ALU_XOR, y, ir_view(r->block[0], RIGHT, FIELDS, vlen));
    return ir_select(w->ir, bit, left, right);
}

/* Lane l's record starts at word l of block l % 2: its node word is overwritten by
 * the next load to that block, so it is used before. */
static struct ir_val node_paired(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                                 struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const struct ir_val x = ir_vector(w->ir, "x");
    r->block[0] = ir_block(w->ir, (uint16_t)(2 * vlen), "even records");
    r->block[1] = ir_block(w->ir, (uint16_t)(2 * vlen), "odd records");
    for (unsigned l = 0; l < vlen; l++) {
        const struct ir_val block = r->block[l % 2];
        load_record(w, block, l, addr, l, table);
        ir_alu_into(w->ir, ir_lane(x, l), OP_ALU_XOR, ir_lane(y, l), ir_lane(block, l + NODE));
    }
    return x;
}

static struct ir_val child_paired(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                  struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const struct ir_val x = ir_vector(w->ir, "x");
    for (unsigned odd = 0; odd < 2; odd++) {
        const struct ir_val child = ir_select(w->ir, bit, ir_view(r->block[odd], LEFT, 1, vlen),
                                              ir_view(r->block[odd], RIGHT, 1, vlen));
        ir_alu_into(w->ir, ir_lanes(x, odd, 2, vlen / 2), OP_ALU_XOR, ir_lanes(y, odd, 2, vlen / 2),
                    ir_lanes(child, odd, 2, vlen / 2));
    }
    return x;
}

static struct ir_val node_stored(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                                 struct ir_val y)
{
    const unsigned vlen = w->ir->machine.vlen;
    const uint32_t area = walk_spare(w);
    const struct ir_val x = ir_vector(w->ir, "x");
    r->block[0] = ir_block(w->ir, (uint16_t)(2 * vlen), "left children");
    for (unsigned l = 0; l < vlen; l++) {
        load_record(w, r->block[0], l, addr, l, table);
        ir_store(w->ir, ir_const(w->ir, area + l), ir_lane(r->block[0], l + RIGHT),
                 (struct ir_mem){area + l, 1});
        ir_alu_into(w->ir, ir_lane(x, l), OP_ALU_XOR, ir_lane(y, l), ir_lane(r->block[0], l + NODE));
    }
    r->block[1] = ir_vload(w->ir, ir_const(w->ir, area), (struct ir_mem){area, vlen});
    return x;
}

static struct ir_val child_stored(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                  struct ir_val y)
{
    const struct ir_val left = ir_view(r->block[0], LEFT, 1, w->ir->machine.vlen);
    return ir_alu(w->ir, OP_ALU_XOR, y, ir_select(w->ir, bit, left, r->block[1]));
}

struct ir_val walk_record_node(struct walk *w, struct walk_record *r, unsigned table, struct ir_val addr,
                               struct ir_val y)
{
    const bool can_store = w->plan.spare_words >= w->ir->machine.vlen;
    r->kind = choices_ask(w->choices, WALK_ASK_RECORD, can_store ? KINDS : STORED, APART);
    switch (r->kind) {
    case PAIRED: return node_paired(w, r, table, addr, y);
    case STORED: return node_stored(w, r, table, addr, y);
    default: return node_apart(w, r, table, addr, y);
    }
}

struct ir_val walk_record_child(struct walk *w, const struct walk_record *r, struct ir_val bit,
                                struct ir_val y)
{
    switch (r->kind) {
    case PAIRED: return child_paired(w, r, bit, y);
    case STORED: return child_stored(w, r, bit, y);
    default: return child_apart(w, r, bit, y);
    }
}

/* --- walk setup -------------------------------------------------------------------------- */

/* What all groups share: constants of the hash, the nodes of the upper levels as
 * vectors, and tables of records built in memory over the levels they serve. */

static void hash_constants(struct walk *w)
{
    struct ir *ir = w->ir;
    struct walk_shared *s = &w->shared;
    const struct tree_hash_stage *h = tree_hash_stages;
    const uint32_t mul2 = 1 + (1u << h[2].shift);
    s->mul0 = ir_vconst(ir, 1 + (1u << h[0].shift));
    s->add0 = ir_vconst(ir, h[0].constant);
    s->shift1 = ir_vconst(ir, h[1].shift);
    s->xor1 = ir_vconst(ir, h[1].constant);
    s->mul2 = ir_vconst(ir, mul2);
    s->add2 = ir_vconst(ir, h[2].constant + h[3].constant);
    s->mul3 = ir_vconst(ir, mul2 << h[3].shift);
    s->add3 = ir_vconst(ir, h[2].constant << h[3].shift);
    s->mul4 = ir_vconst(ir, 1 + (1u << h[4].shift));
    s->add4 = ir_vconst(ir, h[4].constant);
    s->shift5 = ir_vconst(ir, h[5].shift);
    s->xor5 = ir_vconst(ir, h[5].constant);
    s->one = ir_vconst(ir, 1);
}

uint32_t walk_spare(struct walk *w)
{
    const unsigned vlen = w->ir->machine.vlen;
    return w->plan.spare + w->areas_used++ % (w->plan.spare_words / vlen) * vlen;
}

struct ir_val walk_spread(struct walk *w, struct ir_val scalar)
{
    struct ir *ir = w->ir;
    const unsigned vlen = ir->machine.vlen;
    const unsigned number = w->spreads++;
    if (w->plan.spare_words < vlen || number >= WALK_SPREADS || !w->by_memory[number])
        return ir_broadcast(ir, scalar);
    const uint32_t area = walk_spare(w);
    for (unsigned l = 0; l < vlen; l++)
        ir_store(ir, ir_const(ir, area + l), scalar, (struct ir_mem){area + l, 1});
    return ir_vload(ir, ir_const(ir, area), (struct ir_mem){area, vlen});
}

struct ir_val walk_const(struct walk *w, uint32_t value)
{
    for (size_t i = 0; i < w->consts.n; i++)
        if (w->consts.at[i].value == value)
            return w->consts.at[i].vector;
    const uint16_t strand = w->ir->tag.strand;
    w->ir->tag.strand = IR_SHARED;
    const struct ir_val v = walk_spread(w, ir_const(w->ir, value));
    w->ir->tag.strand = strand;
    if (!vec_push(&w->consts, (struct walk_const){value, v}))
        w->choices->failed = true;
    return v;
}

/* Nodes `first` .. of the tree in a row of vlen words. */
static struct ir_val row_of_nodes(struct walk *w, uint32_t first)
{
    struct ir *ir = w->ir;
    const unsigned vlen = ir->machine.vlen;
    const uint32_t at = w->plan.tree + first, end = w->plan.values + w->plan.batch;
    if (at + vlen <= end)
        return ir_vload(ir, ir_const(ir, at), (struct ir_mem){at, vlen});
    const struct ir_val row = ir_vector(ir, "nodes");
    for (uint32_t i = 0; at + i < end; i++)
        ir_load_into(ir, ir_lane(row, i), ir_const(ir, at + i), (struct ir_mem){at + i, 1});
    return row;
}

static void cached_nodes(struct walk *w)
{
    struct ir *ir = w->ir;
    struct walk_shared *s = &w->shared;
    const unsigned top = w->plan.height < WALK_CACHED - 1 ? w->plan.height : WALK_CACHED - 1;
    const unsigned n = (2u << top) - 1, vlen = ir->machine.vlen;
    struct ir_val with = {0};
    for (unsigned i = 0; i < n; i++) {
        if (i % vlen == 0) {
            const struct ir_val raw = row_of_nodes(w, i);
            with = ir_alu(ir, OP_ALU_XOR, raw, s->xor5);
            if (i == 0)
                s->node0_raw = ir_broadcast(ir, ir_lane(raw, 0));
        }
        s->node[i] = walk_spread(w, ir_lane(with, i % vlen));
    }
}

/* Scalars base, base + vlen, ...: `n` of them, made a vector at a time. */
static void addresses(struct walk *w, uint32_t base, uint32_t n, struct ir_val *out)
{
    struct ir *ir = w->ir;
    const unsigned vlen = ir->machine.vlen;
    struct ir_val v = ir_vector(ir, "addresses");
    /* The first vector by doubling: lanes d..2d-1 are lanes 0..d-1 and d steps. */
    ir_alu_into(ir, ir_lane(v, 0), OP_ALU_OR, ir_const(ir, base), ir->zero);
    for (unsigned d = 1; d < vlen; d *= 2) {
        const unsigned k = 2 * d <= vlen ? d : vlen - d;
        ir_alu_into(ir, ir_lanes(v, d, 1, k), OP_ALU_ADD, ir_lanes(v, 0, 1, k), ir_const(ir, d * vlen));
    }
    for (uint32_t i = 0; i < n; i++) {
        if (i && i % vlen == 0)
            v = ir_alu(ir, OP_ALU_ADD, v, ir_vconst(ir, vlen * vlen));
        out[i] = ir_lane(v, i % vlen);
    }
}

static struct ir_mem exact(const struct ir *ir, uint32_t first)
{
    return (struct ir_mem){first, ir->machine.vlen};
}

/* Eight records, say, from a vector of nodes and two of children: three vectors of
 * memory, assembled by xors that also add the constant. */
static void records(struct walk *w, struct ir_val nodes, struct ir_val children, const struct ir_val *to,
                    uint32_t first)
{
    struct ir *ir = w->ir;
    const unsigned vlen = ir->machine.vlen;
    const struct ir_val all = ir_block(ir, (uint16_t)(3 * vlen), "table");
    const struct ir_val xor5 = ir_const(ir, tree_hash_stages[5].constant);
    const struct ir_val spread = {xor5.block, xor5.word, 0, (uint8_t)vlen};
    for (unsigned side = 0; side < 2; side++)
        ir_alu_into(ir, ir_view(all, side, 3, vlen), OP_ALU_XOR, ir_view(children, side, 2, vlen), spread);
    ir_alu_into(ir, ir_view(all, 2, 3, vlen), OP_ALU_XOR, ir_view(nodes, 0, 1, vlen), spread);
    for (unsigned i = 0; i < 3; i++)
        ir_store(ir, to[i], ir_view(all, i * vlen, 1, vlen), exact(ir, first + i * vlen));
}

/* One table over its two levels: all is loaded before anything is stored. */
static void table(struct walk *w, const struct walk_table *t, const struct ir_val *address)
{
    struct ir *ir = w->ir;
    const unsigned vlen = ir->machine.vlen;
    const uint32_t chunks = (1u << t->level) / vlen;
    struct ir_val *nodes = arena_array(&ir->arena, chunks, sizeof *nodes);
    struct ir_val *children = arena_array(&ir->arena, chunks, sizeof *children);
    if (!nodes || !children) {
        w->choices->failed = true;
        return;
    }
    for (uint32_t c = 0; c < chunks; c++)
        nodes[c] = ir_vload(ir, address[c], exact(ir, t->base + c * vlen));
    for (uint32_t c = 0; c < chunks; c++) {
        children[c] = ir_block(ir, (uint16_t)(2 * vlen), "children");
        for (unsigned half = 0; half < 2; half++) {
            const uint32_t i = chunks + 2 * c + half;
            ir_load_into(ir, ir_view(children[c], half * vlen, 1, vlen), address[i],
                         exact(ir, t->base + i * vlen));
        }
    }
    for (uint32_t c = 0; c < chunks; c++)
        records(w, nodes[c], children[c], address + 3 * (size_t)c, t->base + 3 * c * vlen);
}

static void tables(struct walk *w)
{
    struct ir *ir = w->ir;
    const struct walk_plan *p = &w->plan;
    if (!p->n_tables)
        return;
    const unsigned vlen = ir->machine.vlen;
    const uint32_t first = p->table[0].base;
    const struct walk_table *last = &p->table[p->n_tables - 1];
    const uint32_t n = (last->base + 3 * (1u << last->level) - first) / vlen;
    struct ir_val *address = arena_array(&ir->arena, n, sizeof *address);
    if (!address) {
        w->choices->failed = true;
        return;
    }
    addresses(w, first, n, address);
    for (unsigned t = 0; t < p->n_tables; t++) {
        const struct walk_table *x = &p->table[t];
        table(w, x, address + (x->base - first) / vlen);
        /* A record's load reads vlen words from its first on. */
        w->table_mem[t] = (struct ir_mem){x->base, 3 * (1u << x->level) - 3 + vlen};
    }
}

void walk_setup(struct walk *w)
{
    ir_stage(w->ir, "setup");
    w->ir->tag.strand = IR_SHARED;
    for (unsigned i = 0; i < WALK_SPREADS; i++)
        w->by_memory[i] = (uint8_t)choices_ask(w->choices, WALK_ASK_SPREAD, 2, 0);
    hash_constants(w);
    cached_nodes(w);
    tables(w);
}
