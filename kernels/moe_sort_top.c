/* The largest of many keys, lane by lane: merging networks (Batcher 1968, in the form for
 * lists of any length, Knuth 5.3.4), cut down to the outputs that are wanted.
 *
 * There is no maximum among the operations. A comparator is a comparison and two selects
 * on flow, or five operations on alu or valu; flow does one select a cycle, so that a
 * fixed share of the comparators goes there. */
#include "kernels/moe_sort_code.h"

/* Of 64 selects so many go to flow: as arithmetic and flow take equally long then. */
enum { SELECTED = 22 };

/* Whether the next n selects go to flow. */
static bool selects(struct moe_code *c, struct ir_val a, unsigned n)
{
    if (a.lanes != c->ir->machine.vlen || a.stride != 1)
        return false;
    c->selected += SELECTED * n;
    if (c->selected < 64 * n)
        return false;
    c->selected -= 64 * n;
    return true;
}

static struct ir_val larger(struct moe_code *c, struct ir_val a, struct ir_val b)
{
    struct ir *ir = c->ir;
    const struct ir_val less = ir_alu(ir, OP_ALU_LT, a, b);
    if (selects(c, a, 1))
        return ir_select(ir, less, b, a);
    const struct ir_val ahead = ir_alu(ir, OP_ALU_SUB, b, a);
    if (a.lanes == ir->machine.vlen && a.stride == 1)
        return ir_madd(ir, less, ahead, a);
    return ir_alu(ir, OP_ALU_ADD, a, ir_alu(ir, OP_ALU_MUL, less, ahead));
}

static void compare(struct moe_code *c, struct ir_val *a, struct ir_val *b)
{
    struct ir *ir = c->ir;
    const struct ir_val less = ir_alu(ir, OP_ALU_LT, *a, *b);
    struct ir_val low, high;
    if (selects(c, *a, 2)) {
        high = ir_select(ir, less, *b, *a);
        low = ir_select(ir, less, *a, *b);
    } else {
        const struct ir_val change = ir_alu(ir, OP_ALU_MUL, less, ir_alu(ir, OP_ALU_XOR, *a, *b));
        high = ir_alu(ir, OP_ALU_XOR, *a, change);
        low = ir_alu(ir, OP_ALU_XOR, *b, change);
    }
    *a = high;
    *b = low;
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

void moe_top_of(struct moe_code *c, struct ir_val (*row)(void *context, unsigned i), void *context,
                unsigned first, unsigned n, unsigned k, struct moe_top *out)
{
    if (n == 1) {
        out->n = 1;
        out->at[0] = row(context, first);
        return;
    }
    /* The first half has a power of two of rows: what is equal in both is merged. */
    unsigned half = 1;
    while (2 * half < n)
        half *= 2;
    struct moe_top a, b;
    moe_top_of(c, row, context, first, half, k, &a);
    moe_top_of(c, row, context, first + half, n - half, k, &b);
    merge(c, a, b, k, out);
}

void moe_top_parts(struct moe_code *c, struct moe_top *top, unsigned parts, unsigned lanes, unsigned k)
{
    for (unsigned half = parts / 2; half; half /= 2) {
        struct moe_top a = {.n = top->n}, b = {.n = top->n};
        for (unsigned i = 0; i < top->n; i++) {
            a.at[i] = ir_lanes(top->at[i], 0, 1, half * lanes);
            b.at[i] = ir_lanes(top->at[i], half * lanes, 1, half * lanes);
        }
        merge(c, a, b, k, top);
    }
}
