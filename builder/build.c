#include "builder/build.h"

#include <stdlib.h>

#include "builder/passes/fold.h"
#include "builder/passes/verify.h"

static enum status no_memory(struct diag *d)
{
    return diag_set(d, ST_NOMEM, "out of memory while building a program");
}

/* --- what the machine can run ------------------------------------------------ */

static bool has(const struct ir *ir, enum isa_engine e)
{
    return ir->machine.slots[e] > 0;
}

static bool runs(const struct ir *ir, const struct ir_op *op)
{
    if (ir_is_elementwise(op))
        return has(ir, ENGINE_ALU) || (has(ir, ENGINE_VALU) && !op->alu_only);
    return has(ir, isa_info((enum isa_op)op->form.op)->engine) ||
           (ir_has_alt(op) && has(ir, isa_info((enum isa_op)op->alt.op)->engine));
}

enum status build_check(const struct ir *ir, struct diag *d)
{
    const enum status status = ir_status(ir, d);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < ir->ops.n; i++) {
        const struct ir_op *op = &ir->ops.at[i];
        const struct isa_info *info = isa_info((enum isa_op)op->form.op);
        if (!runs(ir, op))
            return diag_set(
                d, ST_INPUT,
                "kernel operation %zu (stage %s): %s needs engine %s, of which the machine has no slots", i,
                ir->stages.at[op->tag.stage], info->name, isa_engine_name(info->engine));
    }
    for (size_t r = 0; r < ir->regions.n; r++) {
        const struct ir_region *x = &ir->regions.at[r];
        if (!ir_has_exit(x))
            continue;
        if (!has(ir, ENGINE_FLOW))
            return diag_set(d, ST_INPUT, "the kernel branches, the machine has no flow slots");
        const bool goes = x->exit == IR_NEXT || x->exit == IR_JUMP;
        if (goes && (!x->target || x->target >= ir->regions.n))
            return diag_set(d, ST_INPUT, "the kernel skips ahead (region %zu) without saying where to", r);
    }
    return ST_OK;
}

/* --- keys -------------------------------------------------------------------- */

/* Cycles from the start of each node to the end of the region, at least. */
static bool find_tails(const struct sched_graph *p, uint32_t *tail)
{
    const struct dep_graph *g = &p->graph;
    uint32_t *order = malloc((g->nodes + 1u) * sizeof *order);
    const bool good = order && dep_order(g, order);
    for (uint32_t k = good ? g->nodes : 0; k-- > 0;) {
        const uint32_t i = order[k];
        for (uint32_t e = g->succ_at[i]; e < g->succ_at[i + 1]; e++)
            if (tail[i] < tail[g->succ[e].to] + sched_wait(p, i, &g->succ[e]))
                tail[i] = tail[g->succ[e].to] + sched_wait(p, i, &g->succ[e]);
    }
    free(order);
    return good;
}

/* Cycles that the region's work takes, roughly: its arithmetic, or its loads. */
static float work_of(const struct sched_graph *p)
{
    const struct isa_machine *m = &p->ir->machine;
    const float lanes = (float)(m->slots[ENGINE_ALU] + m->slots[ENGINE_VALU] * m->vlen);
    float arithmetic = 0, loads = 0;
    for (uint32_t i = 0; i < p->graph.ops; i++) {
        const unsigned units = p->nodes[i].units;
        if (units & (1u << ENGINE_ALU | 1u << ENGINE_VALU))
            arithmetic += p->nodes[i].lanes;
        if (units == 1u << ENGINE_LOAD)
            loads++;
    }
    arithmetic = lanes > 0 ? arithmetic / lanes : 0;
    loads = m->slots[ENGINE_LOAD] ? loads / (float)m->slots[ENGINE_LOAD] : 0;
    return arithmetic > loads ? arithmetic : loads;
}

static uint16_t strand_of(const struct sched_graph *p, uint32_t node)
{
    return node < p->graph.ops ? p->ir->ops.at[p->graph.first_op + node].tag.strand : IR_SHARED;
}

/* What belongs to no strand may wait until just before the first that needs it. */
static void settle_shared(const struct sched_graph *p, float *keys)
{
    const struct dep_graph *g = &p->graph;
    for (uint32_t i = g->ops; i-- > 0;) {
        if (strand_of(p, i) != IR_SHARED || g->succ_at[i] == g->succ_at[i + 1])
            continue;
        float soonest = keys[g->succ[g->succ_at[i]].to];
        for (uint32_t e = g->succ_at[i]; e < g->succ_at[i + 1]; e++)
            if (keys[g->succ[e].to] < soonest)
                soonest = keys[g->succ[e].to];
        keys[i] = soonest - 1;
    }
}

bool build_keys(const struct sched_graph *p, float urgency, float *keys)
{
    const struct dep_graph *g = &p->graph;
    uint32_t *tail = calloc(g->nodes + 1u, sizeof *tail);
    if (!tail || !find_tails(p, tail)) {
        free(tail);
        return false;
    }
    uint32_t longest = 0, strands = 0;
    for (uint32_t i = 0; i < g->nodes; i++) {
        const uint16_t c = strand_of(p, i);
        if (longest < tail[i])
            longest = tail[i];
        if (c != IR_SHARED && strands < c + 1u)
            strands = c + 1u;
    }
    const float work = work_of(p), spare = work > (float)longest ? work - (float)longest : 0;
    const float apart = strands > 1 ? spare / (float)(strands - 1) : 0;
    const float pace = strands ? 0 : work / (float)(g->ops + 1);
    for (uint32_t i = 0; i < g->nodes; i++) {
        const uint16_t c = strand_of(p, i);
        const float turn = c != IR_SHARED ? apart * (float)c : pace * (float)(i < g->ops ? i : 0);
        keys[i] = turn + urgency * (float)(longest - tail[i]);
    }
    if (strands)
        settle_shared(p, keys);
    free(tail);
    return true;
}

/* --- the pipeline ------------------------------------------------------------ */

static enum status finish(const struct ir *ir, const struct schedule *schedules, struct allocation *a,
                          struct emitted *out, struct diag *d)
{
    *out = (struct emitted){0};
    enum status status = alloc_blocks(ir, schedules, a, d);
    if (status == ST_OK)
        status = emit_program(ir, schedules, a, out, d);
    if (status == ST_OK)
        status = verify_program(ir, out, NULL, d);
    if (status != ST_OK)
        emit_free(out);
    return status;
}

enum status build_emit(const struct ir *ir, const struct schedule *schedules, struct emitted *out,
                       struct diag *d)
{
    struct allocation a;
    const enum status status = finish(ir, schedules, &a, out, d);
    alloc_free(&a);
    return status;
}

static bool prepare(struct build *b)
{
    const size_t n = b->ir->regions.n;
    b->graphs = calloc(n, sizeof *b->graphs);
    b->schedules = calloc(n, sizeof *b->schedules);
    if (!b->graphs || !b->schedules)
        return false;
    for (uint32_t r = 0; r < n; r++)
        if (!sched_graph_init(&b->graphs[r], b->ir, r) || !schedule_init(&b->schedules[r], &b->graphs[r]))
            return false;
    return true;
}

static bool better(const struct schedule *a, const struct schedule *b)
{
    return a->tight != b->tight ? b->tight : a->length < b->length;
}

/* The best schedule of a region by keys of several urgencies. */
static bool schedule_region(const struct sched_graph *p, const struct sched_options *o, struct schedule *best)
{
    static const float urgencies[] = {2, 1, 0.25f, 0};
    struct schedule other;
    float *keys = malloc((p->graph.nodes + 1u) * sizeof *keys);
    bool good = schedule_init(&other, p) && keys;
    for (size_t i = 0; good && i < sizeof urgencies / sizeof *urgencies; i++) {
        good = build_keys(p, urgencies[i], keys) && schedule_run(i ? &other : best, p, keys, o);
        if (good && i && better(&other, best)) {
            const struct schedule t = *best;
            *best = other;
            other = t;
        }
    }
    schedule_free(&other);
    free(keys);
    return good;
}

static bool schedule_all(struct build *b, uint32_t live_limit)
{
    struct sched_options o = sched_default_options(b->ir);
    o.live_limit = live_limit;
    for (size_t r = 0; r < b->ir->regions.n; r++)
        if (!schedule_region(&b->graphs[r], &o, &b->schedules[r]))
            return false;
    return true;
}

/* Limits on live words, in hundredths of scratch. The last one admits nothing that is
 * not forced: the fewest words that list scheduling can do with. */
static const uint8_t limits[] = {100, 96, 90, 80, 65, 40, 0};

enum status build_run(struct ir *ir, struct build *b, struct diag *d)
{
    *b = (struct build){.ir = ir};
    enum status status = build_check(ir, d);
    if (status == ST_OK)
        status = fold_ir(ir, NULL, d);
    if (status != ST_OK)
        return status;
    if (!prepare(b))
        return no_memory(d);
    status = ST_LIMIT;
    for (size_t i = 0; i < sizeof limits && status == ST_LIMIT; i++) {
        const uint32_t live = (uint32_t)((uint64_t)ir->machine.scratch * limits[i] / 100);
        alloc_free(&b->allocation);
        status =
            schedule_all(b, live) ? finish(ir, b->schedules, &b->allocation, &b->emitted, d) : no_memory(d);
    }
    return status;
}

void build_free(struct build *b)
{
    for (size_t r = 0; b->ir && r < b->ir->regions.n; r++) {
        if (b->schedules)
            schedule_free(&b->schedules[r]);
        if (b->graphs)
            sched_graph_free(&b->graphs[r]);
    }
    free(b->graphs);
    free(b->schedules);
    alloc_free(&b->allocation);
    emit_free(&b->emitted);
    *b = (struct build){0};
}

enum status build_simple(struct ir *ir, struct emitted *out, struct diag *d)
{
    struct build b;
    const enum status status = build_run(ir, &b, d);
    *out = b.emitted;
    b.emitted = (struct emitted){0};
    build_free(&b);
    return status;
}

uint32_t build_cycles(const struct emitted *e)
{
    uint32_t cycles = 0;
    for (uint32_t b = 0; b < e->prog->bundles.n; b++)
        cycles += prog_costs_cycle(e->prog, b);
    return cycles;
}
