#include "kernels/pq_index/code.h"

#include "builder/build.h"
#include "kernels/dump.h"

static const struct ir_val no_val = {.block = IR_NONE};

static void vectors(struct pq_code *k)
{
    struct ir *ir = k->ir;
    k->iota = ir_vector(ir, "iota");
    for (unsigned i = 0; i < PQ_LANES; i++)
        ir_alu_into(ir, ir_lane(k->iota, i), OP_ALU_OR, ir_const(ir, i), ir->zero);
    k->rows = ir_vector(ir, "rows");
    ir_alu_into(ir, k->rows, OP_ALU_MUL, k->iota, ir_vconst(ir, PQ_LANES));
}

static void addresses(struct pq_code *k, bool header)
{
    struct ir *ir = k->ir;
    struct ir_val head[PQ_HEADER / PQ_LANES];
    for (unsigned i = 0; header && i < PQ_HEADER / PQ_LANES; i++)
        head[i] = ir_vload(ir, ir_const(ir, i * PQ_LANES), (struct ir_mem){i * PQ_LANES, PQ_LANES});
    for (unsigned i = PQ_Q; i < PQ_ARRAYS; i++) {
        const unsigned word = PQ_H_ADDRESS + i - PQ_Q;
        k->at[i] =
            header ? pq_set(k, ir_lane(head[word / PQ_LANES], word % PQ_LANES)) : ir_const(ir, k->z.first[i]);
    }
}

enum status pq_begin(const struct kern_request *rq, bool header, struct pq_code *k, struct diag *d)
{
    if (rq->machine.vlen != PQ_LANES)
        return diag_set(d, ST_INPUT, "its programs need vectors of %d words, the machine's have %u", PQ_LANES,
                        (unsigned)rq->machine.vlen);
    *k = (struct pq_code){.ir = ir_create(&rq->machine), .z = pq_sizes_of(&rq->params)};
    if (!k->ir)
        return diag_set(d, ST_NOMEM, "out of memory for the kernel");
    ir_stage(k->ir, "setup");
    vectors(k);
    addresses(k, header);
    return ST_OK;
}

enum status pq_finish(struct pq_code *k, struct kern_dump *dump, const char *name, struct kern_programs *out,
                      struct diag *d)
{
    struct emitted e;
    enum status status = kern_dump_ir(dump, k->ir, d);
    if (status == ST_OK)
        status = build_simple(k->ir, &e, d);
    if (status == ST_OK) {
        status = kern_program_add(out, name, e.prog, k->ir, d);
        e.prog = NULL;
        emit_free(&e);
    }
    ir_destroy(k->ir);
    return status;
}

/* --- small change --------------------------------------------------------------- */

struct ir_val pq_set(struct pq_code *k, struct ir_val value)
{
    const struct ir_val v = ir_block(k->ir, value.lanes, NULL);
    ir_alu_into(k->ir, v, OP_ALU_OR, value, k->ir->zero);
    return v;
}

void pq_move(struct pq_code *k, struct ir_val variable, uint32_t by)
{
    if (by)
        ir_alu_into(k->ir, variable, OP_ALU_ADD, variable, ir_const(k->ir, by));
}

struct ir_mem pq_array(const struct pq_code *k, unsigned array)
{
    return (struct ir_mem){k->z.first[array], k->z.words[array] + PQ_LANES - 1};
}

struct ir_mem pq_work(const struct pq_code *k, uint32_t offset, uint32_t words)
{
    return (struct ir_mem){k->z.first[PQ_WORK] + offset, words};
}

struct pq_ring pq_ring(struct pq_code *k, uint16_t words, unsigned n)
{
    struct pq_ring r = {.n = n};
    for (unsigned i = 0; i < n; i++)
        r.at[i] = ir_block(k->ir, words, "ring");
    return r;
}

struct ir_val pq_ring_next(struct pq_ring *r)
{
    return r->at[r->turn++ % r->n];
}

struct ir_val pq_ring_add(struct pq_code *k, struct pq_ring *r, struct ir_val v, uint32_t by)
{
    const struct ir_val to = pq_ring_next(r);
    ir_alu_into(k->ir, to, OP_ALU_ADD, v, ir_const(k->ir, by));
    return to;
}

struct ir_val pq_sum(struct pq_code *k, struct ir_val v)
{
    while (v.lanes > 1) {
        const unsigned half = v.lanes / 2u;
        v = ir_alu(k->ir, OP_ALU_ADD, ir_lanes(v, 0, 1, half), ir_lanes(v, half, 1, half));
    }
    return v;
}

struct ir_val pq_rows(struct pq_code *k, struct ir_val first)
{
    return ir_alu(k->ir, OP_ALU_ADD, first, k->rows);
}

/* --- loops ------------------------------------------------------------------------ */

struct pq_loop pq_loop(struct pq_code *k, uint32_t n)
{
    struct pq_loop loop = {0, n, no_val};
    if (n == 1)
        return loop;
    loop.left = pq_set(k, ir_const(k->ir, n));
    loop.region = ir_loop(k->ir);
    ir_alu_into(k->ir, loop.left, OP_ALU_SUB, loop.left, ir_const(k->ir, 1));
    return loop;
}

void pq_loop_end(struct pq_code *k, const struct pq_loop *loop)
{
    if (loop->n > 1)
        ir_loop_while(k->ir, loop->region, loop->left);
}

void pq_repeat(struct pq_code *k, uint32_t total, uint32_t most, pq_body *body, void *context)
{
    if (total / most) {
        const struct pq_loop loop = pq_loop(k, total / most);
        body(k, context, most);
        pq_loop_end(k, &loop);
    }
    if (total % most)
        body(k, context, total % most);
}

/* --- vectors in a row of memory ----------------------------------------------------- */

struct pq_cursor pq_cursor(struct pq_code *k, struct ir_val first, struct ir_mem mem, bool exact)
{
    struct pq_ring ring = pq_ring(k, PQ_LANES, 2);
    const struct ir_val at = pq_ring_next(&ring);
    ir_alu_into(k->ir, at, OP_ALU_ADD, first, k->rows);
    return (struct pq_cursor){ring, at, at, 0, mem, exact};
}

struct ir_val pq_next(struct pq_code *k, struct pq_cursor *c, struct ir_mem *mem)
{
    const unsigned lane = c->passed % PQ_LANES;
    if (c->passed && !lane)
        c->now = pq_ring_add(k, &c->ring, c->now, PQ_BLOCK);
    c->passed++;
    *mem = c->mem;
    if (c->exact) {
        mem->words = PQ_LANES;
        c->mem.first += PQ_LANES;
    }
    return ir_lane(c->now, lane);
}

void pq_leave(struct pq_code *k, struct pq_cursor *c)
{
    if (c->passed)
        ir_alu_into(k->ir, c->at, OP_ALU_ADD, c->now,
                    ir_const(k->ir, ((c->passed - 1) % PQ_LANES + 1) * PQ_LANES));
    c->now = c->at;
    c->ring.turn = 1;
    c->passed = 0;
}

struct rows {
    struct pq_row *row;
    unsigned n;
};

static void row_vectors(struct pq_code *k, void *context, uint32_t n)
{
    const struct rows *rows = context;
    struct ir_mem mem;
    for (unsigned j = 0; j < rows->n; j++)
        rows->row[j].now = rows->row[j].value;
    for (uint32_t i = 0; i < n; i++)
        for (unsigned j = 0; j < rows->n; j++) {
            struct pq_row *r = &rows->row[j];
            if (r->copy) {
                const struct ir_val from = pq_next(k, &r->from, &mem);
                r->now = ir_vload(k->ir, from, mem);
            } else if (i) {
                r->now = r->step ? pq_ring_add(k, &r->ring, r->now, r->step) : r->now;
            }
            const struct ir_val to = pq_next(k, &r->to, &mem);
            ir_store(k->ir, to, r->now, mem);
        }
    for (unsigned j = 0; j < rows->n; j++) {
        struct pq_row *r = &rows->row[j];
        pq_leave(k, &r->to);
        if (r->copy)
            pq_leave(k, &r->from);
        else
            pq_move(k, r->value, n * r->step);
    }
}

/* The i-th of the words that fill no vector. */
static void row_word(struct pq_code *k, struct pq_row *r, unsigned i)
{
    struct ir_mem from = r->from.mem, to = r->to.mem;
    if (r->to.exact) {
        from = (struct ir_mem){from.first + i, 1};
        to = (struct ir_mem){to.first + i, 1};
    }
    const struct ir_val value =
        r->copy ? ir_load(k->ir, pq_add(k, ir_lane(r->from.at, 0), i), from) : ir_lane(r->value, i);
    ir_store(k->ir, pq_add(k, ir_lane(r->to.at, 0), i), value, to);
}

void pq_write(struct pq_code *k, struct pq_row *row, unsigned n, uint32_t words, uint32_t most)
{
    struct rows rows = {row, n};
    for (unsigned j = 0; j < n; j++)
        if (!row[j].copy) {
            row[j].value = pq_set(k, row[j].value);
            row[j].ring = pq_ring(k, PQ_LANES, 2);
        }
    pq_repeat(k, words / PQ_LANES, most, row_vectors, &rows);
    for (unsigned i = 0; i < words % PQ_LANES; i++)
        for (unsigned j = 0; j < n; j++)
            row_word(k, &row[j], i);
}
