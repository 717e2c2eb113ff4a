#include "kernels/tree_hash/ladder.h"

#include "builder/build.h"
#include "kernels/dump.h"

static const struct ir_val no_val = {.block = IR_NONE};

enum status ladder_begin(const struct kern_request *rq, struct ladder *l, struct diag *d)
{
    *l = (struct ladder){
        .ir = ir_create(&rq->machine),
        .dump = rq->dump,
        .rounds = (uint32_t)rq->params.at[TREE_ROUNDS],
        .batch = (uint32_t)rq->params.at[TREE_BATCH],
        .nodes = (2u << rq->params.at[TREE_HEIGHT]) - 1,
        .tree = TREE_HEADER,
    };
    l->indices = l->tree + l->nodes;
    l->values = l->indices + l->batch;
    return l->ir ? ST_OK : diag_set(d, ST_NOMEM, "out of memory for the kernel");
}

enum status ladder_finish(struct ladder *l, const char *name, struct kern_programs *out, struct diag *d)
{
    struct emitted e;
    enum status status = kern_dump_ir(l->dump, l->ir, d);
    if (status == ST_OK)
        status = build_simple(l->ir, &e, d);
    if (status == ST_OK) {
        status = kern_program_add(out, name, e.prog, l->ir, d);
        e.prog = NULL;
        emit_free(&e);
    }
    ir_destroy(l->ir);
    return status;
}

struct ladder_loop ladder_loop(struct ladder *l, uint32_t n)
{
    struct ladder_loop loop = {0, n, no_val};
    if (n == 1)
        return loop;
    loop.left = ir_scalar(l->ir, "passes left");
    ir_alu_into(l->ir, loop.left, OP_ALU_OR, ir_const(l->ir, n), l->ir->zero);
    loop.region = ir_loop(l->ir);
    ir_alu_into(l->ir, loop.left, OP_ALU_SUB, loop.left, ir_const(l->ir, 1));
    return loop;
}

void ladder_loop_end(struct ladder *l, const struct ladder_loop *loop)
{
    if (loop->n > 1)
        ir_loop_while(l->ir, loop->region, loop->left);
}

struct ladder_part ladder_part(const struct ladder *l, uint32_t first, uint32_t strands, uint32_t width)
{
    const uint32_t left = l->batch - first, pass = strands * width;
    struct ladder_part p = {first, 1, strands, width, width, no_val};
    if (left >= pass) {
        p.passes = left / pass;
    } else {
        p.strands = (left + width - 1) / width;
        p.rest = left - (p.strands - 1) * width;
    }
    return p;
}

uint32_t ladder_part_end(const struct ladder_part *p)
{
    return ladder_first(p, p->strands) - (p->width - p->rest);
}

struct ladder_loop ladder_passes(struct ladder *l, struct ladder_part *p)
{
    if (p->passes > 1) {
        p->moved = ir_scalar(l->ir, "walkers done");
        ir_alu_into(l->ir, p->moved, OP_ALU_OR, l->ir->zero, l->ir->zero);
    }
    return ladder_loop(l, p->passes);
}

void ladder_passes_end(struct ladder *l, struct ladder_part *p, const struct ladder_loop *loop)
{
    if (p->passes > 1)
        ir_alu_into(l->ir, p->moved, OP_ALU_ADD, p->moved, ir_const(l->ir, p->width));
    ladder_loop_end(l, loop);
}

/* --- walkers' words ----------------------------------------------------------- */

/* Lanes of a strand that have a walker. */
static uint32_t lanes_of(const struct ladder_part *p, uint32_t strand)
{
    return strand + 1 == p->strands ? p->rest : p->width;
}

/* Address of a strand's first word in this pass. */
static struct ir_val address_of(struct ladder *l, const struct ladder_part *p, struct ir_mem words)
{
    const struct ir_val first = ir_const(l->ir, words.first);
    return p->passes == 1 ? first : ir_alu(l->ir, OP_ALU_ADD, first, p->moved);
}

void ladder_load(struct ladder *l, const struct ladder_part *p, uint32_t strand, uint32_t array,
                 struct ir_val to)
{
    const struct ir_mem words = ladder_words(p, array, strand);
    const uint32_t lanes = lanes_of(p, strand);
    if (lanes == p->width) {
        ir_load_into(l->ir, to, address_of(l, p, words), words);
        return;
    }
    for (uint32_t i = 0; i < p->width; i++) {
        const struct ir_mem word = {words.first + (i < lanes ? i : lanes - 1), 1};
        ir_load_into(l->ir, ir_lane(to, i), ir_const(l->ir, word.first), word);
    }
}

void ladder_store(struct ladder *l, const struct ladder_part *p, uint32_t strand, uint32_t array,
                  struct ir_val from)
{
    const struct ir_mem words = ladder_words(p, array, strand);
    const uint32_t lanes = lanes_of(p, strand);
    if (lanes == p->width) {
        ir_store(l->ir, address_of(l, p, words), from, words);
        return;
    }
    for (uint32_t i = 0; i < lanes; i++) {
        const struct ir_mem word = {words.first + i, 1};
        ir_store(l->ir, ir_const(l->ir, word.first), ir_lane(from, i), word);
    }
}
