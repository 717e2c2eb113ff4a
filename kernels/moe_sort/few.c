/* Places of a few tokens' experts without counting in memory: every entry is compared
 * with all others, three in a word.
 *
 *     within   entries of the same expert before it
 *     block    experts below its own, each counted at its first entry
 *
 * No expert has more than a block of entries. */
#include "kernels/moe_sort/code.h"

enum { MAX_ENTRIES = 64, MAX_TOKENS = 8, PACKED = 3, MAX_WORDS = (MOE_TOP + PACKED - 1) / PACKED };

/* Fields of a word: an expert's 8 bits and some to compare with, so that counts of what
 * was found fit above them. */
enum { SAME_FIELD = 10, BELOW_FIELD = 9 };

/* Entries in the order of tokens, then choices, eight to a vector. */
struct few {
    struct moe_code *c;
    const struct moe_chosen *chosen;
    unsigned n, vectors;
    struct ir_val expert; /* all words */
    struct ir_val within[MAX_ENTRIES / 8], block[MAX_ENTRIES / 8];
};

bool moe_are_few(const struct moe_sizes *s)
{
    return s->m <= MAX_TOKENS && s->m <= s->u && s->m * s->k <= MAX_ENTRIES;
}

/* 1 in each field of so many bits. */
static uint32_t ones(unsigned field)
{
    return 1u << 2 * field | 1u << field | 1;
}

static struct ir_val vector_of(const struct few *f, unsigned v)
{
    return moe_part(f->expert, 8 * v, 8);
}

/* A word from each lane of `fields`, of which there are n. */
static struct ir_val pack(struct moe_code *c, const struct ir_val *fields, unsigned n, unsigned bits)
{
    struct ir_val packed = fields[0];
    for (unsigned i = 1; i < n; i++) {
        const struct ir_val shifted = ir_alu(c->ir, OP_ALU_SHL, fields[i], ir_const(c->ir, i * bits));
        packed = ir_alu(c->ir, OP_ALU_OR, packed, shifted);
    }
    return packed;
}

/* The sum of n vectors. */
static struct ir_val sum_of(struct ir *ir, struct ir_val *v, unsigned n)
{
    for (; n > 1; n -= n / 2)
        for (unsigned i = 0; i < n / 2; i++)
            v[i] = ir_alu(ir, OP_ALU_ADD, v[i], v[n - 1 - i]);
    return v[0];
}

/* --- entries of the same expert ------------------------------------------------------ */

/* A token's experts, and those of entries in all fields: bit 9 of a field where they are
 * the same, which they are once at most. */
static struct ir_val same(struct ir *ir, const struct ir_val *token, unsigned words, struct ir_val experts)
{
    const struct ir_val high = ir_const(ir, ones(SAME_FIELD) << (SAME_FIELD - 1));
    struct ir_val found = ir->zero;
    for (unsigned i = 0; i < words; i++) {
        const struct ir_val bits = ir_alu(ir, OP_ALU_SUB, high, ir_alu(ir, OP_ALU_XOR, experts, token[i]));
        found = i ? ir_alu(ir, OP_ALU_OR, found, bits) : bits;
    }
    return ir_alu(ir, OP_ALU_AND, found, high);
}

/* The i-th word of all tokens: three of their experts. */
static struct ir_val pack_tokens(const struct few *f, unsigned i)
{
    enum { NO_EXPERT = 511 };
    struct moe_code *c = f->c;
    struct ir_val field[PACKED] = {{0}};
    unsigned n = 0;
    uint32_t none = 0;
    for (unsigned k = PACKED * i; k < PACKED * i + PACKED; k++)
        if (k < c->s.k)
            field[n++] = ir_view(f->expert, k, c->s.k, c->s.m);
        else
            none |= (uint32_t)NO_EXPERT << SAME_FIELD * (k - PACKED * i);
    const struct ir_val packed = pack(c, field, n, SAME_FIELD);
    return none ? ir_alu(c->ir, OP_ALU_OR, packed, ir_const(c->ir, none)) : packed;
}

/* Packed experts: the i-th word of all tokens, and for each token all words, spread over
 * vectors. */
struct packed {
    unsigned words;
    struct ir_val word[MAX_WORDS], spread[MAX_TOKENS][MAX_WORDS];
};

static void pack_experts(const struct few *f, struct packed *p)
{
    for (p->words = 0; p->words * PACKED < f->c->s.k; p->words++) {
        const struct ir_val word = pack_tokens(f, p->words);
        p->word[p->words] = word;
        for (unsigned t = 0; t + 1 < f->c->s.m; t++)
            p->spread[t][p->words] = ir_broadcast(f->c->ir, ir_lane(word, t));
    }
}

/* A token's experts differ, so only entries of earlier tokens count: in every lane, or in
 * the last lanes of a vector. */
static struct ir_val find_within(const struct few *f, const struct packed *p, unsigned v)
{
    struct ir *ir = f->c->ir;
    const struct ir_val experts = ir_alu(ir, OP_ALU_MUL, vector_of(f, v), ir_const(ir, ones(SAME_FIELD)));
    struct ir_val found[MAX_TOKENS] = {{0}}, sum = ir_vector(ir, "found");
    unsigned t = 0, next = f->c->s.k; /* the first entry of the token after t */
    for (; next <= 8 * v; next += f->c->s.k) {
        found[t] = same(ir, p->spread[t], p->words, experts);
        t++;
    }
    if (t)
        sum = sum_of(ir, found, t);
    else
        moe_set(f->c, sum, 0);
    for (; next < 8 * v + 8 && next < f->n; next += f->c->s.k) {
        const unsigned from = next - 8 * v, lanes = 8 - from;
        const struct ir_val some = moe_part(sum, from, lanes), others = moe_part(experts, from, lanes);
        struct ir_val token[MAX_WORDS];
        for (unsigned i = 0; i < p->words; i++)
            token[i] = ir_lane(p->word[i], t);
        ir_alu_into(ir, some, OP_ALU_ADD, some, same(ir, token, p->words, others));
        t++;
    }
    return sum;
}

/* The fields of a sum of bits, added up: their weights are 1 modulo the ones of a field. */
static struct ir_val count(struct ir *ir, struct ir_val sum, unsigned field)
{
    const struct ir_val fields = ir_alu(ir, OP_ALU_SHR, sum, ir_const(ir, field - 1));
    return ir_alu(ir, OP_ALU_MOD, fields, ir_const(ir, (1u << field) - 1));
}

/* --- experts below ----------------------------------------------------------------- */

/* Spreads words of three entries over vectors: their experts, or NOBODY where the entry
 * is not the first of its expert. How many words. */
static unsigned pack_first(const struct few *f, struct ir_val *spread)
{
    enum { NOBODY = 255 };
    struct ir *ir = f->c->ir;
    const unsigned words = (f->n + PACKED - 1) / PACKED, all = PACKED * words, whole = 8 * f->vectors;
    const struct ir_val first = ir_block(ir, (uint16_t)(all > whole ? all : whole), "first");
    for (unsigned v = 0; v < f->vectors; v++) {
        const struct ir_val later = ir_alu(ir, OP_ALU_LT, ir_vconst(ir, 0), f->within[v]);
        const struct ir_val nobody = ir_alu(ir, OP_ALU_MUL, later, ir_vconst(ir, NOBODY));
        ir_alu_into(ir, moe_part(first, 8 * v, 8), OP_ALU_OR, vector_of(f, v), nobody);
    }
    if (all > f->n)
        moe_set(f->c, moe_part(first, f->n, all - f->n), NOBODY);
    struct ir_val field[PACKED] = {{0}};
    for (unsigned i = 0; i < PACKED; i++)
        field[i] = ir_view(first, i, PACKED, words);
    const struct ir_val packed = pack(f->c, field, PACKED, BELOW_FIELD);
    for (unsigned i = 0; i < words; i++)
        spread[i] = ir_broadcast(ir, moe_part(packed, i, 1));
    return words;
}

/* In each field expert + 255 - other has bit 8 set if the other one is below. */
static void find_blocks(struct few *f)
{
    const uint32_t one = ones(BELOW_FIELD);
    struct ir *ir = f->c->ir;
    struct ir_val first[(MAX_ENTRIES + PACKED - 1) / PACKED],
        below[(MAX_ENTRIES + PACKED - 1) / PACKED] = {{0}};
    const unsigned words = pack_first(f, first);
    const struct ir_val high = ir_vconst(ir, one << (BELOW_FIELD - 1));
    for (unsigned v = 0; v < f->vectors; v++) {
        const struct ir_val most = ir_vconst(ir, one * 255);
        const struct ir_val experts = ir_madd(ir, vector_of(f, v), ir_vconst(ir, one), most);
        for (unsigned i = 0; i < words; i++)
            below[i] = ir_alu(ir, OP_ALU_AND, ir_alu(ir, OP_ALU_SUB, experts, first[i]), high);
        f->block[v] = count(ir, sum_of(ir, below, words), BELOW_FIELD);
    }
}

/* How many experts there are: entries that are the first of theirs. */
static struct ir_val count_experts(const struct few *f)
{
    struct ir *ir = f->c->ir;
    const unsigned rest = f->n % 8;
    struct ir_val first[MAX_ENTRIES / 8] = {{0}};
    for (unsigned v = 0; v < f->vectors; v++)
        first[v] = ir_alu(ir, OP_ALU_EQ, f->within[v], ir_vconst(ir, 0));
    for (unsigned l = rest; l && l < 8; l++)
        moe_set(f->c, ir_lane(first[f->vectors - 1], l), 0);
    struct ir_val sum = sum_of(ir, first, f->vectors);
    for (unsigned n = 4; n; n /= 2)
        sum = ir_alu(ir, OP_ALU_ADD, ir_lanes(sum, 0, 1, n), ir_lanes(sum, n, 1, n));
    return sum;
}

/* --- to memory ---------------------------------------------------------------------- */

static struct ir_mem valid_words(const struct few *f, unsigned array)
{
    const struct moe_sizes *s = &f->c->s;
    const uint32_t words = moe_most_valid(s);
    return (struct ir_mem){s->at[array], array == MOE_SE ? words / s->u : words};
}

/* What sid holds of each entry. */
static struct ir_val names_of(const struct few *f)
{
    struct moe_code *c = f->c;
    const struct ir_val names = ir_block(c->ir, (uint16_t)f->n, "names");
    for (unsigned k = 0; k < c->s.k; k++)
        moe_set(c, moe_part(names, k, 1), k << 24);
    for (unsigned t = 1; t < c->s.m; t++)
        ir_alu_into(c->ir, moe_part(names, t * c->s.k, c->s.k), OP_ALU_ADD, moe_part(names, 0, c->s.k),
                    ir_const(c->ir, t));
    return names;
}

static void store_entries(const struct few *f)
{
    struct ir *ir = f->c->ir;
    const struct moe_sizes *s = &f->c->s;
    const struct ir_val names = names_of(f);
    for (unsigned v = 0; v < f->vectors; v++) {
        const struct ir_val within = count(ir, f->within[v], SAME_FIELD);
        const struct ir_val place = ir_madd(ir, f->block[v], ir_vconst(ir, s->u), within);
        const struct ir_val sid = ir_alu(ir, OP_ALU_ADD, place, ir_vconst(ir, s->at[MOE_SID]));
        const struct ir_val sw = ir_alu(ir, OP_ALU_ADD, place, ir_vconst(ir, s->at[MOE_SW]));
        const struct ir_val se = ir_alu(ir, OP_ALU_ADD, f->block[v], ir_vconst(ir, s->at[MOE_SE]));
        for (unsigned l = 0; l < 8 && 8 * v + l < f->n; l++) {
            const unsigned j = 8 * v + l, at = j / s->k * f->chosen->stride + j % s->k;
            ir_store(ir, ir_lane(sid, l), moe_part(names, j, 1), valid_words(f, MOE_SID));
            ir_store(ir, ir_lane(sw, l), moe_part(f->chosen->w, at, 1), valid_words(f, MOE_SW));
            ir_store(ir, ir_lane(se, l), moe_part(f->expert, j, 1), valid_words(f, MOE_SE));
        }
    }
}

/* The first entries of a shared expert's block: all of eight, or the tokens'. */
static void store_row(const struct few *f, unsigned array, struct ir_val place, struct ir_val row)
{
    struct ir *ir = f->c->ir;
    const struct moe_sizes *s = &f->c->s;
    const uint32_t step = s->u < 8 ? 1 : 8;
    const struct ir_val at = ir_alu(ir, OP_ALU_ADD, place, ir_const(ir, s->at[array]));
    for (uint32_t i = 0; i < s->m; i += step)
        ir_store(ir, moe_further(f->c, at, i), moe_part(row, i, step), valid_words(f, array));
}

/* A vector's first words set for tokens, the others as where there is no entry. */
static void set_row(const struct few *f, struct ir_val row, uint32_t value, uint32_t step, uint32_t none)
{
    for (uint32_t t = 0; t < 8; t++)
        moe_set(f->c, ir_lane(row, t), t < f->c->s.m ? value + t * step : none);
}

/* The shared experts, each of which has all tokens, and the counts. */
static void store_shared(const struct few *f, struct ir_val experts)
{
    struct ir *ir = f->c->ir;
    const struct moe_sizes *s = &f->c->s;
    const struct ir_val unit = ir_const(ir, s->u);
    for (unsigned i = 0; i < s->sh; i++) {
        const struct ir_val names = ir_vector(ir, "shared names"), weights = ir_vector(ir, "shared weights");
        const struct ir_val block = ir_alu(ir, OP_ALU_ADD, experts, ir_const(ir, i));
        const struct ir_val place = ir_alu(ir, OP_ALU_MUL, block, unit);
        set_row(f, names, (s->k + i) << 24, 1, s->kt << 24 | s->m);
        set_row(f, weights, s->wsh, 0, 0);
        store_row(f, MOE_SID, place, names);
        store_row(f, MOE_SW, place, weights);
        const struct ir_val owner = ir_const(ir, s->e + i);
        ir_store(ir, ir_alu(ir, OP_ALU_ADD, block, ir_const(ir, s->at[MOE_SE])), owner,
                 valid_words(f, MOE_SE));
    }
    const struct ir_val blocks = ir_alu(ir, OP_ALU_ADD, experts, ir_const(ir, s->sh));
    const uint32_t at = s->at[MOE_NUM_VALID];
    const struct ir_val valid = ir_alu(ir, OP_ALU_MUL, blocks, unit);
    ir_store(ir, ir_const(ir, at), valid, (struct ir_mem){at, 1});
    const struct ir_val tokens = ir_const(ir, s->m);
    ir_store(ir, ir_const(ir, at + 1), tokens, (struct ir_mem){at + 1, 1});
}

/* The experts chosen, without the shared ones, as whole vectors. */
static void begin(struct few *f)
{
    struct moe_code *c = f->c;
    const struct moe_chosen *from = f->chosen;
    f->n = c->s.m * c->s.k;
    f->vectors = (f->n + 7) / 8;
    f->expert = from->ids;
    if (from->stride == c->s.k && f->n % 8 == 0)
        return;
    f->expert = ir_block(c->ir, (uint16_t)(8 * f->vectors), "expert");
    for (unsigned k = 0; k < c->s.k; k++)
        ir_alu_into(c->ir, ir_view(f->expert, k, c->s.k, c->s.m), OP_ALU_OR,
                    ir_view(from->ids, k, from->stride, c->s.m), c->ir->zero);
    if (f->n % 8)
        moe_set(c, moe_part(f->expert, f->n, 8 - f->n % 8), 0);
}

void moe_sort_few(struct moe_code *c, const struct moe_chosen *chosen)
{
    struct few f = {.c = c, .chosen = chosen};
    ir_stage(c->ir, "sort");
    begin(&f);
    struct packed packed = {0};
    pack_experts(&f, &packed);
    for (unsigned v = 0; v < f.vectors; v++)
        f.within[v] = find_within(&f, &packed, v);
    find_blocks(&f);
    store_shared(&f, count_experts(&f));
    store_entries(&f);
}
