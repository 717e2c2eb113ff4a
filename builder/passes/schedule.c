#include "builder/passes/schedule.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "builder/passes/rankset.h"

#define NOBODY UINT32_MAX
enum { MASKS = 1 << ENGINE_DEBUG, WHEEL = 64, MAX_HELD = 64 };
_Static_assert((int)WHEEL >= (int)ISA_MAX_LATENCY, "the wheel goes round once while a result is in flight");

#define UNIT(e) (1u << (e))

struct sched_work {
    uint64_t *order;       /* sort space: key << 32 | node, twice over */
    uint32_t *rank;        /* of each node */
    uint32_t *node_of;     /* the inverse */
    uint32_t *waits;       /* predecessors not finished */
    uint32_t *ready;       /* earliest start, by predecessors finished so far */
    uint32_t *next;        /* wheel lists */
    uint32_t wheel[WHEEL]; /* nodes that get ready in cycle c, in slot c % WHEEL */
    uint32_t *uses_left;   /* of each block */
    bool *alive;
    uint64_t *set_space;
    size_t set_words;   /* per set */
    VEC(uint32_t) held; /* popped this cycle, put back at its end */
};

/* One run. */
struct run {
    const struct sched_graph *p;
    const struct sched_options *o;
    const float *keys;
    struct schedule *s;
    struct sched_work *w;
    struct rankset set[MASKS]; /* ready nodes by the engines they may run on */
    uint8_t masks[MASKS];      /* those in use */
    unsigned n_masks;
    const uint32_t *succ_at;
    const struct dep_edge *succ;
    uint32_t wait[ISA_ENGINES + 1]; /* latencies; of ISA_ENGINES: 1 */
    uint32_t now, left, waiting;    /* waiting: in the wheel */
    uint32_t committed;             /* when all that was written so far is there */
    uint32_t live;
    uint32_t partial; /* the node on alu with lanes to go, NOBODY if none */
    uint8_t partial_first;
    uint8_t held[MASKS]; /* how many of a mask are held back in this cycle */
    float front;         /* the least key of a ready node at the cycle's start */
    float blocked;       /* the least key that had to wait for words: what comes after may not take any */
    uint32_t forced;     /* a node that may exceed the live limit, NOBODY if none */
    bool failed;
};

struct sched_options sched_default_options(const struct ir *ir)
{
    return (struct sched_options){
        .live_limit = ir->machine.scratch, .valu_bias = 0, .flow_bias = 8, .ahead = 0.5f, .const_bias = 0};
}

bool schedule_init(struct schedule *s, const struct sched_graph *p)
{
    *s = (struct schedule){0};
    const size_t n = p->graph.nodes + 1u;
    struct sched_work *w = s->work = calloc(1, sizeof *w);
    s->start = malloc(n * sizeof *s->start);
    s->finish = malloc(n * sizeof *s->finish);
    s->engine = malloc(n);
    if (!w || !s->start || !s->finish || !s->engine)
        return schedule_free(s), false;
    w->order = malloc(2 * n * sizeof *w->order);
    w->rank = malloc(n * sizeof *w->rank);
    w->node_of = malloc(n * sizeof *w->node_of);
    w->waits = malloc(n * sizeof *w->waits);
    w->ready = malloc(n * sizeof *w->ready);
    w->next = malloc(n * sizeof *w->next);
    w->uses_left = malloc((p->n_blocks + 1) * sizeof *w->uses_left);
    w->alive = malloc((p->n_blocks + 1) * sizeof *w->alive);
    w->set_words = rankset_words((uint32_t)n);
    w->set_space = malloc(MASKS * w->set_words * sizeof *w->set_space);
    if (w->order && w->rank && w->node_of && w->waits && w->ready && w->next && w->uses_left && w->alive &&
        w->set_space)
        return true;
    schedule_free(s);
    return false;
}

void schedule_free(struct schedule *s)
{
    struct sched_work *w = s->work;
    if (w) {
        free(w->order);
        free(w->rank);
        free(w->node_of);
        free(w->waits);
        free(w->ready);
        free(w->next);
        free(w->uses_left);
        free(w->alive);
        free(w->set_space);
        vec_free(&w->held);
        free(w);
    }
    free(s->start);
    free(s->finish);
    free(s->engine);
    vec_free(&s->pieces);
    *s = (struct schedule){0};
}

/* --- ranks: a stable radix sort of the keys ---------------------------------- */

static uint32_t sortable(float key)
{
    uint32_t bits;
    memcpy(&bits, &key, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static void rank_nodes(struct run *r)
{
    struct sched_work *w = r->w;
    const uint32_t n = r->p->graph.nodes;
    uint64_t *a = w->order, *b = w->order + n;
    for (uint32_t i = 0; i < n; i++)
        a[i] = (uint64_t)sortable(r->keys[i]) << 32 | i;
    for (unsigned shift = 32; shift < 64; shift += 11) {
        uint32_t at[2049] = {0};
        for (uint32_t i = 0; i < n; i++)
            at[(a[i] >> shift & 2047) + 1]++;
        for (unsigned d = 0; d < 2048; d++)
            at[d + 1] += at[d];
        for (uint32_t i = 0; i < n; i++)
            b[at[a[i] >> shift & 2047]++] = a[i];
        uint64_t *t = a;
        a = b;
        b = t;
    }
    for (uint32_t i = 0; i < n; i++) {
        w->node_of[i] = (uint32_t)a[i];
        w->rank[(uint32_t)a[i]] = i;
    }
}

/* --- readiness --------------------------------------------------------------- */

static void finish_node(struct run *r, uint32_t node, uint32_t cycle);

/* All predecessors are known: the node can start at w->ready[node]. */
static void release(struct run *r, uint32_t node)
{
    struct sched_work *w = r->w;
    const uint32_t at = w->ready[node];
    if (!r->p->nodes[node].units) {
        r->s->start[node] = at;
        r->s->engine[node] = ISA_ENGINES;
        r->left--;
        finish_node(r, node, at);
    } else if (at <= r->now) {
        rankset_add(&r->set[r->p->nodes[node].units], w->rank[node]);
    } else {
        w->next[node] = w->wheel[at % WHEEL];
        w->wheel[at % WHEEL] = node;
        r->waiting++;
    }
}

/* One predecessor of the node is done; it lets the node start at `at`. */
static inline void reach(struct run *r, uint32_t node, uint32_t at)
{
    if (r->w->ready[node] < at)
        r->w->ready[node] = at;
    if (--r->w->waits[node] == 0)
        release(r, node);
}

static void finish_node(struct run *r, uint32_t node, uint32_t cycle)
{
    const uint32_t wait = r->wait[r->s->engine[node]], end = r->succ_at[node + 1];
    r->s->finish[node] = cycle;
    if (r->committed < cycle + wait)
        r->committed = cycle + wait;
    if (r->o->reversed) {
        for (uint32_t e = r->succ_at[node]; e < end; e++)
            reach(r, r->succ[e].to, cycle + sched_wait(r->p, r->succ[e].to, &r->succ[e]));
        return;
    }
    for (uint32_t e = r->succ_at[node]; e < end; e++)
        reach(r, r->succ[e].to, cycle + r->succ[e].delay * wait);
}

static void turn_wheel(struct run *r)
{
    struct sched_work *w = r->w;
    uint32_t node = w->wheel[r->now % WHEEL];
    w->wheel[r->now % WHEEL] = NOBODY;
    while (node != NOBODY) {
        const uint32_t next = w->next[node];
        rankset_add(&r->set[r->p->nodes[node].units], w->rank[node]);
        r->waiting--;
        node = next;
    }
}

/* --- live words -------------------------------------------------------------- */

/* Whether the node may start: live words stay within the limit, none are taken that a
 * node of smaller key is waiting for, and the later its key the more are left free (or
 * young strands would starve old ones). */
static bool affordable(const struct run *r, uint32_t node)
{
    const struct sched_node *n = &r->p->nodes[node];
    uint32_t needs = 0, frees = 0;
    for (unsigned i = 0; i < n->blocks; i++) {
        const uint32_t b = n->block[i];
        if (!r->w->alive[b])
            needs += r->p->block_words[b];
        if (r->w->uses_left[b] == 1)
            frees += r->p->block_words[b];
    }
    if (needs <= frees)
        return true;
    const float ahead = (r->keys[node] - r->front) * r->o->ahead, most = (float)r->o->live_limit / 4;
    const uint32_t spare = ahead <= 0 ? 0 : ahead < most ? (uint32_t)ahead : (uint32_t)most;
    return r->live + needs - frees + spare <= r->o->live_limit && r->keys[node] <= r->blocked;
}

static void start_blocks(struct run *r, uint32_t node)
{
    const struct sched_node *n = &r->p->nodes[node];
    for (unsigned i = 0; i < n->blocks; i++)
        if (!r->w->alive[n->block[i]]) {
            r->w->alive[n->block[i]] = true;
            r->live += r->p->block_words[n->block[i]];
        }
}

static void end_blocks(struct run *r, uint32_t node)
{
    const struct sched_node *n = &r->p->nodes[node];
    for (unsigned i = 0; i < n->blocks; i++)
        if (--r->w->uses_left[n->block[i]] == 0)
            r->live -= r->p->block_words[n->block[i]];
}

/* --- issue ------------------------------------------------------------------- */

/* The best affordable ready node of one mask; unaffordable ones are held back. After
 * many of them the mask counts as empty for this cycle: what is ready far behind would
 * have to wait anyway, and looking for it costs more than it brings. */
static uint32_t top(struct run *r, unsigned mask)
{
    struct rankset *set = &r->set[mask];
    for (;;) {
        const uint32_t rank = rankset_first(set);
        if (rank == RANKSET_EMPTY)
            return NOBODY;
        const uint32_t node = r->w->node_of[rank];
        if (affordable(r, node))
            return node;
        if (node == r->forced) {
            r->forced = NOBODY;
            r->s->tight = true;
            return node;
        }
        if (r->held[mask] >= MAX_HELD)
            return NOBODY;
        r->held[mask]++;
        rankset_remove(set, rank);
        if (!vec_push(&r->w->held, node)) {
            r->failed = true;
            return NOBODY;
        }
    }
}

static float bias(const struct run *r, unsigned mask, enum isa_engine e)
{
    if (e == ENGINE_VALU && mask & UNIT(ENGINE_ALU))
        return r->o->valu_bias;
    if (e == ENGINE_VALU && mask & UNIT(ENGINE_FLOW))
        return r->o->flow_bias;
    if (e == ENGINE_LOAD && mask & UNIT(ENGINE_FLOW))
        return r->o->const_bias;
    return 0;
}

/* The best ready node that may run on `e`, among masks not in `without`. */
static uint32_t best(struct run *r, enum isa_engine e, unsigned without)
{
    uint32_t chosen = NOBODY;
    float least = 0;
    for (unsigned m = 0; m < r->n_masks; m++) {
        const unsigned mask = r->masks[m];
        if (!(mask & UNIT(e)) || mask == without || !r->set[mask].count)
            continue;
        const uint32_t node = top(r, mask);
        if (node == NOBODY)
            continue;
        const float key = r->keys[node] + bias(r, mask, e);
        if (chosen == NOBODY || key < least) {
            chosen = node;
            least = key;
        }
    }
    return chosen;
}

static void take(struct run *r, uint32_t node, enum isa_engine e)
{
    rankset_remove(&r->set[r->p->nodes[node].units], r->w->rank[node]);
    start_blocks(r, node);
    r->s->start[node] = r->now;
    r->s->engine[node] = (uint8_t)e;
    r->left--;
}

static void issue_whole(struct run *r, uint32_t node, enum isa_engine e)
{
    take(r, node, e);
    end_blocks(r, node);
    finish_node(r, node, r->now);
}

/* Issues up to `capacity` more lanes of the node at work on alu; the lanes issued. */
static uint32_t issue_lanes(struct run *r, uint32_t capacity)
{
    const uint32_t node = r->partial;
    const uint32_t rest = r->p->nodes[node].lanes - (uint32_t)r->partial_first;
    const uint32_t n = rest < capacity ? rest : capacity;
    if (!vec_push(&r->s->pieces, (struct sched_piece){node, r->now, r->partial_first, (uint8_t)n}))
        r->failed = true;
    r->partial_first = (uint8_t)(r->partial_first + n);
    if (n == rest) {
        r->partial = NOBODY;
        end_blocks(r, node);
        finish_node(r, node, r->now);
    }
    return n;
}

/* Fills `capacity` alu slots from nodes of one mask. */
static uint32_t fill_alu(struct run *r, uint32_t capacity, unsigned mask)
{
    while (capacity && !r->failed) {
        if (r->partial == NOBODY) {
            const uint32_t node = r->set[mask].count ? top(r, mask) : NOBODY;
            if (node == NOBODY)
                break;
            take(r, node, ENGINE_ALU);
            r->partial = node;
            r->partial_first = 0;
        }
        capacity -= issue_lanes(r, capacity);
    }
    return capacity;
}

/* alu and valu share most of their work. alu first finishes what it has begun and
 * takes what only it can; of the rest enough is kept back to fill it. */
static void issue_arithmetic(struct run *r)
{
    const struct isa_machine *m = &r->p->ir->machine;
    const unsigned both = UNIT(ENGINE_ALU) | UNIT(ENGINE_VALU);
    uint32_t capacity = m->slots[ENGINE_ALU];
    if (r->partial != NOBODY)
        capacity -= issue_lanes(r, capacity);
    capacity = fill_alu(r, capacity, UNIT(ENGINE_ALU));
    /* Kept for alu: what it has room for, and valu has not. */
    const uint32_t valu = m->slots[ENGINE_VALU], ready = r->set[both].count + r->set[UNIT(ENGINE_VALU)].count;
    const uint32_t most = (capacity + m->vlen - 1) / m->vlen, excess = ready > valu ? ready - valu : 0;
    const uint32_t keep = most < excess ? most : excess;
    for (uint32_t slot = 0; slot < m->slots[ENGINE_VALU]; slot++) {
        const bool spare = r->set[both].count > keep;
        uint32_t node = best(r, ENGINE_VALU, spare ? 0 : both);
        if (node == NOBODY && capacity < m->vlen)
            node = best(r, ENGINE_VALU, 0);
        if (node == NOBODY)
            break;
        issue_whole(r, node, ENGINE_VALU);
    }
    (void)fill_alu(r, capacity, both);
}

static void issue_on(struct run *r, enum isa_engine e)
{
    for (uint32_t slot = 0; slot < r->p->ir->machine.slots[e]; slot++) {
        const uint32_t node = best(r, e, 0);
        if (node == NOBODY)
            return;
        issue_whole(r, node, e);
    }
}

/* Back among the ready; when nothing else can go on, the first of them is forced. */
static void put_back_held(struct run *r, bool stuck)
{
    memset(r->held, 0, sizeof r->held);
    r->blocked = FLT_MAX;
    r->forced = NOBODY;
    for (size_t i = 0; i < r->w->held.n; i++) {
        const uint32_t node = r->w->held.at[i];
        rankset_add(&r->set[r->p->nodes[node].units], r->w->rank[node]);
        if (r->keys[node] < r->blocked) {
            r->blocked = r->keys[node];
            r->forced = node;
        }
    }
    if (!stuck)
        r->forced = NOBODY;
    r->w->held.n = 0;
}

static void find_front(struct run *r)
{
    r->front = FLT_MAX;
    for (unsigned m = 0; m < r->n_masks; m++) {
        const uint32_t rank = rankset_first(&r->set[r->masks[m]]);
        if (rank != RANKSET_EMPTY && r->keys[r->w->node_of[rank]] < r->front)
            r->front = r->keys[r->w->node_of[rank]];
    }
}

/* Loads come last: what overwrites a word may share the bundle of its last reader. */
static void issue_cycle(struct run *r)
{
    const uint32_t before = r->left;
    find_front(r);
    issue_on(r, ENGINE_FLOW);
    issue_arithmetic(r);
    issue_on(r, ENGINE_STORE);
    issue_on(r, ENGINE_LOAD);
    if (r->live > r->s->peak_words) {
        r->s->peak_words = r->live;
        r->s->peak_cycle = r->now;
    }
    put_back_held(r, r->left == before && !r->waiting && r->partial == NOBODY);
}

static void begin(struct run *r)
{
    const struct sched_graph *p = r->p;
    struct sched_work *w = r->w;
    r->succ_at = r->o->reversed ? p->graph.pred_at : p->graph.succ_at;
    r->succ = r->o->reversed ? p->graph.pred : p->graph.succ;
    const uint32_t *pred_at = r->o->reversed ? p->graph.succ_at : p->graph.pred_at;
    rank_nodes(r);
    memset(w->set_space, 0, MASKS * w->set_words * sizeof *w->set_space);
    bool used[MASKS] = {false};
    for (uint32_t i = 0; i < p->graph.nodes; i++) {
        w->waits[i] = pred_at[i + 1] - pred_at[i];
        w->ready[i] = 0;
        used[p->nodes[i].units] = true;
    }
    for (unsigned m = 1; m < MASKS; m++)
        if (used[m]) {
            rankset_init(&r->set[m], p->graph.nodes + 1, w->set_space + m * w->set_words);
            r->masks[r->n_masks++] = (uint8_t)m;
        }
    for (unsigned i = 0; i < WHEEL; i++)
        w->wheel[i] = NOBODY;
    memcpy(w->uses_left, p->block_uses, p->n_blocks * sizeof *w->uses_left);
    memset(w->alive, 0, p->n_blocks * sizeof *w->alive);
    w->held.n = 0;
    r->s->pieces.n = 0;
    r->s->tight = false;
    r->s->peak_words = r->s->peak_cycle = 0;
    r->live = p->global_words;
    r->blocked = FLT_MAX;
    r->forced = NOBODY;
    r->left = p->graph.nodes;
    for (uint32_t i = 0; i < p->graph.nodes; i++)
        if (pred_at[i + 1] == pred_at[i])
            release(r, i);
}

bool schedule_run(struct schedule *s, const struct sched_graph *p, const float *keys,
                  const struct sched_options *o)
{
    struct run r = {.p = p, .o = o, .keys = keys, .s = s, .w = s->work, .partial = NOBODY};
    for (unsigned e = 0; e <= ISA_ENGINES; e++)
        r.wait[e] = e < ENGINE_DEBUG ? p->ir->machine.latency[e] : 1;
    begin(&r);
    while ((r.left || r.partial != NOBODY) && !r.failed) {
        turn_wheel(&r);
        issue_cycle(&r);
        r.now++;
    }
    s->length = p->drains && r.committed > r.now ? r.committed : r.now;
    return !r.failed;
}

/* --- graph ------------------------------------------------------------------------------- */

/* What scheduling needs to know of a region: for each node the engines it may run
 * on and the blocks it keeps alive. */

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
    for (size_t b = 0; b < ir->blocks.n; b++)
        if (ir->blocks.at[b].kept)
            region[b] = GLOBAL;
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
    p->drains = region + 1 < ir->regions.n || ir_has_exit(&ir->regions.at[region]);
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
