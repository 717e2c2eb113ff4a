#include <string.h>

#include "sim/machine.h"
#include "tests/fuzz/random_ir.h"

enum { MAX_OPS = 1 << 20 };

struct eval {
    const struct ir *ir;
    uint32_t *mem;
    VEC(uint32_t) words;
    VEC(uint32_t) word_at;
};

static uint32_t *word(struct eval *e, struct ir_val v, unsigned lane)
{
    return &e->words.at[e->word_at.at[v.block] + ir_word(v, lane)];
}

static bool eval_memory(struct eval *e, const struct ir_op *op)
{
    const uint64_t first = *word(e, op->form.src[0], 0);
    if (first + op->lanes > RIR_MEM || first < op->mem.first ||
        first + op->lanes > (uint64_t)op->mem.first + op->mem.words)
        return false;
    for (unsigned l = 0; l < op->lanes; l++)
        if (op->form.op == OP_STORE || op->form.op == OP_VSTORE)
            e->mem[first + l] = *word(e, op->form.src[1], l);
        else
            *word(e, op->dest, l) = e->mem[first + l];
    return true;
}

static bool eval_op(struct eval *e, const struct ir_op *op)
{
    const enum isa_kind kind = isa_info((enum isa_op)op->form.op)->kind;
    if (kind != KIND_PURE)
        return eval_memory(e, op);
    uint32_t result[256];
    for (unsigned l = 0; l < op->lanes; l++) {
        uint32_t s[IR_SOURCES] = {0};
        for (unsigned k = 0; k < op->form.sources; k++)
            s[k] = *word(e, op->form.src[k], l);
        if (isa_info((enum isa_op)op->form.op)->partial && s[1] == 0)
            return false;
        result[l] = isa_eval((enum isa_op)op->form.op, s[0], s[1], s[2], (uint32_t)op->literal);
    }
    for (unsigned l = 0; l < op->lanes; l++)
        *word(e, op->dest, l) = result[l];
    return true;
}

static bool eval_regions(struct eval *e)
{
    unsigned long done = 0;
    for (uint32_t r = 0; r < e->ir->regions.n;) {
        const struct ir_region *region = &e->ir->regions.at[r];
        for (uint32_t i = region->first_op; i < ir_region_end(e->ir, r); i++)
            if (++done > MAX_OPS || !eval_op(e, &e->ir->ops.at[i]))
                return false;
        const bool jump = region->cond.block != IR_NONE && *word(e, region->cond, 0) != 0;
        r = jump ? region->target : r + 1;
    }
    return true;
}

bool rir_evaluate(const struct ir *ir, uint32_t *mem)
{
    struct eval e = {.ir = ir, .mem = mem};
    for (size_t b = 0; b < ir->blocks.n; b++) {
        rir_need(vec_push(&e.word_at, (uint32_t)e.words.n));
        for (unsigned k = 0; k < ir->blocks.at[b].words; k++)
            rir_need(vec_push(&e.words, 0));
    }
    const bool good = eval_regions(&e);
    vec_free(&e.words);
    vec_free(&e.word_at);
    return good;
}

bool rir_simulate(const struct prog *p, uint32_t *mem, uint64_t *cycles)
{
    struct sim_config config = sim_default_config();
    config.machine = p->machine;
    config.simulator = SIM_STEP;
    config.cycle_limit = 200000;
    struct sim *s = NULL;
    struct diag d;
    rir_need(sim_create(p, &config, mem, RIR_MEM, &s, &d) == ST_OK);
    const bool good = sim_run(s) == SIM_STOPPED;
    memcpy(mem, s->mem, RIR_MEM * sizeof *mem);
    if (cycles)
        *cycles = s->cycle;
    sim_destroy(s);
    return good;
}
