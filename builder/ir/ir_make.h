/* How ops are made: shared by the files of the ir, nobody else's business. */
#ifndef SHEAF_BUILDER_IR_IR_MAKE_H
#define SHEAF_BUILDER_IR_IR_MAKE_H

#include "builder/ir/ir.h"

static const struct ir_val ir_no_val = {IR_NONE, 0, 0, 0};

void ir_out_of_memory(struct ir *ir);

/* An op without sources; a form with `n` of them. */
struct ir_op ir_new_op(enum isa_op code, unsigned lanes, struct ir_val dest);
struct ir_form ir_form(enum isa_op op, unsigned n, struct ir_val a, struct ir_val b, struct ir_val c);

/* Gives a broadcast its two forms. */
void ir_broadcast_forms(const struct ir *ir, struct ir_op *op, struct ir_val scalar);

/* Checks the operands and appends the op under the current tag. */
void ir_push(struct ir *ir, struct ir_op op);

#endif
