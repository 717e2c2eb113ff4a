#include "builder/passes/dump.h"

#include <stdlib.h>
#include <string.h>

#include "builder/build.h"
#include "builder/passes/fold.h"

/* --- the ir ------------------------------------------------------------------ */

static const struct ir_const *constant(const struct ir *ir, uint32_t block)
{
    for (size_t i = 0; i < ir->consts.n; i++)
        if (ir->consts.at[i].scalar.block == block || ir->consts.at[i].vector.block == block)
            return &ir->consts.at[i];
    return NULL;
}

void dump_val(const struct ir *ir, struct ir_val v, struct text *out)
{
    const struct ir_block *b = &ir->blocks.at[v.block];
    const struct ir_const *c = constant(ir, v.block);
    const unsigned last = ir_word(v, v.lanes - 1u);
    if (c)
        text_addf(out, "#%u", c->value);
    else
        text_addf(out, b->name ? "b%u_%s" : "b%u", v.block, b->name);
    if (v.word == 0 && v.lanes == b->words && (v.lanes == 1 || v.stride == 1))
        return;
    text_addf(out, last != v.word ? "[%u..%u" : "[%u", v.word, last);
    if (v.stride > 1 && v.lanes > 1)
        text_addf(out, "/%u", v.stride);
    text_add(out, "]");
    if (v.stride == 0 && v.lanes > 1)
        text_addf(out, "x%u", v.lanes);
}

static void add_form(const struct ir *ir, const struct ir_op *op, const struct ir_form *x, struct text *out)
{
    text_add(out, isa_info((enum isa_op)x->op)->name);
    for (unsigned k = 0; k < x->sources; k++) {
        text_add(out, " ");
        dump_val(ir, x->src[k], out);
    }
    if (isa_has_literal((enum isa_op)x->op))
        text_addf(out, " %lld", (long long)op->literal);
}

static void add_op(const struct ir *ir, uint32_t i, struct text *out)
{
    const struct ir_op *op = &ir->ops.at[i];
    text_addf(out, "%6u  ", i);
    if (ir_has_dest(op)) {
        dump_val(ir, op->dest, out);
        text_add(out, " = ");
    }
    add_form(ir, op, &op->form, out);
    if (ir_has_alt(op)) {
        text_add(out, " | ");
        add_form(ir, op, &op->alt, out);
    }
    const enum isa_kind kind = isa_info((enum isa_op)op->form.op)->kind;
    if (kind != KIND_PURE && op->mem.words == UINT32_MAX)
        text_add(out, " ; anywhere");
    else if (kind != KIND_PURE)
        text_addf(out, " ; words %u..%u", op->mem.first, op->mem.first + op->mem.words - 1);
    text_add(out, "\n");
}

static void add_tag(const struct ir *ir, struct ir_tag tag, struct text *out)
{
    text_addf(out, "  -- %s", ir->stages.at[tag.stage]);
    if (tag.strand != IR_SHARED)
        text_addf(out, ", strand %u, round %u", tag.strand, tag.round);
    text_add(out, "\n");
}

static bool same_tag(struct ir_tag a, struct ir_tag b)
{
    return a.stage == b.stage && a.strand == b.strand && (a.strand == IR_SHARED || a.round == b.round);
}

static void add_exit(const struct ir *ir, const struct ir_region *x, struct text *out)
{
    if (!ir_has_exit(x))
        return;
    if (x->exit == IR_NEXT || x->exit == IR_JUMP)
        text_addf(out, "  to region %u", x->target);
    else
        text_add(out, x->exit == IR_HALT ? "  halt" : x->exit == IR_PAUSE ? "  pause" : "  trace");
    if (x->cond.block != IR_NONE) {
        text_add(out, x->exit == IR_NEXT ? " if " : " ");
        dump_val(ir, x->cond, out);
    }
    text_add(out, "\n");
}

void dump_ir(const struct ir *ir, struct text *out)
{
    for (uint32_t r = 0; r < ir->regions.n; r++) {
        const struct ir_region *x = &ir->regions.at[r];
        text_addf(out, "region %u\n", r);
        for (uint32_t i = x->first_op; i < ir_region_end(ir, r); i++) {
            if (i == x->first_op || !same_tag(ir->ops.at[i].tag, ir->ops.at[i - 1].tag))
                add_tag(ir, ir->ops.at[i].tag, out);
            add_op(ir, i, out);
        }
        add_exit(ir, x, out);
    }
}

/* --- graph and schedule ------------------------------------------------------- */

static void add_node(const struct sched_graph *p, uint32_t node, struct text *out)
{
    if (node < p->graph.ops)
        text_addf(out, "%u", p->graph.first_op + node);
    else
        text_addf(out, "fence %u", node - p->graph.ops);
}

void dump_graph(const struct sched_graph *p, struct text *out)
{
    for (uint32_t i = 0; i < p->graph.nodes; i++) {
        text_add(out, i < p->graph.ops ? "  " : "");
        add_node(p, i, out);
        text_add(out, " :");
        for (unsigned e = 0; e < ENGINE_DEBUG; e++)
            if (p->nodes[i].units & 1u << e)
                text_addf(out, " %s", isa_engine_name((enum isa_engine)e));
        text_add(out, " after");
        for (uint32_t e = p->graph.pred_at[i]; e < p->graph.pred_at[i + 1]; e++) {
            text_add(out, " ");
            add_node(p, p->graph.pred[e].to, out);
            text_add(out, p->graph.pred[e].delay ? "" : "=");
        }
        text_add(out, "\n");
    }
}

/* What is issued, by cycle and engine. */
struct issue {
    uint32_t cycle, op;
    uint8_t engine, first, lanes;
    bool all;
};

static int by_cycle(const void *x, const void *y)
{
    const struct issue *a = x, *b = y;
    if (a->cycle != b->cycle)
        return a->cycle < b->cycle ? -1 : 1;
    if (a->engine != b->engine)
        return a->engine < b->engine ? -1 : 1;
    return a->op < b->op ? -1 : a->op > b->op;
}

static void add_issues(const struct issue *x, size_t n, uint32_t length, struct text *out)
{
    size_t i = 0;
    for (uint32_t c = 0; c < length; c++) {
        text_addf(out, "%6u ", c);
        for (unsigned engine = ISA_ENGINES; i < n && x[i].cycle == c; i++) {
            if (engine != x[i].engine)
                text_addf(out, " %s", isa_engine_name((enum isa_engine)x[i].engine));
            engine = x[i].engine;
            text_addf(out, " %u", x[i].op);
            if (!x[i].all)
                text_addf(out, "[%u..%u]", x[i].first, x[i].first + x[i].lanes - 1u);
        }
        text_add(out, "\n");
    }
}

void dump_schedule(const struct sched_graph *p, const struct schedule *s, struct text *out)
{
    VEC(struct issue) list = {0};
    const struct dep_graph *g = &p->graph;
    for (uint32_t i = 0; i < g->ops && !out->failed; i++)
        if (s->engine[i] != ENGINE_ALU &&
            !vec_push(&list, (struct issue){s->start[i], g->first_op + i, s->engine[i], 0, 0, true}))
            out->failed = true;
    for (size_t i = 0; i < s->pieces.n && !out->failed; i++) {
        const struct sched_piece *x = &s->pieces.at[i];
        const bool all = x->lanes == p->nodes[x->node].lanes;
        if (!vec_push(&list,
                      (struct issue){x->cycle, g->first_op + x->node, ENGINE_ALU, x->first, x->lanes, all}))
            out->failed = true;
    }
    if (list.n && !out->failed)
        qsort(list.at, list.n, sizeof *list.at, by_cycle);
    if (!out->failed)
        add_issues(list.at, list.n, s->length, out);
    vec_free(&list);
}

void dump_allocation(const struct ir *ir, const struct allocation *a, struct text *out)
{
    for (uint32_t b = 0; b < ir->blocks.n; b++) {
        if (a->at[b] == IR_NONE)
            continue;
        const struct ir_val v = {b, 0, 1,
                                 (uint8_t)(ir->blocks.at[b].words > 255 ? 255 : ir->blocks.at[b].words)};
        text_addf(out, "%6u..%-6u ", a->at[b], a->at[b] + ir->blocks.at[b].words - 1);
        dump_val(ir, v, out);
        if (a->home[b] < ir->regions.n)
            text_addf(out, ", region %u\n", a->home[b]);
        else
            text_add(out, ", all the time\n");
    }
    text_addf(out, "most words: %u, in cycle %u of region %u\n", a->peak, a->peak_cycle, a->peak_region);
}

/* --- passes ------------------------------------------------------------------ */

static const char *const names[DUMP_PASSES] = {"ir", "fold", "graph", "schedule", "allocation", "program"};

const char *dump_name(enum dump_pass pass)
{
    return names[pass];
}

enum dump_pass dump_find(const char *name)
{
    unsigned i = 0;
    while (i < DUMP_PASSES && strcmp(names[i], name) != 0)
        i++;
    return (enum dump_pass)i;
}

static void dump_passes(const struct build *b, enum dump_pass pass, struct text *out)
{
    if (pass == DUMP_ALLOCATION)
        dump_allocation(b->ir, &b->allocation, out);
    if (pass == DUMP_PROGRAM)
        prog_write_asm(b->emitted.prog, out);
    for (uint32_t r = 0; r < b->ir->regions.n && pass < DUMP_ALLOCATION; r++) {
        text_addf(out, "region %u\n", r);
        if (pass == DUMP_GRAPH)
            dump_graph(&b->graphs[r], out);
        else
            dump_schedule(&b->graphs[r], &b->schedules[r], out);
    }
}

enum status dump_build(struct ir *ir, enum dump_pass pass, struct text *out, struct diag *d)
{
    enum status status = ir_status(ir, d);
    if (status == ST_OK && pass == DUMP_FOLD)
        status = fold_ir(ir, NULL, d);
    if (status == ST_OK && pass <= DUMP_FOLD)
        dump_ir(ir, out);
    if (status != ST_OK || pass <= DUMP_FOLD)
        return status;
    struct build b;
    status = build_run(ir, &b, d);
    if (status == ST_OK)
        dump_passes(&b, pass, out);
    build_free(&b);
    return status;
}
