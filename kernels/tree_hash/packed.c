/* tree_hash:packed, the second rung: the slots of `scalar`, as many to a bundle as
 * dependences and the engines admit. Every value is a virtual word of its own, so
 * that walkers, who share nothing, do not wait for each other's registers.
 *
 * One round of up to 256 walkers is a region; loops go over rounds and the batch. */
#include "kernels/tree_hash/ladder.h"

enum { WALKERS = 256 };

/* The header's words, and what the round's operations need again and again. */
struct packed {
    struct ladder l;
    struct ir_val nodes, tree, indices, values;
};

static struct ir_val header_word(struct packed *p, unsigned i)
{
    return ir_load(p->l.ir, ir_const(p->l.ir, i), (struct ir_mem){i, 1});
}

static struct ir_val hash(struct ir *ir, struct ir_val a)
{
    ir_stage(ir, "hash");
    for (unsigned i = 0; i < TREE_STAGES; i++) {
        const struct tree_hash_stage *s = &tree_hash_stages[i];
        const struct ir_val left = ir_alu(ir, s->op1, a, ir_const(ir, s->constant));
        const struct ir_val right = ir_alu(ir, s->op3, a, ir_const(ir, s->shift));
        a = ir_alu(ir, s->op2, left, right);
    }
    return a;
}

static struct ir_val child(struct packed *p, struct ir_val index, struct ir_val value)
{
    struct ir *ir = p->l.ir;
    const struct ir_val one = ir_const(ir, 1), two = ir_const(ir, 2);
    ir_stage(ir, "branch");
    const struct ir_val even = ir_alu(ir, OP_ALU_EQ, ir_alu(ir, OP_ALU_MOD, value, two), ir->zero);
    const struct ir_val step = ir_select(ir, even, one, two);
    const struct ir_val next = ir_alu(ir, OP_ALU_ADD, ir_alu(ir, OP_ALU_MUL, index, two), step);
    return ir_select(ir, ir_alu(ir, OP_ALU_LT, next, p->nodes), next, ir->zero);
}

/* One walker's step; `indices` and `values` are where this pass's walkers begin. */
static void step(struct packed *p, const struct ladder_part *part, uint32_t strand, struct ir_val indices,
                 struct ir_val values)
{
    struct ir *ir = p->l.ir;
    const struct ir_mem index_mem = ladder_words(part, p->l.indices, strand);
    const struct ir_mem value_mem = ladder_words(part, p->l.values, strand);
    const struct ir_mem tree_mem = {p->l.tree, p->l.nodes};
    const struct ir_val walker = ir_const(ir, ladder_first(part, strand));
    ir_stage(ir, "load");
    const struct ir_val index = ir_load(ir, ir_alu(ir, OP_ALU_ADD, indices, walker), index_mem);
    const struct ir_val value = ir_load(ir, ir_alu(ir, OP_ALU_ADD, values, walker), value_mem);
    const struct ir_val node = ir_load(ir, ir_alu(ir, OP_ALU_ADD, p->tree, index), tree_mem);
    const struct ir_val hashed = hash(ir, ir_alu(ir, OP_ALU_XOR, value, node));
    const struct ir_val next = child(p, index, hashed);
    ir_stage(ir, "store");
    ir_store(ir, ir_alu(ir, OP_ALU_ADD, indices, walker), next, index_mem);
    ir_store(ir, ir_alu(ir, OP_ALU_ADD, values, walker), hashed, value_mem);
}

static struct ir_val begin_of_pass(struct packed *p, struct ir_val array, const struct ladder_part *part)
{
    return part->passes == 1 ? array : ir_alu(p->l.ir, OP_ALU_ADD, array, part->moved);
}

static void one_round(struct packed *p)
{
    struct ir *ir = p->l.ir;
    for (uint32_t first = 0; first < p->l.batch;) {
        struct ladder_part part = ladder_part(&p->l, first, WALKERS, 1);
        const struct ladder_loop loop = ladder_passes(&p->l, &part);
        const struct ir_val indices = begin_of_pass(p, p->indices, &part);
        const struct ir_val values = begin_of_pass(p, p->values, &part);
        for (uint32_t i = 0; i < part.strands; i++) {
            ir_strand(ir, i);
            step(p, &part, i, indices, values);
        }
        ir->tag.strand = IR_SHARED;
        ladder_passes_end(&p->l, &part, &loop);
        first = ladder_part_end(&part);
    }
}

enum status tree_hash_packed(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    struct packed p;
    const enum status status = ladder_begin(rq, &p.l, d);
    if (status != ST_OK)
        return status;
    ir_stage(p.l.ir, "setup");
    p.nodes = header_word(&p, TREE_H_NODES);
    p.tree = header_word(&p, TREE_H_TREE);
    p.indices = header_word(&p, TREE_H_INDICES);
    p.values = header_word(&p, TREE_H_VALUES);
    const struct ladder_loop rounds = ladder_loop(&p.l, p.l.rounds);
    one_round(&p);
    ladder_loop_end(&p.l, &rounds);
    return ladder_finish(&p.l, "packed", out, d);
}
