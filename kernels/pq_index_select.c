/* pq_index: which of a list of keys are kept, and what is written for those. */
#include "kernels/pq_index_code.h"

/* To a new vector: in each lane the sum of the lanes before it. Adds the sum of all to
 * a variable, whose value before goes to *before in each lane. */
static struct ir_val running(struct pq_code *k, struct ir_val v, struct ir_val variable,
                             struct ir_val *before)
{
    struct ir *ir = k->ir;
    const struct ir_val sum = ir_vector(ir, NULL);
    ir_alu_into(ir, ir_lane(sum, 0), OP_ALU_OR, ir->zero, ir->zero);
    for (unsigned i = 1; i < PQ_LANES; i++)
        ir_alu_into(ir, ir_lane(sum, i), OP_ALU_ADD, ir_lane(sum, i - 1), ir_lane(v, i - 1));
    const struct ir_val all = ir_alu(ir, OP_ALU_ADD, ir_lane(sum, PQ_LANES - 1), ir_lane(v, PQ_LANES - 1));
    *before = ir_broadcast(ir, variable);
    ir_alu_into(ir, variable, OP_ALU_ADD, variable, all);
    return sum;
}

struct ir_val pq_keep(struct pq_code *k, struct pq_cut *cut, struct ir_val keys)
{
    struct ir *ir = k->ir;
    struct ir_val before;
    const struct ir_val above = ir_alu(ir, OP_ALU_LT, cut->least, keys);
    const struct ir_val equal = ir_alu(ir, OP_ALU_EQ, keys, cut->least);
    const struct ir_val sum = running(k, equal, cut->seen, &before);
    const struct ir_val early = ir_alu(ir, OP_ALU_LT, ir_alu(ir, OP_ALU_ADD, sum, before), cut->ties);
    return ir_alu(ir, OP_ALU_OR, above, ir_alu(ir, OP_ALU_AND, equal, early));
}

void pq_put(struct pq_code *k, struct ir_val to, struct ir_mem mem, struct ir_val keep, struct ir_val values)
{
    struct ir *ir = k->ir;
    struct ir_val before;
    const struct ir_val sum = running(k, keep, to, &before);
    const struct ir_val at = ir_alu(ir, OP_ALU_ADD, sum, before);
    for (unsigned i = 0; i < PQ_LANES; i++)
        ir_store(ir, ir_lane(at, i), ir_lane(values, i), mem);
}
