#include "builder/ir/ir_make.h"

#include <stdlib.h>
#include <string.h>

struct ir *ir_create(const struct isa_machine *machine)
{
    struct ir *ir = calloc(1, sizeof *ir);
    if (!ir)
        return NULL;
    ir->machine = *machine;
    if (!vec_push(&ir->regions, (struct ir_region){.cond = ir_no_val})) {
        ir_destroy(ir);
        return NULL;
    }
    ir->tag.strand = IR_SHARED;
    ir->zero = ir_scalar(ir, "zero");
    ir_stage(ir, "main");
    return ir;
}

void ir_destroy(struct ir *ir)
{
    if (!ir)
        return;
    vec_free(&ir->blocks);
    vec_free(&ir->ops);
    vec_free(&ir->regions);
    vec_free(&ir->consts);
    free(ir->const_slots);
    vec_free(&ir->stages);
    arena_free(&ir->arena);
    free(ir);
}

enum status ir_status(const struct ir *ir, struct diag *d)
{
    if (ir->status != ST_OK && d)
        *d = ir->why;
    return ir->status;
}

void ir_out_of_memory(struct ir *ir)
{
    if (ir->status == ST_OK)
        ir->status = diag_set(&ir->why, ST_NOMEM, "out of memory while building a kernel");
}

/* The kernel code is wrong; `what` completes "op N: ". */
static void misuse(struct ir *ir, const char *what)
{
    if (ir->status == ST_OK)
        ir->status = diag_set(&ir->why, ST_INPUT, "kernel operation %zu (stage %s): %s", ir->ops.n,
                              ir->stages.n ? ir->stages.at[ir->tag.stage] : "", what);
}

struct ir_val ir_block(struct ir *ir, uint16_t words, const char *name)
{
    const char *copy = name ? arena_text(&ir->arena, name, strlen(name)) : NULL;
    if (ir->status != ST_OK)
        return ir_no_val;
    if ((name && !copy) || !vec_push(&ir->blocks, (struct ir_block){.name = copy, .words = words})) {
        ir_out_of_memory(ir);
        return ir_no_val;
    }
    return (struct ir_val){(uint32_t)ir->blocks.n - 1, 0, 1, (uint8_t)(words > 255 ? 255 : words)};
}

struct ir_val ir_scalar(struct ir *ir, const char *name)
{
    return ir_block(ir, 1, name);
}

struct ir_val ir_vector(struct ir *ir, const char *name)
{
    return ir_block(ir, (uint16_t)ir->machine.vlen, name);
}

struct ir_val ir_name(struct ir *ir, struct ir_val v, const char *name)
{
    if (v.block < ir->blocks.n && !ir->blocks.at[v.block].name)
        ir->blocks.at[v.block].name = name;
    return v;
}

struct ir_val ir_view(struct ir_val block, unsigned word, unsigned stride, unsigned lanes)
{
    return (struct ir_val){block.block, (uint16_t)(block.word + word), (uint8_t)stride, (uint8_t)lanes};
}

static bool fits(const struct ir *ir, struct ir_val v)
{
    return v.block < ir->blocks.n && v.lanes > 0 &&
           v.word + (v.lanes - 1u) * v.stride < ir->blocks.at[v.block].words;
}

/* Lanes of an elementwise op may run one after another: none may write what another
 * one reads or writes. */
static bool lanes_apart(const struct ir_op *op)
{
    for (unsigned k = 0; k < op->form.sources; k++) {
        const struct ir_val s = op->form.src[k], d = op->dest;
        for (unsigned i = 0; s.block == d.block && i < op->lanes; i++)
            for (unsigned j = 0; j < op->lanes; j++)
                if (i != j && ir_word(d, i) == ir_word(s, j))
                    return false;
    }
    return op->lanes == 1 || op->dest.stride != 0;
}

/* Appends an op after checking its operands against their blocks. */
void ir_push(struct ir *ir, struct ir_op op)
{
    if (ir->status != ST_OK)
        return;
    if (ir_has_dest(&op) && !fits(ir, op.dest))
        misuse(ir, "the destination is outside its block");
    for (unsigned i = 0; i < op.form.sources; i++)
        if (!fits(ir, op.form.src[i]))
            misuse(ir, "a source is outside its block");
    if (ir_has_dest(&op) && op.dest.block == ir->zero.block)
        misuse(ir, "the zero word is not to be written");
    if (isa_is_alu((enum isa_op)op.form.op) && !lanes_apart(&op))
        misuse(ir, "a lane writes what another lane reads or writes");
    op.tag = ir->tag;
    if (op.form.op == OP_CONST || op.form.op == OP_VBROADCAST)
        op.tag.strand = IR_SHARED;
    if (ir->status == ST_OK && !vec_push(&ir->ops, op))
        ir_out_of_memory(ir);
}

struct ir_op ir_new_op(enum isa_op code, unsigned lanes, struct ir_val dest)
{
    return (struct ir_op){
        .form = {.op = (uint8_t)code},
        .alt = {.op = OP_UNKNOWN},
        .lanes = (uint8_t)lanes,
        .dest = dest,
    };
}

struct ir_form ir_form(enum isa_op op, unsigned n, struct ir_val a, struct ir_val b, struct ir_val c)
{
    return (struct ir_form){(uint8_t)op, (uint8_t)n, {a, b, c}};
}

/* One valu slot, or a copy a lane on alu. */
void ir_broadcast_forms(const struct ir *ir, struct ir_op *op, struct ir_val scalar)
{
    const unsigned lanes = ir->machine.vlen;
    op->form = ir_form(OP_VBROADCAST, 1, scalar, ir_no_val, ir_no_val);
    op->alt = ir_form(OP_ALU_OR, 2, ir_view(scalar, 0, 0, lanes), ir_view(ir->zero, 0, 0, lanes), ir_no_val);
}

struct ir_val ir_broadcast(struct ir *ir, struct ir_val scalar)
{
    const struct ir_val v = ir_vector(ir, NULL);
    struct ir_op op = ir_new_op(OP_VBROADCAST, ir->machine.vlen, v);
    ir_broadcast_forms(ir, &op, scalar);
    ir_push(ir, op);
    return v;
}

/* `v` as an operand of `lanes` lanes. */
static struct ir_val widen(struct ir *ir, struct ir_val v, unsigned lanes)
{
    if (v.lanes == lanes || ir->status != ST_OK)
        return v;
    if (v.lanes != 1) {
        misuse(ir, "operands differ in lanes");
        return v;
    }
    if (lanes != ir->machine.vlen)
        return (struct ir_val){v.block, v.word, 0, (uint8_t)lanes};
    if (v.block == ir->zero.block)
        return ir_vconst(ir, 0);
    for (size_t i = 0; i < ir->consts.n; i++)
        if (ir->consts.at[i].scalar.block == v.block)
            return ir_vconst(ir, ir->consts.at[i].value);
    return ir_broadcast(ir, v);
}

static unsigned wider(struct ir_val a, struct ir_val b)
{
    return a.lanes > b.lanes ? a.lanes : b.lanes;
}

/* --- arithmetic -------------------------------------------------------------- */

void ir_alu_into(struct ir *ir, struct ir_val dest, enum isa_op code, struct ir_val a, struct ir_val b)
{
    a = widen(ir, a, dest.lanes);
    b = widen(ir, b, dest.lanes);
    struct ir_op op = ir_new_op(code, dest.lanes, dest);
    op.form = ir_form(code, 2, a, b, ir_no_val);
    op.alu_only = dest.lanes != ir->machine.vlen || dest.stride != 1 || a.stride != 1 || b.stride != 1;
    ir_push(ir, op);
}

struct ir_val ir_alu(struct ir *ir, enum isa_op code, struct ir_val a, struct ir_val b)
{
    const struct ir_val dest = ir_block(ir, (uint16_t)wider(a, b), NULL);
    ir_alu_into(ir, dest, code, a, b);
    return dest;
}

static bool whole(const struct ir *ir, struct ir_val v)
{
    return v.stride == 1 && v.lanes == ir->machine.vlen;
}

struct ir_val ir_madd(struct ir *ir, struct ir_val a, struct ir_val b, struct ir_val c)
{
    const unsigned lanes = ir->machine.vlen;
    a = widen(ir, a, lanes);
    b = widen(ir, b, lanes);
    c = widen(ir, c, lanes);
    if (!whole(ir, a) || !whole(ir, b) || !whole(ir, c))
        misuse(ir, "multiply_add takes vectors of consecutive words");
    const struct ir_val dest = ir_vector(ir, NULL);
    struct ir_op op = ir_new_op(OP_MULTIPLY_ADD, lanes, dest);
    op.form = ir_form(OP_MULTIPLY_ADD, 3, a, b, c);
    ir_push(ir, op);
    return dest;
}

struct ir_val ir_select(struct ir *ir, struct ir_val cond, struct ir_val a, struct ir_val b)
{
    return ir_choose(ir, cond, a, b, ir_no_val);
}

struct ir_val ir_choose(struct ir *ir, struct ir_val cond, struct ir_val a, struct ir_val b,
                        struct ir_val diff)
{
    unsigned lanes = wider(a, b);
    if (cond.lanes > lanes)
        lanes = cond.lanes;
    cond = widen(ir, cond, lanes);
    a = widen(ir, a, lanes);
    b = widen(ir, b, lanes);
    const bool vector = lanes == ir->machine.vlen && lanes > 1;
    if (vector ? !whole(ir, cond) || !whole(ir, a) || !whole(ir, b) : lanes != 1)
        misuse(ir, "a select takes scalars, or vectors of consecutive words");
    const enum isa_op code = vector ? OP_VSELECT : OP_SELECT;
    const struct ir_val dest = ir_block(ir, (uint16_t)lanes, NULL);
    struct ir_op op = ir_new_op(code, lanes, dest);
    op.form = ir_form(code, 3, cond, a, b);
    if (diff.block != IR_NONE && vector)
        op.alt = ir_form(OP_MULTIPLY_ADD, 3, cond, widen(ir, diff, lanes), b);
    ir_push(ir, op);
    return dest;
}

/* --- memory ------------------------------------------------------------------ */

void ir_load_into(struct ir *ir, struct ir_val dest, struct ir_val addr, struct ir_mem mem)
{
    if (dest.lanes != 1 && !whole(ir, dest))
        misuse(ir, "a load writes one word or a vector of consecutive words");
    const bool vector = dest.lanes != 1;
    struct ir_op op = ir_new_op(vector ? OP_VLOAD : OP_LOAD, dest.lanes, dest);
    op.form = ir_form((enum isa_op)op.form.op, 1, addr, ir_no_val, ir_no_val);
    op.mem = mem;
    ir_push(ir, op);
}

struct ir_val ir_load(struct ir *ir, struct ir_val addr, struct ir_mem mem)
{
    const struct ir_val v = ir_scalar(ir, NULL);
    ir_load_into(ir, v, addr, mem);
    return v;
}

struct ir_val ir_vload(struct ir *ir, struct ir_val addr, struct ir_mem mem)
{
    const struct ir_val v = ir_vector(ir, NULL);
    ir_load_into(ir, v, addr, mem);
    return v;
}

void ir_store(struct ir *ir, struct ir_val addr, struct ir_val src, struct ir_mem mem)
{
    if (src.lanes != 1 && !whole(ir, src))
        misuse(ir, "a store takes one word or a vector of consecutive words");
    struct ir_op op = ir_new_op(src.lanes != 1 ? OP_VSTORE : OP_STORE, src.lanes, ir_no_val);
    op.form = ir_form((enum isa_op)op.form.op, 2, addr, src, ir_no_val);
    op.mem = mem;
    ir_push(ir, op);
}

struct ir_val ir_gather(struct ir *ir, struct ir_val addr, struct ir_mem mem)
{
    const struct ir_val v = ir_block(ir, addr.lanes, NULL);
    for (unsigned l = 0; l < addr.lanes; l++)
        ir_load_into(ir, ir_lane(v, l), ir_lane(addr, l), mem);
    return v;
}

/* --- control ----------------------------------------------------------------- */

static void open_region(struct ir *ir)
{
    if (ir->status == ST_OK &&
        !vec_push(&ir->regions, (struct ir_region){.first_op = (uint32_t)ir->ops.n, .cond = ir_no_val}))
        ir_out_of_memory(ir);
}

uint32_t ir_loop(struct ir *ir)
{
    open_region(ir);
    return (uint32_t)ir->regions.n - 1;
}

static void end_region(struct ir *ir, struct ir_val cond, uint32_t target)
{
    if (cond.lanes != 1 || !fits(ir, cond))
        misuse(ir, "a branch takes a scalar condition");
    struct ir_region *r = &ir->regions.at[ir->regions.n - 1];
    r->cond = cond;
    r->target = target;
    open_region(ir);
}

void ir_loop_while(struct ir *ir, uint32_t loop, struct ir_val cond)
{
    end_region(ir, cond, loop);
}

uint32_t ir_skip(struct ir *ir, struct ir_val cond)
{
    end_region(ir, cond, 0);
    return (uint32_t)ir->regions.n - 2;
}

void ir_here(struct ir *ir, uint32_t skip)
{
    open_region(ir);
    if (ir->status == ST_OK)
        ir->regions.at[skip].target = (uint32_t)ir->regions.n - 1;
}

void ir_stage(struct ir *ir, const char *name)
{
    size_t i = 0;
    while (i < ir->stages.n && strcmp(ir->stages.at[i], name) != 0)
        i++;
    if (i == ir->stages.n) {
        const char *copy = arena_text(&ir->arena, name, strlen(name));
        if (!copy || !vec_push(&ir->stages, copy)) {
            ir_out_of_memory(ir);
            return;
        }
    }
    ir->tag.stage = (uint16_t)i;
}
