#include "builder/passes/depend.h"

#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX
enum { FENCE_FROM = 6 };

struct edge {
    uint32_t from, to, delay;
};

/* A list of nodes, kept in one pool. */
struct link {
    uint32_t node, next;
};

/* What is known of one scratch word, or of one segment of memory. Memory may have
 * several last writers: the fence or store that all later accesses must follow. */
struct cell {
    uint32_t writer;
    uint32_t readers;    /* head of a list of links, NOBODY if empty */
    uint32_t last_write; /* the last node that writes here: later reads need no record */
};

struct segment {
    uint32_t first, end;
    struct cell cell;
};

struct fence {
    struct ir_mem mem;
    uint32_t node;
    uint32_t stores; /* stores walked when it was made: it holds while none touches its range */
};

struct walk {
    const struct ir *ir;
    struct dep_graph *g;
    VEC(struct edge) edges;
    VEC(struct link) links;
    VEC(struct segment) segments;
    VEC(struct fence) fences;
    VEC(struct ir_mem) stored; /* the range of each store walked */
    struct cell *words;
    uint32_t *word_at; /* of each block */
    uint32_t *writes;  /* how many ops write to each block */
    uint32_t *mark;    /* index of the newest edge from a node, to fold duplicates */
    size_t mark_room;
    uint32_t nodes;
    bool failed;
};

static void edge(struct walk *w, uint32_t from, uint32_t to, uint32_t delay)
{
    if (from == NOBODY || from == to || w->failed)
        return;
    const uint32_t seen = w->mark[from];
    if (seen < w->edges.n && w->edges.at[seen].from == from && w->edges.at[seen].to == to) {
        if (w->edges.at[seen].delay < delay)
            w->edges.at[seen].delay = delay;
        return;
    }
    w->mark[from] = (uint32_t)w->edges.n;
    if (!vec_push(&w->edges, (struct edge){from, to, delay}))
        w->failed = true;
}

static void add_reader(struct walk *w, struct cell *c, uint32_t node)
{
    if (c->last_write == NOBODY || c->last_write <= node)
        return;
    if (c->readers != NOBODY && w->links.at[c->readers].node == node)
        return;
    if (!vec_push(&w->links, (struct link){node, c->readers}))
        w->failed = true;
    else
        c->readers = (uint32_t)w->links.n - 1;
}

static void readers_before(struct walk *w, struct cell *c, uint32_t node)
{
    for (uint32_t l = c->readers; l != NOBODY; l = w->links.at[l].next)
        edge(w, w->links.at[l].node, node, 0);
    c->readers = NOBODY;
}

/* --- scratch ----------------------------------------------------------------- */

static struct cell *word(struct walk *w, struct ir_val v, unsigned lane)
{
    return &w->words[w->word_at[v.block] + v.word + lane * v.stride];
}

static unsigned width(struct ir_val v)
{
    return v.stride ? v.lanes : 1;
}

/* A block that one op writes, which is most of them, counts as one word. */
static struct cell *whole_block(struct walk *w, uint32_t block)
{
    return w->writes[block] <= 1 ? &w->words[w->word_at[block]] : NULL;
}

static void read_val(struct walk *w, struct ir_val v, uint32_t node)
{
    struct cell *whole = whole_block(w, v.block);
    if (whole) {
        edge(w, whole->writer, node, 1);
        add_reader(w, whole, node);
        return;
    }
    for (unsigned l = 0; l < width(v); l++) {
        struct cell *c = word(w, v, l);
        edge(w, c->writer, node, 1);
        add_reader(w, c, node);
    }
}

static bool is_load(const struct ir_op *op)
{
    return isa_info((enum isa_op)op->form.op)->engine == ENGINE_LOAD && !ir_has_alt(op);
}

static void write_val(struct walk *w, const struct ir_op *op, uint32_t node)
{
    struct cell *whole = whole_block(w, op->dest.block);
    if (whole) {
        readers_before(w, whole, node);
        whole->writer = node;
        return;
    }
    for (unsigned l = 0; l < width(op->dest); l++) {
        struct cell *c = word(w, op->dest, l);
        if (c->writer != NOBODY) {
            /* Two loads may share a bundle: slot order decides which word stays. */
            const bool ordered = is_load(op) && is_load(&w->ir->ops.at[w->g->first_op + c->writer]);
            edge(w, c->writer, node, ordered ? 0 : 1);
        }
        readers_before(w, c, node);
        c->writer = node;
    }
}

/* --- memory ------------------------------------------------------------------ */

static uint32_t mem_end(struct ir_mem m)
{
    return m.words > UINT32_MAX - m.first ? UINT32_MAX : m.first + m.words;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool is_store(const struct ir_op *op)
{
    return isa_is_store((enum isa_op)op->form.op);
}

static bool is_read(const struct ir_op *op)
{
    return isa_is_load((enum isa_op)op->form.op);
}

static size_t segment_of(const struct walk *w, uint32_t address)
{
    size_t low = 0, high = w->segments.n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (w->segments.at[mid].end <= address)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Cuts memory at the ends of every range in the region. */
static void make_segments(struct walk *w)
{
    VEC(uint32_t) cuts = {0};
    const struct ir_op *ops = w->ir->ops.at + w->g->first_op;
    for (uint32_t i = 0; i < w->g->ops; i++)
        if ((is_store(&ops[i]) || is_read(&ops[i])) && ops[i].mem.words)
            if (!vec_push(&cuts, ops[i].mem.first) || !vec_push(&cuts, mem_end(ops[i].mem)))
                w->failed = true;
    if (cuts.n && !w->failed)
        qsort(cuts.at, cuts.n, sizeof *cuts.at, by_value);
    for (size_t i = 1; i < cuts.n && !w->failed; i++)
        if (cuts.at[i] > cuts.at[i - 1])
            if (!vec_push(&w->segments,
                          (struct segment){cuts.at[i - 1], cuts.at[i], {NOBODY, NOBODY, NOBODY}}))
                w->failed = true;
    vec_free(&cuts);
    for (uint32_t i = 0; i < w->g->ops && !w->failed; i++)
        if (is_store(&ops[i]))
            for (size_t s = segment_of(w, ops[i].mem.first);
                 s < w->segments.n && w->segments.at[s].first < mem_end(ops[i].mem); s++)
                w->segments.at[s].cell.last_write = i;
}

static bool overlap(struct ir_mem a, struct ir_mem b)
{
    return a.first < mem_end(b) && b.first < mem_end(a);
}

/* A fence for exactly this range, if no store has touched it since. */
static struct fence *find_fence(struct walk *w, struct ir_mem mem)
{
    for (size_t i = w->fences.n; i-- > 0;) {
        struct fence *f = &w->fences.at[i];
        if (f->mem.first != mem.first || f->mem.words != mem.words)
            continue;
        for (size_t s = f->stores; s < w->stored.n; s++)
            if (overlap(w->stored.at[s], mem))
                return NULL;
        f->stores = (uint32_t)w->stored.n;
        return f;
    }
    return NULL;
}

static uint32_t new_node(struct walk *w)
{
    uint32_t node = w->nodes;
    if (!vec_grow((void **)&w->mark, &w->mark_room, node, 1, sizeof *w->mark)) {
        w->failed = true;
        return node;
    }
    w->mark[node] = NOBODY;
    w->nodes++;
    return node;
}

static void read_mem(struct walk *w, const struct ir_op *op, uint32_t node)
{
    const size_t from = segment_of(w, op->mem.first);
    size_t to = from, writers = 0;
    for (uint32_t last = NOBODY; to < w->segments.n && w->segments.at[to].first < mem_end(op->mem); to++) {
        struct cell *c = &w->segments.at[to].cell;
        add_reader(w, c, node);
        if (c->writer != NOBODY && c->writer != last)
            writers++;
        last = c->writer;
    }
    uint32_t target = node;
    if (writers >= FENCE_FROM) {
        const struct fence *f = find_fence(w, op->mem);
        target = f ? f->node : new_node(w);
        edge(w, target, node, 0);
        if (f)
            return;
        if (!vec_push(&w->fences, (struct fence){op->mem, target, (uint32_t)w->stored.n}))
            w->failed = true;
    }
    for (size_t s = from; s < to; s++)
        edge(w, w->segments.at[s].cell.writer, target, 1);
}

static void write_mem(struct walk *w, const struct ir_op *op, uint32_t node)
{
    for (size_t s = segment_of(w, op->mem.first);
         s < w->segments.n && w->segments.at[s].first < mem_end(op->mem); s++) {
        struct cell *c = &w->segments.at[s].cell;
        edge(w, c->writer, node, 1);
        readers_before(w, c, node);
        c->writer = node;
    }
    if (!vec_push(&w->stored, op->mem))
        w->failed = true;
}

/* --- the walk ---------------------------------------------------------------- */

static void walk_op(struct walk *w, uint32_t node)
{
    const struct ir_op *op = &w->ir->ops.at[w->g->first_op + node];
    for (unsigned i = 0; i < op->form.sources; i++)
        read_val(w, op->form.src[i], node);
    if (ir_has_alt(op))
        for (unsigned i = 0; i < op->alt.sources; i++)
            read_val(w, op->alt.src[i], node);
    if (is_read(op))
        read_mem(w, op, node);
    if (is_store(op))
        write_mem(w, op, node);
    if (ir_has_dest(op))
        write_val(w, op, node);
}

/* Counts the writes to each block; marks each word's last writer. */
static void find_last_writes(struct walk *w)
{
    const struct ir_op *ops = w->ir->ops.at + w->g->first_op;
    for (uint32_t i = 0; i < w->g->ops; i++)
        if (ir_has_dest(&ops[i]))
            w->writes[ops[i].dest.block]++;
    for (uint32_t i = 0; i < w->g->ops; i++)
        if (ir_has_dest(&ops[i])) {
            struct cell *whole = whole_block(w, ops[i].dest.block);
            for (unsigned l = 0; !whole && l < width(ops[i].dest); l++)
                word(w, ops[i].dest, l)->last_write = i;
            if (whole)
                whole->last_write = i;
        }
}

static bool prepare(struct walk *w)
{
    size_t words = 0;
    const size_t blocks = w->ir->blocks.n;
    w->word_at = malloc((blocks + 1) * sizeof *w->word_at);
    for (size_t b = 0; w->word_at && b < blocks; b++) {
        w->word_at[b] = (uint32_t)words;
        words += w->ir->blocks.at[b].words;
    }
    w->writes = calloc(blocks + 1, sizeof *w->writes);
    w->words = malloc((words + 1) * sizeof *w->words);
    w->mark_room = w->g->ops + 64u;
    w->mark = malloc(w->mark_room * sizeof *w->mark);
    if (!w->word_at || !w->writes || !w->words || !w->mark)
        return false;
    for (size_t i = 0; i < words; i++)
        w->words[i] = (struct cell){NOBODY, NOBODY, NOBODY};
    for (uint32_t i = 0; i < w->g->ops; i++)
        w->mark[i] = NOBODY;
    find_last_writes(w);
    make_segments(w);
    return !w->failed;
}

/* The collected edges as two adjacency arrays, by counting. */
static bool finish(struct walk *w)
{
    struct dep_graph *g = w->g;
    g->nodes = w->nodes;
    g->edges = (uint32_t)w->edges.n;
    g->succ_at = calloc(g->nodes + 2u, sizeof *g->succ_at);
    g->pred_at = calloc(g->nodes + 2u, sizeof *g->pred_at);
    g->succ = malloc((g->edges + 1u) * sizeof *g->succ);
    g->pred = malloc((g->edges + 1u) * sizeof *g->pred);
    if (!g->succ_at || !g->pred_at || !g->succ || !g->pred)
        return false;
    for (uint32_t e = 0; e < g->edges; e++) {
        g->succ_at[w->edges.at[e].from + 2]++;
        g->pred_at[w->edges.at[e].to + 2]++;
    }
    for (uint32_t i = 2; i < g->nodes + 2; i++) {
        g->succ_at[i] += g->succ_at[i - 1];
        g->pred_at[i] += g->pred_at[i - 1];
    }
    for (uint32_t e = 0; e < g->edges; e++) {
        const struct edge *x = &w->edges.at[e];
        g->succ[g->succ_at[x->from + 1]++] = (struct dep_edge){x->to, x->delay};
        g->pred[g->pred_at[x->to + 1]++] = (struct dep_edge){x->from, x->delay};
    }
    return true;
}

bool dep_build(const struct ir *ir, uint32_t region, struct dep_graph *g)
{
    *g = (struct dep_graph){.first_op = ir->regions.at[region].first_op};
    g->ops = ir_region_end(ir, region) - g->first_op;
    struct walk w = {.ir = ir, .g = g, .nodes = g->ops};
    bool good = prepare(&w);
    for (uint32_t i = 0; good && i < g->ops; i++) {
        walk_op(&w, i);
        good = !w.failed;
    }
    good = good && finish(&w);
    vec_free(&w.edges);
    vec_free(&w.links);
    vec_free(&w.segments);
    vec_free(&w.fences);
    vec_free(&w.stored);
    free(w.words);
    free(w.word_at);
    free(w.writes);
    free(w.mark);
    if (!good)
        dep_free(g);
    return good;
}

void dep_free(struct dep_graph *g)
{
    free(g->succ_at);
    free(g->pred_at);
    free(g->succ);
    free(g->pred);
    *g = (struct dep_graph){0};
}

/* Kahn's algorithm; the order itself is the queue. */
bool dep_order(const struct dep_graph *g, uint32_t *order)
{
    uint32_t *waits = malloc((g->nodes + 1u) * sizeof *waits), n = 0;
    if (!waits)
        return false;
    for (uint32_t i = 0; i < g->nodes; i++) {
        waits[i] = g->pred_at[i + 1] - g->pred_at[i];
        if (!waits[i])
            order[n++] = i;
    }
    for (uint32_t at = 0; at < n; at++)
        for (uint32_t e = g->succ_at[order[at]]; e < g->succ_at[order[at] + 1]; e++)
            if (--waits[g->succ[e].to] == 0)
                order[n++] = g->succ[e].to;
    free(waits);
    return true;
}
