#include "builder/passes/compact.h"

#include <stdlib.h>
#include <string.h>

#define NOWHEN UINT32_MAX

/* Time runs in the direction of the pass: in a backward one cycle 0 is the last. */
struct compact {
    const struct sched_graph *p;
    struct schedule *s;
    struct compact_window window;
    bool backward;
    uint32_t cycles;       /* of room */
    uint32_t *begin, *end; /* by node; NOWHEN: not placed yet */
    uint16_t *used[ISA_ENGINES];
    uint32_t *next[ISA_ENGINES]; /* by cycle: that or a later one, on the way to one with a free slot */
    uint32_t *order, *sorted_at;
    VEC(struct sched_piece) pieces;
    VEC(uint32_t) stack; /* of fences that others wait for */
    bool failed;
};

static enum isa_engine first_engine(const struct compact *c, uint32_t node)
{
    const struct ir_op *op = &c->p->ir->ops.at[c->p->graph.first_op + node];
    const unsigned units = c->p->nodes[node].units;
    enum isa_engine e = ir_is_elementwise(op) ? (op->alu_only ? ENGINE_ALU : ENGINE_VALU)
                                              : isa_info((enum isa_op)op->form.op)->engine;
    for (unsigned k = 0; k < ENGINE_DEBUG && !c->p->ir->machine.slots[e]; k++)
        if (units & 1u << k && c->p->ir->machine.slots[k])
            e = (enum isa_engine)k;
    return e;
}

/* --- slots --------------------------------------------------------------------------- */

/* The first cycle from `from` on in which the engine has a free slot. */
static uint32_t free_cycle(struct compact *c, enum isa_engine e, uint32_t from)
{
    uint32_t *next = c->next[e], at = from;
    while (next[at] != at)
        at = next[at] = next[next[at]];
    return at;
}

static void take(struct compact *c, enum isa_engine e, uint32_t cycle, uint32_t slots)
{
    c->used[e][cycle] = (uint16_t)(c->used[e][cycle] + slots);
    if (c->used[e][cycle] >= c->p->ir->machine.slots[e])
        c->next[e][cycle] = cycle + 1;
}

/* When the last of `lanes` slots on alu is had, from `from` on. */
static uint32_t last_lane(struct compact *c, uint32_t from, uint32_t lanes)
{
    const uint32_t slots = c->p->ir->machine.slots[ENGINE_ALU];
    for (uint32_t at = from;; at++) {
        at = free_cycle(c, ENGINE_ALU, at);
        const uint32_t n = slots - c->used[ENGINE_ALU][at];
        if (n >= lanes || at + 1 >= c->cycles)
            return at;
        lanes -= n;
    }
}

static void place_lanes(struct compact *c, uint32_t node, uint32_t from)
{
    const uint32_t slots = c->p->ir->machine.slots[ENGINE_ALU], lanes = c->p->nodes[node].lanes;
    c->begin[node] = NOWHEN;
    for (uint32_t done = 0, at = from; done < lanes; at++) {
        at = free_cycle(c, ENGINE_ALU, at);
        uint32_t n = slots - c->used[ENGINE_ALU][at];
        n = n < lanes - done ? n : lanes - done;
        if (!vec_push(&c->pieces, (struct sched_piece){node, at, (uint8_t)done, (uint8_t)n}))
            c->failed = true;
        take(c, ENGINE_ALU, at, n);
        if (c->begin[node] == NOWHEN)
            c->begin[node] = at;
        c->end[node] = at;
        done += n;
    }
}

static uint32_t end_on(struct compact *c, uint32_t node, enum isa_engine e, uint32_t ready)
{
    return e == ENGINE_ALU ? last_lane(c, ready, c->p->nodes[node].lanes) : free_cycle(c, e, ready);
}

/* --- one op -------------------------------------------------------------------------- */

/* Edges against the pass's direction, and what is at their other ends. */
static uint32_t edges_from(const struct compact *c, uint32_t node)
{
    return c->backward ? c->p->graph.succ_at[node] : c->p->graph.pred_at[node];
}

static const struct dep_edge *edge_at(const struct compact *c, uint32_t e)
{
    return c->backward ? &c->p->graph.succ[e] : &c->p->graph.pred[e];
}

static uint32_t wait_of(const struct compact *c, uint32_t from, uint32_t to, const struct dep_edge *e)
{
    const uint32_t first = c->backward ? to : from; /* which of them the program executes first */
    const bool fence = first >= c->p->graph.ops;
    return e->delay * (fence ? 1 : c->p->ir->machine.latency[c->s->engine[first]]);
}

/* A fence is there when all it follows is; false where one of those is another fence that is to be found. */
static bool find_fence(struct compact *c, uint32_t fence)
{
    uint32_t at = 0;
    for (uint32_t e = edges_from(c, fence); e < edges_from(c, fence + 1); e++) {
        const struct dep_edge *x = edge_at(c, e);
        if (c->end[x->to] == NOWHEN) {
            if (!vec_push(&c->stack, x->to))
                c->failed = true;
            return false;
        }
        const uint32_t there = c->end[x->to] + wait_of(c, x->to, fence, x);
        at = there > at ? there : at;
    }
    c->begin[fence] = c->end[fence] = at;
    return true;
}

static void find_fences(struct compact *c, uint32_t fence)
{
    c->stack.n = 0;
    if (!vec_push(&c->stack, fence))
        c->failed = true;
    while (c->stack.n && !c->failed)
        if (find_fence(c, c->stack.at[c->stack.n - 1]))
            c->stack.n--;
}

/* The first cycle of the op's window. */
static uint32_t soonest(const struct compact *c, uint32_t node)
{
    const struct ir_op *ops = c->p->ir->ops.at + c->p->graph.first_op;
    const float was = (float)(ops[node].origin - ops[0].origin);
    const float first = was - was * c->window.share - (float)c->window.cycles;
    return first > 0 ? (uint32_t)first : 0;
}

/* The first cycle in which the node may be, on this engine. */
static uint32_t ready_at(struct compact *c, uint32_t node, enum isa_engine e)
{
    const enum isa_engine was = (enum isa_engine)c->s->engine[node];
    uint32_t ready = c->backward ? 0 : soonest(c, node);
    c->s->engine[node] = (uint8_t)e; /* backward its own latency counts */
    for (uint32_t k = edges_from(c, node); k < edges_from(c, node + 1) && !c->failed; k++) {
        const struct dep_edge *x = edge_at(c, k);
        if (x->to >= c->p->graph.ops && c->end[x->to] == NOWHEN)
            find_fences(c, x->to);
        const uint32_t there = c->end[x->to] + wait_of(c, x->to, node, x);
        ready = there > ready ? there : ready;
    }
    c->s->engine[node] = (uint8_t)was;
    return ready;
}

static void place(struct compact *c, uint32_t node)
{
    const unsigned units = c->p->nodes[node].units;
    enum isa_engine best = (enum isa_engine)c->s->engine[node];
    uint32_t ready = ready_at(c, node, best), end = end_on(c, node, best, ready);
    for (unsigned e = 0; e < ENGINE_DEBUG && !c->failed; e++) {
        if (e == c->s->engine[node] || !(units & 1u << e) || !c->p->ir->machine.slots[e])
            continue;
        const uint32_t from = ready_at(c, node, (enum isa_engine)e);
        const uint32_t until = end_on(c, node, (enum isa_engine)e, from);
        if (until < end) {
            best = (enum isa_engine)e;
            ready = from;
            end = until;
        }
    }
    c->s->engine[node] = (uint8_t)best;
    if (best == ENGINE_ALU) {
        place_lanes(c, node, ready);
        return;
    }
    c->begin[node] = c->end[node] = end;
    take(c, best, end, 1);
}

/* --- one pass ------------------------------------------------------------------------ */

static void clear(struct compact *c)
{
    c->pieces.n = 0;
    memset(c->begin, 0xff, (c->p->graph.nodes + 1u) * sizeof *c->begin);
    memset(c->end, 0xff, (c->p->graph.nodes + 1u) * sizeof *c->end);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        memset(c->used[e], 0, c->cycles * sizeof *c->used[e]);
        for (uint32_t t = 0; t < c->cycles; t++)
            c->next[e][t] = t;
    }
}

/* Puts the ops in the order of a pass: by the cycle in which they begin in its direction, those of one
 * cycle in the order of the ir, or against it. */
static void sort_ops(struct compact *c, const uint32_t *cycle, uint32_t cycles)
{
    const uint32_t n = c->p->graph.ops;
    memset(c->sorted_at, 0, (cycles + 2u) * sizeof *c->sorted_at);
    for (uint32_t i = 0; i < n; i++)
        c->sorted_at[cycle[i] + 1]++;
    for (uint32_t t = 0; t < cycles; t++)
        c->sorted_at[t + 1] += c->sorted_at[t];
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t i = c->backward ? n - 1 - k : k;
        c->order[c->sorted_at[cycle[i]]++] = i;
    }
}

/* The pass's times as the schedule's, whose length is returned. */
static uint32_t keep(struct compact *c)
{
    const uint32_t n = c->p->graph.nodes;
    uint32_t length = 0;
    for (uint32_t i = 0; i < c->p->graph.ops; i++)
        length = c->end[i] + 1 > length ? c->end[i] + 1 : length;
    for (uint32_t i = 0; i < n; i++) {
        const bool placed = c->end[i] != NOWHEN;
        const uint32_t begin = placed ? c->begin[i] : 0, end = placed ? c->end[i] : 0;
        const uint32_t last = length ? length - 1 : 0;
        c->s->start[i] = c->backward ? (end < last ? last - end : 0) : begin;
        c->s->finish[i] = c->backward ? (begin < last ? last - begin : 0) : end;
    }
    return length;
}

static bool keep_pieces(struct compact *c, uint32_t length)
{
    c->s->pieces.n = 0;
    for (size_t k = 0; k < c->pieces.n; k++) {
        struct sched_piece x = c->pieces.at[k];
        if (c->backward)
            x.cycle = length - 1 - x.cycle;
        if (!vec_push(&c->s->pieces, x))
            return false;
    }
    return true;
}

static void pass(struct compact *c)
{
    clear(c);
    for (uint32_t k = 0; k < c->p->graph.ops && !c->failed; k++)
        place(c, c->order[k]);
    if (c->failed)
        return;
    c->s->length = keep(c);
    c->failed = !keep_pieces(c, c->s->length);
}

/* Ops on alu are listed cycle by cycle, as the list scheduler does. */
static int by_cycle(const void *a, const void *b)
{
    const struct sched_piece *x = a, *y = b;
    if (x->cycle != y->cycle)
        return x->cycle < y->cycle ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* A pass in the other direction, from the schedule as it is. */
static void turn(struct compact *c)
{
    const uint32_t length = c->s->length;
    c->backward = !c->backward;
    for (uint32_t i = 0; i < c->p->graph.ops; i++)
        c->end[i] = c->backward ? length - 1 - c->s->finish[i] : c->s->start[i];
    sort_ops(c, c->end, length);
    pass(c);
}

/* The ops as they come, each on the engine that its form names. */
static void begin(struct compact *c)
{
    const uint32_t n = c->p->graph.ops;
    for (uint32_t i = 0; i < n; i++) {
        c->order[i] = i;
        c->s->engine[i] = (uint8_t)first_engine(c, i);
    }
    for (uint32_t i = n; i < c->p->graph.nodes; i++)
        c->s->engine[i] = ISA_ENGINES;
    pass(c);
}

static void begin_with(struct compact *c, const struct schedule *from)
{
    const uint32_t n = c->p->graph.nodes;
    memcpy(c->s->start, from->start, n * sizeof *c->s->start);
    memcpy(c->s->finish, from->finish, n * sizeof *c->s->finish);
    memcpy(c->s->engine, from->engine, n);
    c->s->length = 0;
    for (uint32_t i = 0; i < c->p->graph.ops; i++)
        if (c->s->length < from->finish[i] + 1)
            c->s->length = from->finish[i] + 1;
}

static bool prepare(struct compact *c)
{
    const uint32_t n = c->p->graph.nodes + 1u;
    const struct dep_graph *g = &c->p->graph;
    const struct ir_op *ops = c->p->ir->ops.at + g->first_op;
    /* Where ops were added to a bundle it takes more cycles than it did; a lane a cycle is enough. */
    uint64_t cycles = 64;
    for (uint32_t i = 0; i < g->ops; i++)
        cycles += c->p->nodes[i].lanes;
    if (g->ops)
        cycles += ops[g->ops - 1].origin - ops[0].origin;
    if (cycles > UINT32_MAX / 8)
        return false;
    c->cycles = (uint32_t)cycles;
    c->begin = malloc(n * sizeof *c->begin);
    c->end = malloc(n * sizeof *c->end);
    c->order = malloc(n * sizeof *c->order);
    c->sorted_at = malloc((c->cycles + 2u) * sizeof *c->sorted_at);
    bool good = c->begin && c->end && c->order && c->sorted_at;
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        c->used[e] = malloc(c->cycles * sizeof *c->used[e]);
        c->next[e] = malloc(c->cycles * sizeof *c->next[e]);
        good = good && c->used[e] && c->next[e];
    }
    return good;
}

static bool run(const struct sched_graph *p, const struct schedule *from, struct compact_window window,
                unsigned passes, struct schedule *s)
{
    struct compact c = {.p = p, .s = s, .window = window};
    bool good = prepare(&c);
    if (good) {
        if (from)
            begin_with(&c, from);
        else
            begin(&c);
        for (unsigned k = 0; k < 2 * passes && !c.failed; k++)
            turn(&c);
        good = !c.failed;
        if (s->pieces.n)
            qsort(s->pieces.at, s->pieces.n, sizeof *s->pieces.at, by_cycle);
        s->peak_words = s->peak_cycle = 0;
        s->tight = false;
    }
    free(c.begin);
    free(c.end);
    free(c.order);
    free(c.sorted_at);
    for (unsigned e = 0; e < ENGINE_DEBUG; e++) {
        free(c.used[e]);
        free(c.next[e]);
    }
    vec_free(&c.pieces);
    vec_free(&c.stack);
    return good;
}

bool compact_schedule(const struct sched_graph *p, struct compact_window window, unsigned passes,
                      struct schedule *s)
{
    return run(p, NULL, window, passes, s);
}

bool compact_again(const struct sched_graph *p, const struct schedule *from, unsigned passes,
                   struct schedule *s)
{
    return run(p, from, (struct compact_window){1, 0}, passes ? passes : 1, s);
}
