/* The gate of a few tokens at a time: sums of the two largest keys of each group, the
 * groups kept, the largest keys in them, the weights.
 *
 * A lane is a token, or one of several parts of a token's experts where there are fewer
 * tokens than lanes; a row is an expert of each lane. Rows come out of contiguous words by
 * additions with strided operands, which alu does lane by lane: no loads are spent on it. */
#include "kernels/moe_sort/code.h"

enum { LANES = 8 };

/* Selects on flow, of 64: as arithmetic and flow take equally long then. */
enum { GROUPS_SELECTED = 24, EXPERTS_SELECTED = 18 };

/* How lanes are used: parts * tokens of them, `slots` groups of each token in a part. */
struct lanes {
    unsigned parts, tokens, slots;
};

/* Eight neighbouring experts of every lane's group, as loaded. */
struct chunk {
    struct ir_val sig, bias; /* [lane][expert], bias [part][expert] where that is the same for all tokens */
};

/* Rows in the making. */
struct rows {
    struct moe_code *c;
    const struct moe_token *first;
    unsigned tokens; /* real ones; further lanes repeat the last */
    struct lanes lanes;
    unsigned slot;
    struct ir_val sig_at[LANES], bias_at; /* of each token, of all */
    bool kept;                            /* slots are the groups kept, else all groups in order */
    struct ir_val off[MOE_TOP];           /* of each slot kept: its first expert, a token a lane */
    struct chunk chunk;
    struct ir_val code; /* low bits of the key of the row before, less one a row */
};

static struct lanes lanes_for(uint32_t groups, uint32_t tokens)
{
    struct lanes l = {1, LANES, 0};
    while (groups % (2 * l.parts) == 0 && LANES / (2 * l.parts) >= tokens) {
        l.parts *= 2;
        l.tokens /= 2;
    }
    l.slots = groups / l.parts;
    return l;
}

unsigned moe_gate_tokens(const struct moe_sizes *s)
{
    return s->m < LANES ? s->m : LANES;
}

/* --- rows -------------------------------------------------------------------------- */

/* Writes lanes [part * tokens, ...) of `to` from operands that have a word for each real
 * token; further lanes get the last token's. */
static void per_token(struct rows *r, struct ir_val to, unsigned part, enum isa_op op, struct ir_val a,
                      struct ir_val b)
{
    const unsigned first = part * r->lanes.tokens, real = r->tokens, lanes = r->lanes.tokens;
    a.lanes = b.lanes = (uint8_t)real;
    ir_alu_into(r->c->ir, ir_lanes(to, first, 1, real), op, a, b);
    if (real == lanes)
        return;
    const struct ir_val last_a = ir_lane(a, real - 1), last_b = ir_lane(b, real - 1);
    ir_alu_into(r->c->ir, ir_lanes(to, first + real, 1, lanes - real), op, last_a, last_b);
}

/* A scalar as operand of per_token. */
static struct ir_val for_all(struct ir_val scalar)
{
    return ir_view(scalar, 0, 0, 1);
}

/* What tokens need, whatever the rows. */
static struct rows begin(struct moe_code *c, const struct moe_token *first, unsigned tokens, uint32_t groups)
{
    const struct moe_place sig = {MOE_SIG, 0, c->s.e}, bias = {MOE_BIAS, 0, 0};
    struct rows r = {.c = c, .first = first, .tokens = tokens, .lanes = lanes_for(groups, tokens)};
    for (unsigned t = 0; t < tokens; t++)
        r.sig_at[t] = moe_address(c, &sig, &(struct moe_token){first->t + t, first->moved}, 0);
    r.bias_at = moe_address(c, &bias, first, 0);
    return r;
}

/* Words of sig or bias: those known, or any where that depends on data. */
static struct ir_mem words_of(const struct rows *r, unsigned array, const uint32_t *known)
{
    const struct moe_sizes *s = &r->c->s;
    if (known && (array == MOE_BIAS || r->first->moved.block == IR_NONE))
        return (struct ir_mem){s->at[array] + *known, 8};
    return (struct ir_mem){s->at[array], s->words[array] + 8};
}

/* Loads the experts [at, at + 8) of a group that is known. */
static void load_known(struct rows *r, uint32_t at)
{
    struct moe_code *c = r->c;
    for (unsigned p = 0; p < r->lanes.parts; p++) {
        const uint32_t e = (p * r->lanes.slots + r->slot) * c->s.group + at;
        for (unsigned t = 0; t < r->tokens; t++) {
            const uint32_t word = (r->first->t + t) * c->s.e + e;
            ir_load_into(c->ir, moe_part(r->chunk.sig, (p * r->lanes.tokens + t) * 8, 8),
                         moe_further(c, r->sig_at[t], e), words_of(r, MOE_SIG, &word));
        }
        ir_load_into(c->ir, moe_part(r->chunk.bias, p * 8, 8), moe_further(c, r->bias_at, e),
                     words_of(r, MOE_BIAS, &e));
    }
}

/* The same where the group depends on the data, and differs from token to token. */
static void load_kept(struct rows *r, uint32_t at)
{
    struct moe_code *c = r->c;
    for (unsigned p = 0; p < r->lanes.parts; p++)
        for (unsigned t = 0; t < r->tokens; t++) {
            const uint32_t to = (p * r->lanes.tokens + t) * 8;
            const struct ir_val off = moe_further(c, ir_lane(r->off[p * r->lanes.slots + r->slot], t), at);
            ir_load_into(c->ir, moe_part(r->chunk.sig, to, 8), ir_alu(c->ir, OP_ALU_ADD, off, r->sig_at[t]),
                         words_of(r, MOE_SIG, NULL));
            ir_load_into(c->ir, moe_part(r->chunk.bias, to, 8), ir_alu(c->ir, OP_ALU_ADD, off, r->bias_at),
                         words_of(r, MOE_BIAS, NULL));
        }
}

/* sig + bias of the slot's i-th expert, in every lane. */
static struct ir_val sum_row(void *context, unsigned i)
{
    struct rows *r = context;
    struct moe_code *c = r->c;
    const unsigned n = r->lanes.parts * r->lanes.tokens;
    if (i % 8 == 0) {
        r->chunk.sig = ir_block(c->ir, (uint16_t)(8 * n), "sig");
        r->chunk.bias = ir_block(c->ir, (uint16_t)(8 * (r->kept ? n : r->lanes.parts)), "bias");
        if (r->kept)
            load_kept(r, i);
        else
            load_known(r, i);
    }
    const struct ir_val sum = ir_vector(c->ir, "sum");
    for (unsigned p = 0; p < r->lanes.parts; p++) {
        const unsigned at = p * r->lanes.tokens * 8 + i % 8;
        const struct ir_val sig = ir_view(r->chunk.sig, at, 8, 1);
        per_token(r, sum, p, OP_ALU_ADD, sig,
                  r->kept ? ir_view(r->chunk.bias, at, 8, 1) : ir_view(r->chunk.bias, p * 8 + i % 8, 0, 1));
    }
    return sum;
}

/* --- groups ------------------------------------------------------------------------ */

/* A vector of `most` in the first part, `less` less in each further one. */
static struct ir_val by_part(struct rows *r, uint32_t most, uint32_t less)
{
    const struct ir_val v = ir_vector(r->c->ir, "by part");
    for (unsigned p = 0; p < r->lanes.parts; p++)
        moe_set(r->c, ir_lanes(v, p * r->lanes.tokens, 1, r->lanes.tokens), most - p * less);
    return v;
}

/* The sort key of the i-th group of each part. */
static struct ir_val group_row(void *context, unsigned i)
{
    struct rows *r = context;
    struct ir *ir = r->c->ir;
    r->slot = i;
    const struct ir_val sum = moe_two_largest(r->c, sum_row, r, r->c->s.group);
    const struct ir_val group = by_part(r, r->c->s.ng - 1 - i, r->lanes.slots);
    return ir_madd(ir, sum, ir_vconst(ir, 8), group);
}

/* The first experts of the groups kept. */
static void keep_groups(struct moe_code *c, const struct moe_token *first, unsigned tokens,
                        struct ir_val off[MOE_TOP])
{
    struct ir *ir = c->ir;
    struct rows r = begin(c, first, tokens, c->s.ng);
    struct moe_top groups;
    ir_stage(ir, "groups");
    c->share = GROUPS_SELECTED;
    moe_top_of(c, group_row, &r, 0, r.lanes.slots, c->s.tg, &groups);
    moe_top_parts(c, &groups, r.lanes.parts, r.lanes.tokens, c->s.tg);
    for (unsigned j = 0; j < c->s.tg; j++) {
        const struct ir_val low = ir_alu(ir, OP_ALU_AND, groups.at[j], ir_const(ir, 7));
        const struct ir_val group = ir_alu(ir, OP_ALU_SUB, ir_const(ir, c->s.ng - 1), low);
        off[j] = ir_alu(ir, OP_ALU_MUL, group, ir_const(ir, c->s.group));
    }
}

/* --- experts ----------------------------------------------------------------------- */

/* The key of an expert of each lane: its sum, and how far it is from the last expert. */
static struct ir_val key_row(void *context, unsigned i)
{
    struct rows *r = context;
    struct ir *ir = r->c->ir;
    const struct moe_sizes *s = &r->c->s;
    const unsigned at = i % s->group;
    r->slot = i / s->group;
    const struct ir_val sum = sum_row(r, at);
    if (at) {
        r->code = ir_alu(ir, OP_ALU_SUB, r->code, ir_vconst(ir, 1));
    } else if (!r->kept) {
        r->code = by_part(r, s->e - 1 - r->slot * s->group, r->lanes.slots * s->group);
    } else {
        r->code = ir_vector(ir, "code");
        for (unsigned p = 0; p < r->lanes.parts; p++)
            per_token(r, r->code, p, OP_ALU_SUB, for_all(ir_const(ir, s->e - 1)),
                      r->off[p * r->lanes.slots + r->slot]);
    }
    return ir_madd(ir, sum, ir_vconst(ir, 256), r->code);
}

/* A token a lane: the address of its last expert's sig; further lanes have the last token's. */
static struct ir_val last_sig(struct rows *r)
{
    struct ir *ir = r->c->ir;
    const struct ir_val v = ir_vector(ir, "last sig");
    for (unsigned t = 0; t < LANES; t++) {
        const unsigned token = t < r->tokens ? t : r->tokens - 1;
        ir_alu_into(ir, ir_lane(v, t), OP_ALU_ADD, r->sig_at[token], ir_const(ir, r->c->s.e - 1));
    }
    return v;
}

/* Column j of rows, a token a lane. */
static struct ir_val column(const struct moe_chosen *rows, struct ir_val of, unsigned j)
{
    return ir_view(of, j, rows->stride, rows->tokens);
}

/* Experts and weights from keys in descending order. */
static void weigh(struct rows *r, const struct moe_top *keys, struct moe_chosen *out)
{
    struct moe_code *c = r->c;
    struct ir *ir = c->ir;
    const struct ir_val last = last_sig(r);
    const struct ir_mem all_sig = {c->s.at[MOE_SIG], c->s.words[MOE_SIG]};
    struct ir_val sig[MOE_TOP], sum = ir->zero;
    ir_stage(ir, "weights");
    for (unsigned j = 0; j < c->s.k; j++) {
        const struct ir_val low = ir_alu(ir, OP_ALU_AND, keys->at[j], ir_const(ir, 255));
        const struct ir_val at = ir_alu(ir, OP_ALU_SUB, last, low);
        ir_alu_into(ir, column(out, out->ids, j), OP_ALU_SUB, ir_const(ir, c->s.e - 1),
                    ir_lanes(low, 0, 1, r->tokens));
        sig[j] = ir_gather(ir, ir_lanes(at, 0, 1, r->tokens), all_sig);
        sum = j ? ir_alu(ir, OP_ALU_ADD, sum, sig[j]) : sig[j];
    }
    for (unsigned j = 0; j < c->s.k; j++) {
        const struct ir_val scaled = ir_alu(ir, OP_ALU_MUL, sig[j], ir_const(ir, c->s.rs));
        ir_alu_into(ir, column(out, out->w, j), OP_ALU_DIV, scaled, sum);
    }
    for (unsigned j = c->s.k; j < out->stride; j++) {
        moe_set(c, column(out, out->ids, j), c->s.e + j - c->s.k);
        moe_set(c, column(out, out->w, j), c->s.wsh);
    }
}

void moe_gate(struct moe_code *c, const struct moe_token *first, uint32_t stride, struct moe_chosen *out)
{
    const unsigned tokens = moe_gate_tokens(&c->s);
    struct rows r = begin(c, first, tokens, c->s.tg);
    struct moe_top keys;
    out->tokens = tokens;
    out->stride = stride;
    out->ids = ir_block(c->ir, (uint16_t)(tokens * stride), "ids");
    out->w = ir_block(c->ir, (uint16_t)(tokens * stride), "w");
    r.kept = c->s.tg < c->s.ng;
    if (r.kept)
        keep_groups(c, first, tokens, r.off);
    ir_stage(c->ir, "experts");
    c->share = EXPERTS_SELECTED;
    moe_top_of(c, key_row, &r, 0, r.lanes.slots * c->s.group, c->s.k, &keys);
    moe_top_parts(c, &keys, r.lanes.parts, r.lanes.tokens, c->s.k);
    weigh(&r, &keys, out);
}

void moe_store_chosen(struct moe_code *c, const struct moe_chosen *chosen, const struct moe_token *first,
                      const struct moe_place *ids, const struct moe_place *w)
{
    ir_stage(c->ir, "rows");
    moe_store_row(c, ids, first, chosen->ids, chosen->tokens * chosen->stride);
    moe_store_row(c, w, first, chosen->w, chosen->tokens * chosen->stride);
}
