#include "builder/passes/bound.h"

#include <stdlib.h>
#include <string.h>

/* Ops by the engines they may run on, in the order alu, valu, flow, load: those of one
 * engine alone, those of it and the next one. */
enum { ROW = 4, STEPS = 512, MAX_STEPS = 100000000 };
#define NEVER UINT32_MAX

static const enum isa_engine row[ROW] = {ENGINE_ALU, ENGINE_VALU, ENGINE_FLOW, ENGINE_LOAD};

struct load {
    uint32_t alone[ROW], shared[ROW]; /* alone[0] in lanes; shared[i]: with row[i + 1] */
    uint32_t store;
};

struct bounds {
    const struct sched_graph *p;
    uint32_t *head, *tail; /* by node: cycles before its start and after it, at least */
    uint32_t *order;       /* nodes in an order that edges follow */
    uint32_t *cost;        /* by node: cycles from its start to its finish, at least */
    struct bound *out;
};

/* --- paths ------------------------------------------------------------------- */

static void find_heads(struct bounds *b)
{
    const struct dep_graph *g = &b->p->graph;
    for (uint32_t k = 0; k < g->nodes; k++) {
        const uint32_t i = b->order[k];
        for (uint32_t e = g->succ_at[i]; e < g->succ_at[i + 1]; e++) {
            const uint32_t at = b->head[i] + b->cost[i] + sched_wait(b->p, i, &g->succ[e]);
            if (b->head[g->succ[e].to] < at)
                b->head[g->succ[e].to] = at;
        }
    }
}

static void find_tails(struct bounds *b)
{
    const struct dep_graph *g = &b->p->graph;
    for (uint32_t k = g->nodes; k-- > 0;) {
        const uint32_t i = b->order[k];
        b->tail[i] = b->p->drains ? b->p->nodes[i].wait - 1u : 0;
        for (uint32_t e = g->succ_at[i]; e < g->succ_at[i + 1]; e++) {
            const uint32_t after = b->tail[g->succ[e].to] + sched_wait(b->p, i, &g->succ[e]);
            if (b->tail[i] < after)
                b->tail[i] = after;
        }
        b->tail[i] += b->cost[i];
    }
}

static void find_costs(struct bounds *b)
{
    const uint32_t slots = b->p->ir->machine.slots[ENGINE_ALU];
    for (uint32_t i = 0; i < b->p->graph.ops; i++) {
        const struct sched_node *n = &b->p->nodes[i];
        if (n->units == 1u << ENGINE_ALU && slots)
            b->cost[i] = (n->lanes - 1u) / slots;
    }
}

static void find_dep(struct bounds *b)
{
    for (uint32_t i = 0; i < b->p->graph.ops; i++)
        if (b->out->dep < b->head[i] + b->tail[i] + 1)
            b->out->dep = b->head[i] + b->tail[i] + 1;
}

/* --- work -------------------------------------------------------------------- */

static void add(struct load *w, const struct sched_node *n)
{
    for (unsigned i = 0; i < ROW; i++) {
        const unsigned one = 1u << row[i];
        if (n->units == one)
            w->alone[i] += i ? 1 : n->lanes;
        else if (i + 1 < ROW && n->units == (one | 1u << row[i + 1]))
            w->shared[i]++;
    }
    if (n->units == 1u << ENGINE_STORE)
        w->store++;
}

/* Whether the engines can do the work in so many cycles, were nothing waited for. */
static bool fits(const struct isa_machine *m, const struct load *w, uint64_t cycles)
{
    if (w->store > cycles * m->slots[ENGINE_STORE])
        return false;
    uint64_t rest = 0; /* of what is shared with the engine before */
    for (unsigned i = 0; i < ROW; i++) {
        const uint64_t capacity = cycles * m->slots[row[i]];
        if (capacity < w->alone[i] + rest)
            return false;
        uint64_t spare = capacity - w->alone[i] - rest;
        if (i == 0)
            spare /= m->vlen; /* a lane a slot, and shared ops have a vector's */
        rest = w->shared[i] > spare ? w->shared[i] - spare : 0;
    }
    return true;
}

/* More cycles than `least`, in which the work does not fit. */
static uint64_t least_cycles(const struct isa_machine *m, const struct load *w, uint64_t least)
{
    uint64_t low = least, step = 1;
    while (!fits(m, w, low + step) && low < UINT32_MAX)
        low += step, step *= 2;
    for (uint64_t high = low + step; high - low > 1;) {
        const uint64_t mid = (low + high) / 2;
        if (fits(m, w, mid))
            high = mid;
        else
            low = mid;
    }
    return low + 1;
}

static uint32_t most(const uint32_t *of, uint32_t n)
{
    uint32_t x = 0;
    for (uint32_t i = 0; i < n; i++)
        if (x < of[i])
            x = of[i];
    return x;
}

/* Ops from head h on, by what must follow their finish; then for every such tail those
 * that have it at least. */
static void try_head(struct bounds *b, uint32_t h, uint32_t tail_step, struct load *by_tail)
{
    const struct sched_graph *p = b->p;
    memset(by_tail, 0, STEPS * sizeof *by_tail);
    for (uint32_t i = 0; i < p->graph.ops; i++)
        if (b->head[i] >= h)
            add(&by_tail[(b->tail[i] - b->cost[i]) / tail_step], &p->nodes[i]);
    struct load sum = {{0}, {0}, 0};
    for (uint32_t t = STEPS; t-- > 0;) {
        const struct load *x = &by_tail[t];
        for (unsigned i = 0; i < ROW; i++) {
            sum.alone[i] += x->alone[i];
            sum.shared[i] += x->shared[i];
        }
        sum.store += x->store;
        const uint64_t around = (uint64_t)h + (uint64_t)t * tail_step;
        const uint64_t left = b->out->work > around ? b->out->work - around : 0;
        if (fits(&p->ir->machine, &sum, left))
            continue;
        const uint64_t work = around + least_cycles(&p->ir->machine, &sum, left);
        b->out->work = work < UINT32_MAX ? (uint32_t)work : UINT32_MAX;
        b->out->head = h;
        b->out->tail = t * tail_step;
    }
}

static bool find_work(struct bounds *b)
{
    const uint32_t n = b->p->graph.ops;
    struct load *by_tail = malloc(STEPS * sizeof *by_tail);
    if (!by_tail)
        return false;
    const uint32_t heads = most(b->head, n), tails = most(b->tail, n);
    const uint32_t head_step = heads / STEPS + 1, tail_step = tails / STEPS + 1;
    for (uint32_t h = 0; h <= heads; h += head_step)
        try_head(b, h, tail_step, by_tail);
    free(by_tail);
    return true;
}

/* --- live -------------------------------------------------------------------- */

/* A read of a word that lane `lane` of some op has written. */
struct use {
    uint32_t reader, next;
    uint8_t lane;
};

struct lives {
    struct bounds *b;
    uint32_t *word_at; /* of each block */
    struct writer {
        uint32_t op;
        uint8_t lane;
    } * writer;     /* of each virtual word: the op that wrote it last */
    uint32_t *uses; /* of each op: head of a list */
    VEC(struct use) list;
    uint32_t *far;  /* by op: the longest path from the op at hand, NEVER if none */
    uint64_t steps; /* left to spend on longest paths */
};

static bool note_read(struct lives *l, struct ir_val v, uint32_t node)
{
    for (unsigned lane = 0; lane < (v.stride ? v.lanes : 1u); lane++) {
        const struct writer w = l->writer[l->word_at[v.block] + ir_word(v, lane)];
        if (w.op == NEVER)
            continue;
        if (!vec_push(&l->list, (struct use){node, l->uses[w.op], w.lane}))
            return false;
        l->uses[w.op] = (uint32_t)l->list.n - 1;
    }
    return true;
}

/* Whether the op reads the value in whatever form it runs. */
static bool always_read(const struct ir_op *op, struct ir_val v)
{
    if (!ir_has_alt(op))
        return true;
    for (unsigned k = 0; k < op->alt.sources; k++)
        if (op->alt.src[k].block == v.block && op->alt.src[k].word == v.word)
            return true;
    return false;
}

static bool find_uses(struct lives *l)
{
    const struct sched_graph *p = l->b->p;
    for (uint32_t i = 0; i < p->graph.ops; i++) {
        const struct ir_op *op = &p->ir->ops.at[p->graph.first_op + i];
        for (unsigned k = 0; k < op->form.sources; k++)
            if (always_read(op, op->form.src[k]) && !note_read(l, op->form.src[k], i))
                return false;
        for (unsigned lane = 0; ir_has_dest(op) && lane < op->lanes; lane++)
            l->writer[l->word_at[op->dest.block] + ir_word(op->dest, lane)] =
                (struct writer){i, (uint8_t)lane};
    }
    return true;
}

/* The longest paths from op i to those up to `last`. Steps over fences are left out,
 * which can only shorten them. */
static void find_paths(struct lives *l, uint32_t i, uint32_t last)
{
    const struct dep_graph *g = &l->b->p->graph;
    for (uint32_t k = i; k <= last; k++)
        l->far[k] = NEVER;
    l->far[i] = 0;
    for (uint32_t k = i; k < last; k++)
        for (uint32_t e = g->succ_at[k]; l->far[k] != NEVER && e < g->succ_at[k + 1]; e++) {
            const uint32_t to = g->succ[e].to;
            const uint32_t at = l->far[k] + l->b->cost[k] + sched_wait(l->b->p, k, &g->succ[e]);
            if (to <= last && (l->far[to] == NEVER || l->far[to] < at))
                l->far[to] = at;
        }
}

/* The least cycles for which the words written by op i are taken, summed. */
static uint32_t held(struct lives *l, uint32_t i)
{
    uint32_t time[UINT8_MAX + 1] = {0}, last = i, sum = 0;
    const uint32_t commit = l->b->p->nodes[i].wait - 1u; /* cycles before the words are taken */
    for (uint32_t u = l->uses[i]; u != NEVER; u = l->list.at[u].next)
        if (last < l->list.at[u].reader)
            last = l->list.at[u].reader;
    const bool afford = l->steps > last - i;
    if (afford) {
        l->steps -= last - i;
        find_paths(l, i, last);
    }
    for (uint32_t u = l->uses[i]; u != NEVER; u = l->list.at[u].next) {
        const struct use *x = &l->list.at[u];
        const uint32_t path = afford && l->far[x->reader] != NEVER ? l->far[x->reader] - commit : 1;
        if (time[x->lane] < path)
            time[x->lane] = path;
    }
    for (unsigned lane = 0; lane <= UINT8_MAX; lane++)
        sum += time[lane];
    return sum;
}

static void add_up(struct lives *l)
{
    const struct sched_graph *p = l->b->p;
    const uint32_t words = p->ir->machine.scratch;
    uint64_t area = 0;
    for (uint32_t i = 0; i < p->graph.ops; i++)
        if (l->uses[i] != NEVER && p->block_words[p->ir->ops.at[p->graph.first_op + i].dest.block])
            area += held(l, i);
    if (words > p->global_words)
        l->b->out->live = (uint32_t)((area + words - p->global_words - 1) / (words - p->global_words));
}

static bool find_live(struct bounds *b)
{
    const struct ir *ir = b->p->ir;
    struct lives l = {.b = b, .steps = MAX_STEPS};
    size_t words = 0;
    l.word_at = malloc((ir->blocks.n + 1) * sizeof *l.word_at);
    for (size_t k = 0; l.word_at && k < ir->blocks.n; k++) {
        l.word_at[k] = (uint32_t)words;
        words += ir->blocks.at[k].words;
    }
    l.writer = malloc((words + 1) * sizeof *l.writer);
    l.uses = malloc((b->p->graph.ops + 1u) * sizeof *l.uses);
    l.far = malloc((b->p->graph.ops + 1u) * sizeof *l.far);
    bool good = l.word_at && l.writer && l.uses && l.far;
    if (good) {
        memset(l.writer, 0xff, (words + 1) * sizeof *l.writer);
        memset(l.uses, 0xff, (b->p->graph.ops + 1u) * sizeof *l.uses);
        good = find_uses(&l);
    }
    if (good)
        add_up(&l);
    free(l.word_at);
    free(l.writer);
    free(l.uses);
    free(l.far);
    vec_free(&l.list);
    return good;
}

/* --- all of them ------------------------------------------------------------- */

bool bound_region(const struct sched_graph *p, struct bound *out)
{
    *out = (struct bound){0};
    struct bounds b = {.p = p, .out = out};
    const size_t n = p->graph.nodes + 1u;
    b.head = calloc(n, sizeof *b.head);
    b.tail = calloc(n, sizeof *b.tail);
    b.cost = calloc(n, sizeof *b.cost);
    b.order = calloc(n, sizeof *b.order);
    bool good = b.head && b.tail && b.cost && b.order && dep_order(&p->graph, b.order);
    if (good) {
        find_costs(&b);
        find_heads(&b);
        find_tails(&b);
        find_dep(&b);
        good = find_work(&b) && find_live(&b);
    }
    free(b.head);
    free(b.tail);
    free(b.cost);
    free(b.order);
    out->cycles = out->work > out->dep ? out->work : out->dep;
    if (out->cycles < out->live)
        out->cycles = out->live;
    return good;
}
