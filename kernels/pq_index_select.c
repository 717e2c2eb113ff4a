/* pq_index: which of a list of keys are kept, and what is written for those. */
#include "kernels/pq_index_code.h"

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
