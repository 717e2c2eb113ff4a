#include "kernels/moe_sort/code.h"

#include "builder/build.h"
#include "kernels/dump.h"

static const struct ir_val no_val = {.block = IR_NONE};

/* The addresses of the arrays, from the header. */
static void load_pointers(struct moe_code *c)
{
    const uint32_t vlen = c->ir->machine.vlen;
    for (uint32_t first = MOE_POINTERS / vlen * vlen; first < MOE_HEADER_WORDS; first += vlen) {
        const struct ir_val words = ir_vload(c->ir, ir_const(c->ir, first), (struct ir_mem){first, vlen});
        for (unsigned a = MOE_SIG; a < MOE_ARRAYS; a++) {
            const uint32_t word = MOE_POINTERS + a - MOE_SIG;
            if (word >= first && word < first + vlen)
                c->pointer[a] = ir_lane(words, word - first);
        }
    }
}

enum status moe_begin(const struct kern_request *rq, bool headers, struct moe_code *c, struct diag *d)
{
    *c = (struct moe_code){.s = moe_sizes(&rq->params), .dump = rq->dump, .headers = headers};
    if (rq->machine.vlen != 8)
        return diag_set(d, ST_LIMIT, "vectors of %u words, this code needs 8", rq->machine.vlen);
    c->ir = ir_create(&rq->machine);
    if (!c->ir)
        return diag_set(d, ST_NOMEM, "out of memory for the kernel");
    if (headers)
        load_pointers(c);
    return ST_OK;
}

enum status moe_finish(struct moe_code *c, const char *name, struct kern_programs *out, struct diag *d)
{
    struct emitted e;
    enum status status = kern_dump_ir(c->dump, c->ir, d);
    if (status == ST_OK)
        status = build_simple(c->ir, &e, d);
    if (status == ST_OK) {
        status = kern_program_add(out, name, e.prog, c->ir, d);
        e.prog = NULL;
        emit_free(&e);
    }
    ir_destroy(c->ir);
    return status;
}

/* --- memory ----------------------------------------------------------------------- */

struct ir_val moe_address(struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                          uint32_t word)
{
    struct ir *ir = c->ir;
    const uint32_t offset = p->offset + t->t * p->stride + word;
    struct ir_val at = c->headers ? ir_alu(ir, OP_ALU_ADD, c->pointer[p->array], ir_const(ir, offset))
                                  : ir_const(ir, c->s.at[p->array] + offset);
    if (t->moved.block != IR_NONE && p->stride)
        at = ir_alu(ir, OP_ALU_ADD, at, ir_alu(ir, OP_ALU_MUL, t->moved, ir_const(ir, p->stride)));
    return at;
}

struct ir_val moe_further(struct moe_code *c, struct ir_val at, uint32_t words)
{
    return words ? ir_alu(c->ir, OP_ALU_ADD, at, ir_const(c->ir, words)) : at;
}

struct ir_mem moe_range(const struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                        uint32_t word, uint32_t words)
{
    const uint32_t first = c->s.at[p->array];
    if (t->moved.block != IR_NONE && p->stride)
        return (struct ir_mem){first, (c->s.words[p->array] + 7) / 8 * 8};
    return (struct ir_mem){first + p->offset + t->t * p->stride + word, words};
}

struct ir_val moe_load_row(struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                           uint32_t n)
{
    const struct ir_val to = ir_block(c->ir, (uint16_t)((n + 7) / 8 * 8), NULL);
    const struct ir_val at = moe_address(c, p, t, 0);
    for (uint32_t i = 0; i < n; i += 8) {
        struct ir_mem mem = moe_range(c, p, t, i, 8);
        if (mem.words > 8)
            mem.words += 8;
        ir_load_into(c->ir, moe_part(to, i, 8), moe_further(c, at, i), mem);
    }
    return to;
}

void moe_store_row(struct moe_code *c, const struct moe_place *p, const struct moe_token *t,
                   struct ir_val from, uint32_t n)
{
    const struct ir_val at = moe_address(c, p, t, 0);
    for (uint32_t i = 0; i < n;) {
        const uint32_t words = n - i < 8 ? 1 : 8;
        ir_store(c->ir, moe_further(c, at, i), moe_part(from, i, words), moe_range(c, p, t, i, words));
        i += words;
    }
}

void moe_set(struct moe_code *c, struct ir_val to, uint32_t value)
{
    ir_alu_into(c->ir, to, OP_ALU_OR, ir_const(c->ir, value), c->ir->zero);
}

/* --- loops ------------------------------------------------------------------------ */

struct moe_loop moe_loop(struct moe_code *c, uint32_t n)
{
    struct moe_loop l = {0, n, moe_counter(c, n)};
    if (n > 1) {
        moe_set(c, l.left, n);
        l.region = ir_loop(c->ir);
    }
    return l;
}

void moe_loop_end(struct moe_code *c, const struct moe_loop *l)
{
    if (l->n == 1)
        return;
    ir_alu_into(c->ir, l->left, OP_ALU_SUB, l->left, ir_const(c->ir, 1));
    ir_loop_while(c->ir, l->region, l->left);
}

struct ir_val moe_counter(struct moe_code *c, uint32_t n)
{
    if (n == 1)
        return no_val;
    const struct ir_val counter = ir_scalar(c->ir, "counter");
    moe_set(c, counter, 0);
    return counter;
}

void moe_count(struct moe_code *c, struct ir_val counter, uint32_t n, uint32_t step, uint32_t most)
{
    struct ir *ir = c->ir;
    if (n == 1)
        return;
    const struct ir_val by = ir_const(ir, step);
    if ((uint64_t)(n - 1) * step <= most) {
        ir_alu_into(ir, counter, OP_ALU_ADD, counter, by);
        return;
    }
    const struct ir_val next = ir_alu(ir, OP_ALU_ADD, counter, by), limit = ir_const(ir, most);
    const struct ir_val over = ir_alu(ir, OP_ALU_LT, limit, next);
    const struct ir_val back = ir_alu(ir, OP_ALU_MUL, over, ir_alu(ir, OP_ALU_SUB, next, limit));
    ir_alu_into(ir, counter, OP_ALU_SUB, next, back);
}
