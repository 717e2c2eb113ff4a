/* The largest of many keys, lane by lane: merging networks (Batcher 1968, in the form for
 * lists of any length, Knuth 5.3.4), cut down to the outputs that are wanted.
 *
 * There is no maximum among the operations. A comparator is a comparison and two selects
 * on flow, or five operations on alu or valu; flow does one select a cycle, so that a
 * fixed share of the comparators goes there. */
#include "kernels/moe_sort/code.h"

/* Whether the next select goes to flow. */
static bool selects(struct moe_code *c)
{
    c->selected += c->share;
    if (c->selected < 64)
        return false;
    c->selected -= 64;
    return true;
}

/* less ? b : a. */
static struct ir_val choose(struct moe_code *c, struct ir_val less, struct ir_val a, struct ir_val b)
{
    struct ir *ir = c->ir;
    return selects(c) ? ir_select(ir, less, b, a) : ir_madd(ir, less, ir_alu(ir, OP_ALU_SUB, b, a), a);
}

static struct ir_val larger(struct moe_code *c, struct ir_val a, struct ir_val b)
{
    return choose(c, ir_alu(c->ir, OP_ALU_LT, a, b), a, b);
}

/* Puts the larger one first. */
static void compare(struct moe_code *c, struct ir_val *a, struct ir_val *b)
{
    const struct ir_val less = ir_alu(c->ir, OP_ALU_LT, *a, *b), high = choose(c, less, *a, *b);
    *b = choose(c, less, *b, *a);
    *a = high;
}

/* Every other element from `first` on. */
static void every_other(const struct moe_top *list, unsigned first, struct moe_top *out)
{
    out->n = 0;
    for (unsigned i = first; i < list->n; i += 2)
        out->at[out->n++] = list->at[i];
}

static void cut(struct moe_top *list, unsigned k)
{
    if (list->n > k)
        list->n = k;
}

/* The k largest of two lists. */
static void merge(struct moe_code *c, struct moe_top a, struct moe_top b, unsigned k, struct moe_top *out)
{
    cut(&a, k);
    cut(&b, k);
    if (a.n == 0 || b.n == 0) {
        *out = a.n ? a : b;
        return;
    }
    out->n = a.n + b.n < k ? a.n + b.n : k;
    if (k == 1) {
        out->at[0] = larger(c, a.at[0], b.at[0]);
        return;
    }
    if (a.n == 1 && b.n == 1) {
        out->at[0] = a.at[0];
        out->at[1] = b.at[0];
        compare(c, &out->at[0], &out->at[1]);
        return;
    }
    struct moe_top part[4], even, odd;
    for (unsigned i = 0; i < 2; i++) {
        every_other(&a, i, &part[i]);
        every_other(&b, i, &part[2 + i]);
    }
    merge(c, part[0], part[2], k / 2 + 1, &even);
    merge(c, part[1], part[3], k / 2, &odd);
    out->at[0] = even.at[0];
    for (unsigned i = 1; i < out->n; i += 2) {
        const unsigned pair = i / 2;
        if (pair + 1 >= even.n || pair >= odd.n) {
            out->at[i] = pair < odd.n ? odd.at[pair] : even.at[pair + 1];
        } else if (i + 1 == out->n) {
            out->at[i] = larger(c, odd.at[pair], even.at[pair + 1]);
        } else {
            out->at[i] = odd.at[pair];
            out->at[i + 1] = even.at[pair + 1];
            compare(c, &out->at[i], &out->at[i + 1]);
        }
    }
}

void moe_top_of(struct moe_code *c, moe_row *row, void *context, unsigned first, unsigned n, unsigned k,
                struct moe_top *out)
{
    if (n == 1) {
        out->n = 1;
        out->at[0] = row(context, first);
        return;
    }
    /* Powers of two as long as lists grow; then lists of k are added one after the other:
     * the rows that come last are not far from the end. */
    unsigned half = 1;
    while (2 * half < n && half < k)
        half *= 2;
    if (2 * half < n)
        half = n - half;
    struct moe_top a, b;
    moe_top_of(c, row, context, first, half, k, &a);
    moe_top_of(c, row, context, first + half, n - half, k, &b);
    merge(c, a, b, k, out);
}

/* The largest of some rows and the sum of the two largest; of one row, itself alone. */
struct two {
    struct ir_val largest, sum;
    bool pair;
};

/* Eights are added one after the other, as lists are in moe_top_of. */
enum { LAST_ROWS = 8 };

static struct two two_of(struct moe_code *c, moe_row *row, void *context, unsigned first, unsigned n)
{
    if (n == 1)
        return (struct two){.largest = row(context, first)};
    const unsigned last = n >= 2 * LAST_ROWS ? LAST_ROWS : n / 2;
    const struct two a = two_of(c, row, context, first, n - last),
                     b = two_of(c, row, context, first + n - last, last);
    const struct ir_val less = ir_alu(c->ir, OP_ALU_LT, a.largest, b.largest);
    struct two t = {choose(c, less, a.largest, b.largest), ir_alu(c->ir, OP_ALU_ADD, a.largest, b.largest),
                    true};
    /* Else both are on the side of the larger one. */
    if (b.pair)
        t.sum = larger(c, t.sum, choose(c, less, a.sum, b.sum));
    else if (a.pair)
        t.sum = larger(c, t.sum, a.sum);
    return t;
}

struct ir_val moe_two_largest(struct moe_code *c, moe_row *row, void *context, unsigned n)
{
    return two_of(c, row, context, 0, n).sum;
}

/* The lanes `by` further on, around the end. */
static struct ir_val turned(struct moe_code *c, struct ir_val v, unsigned by)
{
    struct ir *ir = c->ir;
    const unsigned lanes = v.lanes;
    const struct ir_val to = ir_block(ir, (uint16_t)lanes, "turned");
    ir_alu_into(ir, ir_lanes(to, 0, 1, lanes - by), OP_ALU_OR, ir_lanes(v, by, 1, lanes - by), ir->zero);
    ir_alu_into(ir, ir_lanes(to, lanes - by, 1, by), OP_ALU_OR, ir_lanes(v, 0, 1, by), ir->zero);
    return to;
}

/* Whole vectors are merged, although half of the lanes would do in each step: it is
 * latency that counts here, and valu and flow can help. */
void moe_top_parts(struct moe_code *c, struct moe_top *top, unsigned parts, unsigned lanes, unsigned k)
{
    for (unsigned half = parts / 2; half; half /= 2) {
        struct moe_top other = {.n = top->n};
        for (unsigned i = 0; i < top->n; i++)
            other.at[i] = turned(c, top->at[i], half * lanes);
        merge(c, *top, other, k, top);
    }
}
