/* tree_hash:scalar, the first rung: the reference's operations one after the other,
 * a slot a bundle, all rounds and walkers unrolled. 36 bundles a step; before them
 * the header (14), the shared constants (one each) and two pauses around the body. */
#include "builder/ir/assemble.h"
#include "kernels/tree_hash/tree_hash.h"

/* Scratch addresses. */
struct scalar {
    struct asmb *a;
    uint32_t header[TREE_HEADER];
    uint32_t idx, val, node, addr, tmp1, tmp2;
    uint32_t zero, one, two;
    bool walker_constants; /* every walker's number is held in scratch */
};

/* addr = base + the walker's number. */
static void address(struct scalar *s, uint32_t base, uint32_t walker)
{
    if (s->walker_constants)
        asmb_emit(s->a, OP_ALU_ADD, s->addr, base, asmb_const(s->a, walker));
    else
        asmb_emit(s->a, OP_ADD_IMM, s->addr, base, walker);
}

static void emit_hash(struct scalar *s)
{
    for (unsigned i = 0; i < TREE_STAGES; i++) {
        const struct tree_hash_stage *st = &tree_hash_stages[i];
        asmb_emit(s->a, st->op1, s->tmp1, s->val, asmb_const(s->a, st->constant));
        asmb_emit(s->a, st->op3, s->tmp2, s->val, asmb_const(s->a, st->shift));
        asmb_emit(s->a, st->op2, s->val, s->tmp1, s->tmp2);
    }
}

static void emit_step(struct scalar *s, uint32_t walker)
{
    struct asmb *a = s->a;
    const uint32_t indices = s->header[TREE_H_INDICES], values = s->header[TREE_H_VALUES];
    address(s, indices, walker);
    asmb_emit(a, OP_LOAD, s->idx, s->addr);
    address(s, values, walker);
    asmb_emit(a, OP_LOAD, s->val, s->addr);
    asmb_emit(a, OP_ALU_ADD, s->addr, s->header[TREE_H_TREE], s->idx);
    asmb_emit(a, OP_LOAD, s->node, s->addr);
    asmb_emit(a, OP_ALU_XOR, s->val, s->val, s->node);
    emit_hash(s);
    asmb_emit(a, OP_ALU_MOD, s->tmp1, s->val, s->two);
    asmb_emit(a, OP_ALU_EQ, s->tmp1, s->tmp1, s->zero);
    asmb_emit(a, OP_SELECT, s->tmp2, s->tmp1, s->one, s->two);
    asmb_emit(a, OP_ALU_MUL, s->idx, s->idx, s->two);
    asmb_emit(a, OP_ALU_ADD, s->idx, s->idx, s->tmp2);
    asmb_emit(a, OP_ALU_LT, s->tmp1, s->idx, s->header[TREE_H_NODES]);
    asmb_emit(a, OP_SELECT, s->idx, s->tmp1, s->idx, s->zero);
    address(s, indices, walker);
    asmb_emit(a, OP_STORE, s->addr, s->idx);
    address(s, values, walker);
    asmb_emit(a, OP_STORE, s->addr, s->val);
}

static void emit_header(struct scalar *s)
{
    static const char *const names[TREE_HEADER] = {"rounds", "n_nodes",   "batch",   "height",
                                                   "tree_p", "indices_p", "values_p"};
    for (unsigned i = 0; i < TREE_HEADER; i++)
        s->header[i] = asmb_scratch(s->a, names[i], 1);
    for (unsigned i = 0; i < TREE_HEADER; i++) {
        asmb_emit(s->a, OP_CONST, s->addr, i);
        asmb_emit(s->a, OP_LOAD, s->header[i], s->addr);
    }
}

enum status tree_hash_scalar(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    enum { OTHER_WORDS = 40 }; /* above the header, the variables and the hash's constants */
    const uint32_t batch = (uint32_t)rq->params.at[TREE_BATCH];
    const int64_t rounds = rq->params.at[TREE_ROUNDS];
    if (rounds * batch > PROG_MAX_BUNDLES / 36)
        return diag_set(d, ST_LIMIT, "rounds * batch is above %d, the program would be too long",
                        PROG_MAX_BUNDLES / 36);
    struct scalar s = {.a = asmb_create(&rq->machine)};
    uint32_t *const variables[] = {&s.idx, &s.val, &s.node, &s.addr, &s.tmp1, &s.tmp2};
    static const char *const names[] = {"idx", "val", "node", "addr", "tmp1", "tmp2"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        *variables[i] = asmb_scratch(s.a, names[i], 1);
    emit_header(&s);
    s.walker_constants = batch <= rq->machine.scratch && rq->machine.scratch - batch >= OTHER_WORDS;
    s.zero = asmb_const(s.a, 0);
    s.one = asmb_const(s.a, 1);
    s.two = asmb_const(s.a, 2);
    asmb_emit(s.a, OP_PAUSE);
    for (int64_t round = 0; round < rounds; round++)
        for (uint32_t walker = 0; walker < batch; walker++)
            emit_step(&s, walker);
    asmb_emit(s.a, OP_PAUSE);
    struct prog *program;
    const enum status status = asmb_finish(s.a, &program, d);
    return status == ST_OK ? kern_program_add(out, "scalar", program, NULL, d) : status;
}
