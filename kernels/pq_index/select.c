/* pq_index: which of a list of keys are kept, and what is written for those. */
#include "kernels/pq_index/code.h"

/* In each lane of a new vector: the variable and the lanes of `v` before it; then they
 * are all added to the variable. One lane after the other: nobody can go faster who
 * stores as many words in order, and so nothing waits for long that is computed here. */
static struct ir_val running(struct pq_code *k, struct ir_val v, struct ir_val variable)
{
    struct ir *ir = k->ir;
    const struct ir_val sum = ir_vector(ir, NULL);
    ir_alu_into(ir, ir_lane(sum, 0), OP_ALU_OR, variable, ir->zero);
    struct ir_val last = variable;
    for (unsigned i = 1; i < PQ_LANES; i++) {
        ir_alu_into(ir, ir_lane(sum, i), OP_ALU_ADD, last, ir_lane(v, i - 1));
        last = ir_lane(sum, i);
    }
    ir_alu_into(ir, variable, OP_ALU_ADD, last, ir_lane(v, PQ_LANES - 1));
    return sum;
}

struct pq_cut pq_cut(struct pq_code *k, struct ir_val least, struct ir_val ties, struct ir_val seen)
{
    return (struct pq_cut){ir_broadcast(k->ir, least), ir_broadcast(k->ir, ties), pq_set(k, seen),
                           pq_ring(k, PQ_LANES, 2)};
}

/* --- a cut by passes over memory --------------------------------------------------- */

enum { RADIX_BITS = 2, DIGITS = (1 << RADIX_BITS) - 1 };

/* Counts keys below each of a pass's thresholds. */
struct count {
    struct pq_cursor keys;
    struct ir_val threshold[DIGITS], below[DIGITS]; /* vectors; variables */
};

static void count_vectors(struct pq_code *k, void *context, uint32_t n)
{
    struct count *c = context;
    struct ir *ir = k->ir;
    struct ir_val sum[DIGITS][2];
    struct ir_mem mem;
    for (uint32_t i = 0; i < n; i++) {
        const struct ir_val at = pq_next(k, &c->keys, &mem);
        const struct ir_val keys = ir_vload(ir, at, mem);
        for (unsigned d = 0; d < DIGITS; d++) {
            const struct ir_val below = ir_alu(ir, OP_ALU_LT, keys, c->threshold[d]);
            sum[d][i % 2] = i < 2 ? below : ir_alu(ir, OP_ALU_ADD, sum[d][i % 2], below);
        }
    }
    for (unsigned d = 0; d < DIGITS; d++)
        for (unsigned i = 0; i < 2 && i < n; i++)
            ir_alu_into(ir, c->below[d], OP_ALU_ADD, c->below[d], sum[d][i]);
    pq_leave(k, &c->keys);
}

struct pq_cut pq_find_cut(struct pq_code *k, struct ir_val first, struct ir_mem mem, uint32_t words,
                          unsigned bits)
{
    enum { VECTORS = 64 };
    struct ir *ir = k->ir;
    const uint32_t spare = words - k->z.kept, passes = (bits + RADIX_BITS - 1) / RADIX_BITS;
    const struct ir_val least = pq_set(k, ir->zero), below_next = pq_set(k, ir_const(ir, words));
    const struct ir_val unit = pq_set(k, ir_const(ir, 1u << (passes - 1) * RADIX_BITS));
    const struct pq_loop loop = pq_loop(k, passes);
    struct count c = {.keys = pq_cursor(k, first, mem, false)};
    struct ir_val threshold = least;
    for (unsigned d = 0; d < DIGITS; d++) {
        threshold = ir_alu(ir, OP_ALU_ADD, threshold, unit);
        c.threshold[d] = ir_broadcast(ir, threshold);
        c.below[d] = pq_set(k, ir_vconst(ir, 0));
    }
    pq_repeat(k, words / PQ_LANES, VECTORS, count_vectors, &c);
    for (unsigned d = DIGITS; d-- > 0;) {
        const struct ir_val below = pq_sum(k, c.below[d]);
        const struct ir_val good = ir_alu(ir, OP_ALU_LT, below, ir_const(ir, spare + 1));
        ir_alu_into(ir, least, OP_ALU_ADD, least, ir_alu(ir, OP_ALU_MUL, good, unit));
        ir_alu_into(ir, below_next, OP_ALU_OR, ir_select(ir, good, below_next, below), ir->zero);
    }
    ir_alu_into(ir, unit, OP_ALU_SHR, unit, ir_const(ir, RADIX_BITS));
    pq_loop_end(k, &loop);
    return pq_cut(k, least, ir_alu(ir, OP_ALU_SUB, below_next, ir_const(ir, spare)), ir->zero);
}

/* --- what is kept ------------------------------------------------------------------- */

struct ir_val pq_keep(struct pq_code *k, struct pq_cut *cut, struct ir_val keys)
{
    struct ir *ir = k->ir;
    const struct ir_val equal = pq_ring_next(&cut->equal);
    ir_alu_into(ir, equal, OP_ALU_EQ, keys, cut->least);
    ir_alu_into(ir, keys, OP_ALU_LT, cut->least, keys);
    const struct ir_val early = ir_alu(ir, OP_ALU_LT, running(k, equal, cut->seen), cut->ties);
    return ir_alu(ir, OP_ALU_OR, keys, ir_alu(ir, OP_ALU_AND, equal, early));
}

void pq_put(struct pq_code *k, struct ir_val to, struct ir_mem mem, struct ir_val keep, struct ir_val values)
{
    const struct ir_val at = running(k, keep, to);
    for (unsigned i = 0; i < PQ_LANES; i++)
        ir_store(k->ir, ir_lane(at, i), ir_lane(values, i), mem);
}
