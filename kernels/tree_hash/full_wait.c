/* Groups whose lanes wait for their level; see tree_full.h. Nodes are numbered from 1
 * here (the root 1, children 2i and 2i+1): the leading one tells the level, the bits
 * below it the way from the root. */
#include "kernels/tree_hash/full.h"

struct waiter {
    struct full *f;
    struct ir_val y;     /* values without the last stage's constant */
    struct ir_val lag;   /* height - level at the start */
    struct ir_val turns; /* bit height-1-t: what to add to y's lowest bit in round t */
    struct ir_val node;  /* at the start */
    /* Written anew each round, for what is made of them far ahead would fill the scratch: */
    struct ir_val away;    /* not 0 until the lane's first round */
    struct ir_val until;   /* from round `rounds` on, not 0 until the lane's last one is over */
    struct ir_val turn;    /* this round's bit of `turns`, lowest */
    struct ir_val before;  /* final node of those who are done before the last pass, else 0 */
    struct ir_val address; /* of what serves the level, on `line`; no value: at the root */
    struct walk_line line;
    struct ir_val bits[FULL_CACHED + 1]; /* branches since `address` was right, 1: left */
    unsigned n_bits;
    struct walk_record record;
    bool record_open; /* the record's children serve the level at hand */
};

static const struct ir_val no_val = {.block = IR_NONE};

/* --- the start ---------------------------------------------------------------- */

/* How far to shift nodes left so that they are on the last level: a bit of the
 * distance at a time, the highest first. */
static void find_lag(struct full *f, struct ir_val to, struct ir_val node)
{
    struct ir *ir = f->l.ir;
    const unsigned height = f->walk.plan.height;
    struct ir_val lag = ir_vconst(ir, 0);
    unsigned bits = 0;
    while (height >> bits)
        bits++;
    for (unsigned bit = bits; bit-- > 0;) {
        const struct ir_val far =
            ir_alu(ir, OP_ALU_LT, node, ir_vconst(ir, 1u << (height + 1 - (1u << bit))));
        const struct ir_val by = bit ? ir_alu(ir, OP_ALU_SHL, far, ir_vconst(ir, bit)) : far;
        if (bit) {
            lag = ir_alu(ir, OP_ALU_ADD, lag, by);
            node = ir_alu(ir, OP_ALU_SHL, node, by);
        } else {
            ir_alu_into(ir, to, OP_ALU_ADD, lag, by);
        }
    }
    if (!bits)
        ir_alu_into(ir, to, OP_ALU_XOR, node, node);
}

/* While a lane waits, y's lowest bit stands still; xored with a bit of `turns` it says
 * the way to the lane's start. Then it is on its own: the bits from there on are 0. */
static void start(struct waiter *g, struct ir_val slot, struct ir_val index)
{
    struct ir *ir = g->f->l.ir;
    const struct walk_shared *s = &g->f->walk.shared;
    ir_stage(ir, "start");
    const struct ir_val node = ir_alu(ir, OP_ALU_ADD, index, s->one);
    const struct ir_val low = ir_alu(ir, OP_ALU_AND, slot, s->one);
    const struct ir_val all = ir_alu(ir, OP_ALU_SUB, ir_vconst(ir, 0), low);
    const struct ir_val turns = ir_alu(ir, OP_ALU_XOR, node, all);
    g->y = ir_alu(ir, OP_ALU_XOR, slot, s->xor5);
    g->node = node;
    g->away = ir_vector(ir, "away");
    g->until = ir_vector(ir, "until");
    g->turn = ir_vector(ir, "turn");
    g->lag = slot; /* in place of the values */
    find_lag(g->f, g->lag, node);
    g->turns = ir_alu(ir, OP_ALU_SHL, turns, g->lag);
}

/* --- nodes -------------------------------------------------------------------- */

static struct ir_val address_on(struct waiter *g, struct walk_line to)
{
    ir_stage(g->f->l.ir, "address");
    return walk_address(&g->f->walk, g->address, g->line, to, g->bits, g->n_bits);
}

/* The same from the root, where there is nothing to multiply: an operation a branch. */
static struct ir_val address_from_root(struct waiter *g, struct walk_line to)
{
    struct ir *ir = g->f->l.ir;
    const uint32_t right = to.base + to.scale * ((1u << g->n_bits) - 1); /* with all branches to the right */
    const uint32_t step = 0u - (to.scale << (g->n_bits - 1));
    ir_stage(ir, "address");
    const struct ir_val to_right = ir_vconst(ir, right);
    struct ir_val a = ir_select(ir, g->bits[0], ir_vconst(ir, right + step), to_right);
    for (unsigned i = 1; i < g->n_bits; i++)
        a = ir_madd(ir, g->bits[i], ir_vconst(ir, 0u - (to.scale << (g->n_bits - 1 - i))), a);
    return a;
}

static void go_to(struct waiter *g, struct walk_line to)
{
    g->address = g->address.block == IR_NONE && g->n_bits ? address_from_root(g, to) : address_on(g, to);
    g->line = to;
    g->n_bits = 0;
}

/* The cached node that the branches since the root lead to: the oldest selects a
 * polynomial of the others. */
static struct ir_val cached(struct waiter *g, unsigned level)
{
    struct ir *ir = g->f->l.ir;
    const struct ir_val *left = &g->f->node[(1u << level) - 1];
    const unsigned n = 1u << level >> 1;
    struct ir_val c[1 << (FULL_CACHED - 2)] = {left[0]};
    ir_stage(ir, "select");
    for (unsigned k = 0; k < n; k++)
        c[k] = ir_select(ir, g->bits[0], left[k], left[n + k]);
    for (unsigned bit = 1, half = n / 2; half; bit++, half /= 2)
        for (unsigned k = 0; k < half; k++)
            c[k] = ir_madd(ir, g->bits[bit], c[k + half], c[k]);
    return c[0];
}

/* The table that serves the level and the next one, if that comes. */
static int table_of(const struct walk_plan *p, unsigned level, uint32_t rounds_left)
{
    for (unsigned t = 0; t < p->n_tables && rounds_left > 1; t++)
        if (p->table[t].level == level)
            return (int)t;
    return -1;
}

/* The value xored with its node. */
static struct ir_val meet(struct waiter *g, unsigned level, uint32_t rounds_left)
{
    struct walk *w = &g->f->walk;
    struct ir *ir = w->ir;
    if (level < FULL_CACHED)
        return ir_alu(ir, OP_ALU_XOR, g->y, cached(g, level));
    if (g->record_open) {
        ir_stage(ir, "record");
        g->record_open = false;
        return walk_record_child(w, &g->record, g->bits[0], g->y);
    }
    const int t = table_of(&w->plan, level, rounds_left);
    if (t >= 0) {
        go_to(g, (struct walk_line){w->plan.table[t].base, 3});
        ir_stage(ir, "record");
        g->record_open = true;
        return walk_record_node(w, &g->record, (unsigned)t, g->address, g->y);
    }
    const struct ir_mem mem = {w->plan.tree + (1u << level) - 1, 1u << level};
    go_to(g, (struct walk_line){mem.first, 1});
    ir_stage(ir, "gather");
    const struct ir_val full = ir_alu(ir, OP_ALU_XOR, g->y, w->shared.xor5);
    return ir_alu(ir, OP_ALU_XOR, full, ir_gather(ir, g->address, mem));
}

/* --- rounds ------------------------------------------------------------------- */

/* The hashed values, but in lanes that wait or are done. A node's number, shifted right
 * once a round, becomes 0 when its level's round comes; and so does any other number of
 * that level when the lane's last round comes. */
static struct ir_val held(struct waiter *g, struct ir_val hashed, uint32_t t)
{
    struct ir *ir = g->f->l.ir;
    const struct ir_val one = g->f->walk.shared.one;
    const uint32_t height = g->f->walk.plan.height, rounds = g->f->walk.plan.rounds;
    ir_stage(ir, "hold");
    if (t < height) {
        ir_alu_into(ir, g->away, OP_ALU_SHR, t ? g->away : g->node, one);
        hashed = ir_select(ir, g->away, g->y, hashed);
    }
    if (t == rounds)
        ir_alu_into(ir, g->until, OP_ALU_SHR, ir_vconst(ir, 1u << height), g->lag);
    if (t >= rounds) {
        ir_alu_into(ir, g->until, OP_ALU_SHR, g->until, one);
        hashed = ir_select(ir, g->until, hashed, g->y);
    }
    return hashed;
}

static struct ir_val branch(struct waiter *g, uint32_t t)
{
    struct ir *ir = g->f->l.ir;
    const struct ir_val one = g->f->walk.shared.one;
    const uint32_t height = g->f->walk.plan.height;
    ir_stage(ir, "branch");
    if (t >= height)
        return ir_alu(ir, OP_ALU_AND, g->y, one);
    const uint32_t down = height - 1 - t;
    ir_alu_into(ir, g->turn, OP_ALU_SHR, g->turns, ir_vconst(ir, down));
    return ir_alu(ir, OP_ALU_AND, ir_alu(ir, OP_ALU_XOR, g->turn, g->y), one);
}

/* Lanes may be done before the last time the clock passes the root: in the last round
 * before it, where they are is their last node's descendant by so many levels. */
static void note_before(struct waiter *g, uint32_t t)
{
    struct ir *ir = g->f->l.ir;
    const struct walk_plan *p = &g->f->walk.plan;
    const struct ir_val node = address_on(g, (struct walk_line){1u << p->height, 1});
    ir_stage(ir, "result");
    const struct ir_val up = ir_alu(ir, OP_ALU_SUB, g->lag, ir_vconst(ir, p->height + p->rounds - t));
    g->before = ir_alu(ir, OP_ALU_SHR, node, up); /* 0 for all others: up is below 0, or huge */
}

static void one_round(struct waiter *g, uint32_t t, uint32_t clock)
{
    const struct walk_plan *p = &g->f->walk.plan;
    const unsigned level = t % (p->height + 1);
    if (level == 0) {
        g->address = no_val;
        g->n_bits = 0;
    }
    if (level == p->height && t >= p->rounds)
        note_before(g, t);
    g->y = held(g, walk_hash(&g->f->walk, meet(g, level, clock - t)), t);
    if (level < p->height)
        g->bits[g->n_bits++] = branch(g, t);
}

/* The node at the end: what the clock's last level has below those who are done since
 * the root, 0 for the others. */
static struct ir_val last_node(struct waiter *g, uint32_t clock)
{
    struct ir *ir = g->f->l.ir;
    const struct walk_plan *p = &g->f->walk.plan;
    const unsigned level = clock % (p->height + 1);
    if (level == 0) {
        g->address = no_val;
        g->n_bits = 0;
    }
    const struct ir_val node = address_on(g, (struct walk_line){1u << level, 1});
    ir_stage(ir, "result");
    const struct ir_val since = ir_alu(ir, OP_ALU_SHR, node, g->lag);
    return g->before.block == IR_NONE ? since : ir_alu(ir, OP_ALU_ADD, since, g->before);
}

struct ir_val full_wait(struct full *f, struct ir_val slot, struct ir_val index)
{
    struct ir *ir = f->l.ir;
    const uint32_t clock = f->walk.plan.rounds + f->walk.plan.height;
    struct waiter g = {.f = f, .address = no_val, .before = no_val};
    start(&g, slot, index);
    for (uint32_t t = 0; t < clock; t++) {
        ir_round(ir, t);
        one_round(&g, t, clock);
    }
    const struct ir_val last = ir_alu(ir, OP_ALU_SUB, last_node(&g, clock), f->walk.shared.one);
    ir_alu_into(ir, slot, OP_ALU_XOR, g.y, f->walk.shared.xor5);
    return last;
}
