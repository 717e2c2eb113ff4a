/* moe_sort's variants: the same code, cut into programs or not.
 *
 *     staged     gate, append, clear, sort
 *     captured   the same four in one program
 *     fused      blocks filled while the gate computes; few tokens are sorted in scratch */
#include "kernels/moe_sort/code.h"

/* Routed choices and their weights between the gate and the append stage. */
static struct moe_place routed(const struct moe_code *c, bool weights)
{
    return (struct moe_place){MOE_WORK, weights ? (c->s.m * c->s.k + 7) / 8 * 8 : 0, c->s.k};
}

/* --- the stages -------------------------------------------------------------------- */

static void gate(struct moe_code *c)
{
    const uint32_t tokens = moe_gate_tokens(&c->s), n = moe_cdiv(c->s.m, tokens);
    const struct moe_place ids = routed(c, false), w = routed(c, true);
    const struct moe_token first = {0, moe_counter(c, n)};
    const struct moe_loop loop = moe_loop(c, n);
    struct moe_chosen chosen;
    moe_gate(c, &first, c->s.k, &chosen);
    moe_store_chosen(c, &chosen, &first, &ids, &w);
    moe_count(c, first.moved, n, tokens, c->s.m - tokens);
    moe_loop_end(c, &loop);
}

/* A token's row of choices to a row that has room for the shared experts. */
static void append_row(struct moe_code *c, const struct moe_place *from, const struct moe_place *to,
                       const struct moe_token *token, uint32_t shared, uint32_t step)
{
    const struct ir_val row = moe_load_row(c, from, token, c->s.k);
    moe_store_row(c, to, token, row, c->s.k);
    const struct ir_val at = moe_address(c, to, token, 0);
    for (uint32_t i = 0; i < c->s.sh; i++) {
        const struct ir_val value = ir_const(c->ir, shared + i * step);
        ir_store(c->ir, moe_further(c, at, c->s.k + i), value, moe_range(c, to, token, c->s.k + i, 1));
    }
}

static void append(struct moe_code *c)
{
    enum { TOGETHER = 8 };
    const uint32_t tokens = c->s.m < TOGETHER ? c->s.m : TOGETHER, n = moe_cdiv(c->s.m, tokens);
    const struct moe_place ids = {MOE_IDS, 0, c->s.kt}, w = {MOE_W, 0, c->s.kt};
    const struct moe_place routed_ids = routed(c, false), routed_w = routed(c, true);
    const struct ir_val moved = moe_counter(c, n);
    ir_stage(c->ir, "append");
    const struct moe_loop loop = moe_loop(c, n);
    for (uint32_t t = 0; t < tokens; t++) {
        const struct moe_token token = {t, moved};
        append_row(c, &routed_ids, &ids, &token, c->s.e, 1);
        append_row(c, &routed_w, &w, &token, c->s.wsh, 0);
    }
    moe_count(c, moved, n, tokens, c->s.m - tokens);
    moe_loop_end(c, &loop);
}

/* Whole vectors to fill in each of n passes, in words, so that `words` are. */
static uint32_t fill_words(uint32_t words, uint32_t n)
{
    return moe_cdiv(words, 8 * n) * 8;
}

static void clear(struct moe_code *c)
{
    enum { TOGETHER = 1024 };
    const uint32_t all = moe_cdiv(c->s.maxp, 8) * 8, n = moe_cdiv(all, TOGETHER), each = fill_words(all, n);
    const struct ir_val moved = moe_counter(c, n);
    const struct moe_loop loop = moe_loop(c, n);
    moe_fill(c, each, moved);
    moe_count(c, moved, n, each, all - each);
    moe_loop_end(c, &loop);
}

/* --- variants ---------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*make)(struct moe_code *c);
} stages[] = {{"gate", gate}, {"append", append}, {"clear", clear}, {"sort", moe_sort_places}};
enum { STAGES = sizeof stages / sizeof *stages };

enum status moe_sort_staged(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    enum status status = ST_OK;
    for (unsigned i = 0; i < STAGES && status == ST_OK; i++) {
        struct moe_code c;
        status = moe_begin(rq, true, &c, d);
        if (status != ST_OK)
            break;
        stages[i].make(&c);
        status = moe_finish(&c, stages[i].name, out, d);
    }
    return status;
}

enum status moe_sort_captured(const struct kern_request *rq, struct kern_programs *out, struct diag *d)
{
    struct moe_code c;
    const enum status status = moe_begin(rq, false, &c, d);
    if (status != ST_OK)
        return status;
    for (unsigned i = 0; i < STAGES; i++)
        stages[i].make(&c);
    return moe_finish(&c, "captured", out, d);
}

/* The gate, with experts and weights where they belong, and blocks filled meanwhile. */
static void fill_and_gate(struct moe_code *c, struct moe_chosen *chosen)
{
    const struct moe_sizes *s = &c->s;
    const uint32_t tokens = moe_gate_tokens(s), n = moe_cdiv(s->m, tokens);
    const uint32_t all = moe_cdiv(moe_most_valid(s), 8) * 8, each = fill_words(all, n);
    const struct moe_place ids = {MOE_IDS, 0, s->kt}, w = {MOE_W, 0, s->kt};
    const struct ir_val filled = moe_counter(c, n);
    const struct moe_token first = {0, moe_counter(c, n)};
    const struct moe_loop loop = moe_loop(c, n);
    /* Without loops the fill goes first: it needs few slots of the gate's engines, and
     * nearly all of the store engine's time. */
    const bool few = moe_are_few(s);
    if (few)
        ir_strand(c->ir, 0);
    moe_fill(c, each, filled);
    if (few)
        ir_strand(c->ir, 1);
    moe_gate(c, &first, s->kt, chosen);
    moe_store_chosen(c, chosen, &first, &ids, &w);
    moe_count(c, filled, n, each, all - each);
    moe_count(c, first.moved, n, tokens, s->m - tokens);
    moe_loop_end(c, &loop);
}

enum status moe_sort_fused(const void *request, struct choices *choices, struct ir **out, struct diag *d)
{
    const struct kern_request *rq = request;
    struct moe_code c;
    struct moe_chosen chosen;
    (void)choices;
    *out = NULL;
    enum status status = moe_begin(rq, false, &c, d);
    if (status != ST_OK)
        return status;
    fill_and_gate(&c, &chosen);
    if (moe_are_few(&c.s))
        moe_sort_few(&c, &chosen);
    else
        moe_sort_places(&c);
    status = ir_status(c.ir, d);
    if (status == ST_OK)
        *out = c.ir;
    else
        ir_destroy(c.ir);
    return status;
}
