/* What all groups share: constants of the hash, the nodes of the upper levels as
 * vectors, and tables of records built in memory over the levels they serve. */
#include "kernels/tree_hash/tree_hash.h"
#include "kernels/tree_hash/walk.h"

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
