#include "kernels/tree_hash/full.h"

#include <assert.h>

/* What fits the scratch: groups whose indices wait there, and groups under way. */
enum { MAX_GROUPS = 48, MAX_SLOTS = 16, USUAL_SLOTS = 12 };

/* Rounds of a group that roams. An address a becomes 2a + 1 - tree, and 1 more to the
 * right; y | ~1 is -2, and 1 more to the right. */
static struct ir_val roam(struct full *f, struct ir_val slot, struct ir_val index)
{
    struct ir *ir = f->l.ir;
    const struct ladder *l = &f->l;
    const struct ir_val tree = ir_vconst(ir, l->tree), end = ir_vconst(ir, l->tree + l->nodes);
    const struct ir_val two = ir_vconst(ir, 2), not_one = ir_vconst(ir, ~UINT32_C(1));
    const struct ir_val step = ir_vconst(ir, 3 - l->tree);
    struct ir_val address = ir_alu(ir, OP_ALU_ADD, index, tree);
    for (uint32_t r = 0; r < l->rounds; r++) {
        ir_round(ir, r);
        ir_stage(ir, "gather");
        const struct ir_val node = ir_gather(ir, address, (struct ir_mem){l->tree, l->nodes});
        const struct ir_val hashed = walk_hash(&f->walk, ir_alu(ir, OP_ALU_XOR, slot, node));
        ir_alu_into(ir, slot, OP_ALU_XOR, hashed, f->walk.shared.xor5);
        ir_stage(ir, "address");
        const struct ir_val right = ir_alu(ir, OP_ALU_OR, slot, not_one);
        const struct ir_val child = ir_alu(ir, OP_ALU_ADD, ir_madd(ir, address, two, right), step);
        address = ir_select(ir, ir_alu(ir, OP_ALU_LT, child, end), child, tree);
    }
    return ir_alu(ir, OP_ALU_SUB, address, tree);
}

/* --- cached nodes ------------------------------------------------------------- */

/* The first nodes of the tree with the hash's last constant, each a scalar. */
static struct ir_val first_nodes(struct full *f, unsigned n)
{
    struct ir *ir = f->l.ir;
    const unsigned vlen = ir->machine.vlen;
    const struct ir_val row = ir_block(ir, (uint16_t)n, "nodes");
    for (unsigned i = 0, some; i < n; i += some) {
        some = i + vlen <= n ? vlen : 1;
        const struct ir_mem mem = {f->l.tree + i, some};
        const struct ir_val to = ir_view(row, i, 1, some);
        ir_load_into(ir, to, ir_const(ir, mem.first), mem);
        ir_alu_into(ir, to, OP_ALU_XOR, to, ir_const(ir, tree_hash_stages[TREE_STAGES - 1].constant));
    }
    return row;
}

/* Half a level, `n` nodes below one child of the root, as a polynomial of the branches
 * after the first: the coefficient of each product of branches, the oldest branch being
 * the highest bit of its number (Moebius inversion). A branch is 1 to the left. */
static void coefficients(struct full *f, struct ir_val nodes, unsigned n, struct ir_val *out)
{
    struct ir *ir = f->l.ir;
    struct ir_val c[1 << (FULL_CACHED - 2)];
    for (unsigned k = 0; k < n; k++)
        c[k] = ir_lane(nodes, n - 1 - k);
    for (unsigned bit = 1; bit < n; bit *= 2)
        for (unsigned k = 0; k < n; k++)
            if (k & bit)
                c[k] = ir_alu(ir, OP_ALU_SUB, c[k], c[k - bit]);
    for (unsigned k = 0; k < n; k++)
        out[k] = ir_broadcast(ir, c[k]);
}

static void cache_nodes(struct full *f)
{
    const unsigned height = f->walk.plan.height;
    const unsigned levels = height + 1 < FULL_CACHED ? height + 1 : FULL_CACHED;
    const struct ir_val row = first_nodes(f, (1u << levels) - 1);
    f->node[0] = ir_broadcast(f->l.ir, ir_lane(row, 0));
    for (unsigned level = 1; level < levels; level++) {
        const unsigned first = (1u << level) - 1, half = 1u << level >> 1;
        for (unsigned side = 0; side < 2; side++)
            coefficients(f, ir_view(row, first + side * half, 1, half), half, f->node + first + side * half);
    }
}

/* --- tables ------------------------------------------------------------------- */

static uint32_t table_words(unsigned level)
{
    return 3u << level;
}

/* Pairs of levels from the first that is not cached, their tables one after the other
 * where the indices were. */
static void plan_tables(struct full *f)
{
    struct walk_plan *p = &f->walk.plan;
    const unsigned vlen = f->l.ir->machine.vlen;
    uint32_t base = p->indices;
    unsigned n = 0;
    for (unsigned level = FULL_CACHED; level < p->height && n < WALK_MAX_TABLES; level += 2) {
        if (vlen < 3 || (1u << level) % vlen || base + table_words(level) > p->values)
            break;
        p->table[n++] = (struct walk_table){level, base};
        base += table_words(level);
    }
    p->n_tables = choices_ask(f->walk.choices, FULL_ASK_TABLES, n + 1, n);
}

/* A record's load reads a vector, of which the last ones' end is beyond the table. */
static struct ir_mem table_mem(const struct full *f, const struct walk_table *t)
{
    const uint32_t end = f->l.values + f->l.batch, read = table_words(t->level) - 3 + f->l.ir->machine.vlen;
    return (struct ir_mem){t->base, read < end - t->base ? read : end - t->base};
}

/* A vector's worth of records: nodes first .. first + vlen of the level. */
static void records(struct full *f, const struct walk_table *t, uint32_t first)
{
    struct ir *ir = f->l.ir;
    const unsigned vlen = ir->machine.vlen;
    const uint32_t node = f->l.tree + (1u << t->level) - 1 + first;
    const uint32_t child = f->l.tree + (2u << t->level) - 1 + 2 * first;
    const struct ir_val all = ir_block(ir, (uint16_t)(3 * vlen), "table");
    const struct ir_val children = ir_block(ir, (uint16_t)(2 * vlen), "children");
    const struct ir_val nodes = ir_vload(ir, ir_const(ir, node), (struct ir_mem){node, vlen});
    for (unsigned half = 0; half < 2; half++) {
        const struct ir_mem mem = {child + half * vlen, vlen};
        ir_load_into(ir, ir_view(children, half * vlen, 1, vlen), ir_const(ir, mem.first), mem);
    }
    for (unsigned side = 0; side < 2; side++)
        ir_alu_into(ir, ir_view(all, side, 3, vlen), OP_ALU_XOR, ir_view(children, side, 2, vlen),
                    f->walk.shared.xor5);
    ir_alu_into(ir, ir_view(all, 2, 3, vlen), OP_ALU_XOR, nodes, f->walk.shared.xor5);
    for (unsigned i = 0; i < 3; i++) {
        const struct ir_mem mem = {t->base + 3 * first + i * vlen, vlen};
        ir_store(ir, ir_const(ir, mem.first), ir_view(all, i * vlen, 1, vlen), mem);
    }
}

static void make_tables(struct full *f)
{
    const unsigned vlen = f->l.ir->machine.vlen;
    ir_stage(f->l.ir, "table");
    for (unsigned i = 0; i < f->walk.plan.n_tables; i++) {
        const struct walk_table *t = &f->walk.plan.table[i];
        for (uint32_t first = 0; first < 1u << t->level; first += vlen)
            records(f, t, first);
        f->walk.table_mem[i] = table_mem(f, t);
    }
}

/* --- which groups wait -------------------------------------------------------- */

/* Gathers of a group that waits. */
static uint32_t gathers(const struct walk_plan *p)
{
    const unsigned levels = p->height + 1;
    uint32_t n = 0;
    assert(levels > 0);
    for (uint32_t t = 0; t < p->rounds + p->height; t++) {
        const unsigned level = t % levels, pair = (level - FULL_CACHED) / 2;
        if (level >= FULL_CACHED && (pair >= p->n_tables || (level - FULL_CACHED) % 2 == 0))
            n++;
    }
    return n;
}

/* Of 256 groups, how many should wait so that loads and arithmetic take the same time. */
static uint32_t share(const struct full *f)
{
    enum { OPS = 18, START_OPS = 20, ALL = 256 }; /* vector operations a round; at the start */
    const struct walk_plan *p = &f->walk.plan;
    const struct isa_machine *m = &f->l.ir->machine;
    const double loads = m->slots[ENGINE_LOAD] ? (double)m->vlen / m->slots[ENGINE_LOAD] : 0;
    const double lanes =
        m->slots[ENGINE_VALU] + m->slots[ENGINE_ALU] / (double)m->vlen + m->slots[ENGINE_FLOW];
    const double roam_load = loads * p->rounds, wait_load = loads * gathers(p);
    const double roam_work = OPS * p->rounds / lanes;
    const double wait_work = (OPS * (p->rounds + p->height) + START_OPS) / lanes;
    if (wait_load >= roam_load || roam_load <= roam_work)
        return 0;
    const double x = (roam_load - roam_work) / (roam_load - wait_load + wait_work - roam_work);
    return x < 1 ? (uint32_t)(x * ALL) : ALL;
}

/* --- the kernel --------------------------------------------------------------- */

/* Which groups wait: `share` of every 256, evenly among the others. Asked ahead, so that
 * one answer does not move the places of all others. */
static void choose_kinds(struct full *f, uint32_t groups, bool *waits)
{
    const uint32_t x = share(f);
    for (uint32_t i = 0; i < groups; i++) {
        const unsigned usual = (i + 1) * x / 256 > i * x / 256;
        waits[i] = choices_ask(f->walk.choices, FULL_ASK_KIND, 2, usual) != 0;
    }
}

/* The indices, but not before the slot's values are there: what follows would fill the
 * scratch with work begun too early. */
static struct ir_val gated(struct full *f, struct ir_val slot, struct ir_val index)
{
    ir_stage(f->l.ir, "start");
    return ir_alu(f->l.ir, OP_ALU_SUB, ir_alu(f->l.ir, OP_ALU_ADD, index, slot), slot);
}

/* All indices are loaded before a table is made, and stored after all else. No more
 * groups are under way at a time than there are slots: a group's values are loaded to
 * where those of an earlier one have been stored from. */
static void all_groups(struct full *f)
{
    struct ladder *l = &f->l;
    struct ir_val index[MAX_GROUPS], slot[MAX_SLOTS];
    const struct ladder_part part = ladder_part(l, 0, MAX_GROUPS, l->ir->machine.vlen);
    ir_stage(l->ir, "load");
    for (uint32_t i = 0; i < part.strands; i++) {
        ir_strand(l->ir, i);
        ladder_load(l, &part, i, l->indices, index[i] = ir_vector(l->ir, "index"));
    }
    l->ir->tag.strand = IR_SHARED;
    make_tables(f);
    bool waits[MAX_GROUPS];
    choose_kinds(f, part.strands, waits);
    const unsigned slots =
        MAX_SLOTS - 2 * choices_ask(f->walk.choices, FULL_ASK_SLOTS, 4, (MAX_SLOTS - USUAL_SLOTS) / 2);
    assert(slots > 0);
    for (unsigned i = 0; i < slots; i++)
        slot[i] = ir_vector(l->ir, "slot");
    for (uint32_t i = 0; i < part.strands; i++) {
        const struct ir_val s = slot[i % slots];
        ir_strand(l->ir, i);
        ir_stage(l->ir, "load");
        ladder_load(l, &part, i, l->values, s);
        index[i] = gated(f, s, index[i]);
        index[i] = waits[i] ? full_wait(f, s, index[i]) : roam(f, s, index[i]);
        ir_stage(l->ir, "store");
        ladder_store(l, &part, i, l->values, s);
    }
    for (uint32_t i = 0; i < part.strands; i++) {
        ir_strand(l->ir, i);
        ladder_store(l, &part, i, l->indices, index[i]);
    }
}

/* Whether all of it goes into one region, and what is under way at a time into scratch:
 * constants and cached nodes, an index a group, a handful of vectors a slot. */
static bool fits(const struct ladder *l, uint32_t height)
{
    enum { MAX_STEPS = 2048, SHARED = 60, OF_SLOT = 8, FIRST_NODES = 7 };
    const uint32_t vlen = l->ir->machine.vlen, groups = (l->batch - 1) / vlen + 1;
    const uint32_t slots = groups < USUAL_SLOTS ? groups : USUAL_SLOTS;
    return vlen >= FIRST_NODES && groups <= MAX_GROUPS && l->rounds <= MAX_STEPS &&
           groups * (l->rounds + height) <= MAX_STEPS &&
           vlen * (SHARED + groups + OF_SLOT * slots) <= l->ir->machine.scratch;
}

enum status tree_full(const void *request, struct choices *choices, struct ir **out, struct diag *d)
{
    const struct kern_request *rq = request;
    struct full f;
    *out = NULL;
    enum status status = ladder_begin(rq, &f.l, d);
    if (status != ST_OK)
        return status;
    const uint32_t height = (uint32_t)rq->params.at[TREE_HEIGHT];
    f.walk = (struct walk){
        .ir = f.l.ir,
        .choices = choices,
        .plan = {.height = height,
                 .rounds = f.l.rounds,
                 .batch = f.l.batch,
                 .tree = f.l.tree,
                 .indices = f.l.indices,
                 .values = f.l.values},
    };
    if (fits(&f.l, height)) {
        walk_setup(&f.walk);
        cache_nodes(&f);
        plan_tables(&f);
        all_groups(&f);
    } else {
        ladder_interleaved(&f.l);
    }
    vec_free(&f.walk.consts);
    status = ir_status(f.l.ir, d);
    if (status == ST_OK)
        *out = f.l.ir;
    else
        ir_destroy(f.l.ir);
    return status;
}

/* --- full wait --------------------------------------------------------------------------- */

/* Groups whose lanes wait for their level; see full.h. Nodes are numbered from 1
 * here (the root 1, children 2i and 2i+1): the leading one tells the level, the bits
 * below it the way from the root. */

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
