/* The public interface for writing kernels: a thin layer over the ir. */
#include <stdlib.h>
#include <string.h>

#include "builder/api/kernel_object.h"
#include "builder/ir/ir_make.h"

/* The header has the table's operators: codes are passed on by number. */
#define ISA_BINARY(ID, name, partial, expression, doc)                                                 \
    _Static_assert((int)SHEAF_OP_##ID == (int)OP_ALU_##ID, "sheaf_builder.h is not the table's: make " \
                                                           "manual");
#include "sim/isa/isa.def"
_Static_assert((int)SHEAF_OPERATORS == (int)ISA_BINARIES, "sheaf_builder.h is not the table's: make manual");

static struct sheaf_reg reg_of(struct ir_val v)
{
    return (struct sheaf_reg){v.block, v.word, v.stride, v.lanes};
}

static struct ir_val val_of(struct sheaf_reg r)
{
    return (struct ir_val){r.block, r.word, r.stride, r.lanes};
}

/* --- failures ---------------------------------------------------------------- */

void kernel_fail(struct sheaf_kernel *k, enum status status, const struct diag *d)
{
    if (k->ir->status != ST_OK)
        return;
    k->ir->status = status;
    k->ir->why = *d;
}

/* A call that is wrong; `what` completes "kernel operation N: ". */
static void wrong(struct sheaf_kernel *k, const char *what)
{
    struct diag d = {0};
    kernel_fail(k,
                diag_set(&d, ST_INPUT, "kernel operation %zu (stage %s): %s", k->ir->ops.n,
                         k->ir->stages.at[k->ir->tag.stage], what),
                &d);
}

const char *sheaf_kernel_error(const struct sheaf_kernel *kernel)
{
    if (!kernel)
        return "out of memory";
    return kernel->ir->status == ST_OK ? NULL : kernel->ir->why.text;
}

/* The ir to add to, or NULL when nothing is to be added any more. */
static struct ir *enter(struct sheaf_kernel *k)
{
    if (!k || k->ir->status != ST_OK)
        return NULL;
    if (k->program.prog) {
        wrong(k, "the kernel is built, nothing can be added to it");
        return NULL;
    }
    return k->ir;
}

/* --- the kernel -------------------------------------------------------------- */

struct sheaf_kernel *sheaf_kernel_create(const struct sheaf_config *config)
{
    const struct sheaf_config c = public_config(config);
    const struct isa_machine reference = isa_default_machine(), asked = public_machine(&c, &reference);
    const char *why = isa_machine_validate(&asked);
    struct sheaf_kernel *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->ir = ir_create(why ? &reference : &asked);
    if (!k->ir) {
        free(k);
        return NULL;
    }
    if (why)
        k->ir->status = diag_set(&k->ir->why, ST_INPUT, "config: %s", why);
    return k;
}

void sheaf_kernel_destroy(struct sheaf_kernel *kernel)
{
    if (!kernel)
        return;
    ir_destroy(kernel->ir);
    prog_destroy(kernel->program.prog);
    vec_free(&kernel->open);
    free(kernel->region_at);
    free(kernel->bounds);
    free(kernel);
}

uint32_t sheaf_vlen(const struct sheaf_kernel *kernel)
{
    return kernel ? kernel->ir->machine.vlen : isa_default_machine().vlen;
}

void sheaf_stage(struct sheaf_kernel *kernel, const char *name)
{
    struct ir *ir = enter(kernel);
    if (ir)
        ir_stage(ir, name);
}

/* --- registers --------------------------------------------------------------- */

static bool same(struct ir_val a, struct ir_val b)
{
    return a.block == b.block && a.word == b.word && a.stride == b.stride && a.lanes == b.lanes;
}

struct sheaf_reg sheaf_const(struct sheaf_kernel *kernel, uint32_t value)
{
    struct ir *ir = enter(kernel);
    return reg_of(ir ? ir_const(ir, value) : ir_no_val);
}

struct sheaf_reg sheaf_vconst(struct sheaf_kernel *kernel, uint32_t value)
{
    struct ir *ir = enter(kernel);
    return reg_of(ir ? ir_vconst(ir, value) : ir_no_val);
}

static bool is_constant(const struct ir *ir, struct ir_val v)
{
    bool found = v.block == ir->zero.block;
    for (size_t i = 0; i < ir->consts.n && !found; i++)
        found = ir->consts.at[i].scalar.block == v.block || ir->consts.at[i].vector.block == v.block;
    return found;
}

/* Whether the last op has just made `value` and may write `dest` in its place: no branch
 * lies between, and it does not read other words of dest's block than those it would write. */
static bool may_redirect(const struct ir *ir, struct ir_val dest, struct ir_val value)
{
    if (ir->regions.at[ir->regions.n - 1].first_op == ir->ops.n || is_constant(ir, value) ||
        dest.lanes != value.lanes || dest.stride != value.stride || dest.block == value.block)
        return false;
    const struct ir_op *op = &ir->ops.at[ir->ops.n - 1];
    for (unsigned s = 0; s < op->form.sources; s++)
        if (op->form.src[s].block == dest.block && !same(op->form.src[s], dest))
            return false;
    return ir_has_dest(op) && same(op->dest, value);
}

/* dest = value. Where the op that made it can write dest itself, it does, and `value` is
 * the copy, which nobody reads as a rule. */
static void assign(struct sheaf_kernel *k, struct ir_val dest, struct ir_val value)
{
    struct ir *ir = k->ir;
    if (is_constant(ir, dest)) {
        wrong(k, "a constant is not to be assigned");
    } else if (may_redirect(ir, dest, value)) {
        ir->ops.at[ir->ops.n - 1].dest = dest;
        ir_alu_into(ir, value, OP_ALU_OR, dest, ir->zero);
    } else {
        ir_alu_into(ir, dest, OP_ALU_OR, value, ir->zero);
    }
}

struct sheaf_reg sheaf_var(struct sheaf_kernel *kernel, const char *name, struct sheaf_reg value)
{
    struct ir *ir = enter(kernel);
    if (!ir)
        return reg_of(ir_no_val);
    const struct ir_val v = ir_block(ir, value.lanes, name);
    assign(kernel, v, val_of(value));
    return reg_of(v);
}

void sheaf_set(struct sheaf_kernel *kernel, struct sheaf_reg dest, struct sheaf_reg value)
{
    if (enter(kernel))
        assign(kernel, val_of(dest), val_of(value));
}

struct sheaf_reg sheaf_lane(struct sheaf_kernel *kernel, struct sheaf_reg vector, uint32_t lane)
{
    if (!enter(kernel))
        return reg_of(ir_no_val);
    if (lane < vector.lanes)
        return reg_of(ir_lane(val_of(vector), lane));
    wrong(kernel, "the vector has no such lane");
    return reg_of(ir_no_val);
}

struct sheaf_reg sheaf_broadcast(struct sheaf_kernel *kernel, struct sheaf_reg scalar)
{
    struct ir *ir = enter(kernel);
    if (!ir)
        return reg_of(ir_no_val);
    if (scalar.lanes != 1)
        wrong(kernel, "a broadcast takes a scalar");
    return reg_of(ir_broadcast(ir, val_of(scalar)));
}

/* --- arithmetic -------------------------------------------------------------- */

struct sheaf_reg sheaf_binary(struct sheaf_kernel *kernel, enum sheaf_operator op, struct sheaf_reg a,
                              struct sheaf_reg b)
{
    struct ir *ir = enter(kernel);
    if (!ir)
        return reg_of(ir_no_val);
    if ((unsigned)op >= SHEAF_OPERATORS) {
        wrong(kernel, "there is no such operator");
        return reg_of(ir_no_val);
    }
    return reg_of(ir_alu(ir, (enum isa_op)op, val_of(a), val_of(b)));
}

struct sheaf_reg sheaf_multiply_add(struct sheaf_kernel *kernel, struct sheaf_reg a, struct sheaf_reg b,
                                    struct sheaf_reg c)
{
    struct ir *ir = enter(kernel);
    return ir ? reg_of(ir_madd(ir, val_of(a), val_of(b), val_of(c))) : reg_of(ir_no_val);
}

struct sheaf_reg sheaf_select(struct sheaf_kernel *kernel, struct sheaf_reg cond, struct sheaf_reg a,
                              struct sheaf_reg b)
{
    struct ir *ir = enter(kernel);
    return ir ? reg_of(ir_select(ir, val_of(cond), val_of(a), val_of(b))) : reg_of(ir_no_val);
}

/* --- memory ------------------------------------------------------------------ */

/* An access by the address; NULL when there is nothing to add. */
static struct ir *enter_memory(struct sheaf_kernel *k, struct sheaf_range range)
{
    struct ir *ir = enter(k);
    if (ir && (!range.words || range.words - 1 > UINT32_MAX - range.first))
        wrong(k, "a range of memory has at least one word, and ends below 2^32");
    return ir;
}

static struct ir_mem mem_of(struct sheaf_range range)
{
    return (struct ir_mem){range.first, range.words};
}

/* ir_load and ir_store read one word of an address. */
static struct ir_val address_of(struct sheaf_kernel *k, struct sheaf_reg addr)
{
    if (addr.lanes != 1)
        wrong(k, "an address is a scalar");
    return val_of(addr);
}

struct sheaf_reg sheaf_load_in(struct sheaf_kernel *kernel, struct sheaf_reg addr, struct sheaf_range range)
{
    struct ir *ir = enter_memory(kernel, range);
    return ir ? reg_of(ir_load(ir, address_of(kernel, addr), mem_of(range))) : reg_of(ir_no_val);
}

struct sheaf_reg sheaf_vload_in(struct sheaf_kernel *kernel, struct sheaf_reg addr, struct sheaf_range range)
{
    struct ir *ir = enter_memory(kernel, range);
    return ir ? reg_of(ir_vload(ir, address_of(kernel, addr), mem_of(range))) : reg_of(ir_no_val);
}

struct sheaf_reg sheaf_gather_in(struct sheaf_kernel *kernel, struct sheaf_reg addr, struct sheaf_range range)
{
    struct ir *ir = enter_memory(kernel, range);
    return reg_of(ir ? ir_gather(ir, val_of(addr), mem_of(range)) : ir_no_val);
}

void sheaf_store_in(struct sheaf_kernel *kernel, struct sheaf_reg addr, struct sheaf_reg value,
                    struct sheaf_range range)
{
    struct ir *ir = enter_memory(kernel, range);
    if (ir)
        ir_store(ir, address_of(kernel, addr), val_of(value), mem_of(range));
}

/* --- control ----------------------------------------------------------------- */

static void open_part(struct sheaf_kernel *k, struct open_part part)
{
    if (k->ir->status == ST_OK && !vec_push(&k->open, part))
        ir_out_of_memory(k->ir);
}

/* The innermost part, which is closed, if it is of this kind. */
static bool close_part(struct sheaf_kernel *k, enum open_kind kind, struct open_part *part)
{
    if (!enter(k))
        return false;
    if (!k->open.n || k->open.at[k->open.n - 1].kind != kind) {
        wrong(k, "closes what is not the innermost open loop or condition");
        return false;
    }
    *part = k->open.at[--k->open.n];
    return true;
}

static struct ir_val not_of(struct ir *ir, struct ir_val cond)
{
    return ir_alu(ir, OP_ALU_EQ, cond, ir->zero);
}

/* A loop over `index`, left out if there is a condition `never` and it holds. */
static struct sheaf_reg open_for(struct sheaf_kernel *k, struct open_part part, struct ir_val from,
                                 const struct ir_val *never)
{
    struct ir *ir = k->ir;
    if (!part.step)
        wrong(k, "the step of a loop is not 0");
    part.kind = OPEN_FOR;
    part.index = ir_scalar(ir, NULL);
    assign(k, part.index, from);
    part.skip = never ? ir_skip(ir, *never) : IR_NONE;
    part.loop = ir_loop(ir);
    open_part(k, part);
    return reg_of(part.index);
}

struct sheaf_reg sheaf_for(struct sheaf_kernel *kernel, uint32_t from, uint32_t to, uint32_t step)
{
    struct ir *ir = enter(kernel);
    if (!ir)
        return reg_of(ir_no_val);
    const uint32_t last = to > from && step ? from + (to - from - 1) / step * step : from;
    const struct ir_val always = ir_const(ir, 1);
    const struct open_part part = {.again = ir_const(ir, last), .step = step, .counted = true};
    return open_for(kernel, part, ir_const(ir, from), to > from ? NULL : &always);
}

struct sheaf_reg sheaf_for_regs(struct sheaf_kernel *kernel, struct sheaf_reg from, struct sheaf_reg to,
                                uint32_t step)
{
    struct ir *ir = enter(kernel);
    if (!ir)
        return reg_of(ir_no_val);
    /* The bounds may be assigned in the loop: copies are not. */
    const struct ir_val bound = ir_scalar(ir, NULL);
    assign(kernel, bound, val_of(to));
    const struct ir_val never = not_of(ir, ir_alu(ir, OP_ALU_LT, val_of(from), bound));
    const struct open_part part = {.again = bound, .step = step};
    return open_for(kernel, part, val_of(from), &never);
}

void sheaf_end_for(struct sheaf_kernel *kernel)
{
    struct open_part p;
    if (!close_part(kernel, OPEN_FOR, &p))
        return;
    struct ir *ir = kernel->ir;
    const struct ir_val step = ir_const(ir, p.step);
    /* The index is below the bound, and what is left is more than a step: no wrap-around. */
    const struct ir_val again = p.counted
                                    ? ir_alu(ir, OP_ALU_LT, p.index, p.again)
                                    : ir_alu(ir, OP_ALU_LT, step, ir_alu(ir, OP_ALU_SUB, p.again, p.index));
    ir_alu_into(ir, p.index, OP_ALU_ADD, p.index, step);
    ir_loop_while(ir, p.loop, again);
    if (p.skip != IR_NONE)
        ir_here(ir, p.skip);
}

void sheaf_do(struct sheaf_kernel *kernel)
{
    struct ir *ir = enter(kernel);
    if (ir)
        open_part(kernel, (struct open_part){.kind = OPEN_DO, .loop = ir_loop(ir)});
}

void sheaf_while(struct sheaf_kernel *kernel, struct sheaf_reg cond)
{
    struct open_part p;
    if (close_part(kernel, OPEN_DO, &p))
        ir_loop_while(kernel->ir, p.loop, val_of(cond));
}

void sheaf_if(struct sheaf_kernel *kernel, struct sheaf_reg cond)
{
    struct ir *ir = enter(kernel);
    if (ir)
        open_part(kernel, (struct open_part){.kind = OPEN_IF, .skip = ir_skip(ir, not_of(ir, val_of(cond)))});
}

void sheaf_else(struct sheaf_kernel *kernel)
{
    struct open_part p;
    if (!close_part(kernel, OPEN_IF, &p))
        return;
    const uint32_t over = ir_skip(kernel->ir, ir_const(kernel->ir, 1));
    ir_here(kernel->ir, p.skip);
    open_part(kernel, (struct open_part){.kind = OPEN_IF, .skip = over});
}

void sheaf_end_if(struct sheaf_kernel *kernel)
{
    struct open_part p;
    if (close_part(kernel, OPEN_IF, &p))
        ir_here(kernel->ir, p.skip);
}
