/* What scheduling needs to know of a region: for each node the engines it may run
 * on and the blocks it keeps alive. */
#include <stdlib.h>
#include <string.h>

#include "builder/passes/schedule.h"

uint8_t sched_units(const struct ir_op *op)
{
    if (ir_is_elementwise(op)) {
        const uint8_t alu = 1u << ENGINE_ALU;
        return op->alu_only ? alu : (uint8_t)(alu | 1u << ENGINE_VALU);
    }
    uint8_t units = (uint8_t)(1u << isa_info((enum isa_op)op->form.op)->engine);
    if (ir_has_alt(op))
        units |= (uint8_t)(1u << isa_info((enum isa_op)op->alt.op)->engine);
    return units;
}

static void touch(struct sched_graph *p, struct sched_node *n, struct ir_val v)
{
    if (v.block == IR_NONE || !p->block_words[v.block])
        return;
    for (unsigned i = 0; i < n->blocks; i++)
        if (n->block[i] == v.block)
            return;
    n->block[n->blocks++] = v.block;
    p->block_uses[v.block]++;
}

static void each_val(const struct ir_op *op, void (*visit)(void *, struct ir_val), void *context)
{
    for (unsigned i = 0; i < op->form.sources; i++)
        visit(context, op->form.src[i]);
    for (unsigned i = 0; ir_has_alt(op) && i < op->alt.sources; i++)
        visit(context, op->alt.src[i]);
    visit(context, op->dest);
}

struct home {
    uint32_t *region; /* of each block: IR_NONE unseen, else its only region, or GLOBAL */
    uint32_t now;
};

#define GLOBAL (UINT32_MAX - 1)

static void visit_home(void *context, struct ir_val v)
{
    struct home *h = context;
    if (v.block == IR_NONE)
        return;
    uint32_t *r = &h->region[v.block];
    *r = *r == IR_NONE || *r == h->now ? h->now : GLOBAL;
}

bool ir_block_homes(const struct ir *ir, uint32_t *region)
{
    struct home h = {region, 0};
    for (size_t b = 0; b < ir->blocks.n; b++)
        region[b] = IR_NONE;
    for (h.now = 0; h.now < ir->regions.n; h.now++) {
        for (uint32_t i = ir->regions.at[h.now].first_op; i < ir_region_end(ir, h.now); i++)
            each_val(&ir->ops.at[i], visit_home, &h);
        visit_home(&h, ir->regions.at[h.now].cond);
    }
    region[ir->zero.block] = GLOBAL;
    bool one = true;
    for (size_t b = 0; b < ir->blocks.n; b++)
        one = one && region[b] != GLOBAL;
    return one;
}

static uint8_t least_wait(const struct isa_machine *m, unsigned units)
{
    uint32_t least = 0;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++)
        if (units & 1u << e && m->slots[e] && (!least || m->latency[e] < least))
            least = m->latency[e];
    return (uint8_t)(least ? least : 1);
}

static bool make_nodes(struct sched_graph *p, uint32_t region)
{
    const struct ir *ir = p->ir;
    uint32_t *home = malloc((ir->blocks.n + 1) * sizeof *home);
    if (!home)
        return false;
    (void)ir_block_homes(ir, home);
    const struct ir_val cond = ir->regions.at[region].cond;
    for (size_t b = 0; b < ir->blocks.n; b++) {
        const bool local = home[b] == region && b != cond.block;
        if (local)
            p->block_words[b] = ir->blocks.at[b].words;
        else if (home[b] == GLOBAL || b == cond.block)
            p->global_words += ir->blocks.at[b].words;
    }
    free(home);
    for (uint32_t i = p->graph.ops; i < p->graph.nodes; i++)
        p->nodes[i].wait = 1;
    for (uint32_t i = 0; i < p->graph.ops; i++) {
        const struct ir_op *op = &ir->ops.at[p->graph.first_op + i];
        struct sched_node *n = &p->nodes[i];
        n->units = sched_units(op);
        n->wait = least_wait(&ir->machine, n->units);
        n->lanes = op->lanes;
        for (unsigned k = 0; k < op->form.sources; k++)
            touch(p, n, op->form.src[k]);
        for (unsigned k = 0; ir_has_alt(op) && k < op->alt.sources; k++)
            touch(p, n, op->alt.src[k]);
        touch(p, n, op->dest);
    }
    return true;
}

bool sched_graph_init(struct sched_graph *p, const struct ir *ir, uint32_t region)
{
    *p = (struct sched_graph){.ir = ir, .n_blocks = (uint32_t)ir->blocks.n};
    p->drains = region + 1 < ir->regions.n || ir->regions.at[region].cond.block != IR_NONE;
    if (!dep_build(ir, region, &p->graph))
        return false;
    p->nodes = calloc(p->graph.nodes + 1u, sizeof *p->nodes);
    p->block_words = calloc(ir->blocks.n + 1, sizeof *p->block_words);
    p->block_uses = calloc(ir->blocks.n + 1, sizeof *p->block_uses);
    if (p->nodes && p->block_words && p->block_uses && make_nodes(p, region))
        return true;
    sched_graph_free(p);
    return false;
}

void sched_graph_free(struct sched_graph *p)
{
    dep_free(&p->graph);
    free(p->nodes);
    free(p->block_words);
    free(p->block_uses);
    *p = (struct sched_graph){0};
}
