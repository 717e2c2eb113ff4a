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
