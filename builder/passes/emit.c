#include "builder/passes/emit.h"

#include <stdlib.h>
#include <string.h>

#include "builder/passes/schedule.h"

struct item {
    uint32_t cycle, op;
    uint8_t engine, first, lanes;
};

struct work {
    const struct ir *ir;
    const struct schedule *schedules;
    const struct allocation *a;
    struct emitted *out;
    VEC(struct item) items; /* of the region at hand */
    VEC(struct item) sorted;
    VEC(uint32_t) jumps; /* slots whose target is still a region */
    uint32_t *at;        /* counting sort: first item of each cycle and engine */
    /* Of the region at hand, in the cycles of its schedule: */
    uint32_t issued; /* the one after the last that issues something */
    uint32_t end;    /* the one in which all results are there */
};

/* --- order ------------------------------------------------------------------- */

/* Everything the region issues: in ir order, lanes on alu after the rest. */
static bool list_items(struct work *w, uint32_t region)
{
    const struct schedule *s = &w->schedules[region];
    const uint32_t first = w->ir->regions.at[region].first_op, ops = ir_region_end(w->ir, region) - first;
    w->items.n = 0;
    for (uint32_t i = 0; i < ops; i++) {
        const struct ir_op *op = &w->ir->ops.at[first + i];
        if (s->engine[i] != ENGINE_ALU &&
            !vec_push(&w->items, (struct item){s->start[i], first + i, s->engine[i], 0, op->lanes}))
            return false;
    }
    for (size_t k = 0; k < s->pieces.n; k++) {
        const struct sched_piece *p = &s->pieces.at[k];
        if (!vec_push(&w->items, (struct item){p->cycle, first + p->node, ENGINE_ALU, p->first, p->lanes}))
            return false;
    }
    return true;
}

static size_t bin(const struct item *x)
{
    return (size_t)x->cycle * ISA_ENGINES + x->engine;
}

/* Sorts by cycle and engine, keeping the order within. */
static bool sort_items(struct work *w, uint32_t length)
{
    const size_t bins = ((size_t)length + 1) * ISA_ENGINES;
    free(w->at);
    w->at = calloc(bins + 1, sizeof *w->at);
    w->sorted.n = 0;
    if (!w->at || !vec_reserve(&w->sorted, w->items.n + 1))
        return false;
    for (size_t i = 0; i < w->items.n; i++)
        w->at[bin(&w->items.at[i]) + 1]++;
    for (size_t b = 0; b < bins; b++)
        w->at[b + 1] += w->at[b];
    for (size_t i = 0; i < w->items.n; i++)
        w->sorted.at[w->at[bin(&w->items.at[i])]++] = w->items.at[i];
    w->sorted.n = w->items.n;
    return true;
}

/* --- slots ------------------------------------------------------------------- */

static int32_t address(const struct work *w, struct ir_val v, unsigned lane)
{
    return (int32_t)(w->a->at[v.block] + ir_word(v, lane));
}

static bool push_slot(struct work *w, struct isa_slot slot, struct emit_origin origin)
{
    return prog_add_slot(w->out->prog, slot) && vec_push(&w->out->origins, origin);
}

/* Lane `lane` of the op, all of them for a vector operation. */
static bool push_op(struct work *w, const struct item *x, unsigned lane)
{
    const struct ir_op *op = &w->ir->ops.at[x->op];
    const struct ir_form *form = ir_form_on(op, (enum isa_engine)x->engine);
    const bool alu = x->engine == ENGINE_ALU;
    enum isa_op code = (enum isa_op)form->op;
    if (x->engine == ENGINE_VALU && isa_is_alu(code))
        code = isa_to_valu(code);
    struct isa_slot slot = {.op = (uint8_t)code, .engine = x->engine, .literal = op->literal};
    const struct isa_info *info = isa_info(code);
    unsigned source = 0;
    for (unsigned k = 0; k < info->args; k++) {
        if (isa_role_is_dest(info->role[k]))
            slot.arg[k] = address(w, op->dest, lane);
        else if (isa_role_is_address(info->role[k]))
            slot.arg[k] = address(w, form->src[source++], lane);
    }
    return push_slot(w, slot, (struct emit_origin){x->op, (uint8_t)lane, alu ? 1 : op->lanes});
}

static bool push_item(struct work *w, const struct item *x)
{
    if (x->engine != ENGINE_ALU)
        return push_op(w, x, 0);
    for (unsigned lane = x->first; lane < (unsigned)x->first + x->lanes; lane++)
        if (!push_op(w, x, lane))
            return false;
    return true;
}

/* --- regions ----------------------------------------------------------------- */

static bool push_exit(struct work *w, uint32_t region)
{
    static const uint8_t ops[] = {[IR_NEXT] = OP_COND_JUMP,
                                  [IR_JUMP] = OP_JUMP,
                                  [IR_HALT] = OP_HALT,
                                  [IR_PAUSE] = OP_PAUSE,
                                  [IR_TRACE] = OP_TRACE_WRITE};
    const struct ir_region *r = &w->ir->regions.at[region];
    struct isa_slot slot = {.op = ops[r->exit], .engine = ENGINE_FLOW, .literal = r->target};
    if (r->cond.block != IR_NONE)
        slot.arg[0] = address(w, r->cond, 0);
    const bool jumps = r->exit == IR_NEXT || r->exit == IR_JUMP;
    return prog_add_group(w->out->prog, ENGINE_FLOW) &&
           (!jumps || vec_push(&w->jumps, (uint32_t)w->out->prog->slots.n)) &&
           push_slot(w, slot, (struct emit_origin){IR_NONE, 0, 0});
}

/* The cycle from which on what the node writes is there. */
static uint32_t there_at(const struct work *w, const struct schedule *s, uint32_t node)
{
    return s->finish[node] + w->ir->machine.latency[s->engine[node]];
}

/* Whether the exit can be in the region's last bundle: flow has a free slot there,
 * and the condition has committed before. */
static bool exit_fits(const struct work *w, uint32_t region)
{
    const struct ir_region *r = &w->ir->regions.at[region];
    const struct schedule *s = &w->schedules[region];
    if (!w->sorted.n || w->ir->machine.slots[ENGINE_FLOW] < 1)
        return false;
    const uint32_t last = w->end - 1;
    for (size_t i = w->sorted.n; i-- > 0 && w->sorted.at[i].cycle == last;)
        if (w->sorted.at[i].engine == ENGINE_FLOW)
            return false;
    for (uint32_t i = r->first_op; i < ir_region_end(w->ir, region); i++) {
        const struct ir_val dest = w->ir->ops.at[i].dest;
        if (r->cond.block == IR_NONE || dest.block != r->cond.block ||
            there_at(w, s, i - r->first_op) <= last)
            continue;
        for (unsigned lane = 0; lane < dest.lanes; lane++)
            if (ir_word(dest, lane) == r->cond.word)
                return false;
    }
    return true;
}

/* Bundles to wait in, for the cycles [from, to). */
static bool emit_waits(struct work *w, uint32_t from, uint32_t to)
{
    for (; from < to; from++)
        if (!prog_add_bundle(w->out->prog, 0) || !prog_add_group(w->out->prog, ENGINE_ALU))
            return false;
    return true;
}

/* All but what a region waits for at its end: that is from w->issued to w->end. */
static bool emit_bundles(struct work *w)
{
    struct prog *p = w->out->prog;
    uint32_t committed = 0;
    w->issued = 0;
    for (size_t i = 0; i < w->sorted.n; i++) {
        const struct item *x = &w->sorted.at[i];
        const bool new_cycle = !i || x->cycle != x[-1].cycle;
        if (new_cycle &&
            !(emit_waits(w, w->issued, x->cycle < committed ? x->cycle : committed) && prog_add_bundle(p, 0)))
            return false;
        w->issued = x->cycle + 1;
        if (committed < x->cycle + w->ir->machine.latency[x->engine])
            committed = x->cycle + w->ir->machine.latency[x->engine];
        if ((new_cycle || x->engine != x[-1].engine) && !prog_add_group(p, (enum isa_engine)x->engine))
            return false;
        if (!push_item(w, x))
            return false;
    }
    w->end = committed;
    return true;
}

static bool emit_region(struct work *w, uint32_t region)
{
    if (!vec_push(&w->out->region_at, (uint32_t)w->out->prog->bundles.n) || !list_items(w, region) ||
        !sort_items(w, w->schedules[region].length) || !emit_bundles(w))
        return false;
    if (!ir_has_exit(&w->ir->regions.at[region]))
        return region + 1 == w->ir->regions.n || emit_waits(w, w->issued, w->end);
    const bool fits = exit_fits(w, region), shares = fits && w->end == w->issued;
    if (!emit_waits(w, w->issued, w->end - (fits && !shares)) ||
        !(shares || prog_add_bundle(w->out->prog, 0)))
        return false;
    /* Flow is the last of the engines with a limit: its group comes last anyway. */
    return push_exit(w, region);
}

static bool name_blocks(struct work *w)
{
    const struct ir *ir = w->ir;
    for (size_t b = 0; b < ir->blocks.n; b++) {
        const bool permanent = w->a->home[b] != IR_NONE && w->a->home[b] >= ir->regions.n;
        if (!vec_push(&w->out->home, permanent ? w->a->at[b] : IR_NONE))
            return false;
        const char *name = ir->blocks.at[b].name;
        if (permanent && name &&
            !prog_add_name(w->out->prog, name, strlen(name), w->a->at[b], ir->blocks.at[b].words))
            return false;
    }
    return prog_index_names(w->out->prog);
}

/* Each of the strings in the program's arena; NULL stays NULL. */
static const char *keep(struct prog *p, const char *name, bool *good)
{
    const char *copy = name ? arena_text(&p->arena, name, strlen(name)) : NULL;
    *good = *good && (copy || !name);
    return copy;
}

/* Notes on every slot, from the tags and names of the ir. */
static bool note_slots(struct work *w)
{
    const struct ir *ir = w->ir;
    struct prog *p = w->out->prog;
    const char **name = calloc(ir->blocks.n + 1, sizeof *name);
    bool good = name && vec_reserve(&p->notes, p->slots.n);
    for (size_t s = 0; good && s < ir->stages.n; s++)
        good = vec_push(&p->stages, keep(p, ir->stages.at[s], &good)) && good;
    for (size_t b = 0; good && b < ir->blocks.n; b++)
        name[b] = keep(p, ir->blocks.at[b].name, &good);
    for (size_t i = 0; good && i < p->slots.n; i++) {
        const struct emit_origin o = w->out->origins.at[i];
        struct prog_note note = {PROG_NO_STAGE, 0, PROG_ALL_STRANDS, 0, NULL};
        if (o.op != IR_NONE) {
            const struct ir_op *op = &ir->ops.at[o.op];
            note.stage = op->tag.stage < p->stages.n ? op->tag.stage : PROG_NO_STAGE;
            note.round = op->tag.round;
            note.strand = op->tag.strand;
            if (ir_has_dest(op)) {
                note.word = (uint16_t)ir_word(op->dest, o.first);
                note.value = name[op->dest.block];
            }
        }
        p->notes.at[p->notes.n++] = note;
    }
    free(name);
    return good;
}

static bool emit_all(struct work *w)
{
    for (uint32_t r = 0; r < w->ir->regions.n; r++)
        if (!emit_region(w, r))
            return false;
    if (!vec_push(&w->out->region_at, (uint32_t)w->out->prog->bundles.n))
        return false;
    for (size_t i = 0; i < w->jumps.n; i++) {
        struct isa_slot *slot = &w->out->prog->slots.at[w->jumps.at[i]];
        slot->literal = w->out->region_at.at[slot->literal];
    }
    return name_blocks(w) && note_slots(w);
}

enum status emit_program(const struct ir *ir, const struct schedule *schedules, const struct allocation *a,
                         struct emitted *out, struct diag *d)
{
    *out = (struct emitted){.prog = prog_create()};
    struct work w = {.ir = ir, .schedules = schedules, .a = a, .out = out};
    bool good = out->prog != NULL;
    if (good) {
        const struct isa_machine reference = out->prog->machine;
        out->prog->machine = ir->machine;
        out->prog->object_form = memcmp(&reference, &ir->machine, sizeof reference) != 0;
        good = emit_all(&w);
    }
    const bool full = out->prog && out->prog->bundles.n >= PROG_MAX_BUNDLES;
    vec_free(&w.items);
    vec_free(&w.sorted);
    vec_free(&w.jumps);
    free(w.at);
    if (good)
        return ST_OK;
    emit_free(out);
    return full ? diag_set(d, ST_LIMIT, "the program needs more than %d bundles", PROG_MAX_BUNDLES)
                : diag_set(d, ST_NOMEM, "out of memory for the program");
}

void emit_free(struct emitted *e)
{
    prog_destroy(e->prog);
    vec_free(&e->origins);
    vec_free(&e->region_at);
    vec_free(&e->home);
    *e = (struct emitted){0};
}

_Static_assert((int)PROG_ALL_STRANDS == (int)IR_SHARED, "a tag's strand is a note's");
