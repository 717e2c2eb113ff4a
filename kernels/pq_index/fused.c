/* pq_index:fused: one program that keeps the load engine busy. The keys of a head are
 * scored while those of the head before it are chosen from.
 *
 *     tables 0 | keys 0 | tables 1 | keys 1, choose 0 | tables 2 | keys 2, choose 1 | .. | choose H-1
 *
 * A table of two sub-vectors has half the gathers; bisection for the kept-th largest key
 * sees a pyramid of maxima instead of all keys (flat.h); positions come out in
 * order, so nothing is sorted; and choosing is hidden behind the next head's gathers. Where
 * too many keys are kept for that, passes over all keys choose, one head after the other. */
#include "kernels/pq_index/flat.h"

enum {
    AREAS = 2,         /* pyramids, for even and odd heads */
    STRAIGHT = 128,    /* the most blocks of keys in a region */
    LOOPED = PQ_TOWER, /* blocks of keys in a pass of a loop, where there are more */
    UNROLLED = 4,      /* the most heads without a loop */
    ROW_VECTORS = 32   /* vectors of a row that are written in a region, where there are loops */
};

struct fused {
    struct pq_code k;
    struct pq_tables tables;
    struct pq_pyramid pyramid[AREAS];
    uint32_t lists;
    struct ir_val head, q;      /* variables: the head that is scored, its query's address */
    struct ir_val list, weight; /* variables: the rows of the head that is chosen for */
};

static void plan(struct fused *f)
{
    struct pq_code *k = &f->k;
    /* The last vector of the last row of weights may end in the work area. */
    uint32_t at = PQ_LANES;
    f->tables = pq_plan_tables(k, true, at);
    at += f->tables.words;
    for (unsigned i = 0; i < AREAS && i < k->z.heads; i++) {
        f->pyramid[i] = pq_plan_pyramid(&k->z, f->tables.bias, at);
        at += f->pyramid[i].size;
    }
    f->lists = at;
    f->head = pq_set(k, k->ir->zero);
    f->q = pq_set(k, k->at[PQ_Q]);
    f->list = pq_set(k, k->at[PQ_LIST]);
    f->weight = pq_set(k, k->at[PQ_WEIGHT]);
}

/* Where a key head's part of an array begins that has `words` words for each. */
static struct ir_val of_group(struct fused *f, unsigned array, uint32_t words)
{
    struct ir *ir = f->k.ir;
    const struct ir_val group = ir_alu(ir, OP_ALU_DIV, f->head, ir_const(ir, f->k.z.share));
    return ir_alu(ir, OP_ALU_ADD, f->k.at[array], ir_alu(ir, OP_ALU_MUL, group, ir_const(ir, words)));
}

static void tables(struct fused *f)
{
    const struct pq_sizes *z = &f->k.z;
    ir_stage(f->k.ir, "tables");
    const struct ir_val cent = of_group(f, PQ_CENT, z->subs * z->centroids * z->dims);
    pq_make_tables(&f->k, &f->tables, f->q, cent, UINT32_MAX);
}

/* --- choosing ------------------------------------------------------------------------ */

/* The rows of the head that is chosen for; `head` is that where `exact`. */
static struct pq_target target(const struct fused *f, uint32_t head, bool exact, uint32_t most)
{
    const struct pq_sizes *z = &f->k.z;
    struct pq_target t = {f->list, f->weight, pq_array(&f->k, PQ_LIST), pq_array(&f->k, PQ_WEIGHT),
                          exact,   most};
    if (exact) {
        t.list_mem = (struct ir_mem){z->first[PQ_LIST] + head * z->listed, z->listed};
        t.weight_mem = (struct ir_mem){z->first[PQ_WEIGHT] + head * z->positions, z->positions};
    }
    return t;
}

/* Writes a part of a row: `words` words from number `first` on, the vector `value` and then
 * `step` more in each next one. */
static void fill(struct pq_code *k, const struct pq_target *t, bool weight, uint32_t first, uint32_t words,
                 struct ir_val value, uint32_t step)
{
    struct ir_mem mem = weight ? t->weight_mem : t->list_mem;
    if (t->exact)
        mem = (struct ir_mem){mem.first + first, words};
    const struct ir_val at = pq_add(k, weight ? t->weight : t->list, first);
    struct pq_row part = {.to = pq_cursor(k, at, mem, t->exact), .value = value, .step = step};
    pq_write(k, &part, 1, words, t->most);
}

/* What is listed anyhow. */
static void write_fixed(struct fused *f, const struct pq_target *t)
{
    struct pq_code *k = &f->k;
    const struct pq_sizes *z = &k->z;
    const uint32_t last = z->positions - z->window;
    const struct ir_val one = ir_vconst(k->ir, 1);
    const struct ir_val window =
        ir_alu(k->ir, OP_ALU_ADD, k->iota, ir_broadcast(k->ir, ir_const(k->ir, last)));
    ir_stage(k->ir, "fixed");
    fill(k, t, true, 0, z->sink, one, 0);
    fill(k, t, true, last, z->window, one, 0);
    fill(k, t, false, 0, z->sink, k->iota, PQ_LANES);
    fill(k, t, false, z->sink + z->kept, z->window, window, PQ_LANES);
    pq_move(k, f->list, z->listed);
    pq_move(k, f->weight, z->positions);
}

/* A choice in steps, and how far it is, in cycles. */
struct choice {
    struct pq_flat flat;
    uint32_t all, made;
};

/* For the head whose keys are in that area. */
static struct choice begin_choice(struct fused *f, unsigned area, const struct pq_target *t)
{
    struct pq_code *k = &f->k;
    const struct pq_pyramid *p = &f->pyramid[area];
    ir_stage(k->ir, "choose");
    fill(k, t, true, k->z.sink, k->z.candidates, ir_vconst(k->ir, 0), 0);
    return (struct choice){.flat = {.pyramid = p, .lists = f->lists, .rows = *t, .level = p->levels - 1},
                           .all = pq_flat_cycles(&k->z, p)};
}

/* Makes steps until n of m parts are done. */
static void choose(struct fused *f, struct choice *c, uint32_t n, uint32_t m)
{
    ir_stage(f->k.ir, "choose");
    while (c->made < c->all && (uint64_t)c->made * m < (uint64_t)c->all * n)
        c->made += pq_flat_step(&f->k, &c->flat);
    ir_stage(f->k.ir, "keys");
}

/* --- keys ---------------------------------------------------------------------------- */

struct keys {
    struct fused *f;
    struct ir_val codes[PQ_MAX_SUBS]; /* variables: addresses of the next block's vectors */
    struct pq_tower tower;
    struct choice *choice; /* NULL, or what is to be done meanwhile */
    uint32_t left;         /* keys that belong to no block yet, in the last region */
};

static void key_blocks(struct pq_code *k, void *context, uint32_t n)
{
    struct keys *c = context;
    struct ir_val codes[PQ_MAX_SUBS] = {{0}};
    struct pq_ring ring[PQ_MAX_SUBS] = {{.n = 0}};
    struct pq_keys made = pq_keys(k);
    for (uint32_t s = 0; s < k->z.subs; s++) {
        codes[s] = c->codes[s];
        ring[s] = pq_ring(k, PQ_LANES, 2);
    }
    for (uint32_t b = 0; b < n; b++) {
        for (uint32_t s = 0; b && s < k->z.subs; s++)
            codes[s] = pq_ring_add(k, &ring[s], codes[s], PQ_BLOCK);
        const struct ir_val keys =
            pq_keys_next(k, &made, &c->f->tables, codes, c->left < PQ_BLOCK ? c->left : PQ_BLOCK);
        pq_tower_add(k, &c->tower, keys);
        c->left -= c->left < PQ_BLOCK ? c->left : PQ_BLOCK;
        if (c->choice)
            choose(c->f, c->choice, b + 1, n);
    }
    for (uint32_t s = 0; s < k->z.subs; s++)
        ir_alu_into(k->ir, c->codes[s], OP_ALU_ADD, codes[s], ir_const(k->ir, PQ_BLOCK));
    pq_tower_leave(k, &c->tower);
}

/* The keys of a head to an area, and the pyramid above them. */
static void keys(struct fused *f, unsigned area, struct choice *choice)
{
    struct pq_code *k = &f->k;
    const struct pq_pyramid *p = &f->pyramid[area];
    const uint32_t blocks = p->words[0] / PQ_BLOCK;
    const uint32_t looped = blocks > STRAIGHT ? (blocks - STRAIGHT) / LOOPED + 1 : 0;
    struct keys c = {.f = f, .left = UINT32_MAX};
    ir_stage(k->ir, "keys");
    const struct ir_val codes = of_group(f, PQ_CODES, k->z.subs * k->z.keys);
    for (uint32_t s = 0; s < k->z.subs; s++)
        c.codes[s] = pq_set(k, pq_rows(k, pq_add(k, codes, s * k->z.keys)));
    c.tower = pq_tower(k, p, !looped);
    if (looped) {
        pq_repeat(k, looped * LOOPED, LOOPED, key_blocks, &c);
        if (looped == 1)
            (void)ir_loop(k->ir);
    }
    c.left = k->z.candidates - looped * LOOPED * PQ_BLOCK;
    c.choice = choice;
    key_blocks(k, &c, blocks - looped * LOOPED);
    pq_tower_end(k, &c.tower);
    pq_move(k, f->head, 1);
    pq_move(k, f->q, k->z.subs * k->z.dims);
}

/* --- one head after the other --------------------------------------------------------- */

struct passes {
    struct pq_cursor keys, weight;
    struct pq_cut cut;
    struct ir_val to, position; /* variables */
    struct ir_mem list;
};

static void keep_vectors(struct pq_code *k, void *context, uint32_t n)
{
    struct passes *w = context;
    struct ir_mem mem;
    for (uint32_t i = 0; i < n; i++) {
        struct ir_val at = pq_next(k, &w->keys, &mem);
        const struct ir_val keep = pq_keep(k, &w->cut, ir_vload(k->ir, at, mem));
        pq_put(k, w->to, w->list, keep, pq_add(k, w->position, i * PQ_LANES));
        at = pq_next(k, &w->weight, &mem);
        ir_store(k->ir, at, keep, mem);
    }
    pq_leave(k, &w->keys);
    pq_leave(k, &w->weight);
    pq_move(k, w->position, n * PQ_LANES);
}

/* Chooses by passes over all keys of a head. Stores whole vectors of weights: the last one
 * may end in the window's, which are written afterwards, or in the next row. */
static void choose_by_passes(struct fused *f)
{
    enum { VECTORS = 8 };
    struct pq_code *k = &f->k;
    const struct pq_pyramid *p = &f->pyramid[0];
    const struct ir_val first = pq_add(k, k->at[PQ_WORK], p->offset[0]);
    const struct ir_val list = pq_add(k, k->at[PQ_WORK], f->lists);
    const struct ir_mem mem = pq_work(k, p->offset[0], p->words[0]);
    const uint32_t vectors = (k->z.candidates + PQ_LANES - 1) / PQ_LANES;
    ir_stage(k->ir, "choose");
    struct passes w = {.list = pq_work(k, f->lists, k->z.kept + 1)};
    w.cut = pq_find_cut(k, first, mem, p->words[0], p->bits);
    w.keys = pq_cursor(k, first, mem, false);
    w.weight = pq_cursor(k, pq_add(k, f->weight, k->z.sink), pq_array(k, PQ_WEIGHT), false);
    w.to = pq_set(k, list);
    w.position = pq_set(k, pq_add(k, k->iota, k->z.sink));
    pq_repeat(k, vectors, VECTORS, keep_vectors, &w);
    struct pq_row row = {.to = pq_cursor(k, pq_add(k, f->list, k->z.sink), pq_array(k, PQ_LIST), false),
                         .copy = true,
                         .from = pq_cursor(k, list, w.list, false)};
    pq_write(k, &row, 1, k->z.kept, ROW_VECTORS);
}

/* One head after the other. */
static void single_heads(struct fused *f, bool passes)
{
    const struct pq_loop loop = pq_loop(&f->k, f->k.z.heads);
    tables(f);
    (void)ir_loop(f->k.ir);
    keys(f, 0, NULL);
    (void)ir_loop(f->k.ir);
    const struct pq_target t = target(f, 0, false, passes ? ROW_VECTORS : UINT32_MAX);
    if (passes) {
        choose_by_passes(f);
    } else {
        struct choice c = begin_choice(f, 0, &t);
        choose(f, &c, 1, 1);
    }
    write_fixed(f, &t);
    pq_loop_end(&f->k, &loop);
}

/* --- heads --------------------------------------------------------------------------- */

/* Scores a head to an area and chooses for the one before it. */
static void next_head(struct fused *f, unsigned area, uint32_t head, bool exact)
{
    (void)ir_loop(f->k.ir);
    tables(f);
    (void)ir_loop(f->k.ir);
    const struct pq_target t = target(f, head - 1, exact, UINT32_MAX);
    struct choice c = begin_choice(f, !area, &t);
    keys(f, area, &c);
    write_fixed(f, &t);
}

static void all_heads(struct fused *f)
{
    const uint32_t heads = f->k.z.heads, later = heads - 1;
    const bool exact = heads <= UNROLLED;
    tables(f);
    (void)ir_loop(f->k.ir);
    keys(f, 0, NULL);
    uint32_t head = 1;
    if (!exact) {
        const struct pq_loop loop = pq_loop(&f->k, later / AREAS);
        next_head(f, 1, 0, false);
        next_head(f, 0, 0, false);
        pq_loop_end(&f->k, &loop);
        head += later / AREAS * AREAS;
    }
    for (; head < heads; head++)
        next_head(f, head % AREAS, head, exact);
    (void)ir_loop(f->k.ir);
    const struct pq_target t = target(f, later, exact, UINT32_MAX);
    struct choice c = begin_choice(f, later % AREAS, &t);
    choose(f, &c, 1, 1);
    write_fixed(f, &t);
}

/* How heads are chosen for, the fastest way first: beside the next one's keys, apart from
 * them, or by passes over memory. */
enum way { BESIDE, APART, PASSES };

static enum status build(const struct kern_request *rq, enum way way, struct kern_programs *out,
                         struct diag *d)
{
    struct fused f;
    const enum status status = pq_begin(rq, false, &f.k, d);
    if (status != ST_OK)
        return status;
    plan(&f);
    if (way == BESIDE)
        all_heads(&f);
    else
        single_heads(&f, way == PASSES);
    return pq_finish(&f.k, rq->dump, "fused", out, d);
}

enum status pq_index_fused(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    const struct pq_sizes z = pq_sizes_of(&rq->params);
    const uint32_t vectors = pq_plan_pyramid(&z, 0, 0).most;
    enum way way = vectors <= PQ_BESIDE ? BESIDE : vectors <= PQ_FLAT ? APART : PASSES;
    enum status status;
    do
        status = build(rq, way, out, d);
    while (status == ST_LIMIT && way++ < PASSES);
    return status;
}
