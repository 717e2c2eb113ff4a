/* pq_index:fused: one program that keeps the load engine busy. The keys of a head are
 * scored while those of the head before it are chosen from.
 *
 *     tables 0 | keys 0 | tables 1 | keys 1, choose 0 | tables 2 | keys 2, choose 1 | .. | choose H-1
 *
 * What it gains over `staged`: a table of two sub-vectors has half the gathers; the
 * bisection for the kept-th largest key sees a pyramid of maxima instead of all keys
 * (pq_index_flat.h); the list comes out in order, so nothing is sorted; a weight is what
 * the choice was, stored by vectors; and all that is hidden behind the gathers. */
#include "kernels/pq_index_flat.h"

enum {
    AREAS = 2,         /* pyramids, for even and odd heads */
    STRAIGHT = 128,    /* the most blocks of keys in a region */
    LOOPED = PQ_TOWER, /* blocks of keys in a pass of a loop, where there are more */
    UNROLLED = 4       /* the most heads without a loop */
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
    /* A row's last vector may end in the words before. */
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

struct choice {
    struct pq_flat flat;
    uint32_t cycles, made; /* of all steps, of those made */
};

/* A part of a row, from its word `first` on. */
static struct pq_row part_of(struct fused *f, const struct choice *c, bool weight, uint32_t first,
                             uint32_t words, struct ir_val value, uint32_t step)
{
    struct ir_mem mem = weight ? c->flat.weight_mem : c->flat.list_mem;
    if (c->flat.exact)
        mem = (struct ir_mem){mem.first + first, words};
    const struct ir_val at = pq_add(&f->k, weight ? f->weight : f->list, first);
    return (struct pq_row){.to = pq_cursor(&f->k, at, mem, c->flat.exact), .value = value, .step = step};
}

/* Begins to choose for a head, whose keys are in that area; `head` only says where it
 * is when `exact`. */
static struct choice begin_choice(struct fused *f, unsigned area, uint32_t head, bool exact)
{
    struct pq_code *k = &f->k;
    const struct pq_sizes *z = &k->z;
    struct choice c = {.cycles = pq_flat_cycles(z, &f->pyramid[area])};
    struct ir_mem list = pq_array(k, PQ_LIST), weight = pq_array(k, PQ_WEIGHT);
    if (exact) {
        list = (struct ir_mem){list.first + head * z->listed, z->listed};
        weight = (struct ir_mem){weight.first + head * z->positions, z->positions + PQ_LANES - 1};
    }
    c.flat = (struct pq_flat){.pyramid = &f->pyramid[area],
                              .lists = f->lists,
                              .list = f->list,
                              .weight = f->weight,
                              .list_mem = list,
                              .weight_mem = weight,
                              .exact = exact,
                              .level = f->pyramid[area].levels - 1};
    ir_stage(k->ir, "choose");
    struct pq_row row = part_of(f, &c, true, z->sink, z->candidates, ir_vconst(k->ir, 0), 0);
    pq_write(k, &row, 1, z->candidates, UINT32_MAX);
    return c;
}

/* Makes steps until `part` of `all` is done. */
static void choose(struct fused *f, struct choice *c, uint32_t part, uint32_t all)
{
    ir_stage(f->k.ir, "choose");
    while ((uint64_t)c->made * all < (uint64_t)c->cycles * part)
        c->made += pq_flat_step(&f->k, &c->flat);
    ir_stage(f->k.ir, "keys");
}

/* What is listed anyhow; after the kept ones, whose vectors may end beyond their part. */
static void end_choice(struct fused *f, const struct choice *c)
{
    struct pq_code *k = &f->k;
    const struct pq_sizes *z = &k->z;
    const uint32_t last = z->positions - z->window;
    ir_stage(k->ir, "choose");
    struct pq_row row = part_of(f, c, true, 0, z->sink, ir_vconst(k->ir, 1), 0);
    pq_write(k, &row, 1, z->sink, UINT32_MAX);
    row = part_of(f, c, true, last, z->window, ir_vconst(k->ir, 1), 0);
    pq_write(k, &row, 1, z->window, UINT32_MAX);
    row = part_of(f, c, false, 0, z->sink, k->iota, PQ_LANES);
    pq_write(k, &row, 1, z->sink, UINT32_MAX);
    const struct ir_val first =
        ir_alu(k->ir, OP_ALU_ADD, k->iota, ir_broadcast(k->ir, ir_const(k->ir, last)));
    row = part_of(f, c, false, z->sink + z->kept, z->window, first, PQ_LANES);
    pq_write(k, &row, 1, z->window, UINT32_MAX);
    pq_move(k, f->list, z->listed);
    pq_move(k, f->weight, z->positions);
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
    struct ir_val codes[PQ_MAX_SUBS];
    struct pq_ring ring[PQ_MAX_SUBS];
    struct pq_keys made = pq_keys(k);
    for (uint32_t s = 0; s < k->z.subs; s++)
        ring[s] = pq_ring(k, PQ_LANES, 2);
    for (uint32_t b = 0; b < n; b++) {
        for (uint32_t s = 0; s < k->z.subs; s++)
            codes[s] = b ? pq_ring_add(k, &ring[s], codes[s], PQ_BLOCK) : c->codes[s];
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

/* --- heads --------------------------------------------------------------------------- */

/* Scores a head to an area and chooses for the one before it. */
static void next_head(struct fused *f, unsigned area, uint32_t head, bool exact)
{
    (void)ir_loop(f->k.ir);
    tables(f);
    (void)ir_loop(f->k.ir);
    struct choice c = begin_choice(f, !area, head - 1, exact);
    keys(f, area, &c);
    end_choice(f, &c);
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
    struct choice c = begin_choice(f, later % AREAS, later, exact);
    choose(f, &c, 1, 1);
    end_choice(f, &c);
}

enum status pq_index_fused(const struct kern_request *rq, struct kern_stages *out, struct diag *d)
{
    struct fused f;
    const enum status status = pq_begin(rq, false, &f.k, d);
    if (status != ST_OK)
        return status;
    plan(&f);
    if (!f.pyramid[0].levels) {
        ir_destroy(f.k.ir);
        return diag_set(d, ST_LIMIT, "K is above 128, and there are more than 512 candidates");
    }
    all_heads(&f);
    return pq_finish(&f.k, rq->dump, "fused", out, d);
}
