/* pq_index: the tables of scores of a head's query with all centroids, and the keys that
 * they add up to. */
#include "kernels/pq_index/code.h"

/* A pair's table takes centroids^2 / 8 stores to make and saves a load for each key.
 * There are two stores and two loads a cycle. */
static bool pays(const struct pq_sizes *z)
{
    const uint32_t pair = z->centroids * pq_round_up(z->centroids, PQ_LANES);
    const uint32_t capacity = 2 * z->centroids * z->centroids + 4096;
    return pair / PQ_LANES < z->candidates && z->subs / 2 * pair + PQ_BLOCK * PQ_LANES <= capacity;
}

struct pq_tables pq_plan_tables(struct pq_code *k, bool joint, uint32_t offset)
{
    const struct pq_sizes *z = &k->z;
    /* The least product of two values is -128 * 127. Keys are 1 or more: 0 is left to
     * what is no candidate. */
    struct pq_tables t = {.bias = z->subs * z->dims * 16256 + 1};
    const uint32_t pitch = pq_round_up(z->centroids, PQ_LANES);
    joint = joint && pays(z);
    for (uint32_t s = 0; s < z->subs;) {
        const uint32_t subs = joint && s + 1 < z->subs ? 2 : 1;
        const uint32_t words = subs == 2 ? z->centroids * pitch : pitch;
        const struct ir_val zero = ir_vconst(k->ir, 0);
        const struct ir_val at = ir_alu(k->ir, OP_ALU_OR, pq_add(k, k->at[PQ_WORK], offset + t.words), zero);
        t.at[t.n++] = (struct pq_table){s, subs, offset + t.words, words, at};
        t.words += words;
        s += subs;
    }
    return t;
}

/* --- tables ------------------------------------------------------------------------ */

enum { MAX_QUERY = 256 / PQ_LANES, MAX_SECOND = 256 / PQ_LANES };

struct maker {
    const struct pq_table *table;
    struct ir_val query[MAX_QUERY]; /* the sub-vector of the query that is scored */
    unsigned n_query;
    uint32_t bias;
    struct pq_ring at, loaded, products, sums;
    struct ir_val centroids; /* variable: addresses of the next PQ_LANES centroids */
    struct pq_cursor to;     /* in the table */
    bool second;             /* the sub-vector is a pair's second one: scores are kept here */
    struct ir_val kept[MAX_SECOND];
    unsigned n_kept;
};

/* A sub-vector of the query; words beyond its end are 0. */
static unsigned load_query(struct pq_code *k, struct ir_val q, uint32_t sub, struct ir_val *query)
{
    struct ir *ir = k->ir;
    const uint32_t dims = k->z.dims;
    unsigned n = 0;
    for (uint32_t d = 0; d < dims; d += PQ_LANES, n++) {
        const uint32_t left = dims - d;
        const struct ir_val at = pq_add(k, q, sub * dims + d);
        ir_load_into(ir, query[n], at, pq_array(k, PQ_Q));
        for (unsigned lane = left; lane < PQ_LANES; lane++)
            ir_alu_into(ir, ir_lane(query[n], lane), OP_ALU_OR, ir->zero, ir->zero);
    }
    return n;
}

/* The scores of `rows` centroids, whose first vectors' addresses are given; the other
 * lanes go with the last one. */
static struct ir_val scores(struct pq_code *k, struct maker *m, struct ir_val at, uint32_t rows)
{
    struct ir *ir = k->ir;
    const struct ir_val lanes = pq_ring_next(&m->products);
    struct ir_val sum[PQ_LANES];
    for (unsigned j = 0; j < m->n_query; j++) {
        if (j)
            at = pq_ring_add(k, &m->at, at, PQ_LANES);
        for (unsigned c = 0; c < PQ_LANES; c++) {
            const struct ir_val cent = pq_ring_next(&m->loaded);
            ir_load_into(ir, cent, ir_lane(at, c < rows ? c : rows - 1), pq_array(k, PQ_CENT));
            const struct ir_val all = ir_lanes(lanes, c * PQ_LANES, 1, PQ_LANES);
            if (m->n_query == 1)
                ir_alu_into(ir, all, OP_ALU_MUL, cent, m->query[j]);
            else if (!j)
                sum[c] = ir_alu(ir, OP_ALU_MUL, cent, m->query[j]);
            else if (j + 1 < m->n_query)
                sum[c] = ir_madd(ir, cent, m->query[j], sum[c]);
            else
                ir_alu_into(ir, all, OP_ALU_ADD, sum[c], ir_alu(ir, OP_ALU_MUL, cent, m->query[j]));
        }
    }
    struct ir_val part[PQ_LANES / 2];
    for (unsigned i = 0; i < PQ_LANES / 2; i++)
        part[i] = ir_alu(ir, OP_ALU_ADD, ir_view(lanes, 2 * i, PQ_LANES, PQ_LANES),
                         ir_view(lanes, 2 * i + 1, PQ_LANES, PQ_LANES));
    const struct ir_val second = ir_alu(ir, OP_ALU_ADD, part[2], part[3]);
    const struct ir_val result = ir_alu(ir, OP_ALU_ADD, ir_alu(ir, OP_ALU_ADD, part[0], part[1]), second);
    return m->bias ? ir_alu(ir, OP_ALU_ADD, result, ir_vconst(ir, m->bias)) : result;
}

/* What is done with the scores of `rows` centroids. */
static void use_scores(struct pq_code *k, struct maker *m, struct ir_val scores, uint32_t rows)
{
    struct ir *ir = k->ir;
    struct ir_mem mem;
    if (m->second) {
        m->kept[m->n_kept++] = scores;
        return;
    }
    if (m->table->subs == 1) {
        const struct ir_val to = pq_next(k, &m->to, &mem);
        ir_store(ir, to, scores, mem);
        return;
    }
    for (unsigned r = 0; r < rows; r++) {
        const struct ir_val first = ir_broadcast(ir, ir_lane(scores, r));
        for (unsigned v = 0; v < m->n_kept; v++) {
            const struct ir_val to = pq_next(k, &m->to, &mem);
            const struct ir_val sum = pq_ring_next(&m->sums);
            ir_alu_into(ir, sum, OP_ALU_ADD, first, m->kept[v]);
            ir_store(ir, to, sum, mem);
        }
    }
}

/* The rings of a region. */
static void begin_rings(struct pq_code *k, struct maker *m)
{
    m->at = pq_ring(k, PQ_LANES, 2);
    m->loaded = pq_ring(k, PQ_LANES, 16);
    m->products = pq_ring(k, PQ_BLOCK, 2);
    m->sums = pq_ring(k, PQ_LANES, 6);
}

static void whole_blocks(struct pq_code *k, void *context, uint32_t n)
{
    struct maker *m = context;
    const uint32_t stride = PQ_LANES * k->z.dims;
    struct pq_ring ring = pq_ring(k, PQ_LANES, 2);
    struct ir_val at = m->centroids;
    begin_rings(k, m);
    for (uint32_t b = 0; b < n; b++) {
        if (b)
            at = pq_ring_add(k, &ring, at, stride);
        use_scores(k, m, scores(k, m, at, PQ_LANES), PQ_LANES);
    }
    ir_alu_into(k->ir, m->centroids, OP_ALU_ADD, at, ir_const(k->ir, stride));
    if (!m->second)
        pq_leave(k, &m->to);
}

/* All centroids of a sub-vector. */
static void score_sub(struct pq_code *k, struct maker *m, uint32_t sub, struct ir_val q, struct ir_val cent,
                      uint32_t most)
{
    struct ir *ir = k->ir;
    const uint32_t n = k->z.centroids, dims = k->z.dims;
    m->n_query = load_query(k, q, sub, m->query);
    const struct ir_val apart = ir_alu(ir, OP_ALU_MUL, k->iota, ir_vconst(ir, dims));
    m->centroids = pq_set(k, ir_alu(ir, OP_ALU_ADD, apart, pq_add(k, cent, sub * n * dims)));
    pq_repeat(k, n / PQ_LANES, most, whole_blocks, m);
    if (n % PQ_LANES) {
        begin_rings(k, m);
        use_scores(k, m, scores(k, m, m->centroids, n % PQ_LANES), n % PQ_LANES);
    }
}

void pq_make_tables(struct pq_code *k, const struct pq_tables *t, struct ir_val q, struct ir_val cent,
                    uint32_t most)
{
    struct maker m = {.n_kept = 0};
    for (uint32_t i = 0; i < k->z.dims; i += PQ_LANES)
        m.query[i / PQ_LANES] = ir_vector(k->ir, "query");
    for (unsigned i = 0; i < t->n; i++) {
        const struct pq_table *table = &t->at[i];
        const struct ir_mem mem = pq_work(k, table->offset, table->words);
        m.table = table;
        m.bias = m.n_kept = 0;
        if (table->subs == 2) {
            m.second = true;
            score_sub(k, &m, table->sub + 1, q, cent, UINT32_MAX);
            m.second = false;
        }
        m.bias = i ? 0 : t->bias;
        m.to = pq_cursor(k, pq_add(k, k->at[PQ_WORK], table->offset), mem, most == UINT32_MAX);
        score_sub(k, &m, table->sub, q, cent, most);
    }
}

/* --- keys --------------------------------------------------------------------------- */

struct pq_keys pq_keys(struct pq_code *k)
{
    return (struct pq_keys){pq_ring(k, PQ_BLOCK, 2), pq_ring(k, PQ_LANES, 4), pq_ring(k, PQ_LANES, 4)};
}

/* The scores of `lanes` neighbours in a table, to a view. codes[s]: as in pq_keys_next,
 * lane `v` of each. */
static void look_up(struct pq_code *k, struct pq_keys *keys, const struct pq_table *t,
                    const struct ir_val *codes, unsigned v, struct ir_val to, unsigned lanes)
{
    struct ir *ir = k->ir;
    const struct ir_mem mem = pq_array(k, PQ_CODES);
    const struct ir_val at = pq_ring_next(&keys->at);
    struct ir_val code = pq_ring_next(&keys->codes);
    ir_load_into(ir, code, ir_lane(codes[t->sub], v), mem);
    if (t->subs == 2) {
        const struct ir_val second = pq_ring_next(&keys->codes);
        ir_load_into(ir, second, ir_lane(codes[t->sub + 1], v), mem);
        code = ir_madd(ir, code, ir_vconst(ir, pq_round_up(k->z.centroids, PQ_LANES)), second);
    }
    ir_alu_into(ir, at, OP_ALU_ADD, code, t->at);
    for (unsigned i = 0; i < lanes; i++)
        ir_load_into(ir, ir_lane(to, i), ir_lane(at, i), pq_work(k, t->offset, t->words));
}

struct ir_val pq_keys_next(struct pq_code *k, struct pq_keys *keys, const struct pq_tables *t,
                           const struct ir_val *codes, uint32_t n)
{
    struct ir *ir = k->ir;
    const struct ir_val block = pq_ring_next(&keys->keys);
    for (uint32_t first = 0; first < PQ_BLOCK; first += PQ_LANES) {
        const struct ir_val to = ir_lanes(block, first, 1, PQ_LANES);
        const uint32_t left = first < n ? n - first : 0, lanes = left < PQ_LANES ? left : PQ_LANES;
        for (unsigned i = 0; lanes && i < t->n; i++) {
            const struct ir_val part = i ? ir_vector(ir, "part") : to;
            look_up(k, keys, &t->at[i], codes, first / PQ_LANES, part, lanes);
            if (i)
                ir_alu_into(ir, ir_lanes(to, 0, 1, lanes), OP_ALU_ADD, ir_lanes(to, 0, 1, lanes),
                            ir_lanes(part, 0, 1, lanes));
        }
        for (unsigned i = lanes; i < PQ_LANES; i++)
            ir_alu_into(ir, ir_lane(to, i), OP_ALU_OR, ir->zero, ir->zero);
    }
    return block;
}
