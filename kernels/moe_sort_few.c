/* Places of a few tokens' experts without counting in memory: every entry is compared
 * with all others.
 *
 *     within   entries of the same expert before it
 *     block    experts below its own, each counted at its first entry
 *
 * No expert has more than a block of entries. */
#include "kernels/moe_sort_code.h"

enum { MOST_ENTRIES = 64, MOST_TOKENS = 8 };

/* Entries in the order of tokens, then choices, eight to a vector. */
struct few {
    struct moe_code *c;
    const struct moe_chosen *chosen;
    unsigned n, vectors;
    struct ir_val expert;              /* all words */
    struct ir_val each[MOST_ENTRIES];  /* spread over a vector */
    struct ir_val first[MOST_ENTRIES]; /* the same, out of range where it is not the first of its expert */
    struct ir_val within[MOST_ENTRIES / 8], block[MOST_ENTRIES / 8];
};

bool moe_are_few(const struct moe_sizes *s)
{
    return s->m <= MOST_TOKENS && s->m <= s->u && s->m * s->k <= MOST_ENTRIES;
}

static struct ir_val vector_of(const struct few *f, unsigned v)
{
    return moe_part(f->expert, 8 * v, 8);
}

static void begin(struct few *f)
{
    struct moe_code *c = f->c;
    f->n = c->s.m * c->s.k;
    f->vectors = (f->n + 7) / 8;
    f->expert = ir_block(c->ir, (uint16_t)(8 * f->vectors), "expert");
    for (unsigned k = 0; k < c->s.k; k++)
        ir_alu_into(c->ir, ir_view(f->expert, k, c->s.k, c->s.m), OP_ALU_OR, f->chosen->id[k], c->ir->zero);
    if (f->n % 8)
        moe_set(c, moe_part(f->expert, f->n, 8 - f->n % 8), 0);
    for (unsigned j = 0; j < f->n; j++)
        f->each[j] = ir_broadcast(c->ir, moe_part(f->expert, j, 1));
}

/* Sums of 0 and 1 over entries [from, to): how many are like the lanes of vector v. */
static struct ir_val count_same(const struct few *f, unsigned v, unsigned from, unsigned to)
{
    struct ir *ir = f->c->ir;
    if (from + 1 == to)
        return ir_alu(ir, OP_ALU_EQ, f->each[from], vector_of(f, v));
    const unsigned mid = (from + to) / 2;
    return ir_alu(ir, OP_ALU_ADD, count_same(f, v, from, mid), count_same(f, v, mid, to));
}

/* The same: how many experts are below those of vector v. */
static struct ir_val count_below(const struct few *f, unsigned v, unsigned from, unsigned to)
{
    struct ir *ir = f->c->ir;
    if (from + 1 == to)
        return ir_alu(ir, OP_ALU_LT, f->first[from], vector_of(f, v));
    const unsigned mid = (from + to) / 2;
    return ir_alu(ir, OP_ALU_ADD, count_below(f, v, from, mid), count_below(f, v, mid, to));
}

/* A token's experts differ, so only entries of earlier tokens count: all of them in every
 * lane, or in the last lanes of the vector. */
static struct ir_val find_within(const struct few *f, unsigned v)
{
    struct ir *ir = f->c->ir;
    const unsigned k = f->c->s.k, all = 8 * v / k * k, last = (8 * v + 7) / k * k;
    const struct ir_val sum = ir_vector(ir, "within");
    if (all)
        ir_alu_into(ir, sum, OP_ALU_OR, count_same(f, v, 0, all), ir->zero);
    else
        moe_set(f->c, sum, 0);
    for (unsigned j = all; j < last && j < f->n; j++) {
        const unsigned from = (j / k + 1) * k - 8 * v, lanes = 8 - from;
        const struct ir_val some = moe_part(sum, from, lanes),
                            experts = moe_part(f->expert, 8 * v + from, lanes);
        const struct ir_val same = ir_alu(ir, OP_ALU_EQ, experts, moe_part(f->expert, j, 1));
        ir_alu_into(ir, some, OP_ALU_ADD, some, same);
    }
    return sum;
}

/* Entry j is the first of its expert where its number within is 0. */
static void find_first(struct few *f)
{
    enum { OUT_OF_RANGE = 512 };
    struct ir *ir = f->c->ir;
    for (unsigned v = 0; v < f->vectors; v++) {
        const struct ir_val later = ir_alu(ir, OP_ALU_LT, ir_vconst(ir, 0), f->within[v]);
        const struct ir_val first = ir_madd(ir, later, ir_vconst(ir, OUT_OF_RANGE), vector_of(f, v));
        for (unsigned j = 8 * v; j < 8 * v + 8 && j < f->n; j++)
            f->first[j] = ir_broadcast(ir, moe_part(first, j - 8 * v, 1));
    }
}

/* How many experts there are: entries that are the first of theirs. */
static struct ir_val experts_in(const struct few *f, unsigned from, unsigned to)
{
    struct ir *ir = f->c->ir;
    if (from + 1 == to)
        return ir_alu(ir, OP_ALU_EQ, moe_part(f->within[from / 8], from % 8, 1), ir->zero);
    const unsigned mid = (from + to) / 2;
    return ir_alu(ir, OP_ALU_ADD, experts_in(f, from, mid), experts_in(f, mid, to));
}

static struct ir_mem valid_words(const struct few *f, unsigned array)
{
    const struct moe_sizes *s = &f->c->s;
    const uint32_t words = moe_most_valid(s);
    return (struct ir_mem){s->at[array], array == MOE_SE ? words / s->u : words};
}

static void store_entries(const struct few *f)
{
    struct ir *ir = f->c->ir;
    const struct moe_sizes *s = &f->c->s;
    for (unsigned v = 0; v < f->vectors; v++) {
        const struct ir_val place = ir_madd(ir, f->block[v], ir_vconst(ir, s->u), f->within[v]);
        const struct ir_val sid = ir_alu(ir, OP_ALU_ADD, place, ir_vconst(ir, s->at[MOE_SID]));
        const struct ir_val sw = ir_alu(ir, OP_ALU_ADD, place, ir_vconst(ir, s->at[MOE_SW]));
        const struct ir_val se = ir_alu(ir, OP_ALU_ADD, f->block[v], ir_vconst(ir, s->at[MOE_SE]));
        for (unsigned l = 0; l < 8 && 8 * v + l < f->n; l++) {
            const unsigned j = 8 * v + l, t = j / s->k, k = j % s->k;
            ir_store(ir, ir_lane(sid, l), ir_const(ir, k << 24 | t), valid_words(f, MOE_SID));
            ir_store(ir, ir_lane(sw, l), ir_lane(f->chosen->w[k], t), valid_words(f, MOE_SW));
            ir_store(ir, ir_lane(se, l), moe_part(f->expert, j, 1), valid_words(f, MOE_SE));
        }
    }
}

/* The shared experts, each of which has all tokens, and the counts. */
static void store_shared(const struct few *f, struct ir_val experts)
{
    struct ir *ir = f->c->ir;
    const struct moe_sizes *s = &f->c->s;
    const struct ir_val unit = ir_const(ir, s->u);
    for (unsigned i = 0; i < s->sh; i++) {
        const struct ir_val block = ir_alu(ir, OP_ALU_ADD, experts, ir_const(ir, i));
        const struct ir_val place = ir_alu(ir, OP_ALU_MUL, block, unit);
        for (unsigned t = 0; t < s->m; t++) {
            const struct ir_val sid = ir_alu(ir, OP_ALU_ADD, place, ir_const(ir, s->at[MOE_SID] + t));
            const struct ir_val sw = ir_alu(ir, OP_ALU_ADD, place, ir_const(ir, s->at[MOE_SW] + t));
            ir_store(ir, sid, ir_const(ir, (s->k + i) << 24 | t), valid_words(f, MOE_SID));
            ir_store(ir, sw, ir_const(ir, s->wsh), valid_words(f, MOE_SW));
        }
        ir_store(ir, ir_alu(ir, OP_ALU_ADD, block, ir_const(ir, s->at[MOE_SE])), ir_const(ir, s->e + i),
                 valid_words(f, MOE_SE));
    }
    const struct ir_val blocks = ir_alu(ir, OP_ALU_ADD, experts, ir_const(ir, s->sh));
    const uint32_t at = s->at[MOE_NUM_VALID];
    ir_store(ir, ir_const(ir, at), ir_alu(ir, OP_ALU_MUL, blocks, unit), (struct ir_mem){at, 1});
    ir_store(ir, ir_const(ir, at + 1), ir_const(ir, s->m), (struct ir_mem){at + 1, 1});
}

void moe_sort_few(struct moe_code *c, const struct moe_chosen *chosen)
{
    struct few f = {.c = c, .chosen = chosen};
    ir_stage(c->ir, "sort");
    begin(&f);
    for (unsigned v = 0; v < f.vectors; v++)
        f.within[v] = find_within(&f, v);
    find_first(&f);
    for (unsigned v = 0; v < f.vectors; v++)
        f.block[v] = count_below(&f, v, 0, f.n);
    store_shared(&f, experts_in(&f, 0, f.n));
    store_entries(&f);
}
