/* Places of many tokens' experts: counted in tables in memory, added up, handed out.
 *
 * Several streams of neighbouring tokens have a table each, so that one's stores are not
 * waited for by another's loads: a table is first the stream's counts, then its next
 * places. */
#include "kernels/moe_sort/code.h"

enum { MAX_STREAMS = 4, STREAMS_FROM = 32 }; /* tokens */
enum { STRAIGHT = 80 };                      /* choices without a loop */
enum { ROW_VECTORS = (MOE_MAX_CHOSEN + MOE_MAX_SHARED) / 8 };

struct streams {
    struct moe_code *c;
    unsigned n;
    uint32_t passes;        /* each of a token of every stream; what is left belongs to the last */
    uint32_t table, stride; /* tables in the work area */
};

uint32_t moe_most_valid(const struct moe_sizes *s)
{
    const uint32_t entries = s->m * s->k, experts = entries < s->e ? entries : s->e;
    const uint32_t blocks = experts + (entries - experts) / s->u + s->sh * moe_cdiv(s->m, s->u);
    return blocks * s->u;
}

/* 0, 8, 16 ... */
static struct ir_val steps_of_eight(struct moe_code *c)
{
    const struct ir_val v = ir_vector(c->ir, "steps");
    for (unsigned l = 0; l < 8; l++)
        moe_set(c, ir_lane(v, l), 8 * l);
    return v;
}

void moe_fill(struct moe_code *c, uint32_t n, struct ir_val moved)
{
    enum { STEP = 64 };
    const struct ir_val none = ir_vconst(c->ir, c->s.kt << 24 | c->s.m), zero = ir_vconst(c->ir, 0);
    const struct moe_token token = {0, moved};
    ir_stage(c->ir, "fill");
    const struct ir_val steps = steps_of_eight(c);
    struct ir_val at[2]; /* of the next eight vectors */
    for (uint32_t i = 0; i < n; i += 8)
        for (unsigned k = 0; k < 2; k++) {
            const struct moe_place p = {MOE_SID + k, 0, moved.block == IR_NONE ? 0 : 1};
            if (i == 0)
                at[k] = ir_alu(c->ir, OP_ALU_ADD, steps, moe_address(c, &p, &token, 0));
            else if (i % STEP == 0)
                at[k] = ir_alu(c->ir, OP_ALU_ADD, at[k], ir_vconst(c->ir, STEP));
            ir_store(c->ir, ir_lane(at[k], i % STEP / 8), k ? zero : none, moe_range(c, &p, &token, i, 8));
        }
}

/* --- tables ------------------------------------------------------------------------ */

/* Blocks that one expert may have. */
static uint32_t most_blocks(const struct moe_sizes *s)
{
    return moe_cdiv(s->m, s->u);
}

static struct streams streams_of(struct moe_code *c)
{
    const struct moe_sizes *s = &c->s;
    struct streams t = {.c = c, .n = s->m < STREAMS_FROM ? 1 : MAX_STREAMS};
    t.passes = s->m / t.n;
    /* Beyond what stores of block owners may touch behind se. */
    t.table = (most_blocks(s) + 7) / 8 * 8;
    t.stride = (s->et + 7) / 8 * 8;
    return t;
}

static struct moe_place table_of(const struct streams *t, unsigned stream)
{
    return (struct moe_place){MOE_WORK, t->table + stream * t->stride, 0};
}

static struct ir_mem table_words(const struct streams *t, unsigned stream)
{
    return (struct ir_mem){t->c->s.at[MOE_WORK] + t->table + stream * t->stride, t->stride};
}

static const struct moe_token start = {0, {.block = IR_NONE}};

static void clear_tables(const struct streams *t)
{
    struct moe_code *c = t->c;
    const struct ir_val zero = ir_vconst(c->ir, 0);
    for (unsigned i = 0; i < t->n; i++) {
        const struct moe_place p = table_of(t, i);
        struct ir_val at = moe_address(c, &p, &start, 0);
        for (uint32_t e = 0; e < t->stride; e += 8) {
            ir_store(c->ir, at, zero, moe_range(c, &p, &start, e, 8));
            at = moe_further(c, at, 8);
        }
    }
}

/* Calls `visit` for all tokens, in order within a stream. */
static void each_token(const struct streams *t,
                       void (*visit)(const struct streams *t, unsigned stream, const struct moe_token *token))
{
    struct moe_code *c = t->c;
    const uint32_t n = c->s.m * c->s.kt <= STRAIGHT ? 1 : t->passes, straight = n == 1 ? t->passes : 1;
    const struct ir_val moved = moe_counter(c, n);
    const struct moe_loop loop = moe_loop(c, n);
    for (uint32_t i = 0; i < straight; i++)
        for (unsigned stream = 0; stream < t->n; stream++)
            visit(t, stream, &(struct moe_token){stream * t->passes + i, moved});
    moe_count(c, moved, n, 1, n);
    moe_loop_end(c, &loop);
    for (uint32_t i = t->n * t->passes; i < c->s.m; i++)
        visit(t, t->n - 1, &(struct moe_token){i, start.moved});
}

static uint32_t lanes_at(uint32_t first, uint32_t n)
{
    return n - first < 8 ? n - first : 8;
}

/* Addresses in the stream's table of the token's experts [at, at + 8). */
static struct ir_val entries_of(const struct streams *t, unsigned stream, struct ir_val ids, uint32_t at,
                                uint32_t n)
{
    const struct moe_place p = table_of(t, stream);
    return ir_alu(t->c->ir, OP_ALU_ADD, moe_part(ids, at, n), moe_address(t->c, &p, &start, 0));
}

static void store_each(struct ir *ir, struct ir_val addresses, struct ir_val from, struct ir_mem mem)
{
    for (unsigned l = 0; l < addresses.lanes; l++)
        ir_store(ir, ir_lane(addresses, l), ir_lane(from, l), mem);
}

/* Takes the next number of each of the token's experts and leaves one more there; the
 * experts of one token differ. `got` has room for ROW_VECTORS. */
static void next_numbers(const struct streams *t, unsigned stream, const struct moe_token *token,
                         struct ir_val *got)
{
    struct moe_code *c = t->c;
    const struct moe_place p = {MOE_IDS, 0, c->s.kt};
    const struct ir_val ids = moe_load_row(c, &p, token, c->s.kt);
    const struct ir_mem mem = table_words(t, stream);
    struct ir_val at[ROW_VECTORS];
    for (uint32_t i = 0; i < c->s.kt; i += 8) {
        at[i / 8] = entries_of(t, stream, ids, i, lanes_at(i, c->s.kt));
        got[i / 8] = ir_gather(c->ir, at[i / 8], mem);
    }
    for (uint32_t i = 0; i < c->s.kt; i += 8)
        store_each(c->ir, at[i / 8], ir_alu(c->ir, OP_ALU_ADD, got[i / 8], ir_const(c->ir, 1)), mem);
}

static void count_token(const struct streams *t, unsigned stream, const struct moe_token *token)
{
    struct ir_val counts[ROW_VECTORS];
    next_numbers(t, stream, token, counts);
}

/* --- from counts to places ----------------------------------------------------------- */

/* x[0], x[0] + x[1], ...: in each step, what is `by` lanes before is added. */
static struct ir_val running_sums(struct ir *ir, struct ir_val x)
{
    for (unsigned by = 1; by < 8; by *= 2) {
        const struct ir_val y = ir_vector(ir, "sums");
        ir_alu_into(ir, ir_lanes(y, 0, 1, by), OP_ALU_OR, ir_lanes(x, 0, 1, by), ir->zero);
        ir_alu_into(ir, ir_lanes(y, by, 1, 8 - by), OP_ALU_ADD, ir_lanes(x, by, 1, 8 - by),
                    ir_lanes(x, 0, 1, 8 - by));
        x = y;
    }
    return x;
}

/* Walking the tables, eight experts at a time. */
struct walk {
    struct ir_val experts;            /* their numbers */
    struct ir_val table[MAX_STREAMS]; /* where they are in each table */
    struct ir_val before;             /* blocks of the experts before them */
};

/* Writes an expert to all blocks it may have, from `block` on: in the order of experts,
 * later ones take what is theirs. */
static void store_owner(struct moe_code *c, struct ir_val block, struct ir_val expert)
{
    const struct moe_place p = {MOE_SE, 0, 0};
    const uint32_t n = most_blocks(&c->s), rounded = n == 1 ? 1 : (n + 7) / 8 * 8;
    const struct ir_mem mem = {c->s.at[MOE_SE], c->s.words[MOE_SE] + rounded};
    const struct ir_val from = n == 1 ? expert : ir_broadcast(c->ir, expert);
    const struct ir_val at = ir_alu(c->ir, OP_ALU_ADD, block, moe_address(c, &p, &start, 0));
    for (uint32_t i = 0; i < n; i += 8)
        ir_store(c->ir, moe_further(c, at, i), from, mem);
}

/* Turns the tables' counts of eight experts into places, and goes on. */
static void place_eight(const struct streams *t, uint32_t first, struct walk *w)
{
    struct moe_code *c = t->c;
    struct ir *ir = c->ir;
    struct ir_val counts[MAX_STREAMS], sum = ir->zero;
    for (unsigned i = 0; i < t->n; i++) {
        const struct moe_place p = table_of(t, i);
        counts[i] = ir_vload(ir, w->table[i], moe_range(c, &p, &start, first, 8));
        sum = i ? ir_alu(ir, OP_ALU_ADD, sum, counts[i]) : counts[i];
    }
    const struct ir_val blocks = ir_alu(ir, OP_ALU_CDIV, sum, ir_vconst(ir, c->s.u));
    const struct ir_val sums = running_sums(ir, blocks);
    const struct ir_val own = ir_alu(ir, OP_ALU_ADD, ir_alu(ir, OP_ALU_SUB, sums, blocks), w->before);
    struct ir_val place = ir_alu(ir, OP_ALU_MUL, own, ir_vconst(ir, c->s.u));
    for (unsigned i = 0; i < t->n; i++) {
        const struct moe_place p = table_of(t, i);
        ir_store(ir, w->table[i], place, moe_range(c, &p, &start, first, 8));
        place = ir_alu(ir, OP_ALU_ADD, place, counts[i]);
        w->table[i] = moe_further(c, w->table[i], 8);
    }
    for (uint32_t l = 0; l < 8 && first + l < c->s.et; l++)
        store_owner(c, ir_lane(own, l), ir_lane(w->experts, l));
    w->before = ir_alu(ir, OP_ALU_ADD, w->before, ir_lane(sums, 7));
    w->experts = ir_alu(ir, OP_ALU_ADD, w->experts, ir_vconst(ir, 8));
}

static void counts_to_places(const struct streams *t)
{
    struct moe_code *c = t->c;
    const struct moe_place p = {MOE_NUM_VALID, 0, 0};
    struct walk w = {.experts = ir_vector(c->ir, "experts"), .before = c->ir->zero};
    for (unsigned l = 0; l < 8; l++)
        moe_set(c, ir_lane(w.experts, l), l);
    for (unsigned i = 0; i < t->n; i++) {
        const struct moe_place table = table_of(t, i);
        w.table[i] = moe_address(c, &table, &start, 0);
    }
    for (uint32_t e = 0; e < t->stride; e += 8)
        place_eight(t, e, &w);
    const struct ir_val valid = ir_alu(c->ir, OP_ALU_MUL, w.before, ir_const(c->ir, c->s.u));
    ir_store(c->ir, moe_address(c, &p, &start, 0), valid, moe_range(c, &p, &start, 0, 1));
    const struct ir_val tokens = ir_const(c->ir, c->s.m);
    ir_store(c->ir, moe_address(c, &p, &start, 1), tokens, moe_range(c, &p, &start, 1, 1));
}

/* --- entries to their places ----------------------------------------------------------- */

/* What sid holds for the choices [at, at + n) of a token. */
static struct ir_val names_of(struct moe_code *c, const struct moe_token *token, uint32_t at, uint32_t n)
{
    const struct ir_val v = ir_block(c->ir, (uint16_t)n, "names");
    const struct ir_val number = ir_const(c->ir, token->t);
    const bool moves = token->moved.block != IR_NONE;
    const struct ir_val t = moves ? ir_alu(c->ir, OP_ALU_ADD, number, token->moved) : number;
    for (uint32_t l = 0; l < n; l++)
        ir_alu_into(c->ir, ir_lane(v, l), OP_ALU_ADD, t, ir_const(c->ir, (at + l) << 24));
    return v;
}

static void place_token(const struct streams *t, unsigned stream, const struct moe_token *token)
{
    struct moe_code *c = t->c;
    const struct moe_place w_row = {MOE_W, 0, c->s.kt}, sid = {MOE_SID, 0, 0}, sw = {MOE_SW, 0, 0};
    const struct ir_mem all_sid = {c->s.at[MOE_SID], c->s.words[MOE_SID]},
                        all_sw = {c->s.at[MOE_SW], c->s.words[MOE_SW]};
    struct ir_val places[ROW_VECTORS];
    next_numbers(t, stream, token, places);
    const struct ir_val w = moe_load_row(c, &w_row, token, c->s.kt);
    for (uint32_t i = 0; i < c->s.kt; i += 8) {
        const uint32_t n = lanes_at(i, c->s.kt);
        const struct ir_val to_sid =
                                ir_alu(c->ir, OP_ALU_ADD, places[i / 8], moe_address(c, &sid, &start, 0)),
                            to_sw = ir_alu(c->ir, OP_ALU_ADD, places[i / 8], moe_address(c, &sw, &start, 0));
        store_each(c->ir, to_sid, names_of(c, token, i, n), all_sid);
        store_each(c->ir, to_sw, moe_part(w, i, n), all_sw);
    }
}

void moe_sort_places(struct moe_code *c)
{
    const struct streams t = streams_of(c);
    ir_stage(c->ir, "count");
    clear_tables(&t);
    each_token(&t, count_token);
    ir_stage(c->ir, "places");
    counts_to_places(&t);
    ir_stage(c->ir, "sort");
    each_token(&t, place_token);
}
