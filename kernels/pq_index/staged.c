/* pq_index:staged and :captured: seven steps, each of which leaves what it made in
 * memory for the next one. `staged` has a program for each step, as a framework would
 * launch them; each reads the addresses of the arrays from the image's header.
 *
 *     score    tables of scores, and from them a key for every position
 *     mask     the keys of the window: 0
 *     top-k    the kept-th largest key, two bits a pass; then the kept keys' positions
 *     concat   list = sink, kept, window
 *     sort     list: marks in a row of all positions, from which it is read off again
 *     clear    weight = 0
 *     scatter  weight = 1 at all listed positions
 *
 * Heads are taken two at a time, a strand each, where there is an even number of them:
 * the stores of one keep their order, those of different strands need not. */
#include "kernels/pq_index/code.h"

enum { STRANDS = 2, KEY_BITS = 32, ROW_VECTORS = 32 };

/* The work area: keys[H][pitch] and what comes after them. */
struct staged {
    struct pq_code k;
    unsigned strands;
    uint32_t passes;             /* over the heads */
    uint32_t pitch, kept, after; /* words of a head's keys; where kept positions, and then tables begin */
    struct ir_val head;          /* variable: the first strand's head */
};

static void plan(struct staged *s)
{
    const struct pq_sizes *z = &s->k.z;
    s->strands = z->heads % STRANDS ? 1 : STRANDS;
    s->passes = z->heads / s->strands;
    s->pitch = pq_round_up(z->keys, PQ_LANES);
    s->kept = z->heads * s->pitch;
    s->after = pq_round_up(s->kept + z->heads * (z->kept + 1), PQ_LANES);
}

/* --- heads ------------------------------------------------------------------------- */

/* The loop over passes; strand j of pass i is head j * passes + i. */
static struct pq_loop heads(struct staged *s)
{
    s->head = pq_set(&s->k, s->k.ir->zero);
    return pq_loop(&s->k, s->passes);
}

static void heads_end(struct staged *s, const struct pq_loop *loop)
{
    pq_move(&s->k, s->head, 1);
    pq_loop_end(&s->k, loop);
}

/* Where a strand's row of `words` words is in an array of such rows that begins at
 * `first`; and what may hold that row in any pass. */
static struct ir_val row_at(struct staged *s, struct ir_val first, unsigned strand, uint32_t words)
{
    struct pq_code *k = &s->k;
    return pq_add(
        k, ir_alu(k->ir, OP_ALU_ADD, first, ir_alu(k->ir, OP_ALU_MUL, s->head, ir_const(k->ir, words))),
        strand * s->passes * words);
}

static struct ir_mem row_mem(const struct staged *s, uint32_t first, unsigned strand, uint32_t words)
{
    return (struct ir_mem){first + strand * s->passes * words, s->passes * words};
}

static struct pq_cursor row_cursor(struct staged *s, unsigned array, uint32_t offset, unsigned strand,
                                   uint32_t words, uint32_t first)
{
    struct pq_code *k = &s->k;
    const struct ir_mem mem = row_mem(s, k->z.first[array] + offset, strand, words);
    const struct ir_val row = row_at(s, pq_add(k, k->at[array], offset), strand, words);
    return pq_cursor(k, pq_add(k, row, first), mem, false);
}

/* --- score ------------------------------------------------------------------------- */

struct score {
    const struct pq_tables *tables;
    struct ir_val codes[PQ_MAX_SUBS]; /* variables: addresses of a block's vectors */
    struct pq_cursor keys;
    struct pq_keys made;
};

static void score_block(struct pq_code *k, struct score *c, uint32_t block, uint32_t n)
{
    struct ir_val codes[PQ_MAX_SUBS];
    struct ir_mem mem;
    for (uint32_t i = 0; i < k->z.subs; i++)
        codes[i] = pq_add(k, c->codes[i], block * PQ_BLOCK);
    const struct ir_val keys = pq_keys_next(k, &c->made, c->tables, codes, n);
    for (uint32_t i = 0; i < n; i += PQ_LANES) {
        const struct ir_val to = pq_next(k, &c->keys, &mem);
        ir_store(k->ir, to, ir_lanes(keys, i, 1, PQ_LANES), mem);
    }
}

static void score_blocks(struct pq_code *k, void *context, uint32_t n)
{
    struct score *c = context;
    for (uint32_t b = 0; b < n; b++)
        score_block(k, c, b, PQ_BLOCK);
    for (uint32_t i = 0; i < k->z.subs; i++)
        pq_move(k, c->codes[i], n * PQ_BLOCK);
    pq_leave(k, &c->keys);
}

static void score(struct staged *s)
{
    enum { CENTROID_BLOCKS = 2, KEY_BLOCKS = 4 };
    struct pq_code *k = &s->k;
    const struct pq_sizes *z = &k->z;
    const struct pq_tables tables = pq_plan_tables(k, false, s->after);
    const unsigned strands = s->strands;
    s->strands = 1; /* there is one set of tables */
    s->passes = z->heads;
    const struct pq_loop loop = heads(s);
    const struct ir_val group = ir_alu(k->ir, OP_ALU_DIV, s->head, ir_const(k->ir, z->share));
    const struct ir_val cent =
        ir_alu(k->ir, OP_ALU_MUL, group, ir_const(k->ir, z->subs * z->centroids * z->dims));
    const struct ir_val code = ir_alu(k->ir, OP_ALU_MUL, group, ir_const(k->ir, z->subs * z->keys));
    const struct ir_val centroids = ir_alu(k->ir, OP_ALU_ADD, k->at[PQ_CENT], cent);
    pq_make_tables(k, &tables, row_at(s, k->at[PQ_Q], 0, z->subs * z->dims), centroids, CENTROID_BLOCKS);
    struct score c = {
        .tables = &tables, .made = pq_keys(k), .keys = row_cursor(s, PQ_WORK, 0, 0, s->pitch, 0)};
    const struct ir_val codes = ir_alu(k->ir, OP_ALU_ADD, k->at[PQ_CODES], code);
    for (uint32_t i = 0; i < z->subs; i++)
        c.codes[i] = pq_set(k, pq_rows(k, pq_add(k, codes, i * z->keys)));
    pq_repeat(k, z->keys / PQ_BLOCK, KEY_BLOCKS, score_blocks, &c);
    if (z->keys % PQ_BLOCK)
        score_block(k, &c, 0, z->keys % PQ_BLOCK);
    heads_end(s, &loop);
    s->strands = strands;
    s->passes = z->heads / strands;
}

/* --- mask -------------------------------------------------------------------------- */

static void mask(struct staged *s)
{
    struct pq_code *k = &s->k;
    const struct pq_loop loop = heads(s);
    struct pq_row row[STRANDS];
    for (unsigned j = 0; j < s->strands; j++) {
        row[j] = (struct pq_row){.to = row_cursor(s, PQ_WORK, 0, j, s->pitch, k->z.candidates),
                                 .value = ir_vconst(k->ir, 0)};
    }
    pq_write(k, row, s->strands, k->z.window, ROW_VECTORS);
    heads_end(s, &loop);
}

/* --- top-k ------------------------------------------------------------------------- */

struct keep {
    struct staged *s;
    struct pq_cursor keys[STRANDS];
    struct pq_cut cut[STRANDS];
    struct ir_val to[STRANDS], position; /* variables */
};

static struct ir_mem kept_mem(const struct staged *s, unsigned strand)
{
    return row_mem(s, s->k.z.first[PQ_WORK] + s->kept, strand, s->k.z.kept + 1);
}

static void keep_vectors(struct pq_code *k, void *context, uint32_t n)
{
    struct keep *c = context;
    struct ir_mem mem;
    for (uint32_t i = 0; i < n; i++)
        for (unsigned j = 0; j < c->s->strands; j++) {
            const struct ir_val at = pq_next(k, &c->keys[j], &mem);
            const struct ir_val keep = pq_keep(k, &c->cut[j], ir_vload(k->ir, at, mem));
            pq_put(k, c->to[j], kept_mem(c->s, j), keep, pq_add(k, c->position, i * PQ_LANES));
        }
    for (unsigned j = 0; j < c->s->strands; j++)
        pq_leave(k, &c->keys[j]);
    pq_move(k, c->position, n * PQ_LANES);
}

static void top_k(struct staged *s)
{
    enum { VECTORS = 8 };
    struct pq_code *k = &s->k;
    const struct pq_loop loop = heads(s);
    struct keep c = {.s = s};
    for (unsigned j = 0; j < s->strands; j++)
        c.cut[j] = pq_find_cut(k, row_at(s, k->at[PQ_WORK], j, s->pitch),
                               row_mem(s, k->z.first[PQ_WORK], j, s->pitch), s->pitch, KEY_BITS);
    for (unsigned j = 0; j < s->strands; j++) {
        c.keys[j] = row_cursor(s, PQ_WORK, 0, j, s->pitch, 0);
        c.to[j] = pq_set(k, row_at(s, pq_add(k, k->at[PQ_WORK], s->kept), j, k->z.kept + 1));
    }
    c.position = pq_set(k, pq_add(k, k->iota, k->z.sink));
    pq_repeat(k, s->pitch / PQ_LANES, VECTORS, keep_vectors, &c);
    heads_end(s, &loop);
}

/* --- concat, clear ----------------------------------------------------------------- */

static void concat(struct staged *s)
{
    struct pq_code *k = &s->k;
    const struct pq_sizes *z = &k->z;
    const struct pq_loop loop = heads(s);
    struct pq_row sink[STRANDS], kept[STRANDS], window[STRANDS];
    for (unsigned j = 0; j < s->strands; j++) {
        sink[j] = (struct pq_row){
            .to = row_cursor(s, PQ_LIST, 0, j, z->listed, 0), .value = k->iota, .step = PQ_LANES};
        kept[j] = (struct pq_row){.to = row_cursor(s, PQ_LIST, 0, j, z->listed, z->sink),
                                  .copy = true,
                                  .from = row_cursor(s, PQ_WORK, s->kept, j, z->kept + 1, 0)};
        window[j] = (struct pq_row){.to = row_cursor(s, PQ_LIST, 0, j, z->listed, z->sink + z->kept),
                                    .value = pq_add(k, k->iota, z->positions - z->window),
                                    .step = PQ_LANES};
    }
    pq_write(k, kept, s->strands, z->kept, ROW_VECTORS);
    pq_write(k, window, s->strands, z->window, ROW_VECTORS);
    pq_write(k, sink, s->strands, z->sink, ROW_VECTORS);
    heads_end(s, &loop);
}

static void clear(struct staged *s)
{
    struct pq_code *k = &s->k;
    const struct pq_loop loop = heads(s);
    struct pq_row row[STRANDS];
    for (unsigned j = 0; j < s->strands; j++)
        row[j] = (struct pq_row){.to = row_cursor(s, PQ_WEIGHT, 0, j, k->z.positions, 0),
                                 .value = ir_vconst(k->ir, 0)};
    pq_write(k, row, s->strands, k->z.positions, ROW_VECTORS);
    heads_end(s, &loop);
}

/* --- scatter, sort ----------------------------------------------------------------- */

/* Stores 1 at all listed positions of a row. */
struct scatter {
    struct staged *s;
    struct pq_cursor list[STRANDS];
    struct ir_val to[STRANDS]; /* vectors: the row's address */
    struct ir_mem mem[STRANDS];
};

static void scatter_vectors(struct pq_code *k, void *context, uint32_t n)
{
    struct scatter *c = context;
    struct ir *ir = k->ir;
    struct ir_mem mem;
    for (uint32_t i = 0; i < n; i++)
        for (unsigned j = 0; j < c->s->strands; j++) {
            const struct ir_val from = pq_next(k, &c->list[j], &mem);
            const struct ir_val to = ir_alu(ir, OP_ALU_ADD, ir_vload(ir, from, mem), c->to[j]);
            for (unsigned lane = 0; lane < PQ_LANES; lane++)
                ir_store(ir, ir_lane(to, lane), ir_const(ir, 1), c->mem[j]);
        }
    for (unsigned j = 0; j < c->s->strands; j++)
        pq_leave(k, &c->list[j]);
}

static void scatter_rows(struct staged *s, struct scatter *c)
{
    enum { VECTORS = 8 };
    struct pq_code *k = &s->k;
    struct ir *ir = k->ir;
    const uint32_t n = k->z.listed;
    for (unsigned j = 0; j < s->strands; j++)
        c->list[j] = row_cursor(s, PQ_LIST, 0, j, n, 0);
    pq_repeat(k, n / PQ_LANES, VECTORS, scatter_vectors, c);
    for (uint32_t i = 0; i < n % PQ_LANES; i++)
        for (unsigned j = 0; j < s->strands; j++) {
            const struct ir_val from = pq_add(k, ir_lane(c->list[j].at, 0), i);
            const struct ir_val position = ir_load(ir, from, c->list[j].mem);
            const struct ir_val one = ir_const(ir, 1);
            ir_store(ir, ir_alu(ir, OP_ALU_ADD, position, ir_lane(c->to[j], 0)), one, c->mem[j]);
        }
}

static void scatter(struct staged *s)
{
    struct pq_code *k = &s->k;
    const struct pq_loop loop = heads(s);
    struct scatter c = {.s = s};
    for (unsigned j = 0; j < s->strands; j++) {
        c.to[j] = ir_broadcast(k->ir, row_at(s, k->at[PQ_WEIGHT], j, k->z.positions));
        c.mem[j] = row_mem(s, k->z.first[PQ_WEIGHT], j, k->z.positions);
    }
    scatter_rows(s, &c);
    heads_end(s, &loop);
}

struct read_off {
    struct staged *s;
    struct pq_cursor marks[STRANDS];
    struct ir_val to[STRANDS], position; /* variables */
    struct ir_mem mem[STRANDS];
};

static void read_off_vectors(struct pq_code *k, void *context, uint32_t n)
{
    struct read_off *c = context;
    struct ir_mem mem;
    for (uint32_t i = 0; i < n; i++)
        for (unsigned j = 0; j < c->s->strands; j++) {
            const struct ir_val at = pq_next(k, &c->marks[j], &mem);
            const struct ir_val position = pq_add(k, c->position, i * PQ_LANES);
            pq_put(k, c->to[j], c->mem[j], ir_vload(k->ir, at, mem), position);
        }
    for (unsigned j = 0; j < c->s->strands; j++)
        pq_leave(k, &c->marks[j]);
    pq_move(k, c->position, n * PQ_LANES);
}

/* The keys' memory is free by now: a strand has its marks there, and then its list. */
static void sort(struct staged *s)
{
    enum { VECTORS = 8 };
    struct pq_code *k = &s->k;
    const uint32_t marks = pq_round_up(k->z.positions, PQ_LANES);
    const uint32_t list = pq_round_up(k->z.listed + 1, PQ_LANES);
    const struct pq_loop loop = heads(s);
    struct pq_row row[STRANDS];
    struct scatter c = {.s = s};
    struct read_off r = {.s = s};
    for (unsigned j = 0; j < s->strands; j++) {
        const struct ir_val at = pq_add(k, k->at[PQ_WORK], j * (marks + list));
        const struct ir_mem mem = pq_work(k, j * (marks + list), marks);
        c.to[j] = ir_broadcast(k->ir, at);
        c.mem[j] = mem;
        r.marks[j] = pq_cursor(k, at, mem, false);
        r.to[j] = pq_set(k, pq_add(k, at, marks));
        r.mem[j] = (struct ir_mem){mem.first + marks, list};
        row[j] = (struct pq_row){.to = pq_cursor(k, at, mem, false), .value = ir_vconst(k->ir, 0)};
    }
    pq_write(k, row, s->strands, marks, ROW_VECTORS);
    scatter_rows(s, &c);
    r.position = pq_set(k, k->iota);
    pq_repeat(k, marks / PQ_LANES, VECTORS, read_off_vectors, &r);
    for (unsigned j = 0; j < s->strands; j++) {
        const struct ir_val from = pq_add(k, ir_lane(c.to[j], 0), marks);
        row[j] = (struct pq_row){.to = row_cursor(s, PQ_LIST, 0, j, k->z.listed, 0),
                                 .copy = true,
                                 .from = pq_cursor(k, from, r.mem[j], false)};
    }
    pq_write(k, row, s->strands, k->z.listed, ROW_VECTORS);
    heads_end(s, &loop);
}

/* --- variants ---------------------------------------------------------------------- */

static const struct step {
    const char *name;
    void (*make)(struct staged *s);
} steps[] = {{"score", score}, {"mask", mask},   {"top-k", top_k},    {"concat", concat},
             {"sort", sort},   {"clear", clear}, {"scatter", scatter}};

enum { STEPS = sizeof steps / sizeof *steps };

enum status pq_index_staged(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    enum status status = ST_OK;
    for (unsigned i = 0; i < STEPS && status == ST_OK; i++) {
        struct staged s;
        status = pq_begin(rq, true, &s.k, d);
        if (status != ST_OK)
            break;
        plan(&s);
        ir_stage(s.k.ir, steps[i].name);
        steps[i].make(&s);
        status = pq_finish(&s.k, rq->dump, steps[i].name, out, d);
    }
    return status;
}

enum status pq_index_captured(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    struct staged s;
    const enum status status = pq_begin(rq, false, &s.k, d);
    if (status != ST_OK)
        return status;
    plan(&s);
    for (unsigned i = 0; i < STEPS; i++) {
        ir_stage(s.k.ir, steps[i].name);
        steps[i].make(&s);
    }
    return pq_finish(&s.k, rq->dump, "captured", out, d);
}
