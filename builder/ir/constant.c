/* Shared constants. A load slot or a flow slot makes any constant; where one alu
 * slot makes it from two that are there already, that is cheaper, for alu has many
 * more slots. */
#include <stdlib.h>
#include <string.h>

#include "builder/ir/ir_make.h"

enum { MAX_DEPTH = 6, FIRST_SLOTS = 64 };

static uint32_t hash(uint32_t value)
{
    return value * UINT32_C(2654435769) >> 7;
}

/* The slot of a value in the open-addressed index (a power of two in size, never
 * full): that of its entry, or the empty one where it would go. */
static uint32_t *slot_of(const struct ir *ir, uint32_t value)
{
    uint32_t i = hash(value) & (ir->n_const_slots - 1);
    while (ir->const_slots[i] && ir->consts.at[ir->const_slots[i] - 1].value != value)
        i = (i + 1) & (ir->n_const_slots - 1);
    return &ir->const_slots[i];
}

static bool grow_index(struct ir *ir)
{
    const uint32_t n = ir->n_const_slots ? 2 * ir->n_const_slots : FIRST_SLOTS;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots)
        return false;
    free(ir->const_slots);
    ir->const_slots = slots;
    ir->n_const_slots = n;
    for (size_t i = 0; i < ir->consts.n; i++)
        *slot_of(ir, ir->consts.at[i].value) = (uint32_t)i + 1;
    return true;
}

static struct ir_const *find_const(struct ir *ir, uint32_t value)
{
    if (2 * ir->consts.n >= ir->n_const_slots && !grow_index(ir)) {
        ir_out_of_memory(ir);
        return NULL;
    }
    uint32_t *slot = slot_of(ir, value);
    if (!*slot) {
        if (!vec_push(&ir->consts, (struct ir_const){value, 0, ir_no_val, ir_no_val})) {
            ir_out_of_memory(ir);
            return NULL;
        }
        *slot = (uint32_t)ir->consts.n;
    }
    return &ir->consts.at[*slot - 1];
}

/* A constant belongs to the first region, which every other one follows: made
 * while a later region is open, its op is inserted at the first region's end. */
static void push_const(struct ir *ir, struct ir_op op)
{
    ir_push(ir, op);
    if (ir->status != ST_OK || ir->regions.n == 1)
        return;
    const uint32_t at = ir->regions.at[1].first_op;
    struct ir_op *ops = ir->ops.at;
    op = ops[ir->ops.n - 1];
    memmove(ops + at + 1, ops + at, (ir->ops.n - 1 - at) * sizeof *ops);
    ops[at] = op;
    for (size_t r = 1; r < ir->regions.n; r++)
        ir->regions.at[r].first_op++;
}

/* --- derivation: value = a op b ---------------------------------------------- */

struct recipe {
    enum isa_op op;
    struct ir_val a, b;
    unsigned depth; /* alu slots one after the other since something was loaded */
};

/* A scalar with the value, if one is there. */
static const struct ir_const *made(const struct ir *ir, uint32_t value)
{
    if (!ir->n_const_slots)
        return NULL;
    const uint32_t slot = *slot_of(ir, value);
    const struct ir_const *c = slot ? &ir->consts.at[slot - 1] : NULL;
    return c && c->scalar.block != IR_NONE ? c : NULL;
}

static void consider(struct recipe *best, enum isa_op op, const struct ir_const *a, const struct ir_const *b)
{
    if (!a || !b)
        return;
    const unsigned depth = 1u + (a->depth > b->depth ? a->depth : b->depth);
    if (depth < best->depth)
        *best = (struct recipe){op, a->scalar, b->scalar, depth};
}

/* The shallowest way to make the value from constants that are there. */
static bool derive(const struct ir *ir, uint32_t value, struct recipe *best)
{
    *best = (struct recipe){.depth = MAX_DEPTH + 1};
    for (size_t i = 0; i < ir->consts.n && best->depth > 1; i++) {
        const struct ir_const *a = &ir->consts.at[i];
        if (a->scalar.block == IR_NONE || a->depth + 1u >= best->depth)
            continue;
        consider(best, OP_ALU_ADD, a, made(ir, value - a->value));
        consider(best, OP_ALU_SUB, a, made(ir, a->value - value));
        consider(best, OP_ALU_XOR, a, made(ir, a->value ^ value));
        if (a->value && a->value < 32 && value % (1u << a->value) == 0)
            consider(best, OP_ALU_SHL, made(ir, value >> a->value), a);
    }
    return best->depth <= MAX_DEPTH;
}

struct ir_val ir_const(struct ir *ir, uint32_t value)
{
    if (value == 0)
        return ir->zero;
    struct ir_const *c = find_const(ir, value);
    if (!c || c->scalar.block != IR_NONE)
        return c ? c->scalar : ir_no_val;
    struct recipe r;
    const struct ir_val v = ir_scalar(ir, NULL);
    struct ir_op op;
    if (value == 1) {
        op = ir_new_op(OP_ALU_EQ, 1, v);
        op.form = ir_form(OP_ALU_EQ, 2, ir->zero, ir->zero, ir_no_val);
        op.alu_only = true;
    } else if (derive(ir, value, &r)) {
        op = ir_new_op(r.op, 1, v);
        op.form = ir_form(r.op, 2, r.a, r.b, ir_no_val);
        op.alu_only = true;
        c->depth = (uint8_t)r.depth;
    } else {
        op = ir_new_op(OP_CONST, 1, v);
        op.alt = ir_form(OP_ADD_IMM, 1, ir->zero, ir_no_val, ir_no_val);
        op.literal = value;
    }
    const uint16_t strand = ir->tag.strand;
    ir->tag.strand = IR_SHARED;
    push_const(ir, op);
    ir->tag.strand = strand;
    c->scalar = v;
    return v;
}

struct ir_val ir_vconst(struct ir *ir, uint32_t value)
{
    struct ir_const *c = find_const(ir, value);
    if (!c || c->vector.block != IR_NONE)
        return c ? c->vector : ir_no_val;
    const struct ir_val scalar = ir_const(ir, value);
    const struct ir_val v = ir_vector(ir, NULL);
    struct ir_op op = ir_new_op(OP_VBROADCAST, ir->machine.vlen, v);
    ir_broadcast_forms(ir, &op, scalar);
    push_const(ir, op);
    c = find_const(ir, value); /* ir_const may have moved the table */
    if (c)
        c->vector = v;
    return v;
}
