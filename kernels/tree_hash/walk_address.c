/* Addresses of what a walker needs next. On a line, node i of a level is served at
 * base + scale * i; after n more branches with bits b (1: left), oldest first, i
 * becomes 2^n * i + sum 2^(n-1-j) * (1 - b[j]). So from one line to another
 *
 *     a' = c * a + K(b),    c = 2^n * scale' / scale   modulo 2^32
 *
 * (a scale is odd, hence has an inverse), and K is one of 2^n constants: found by
 * selects, or by adding a multiple of a bit. Selects want the flow engine, the rest
 * valu; which mixture is best depends on what else is to be done, so it is asked. */
#include <assert.h>

#include "kernels/tree_hash/walk.h"

/* The inverse of an odd number modulo 2^32, by Newton's iteration. */
static uint32_t inverse(uint32_t a)
{
    assert(a & 1);
    uint32_t x = a;
    for (unsigned i = 0; i < 5; i++)
        x *= 2 - a * x;
    return x;
}

/* K for given values of the first `known` bits, the rest counted as 0. */
struct constants {
    struct walk *w;
    uint32_t zero;  /* K with all bits 0 */
    uint32_t scale; /* of the line to go to */
    unsigned n;
};

static uint32_t weight(const struct constants *k, unsigned bit)
{
    return 0u - (k->scale << (k->n - 1 - bit));
}

/* The constant chosen by bits[0..used): a tree of selects among 2^used constants. */
static struct ir_val chosen(const struct constants *k, const struct ir_val *bits, unsigned used, uint32_t sum)
{
    struct ir *ir = k->w->ir;
    if (!used)
        return walk_const(k->w, sum);
    const uint32_t step = weight(k, used - 1);
    /* The oldest bits are known first: the newest select comes last. */
    if (used == 1) {
        const struct ir_val zero = walk_const(k->w, sum);
        return ir_select(ir, bits[0], walk_const(k->w, sum + step), zero);
    }
    const struct ir_val one = chosen(k, bits, used - 1, sum + step), zero = chosen(k, bits, used - 1, sum);
    return ir_select(ir, bits[used - 1], one, zero);
}

/* t plus the weights of bits[from..n). */
static struct ir_val added(const struct constants *k, struct ir_val t, const struct ir_val *bits,
                           unsigned from)
{
    struct ir *ir = k->w->ir;
    for (unsigned j = from; j < k->n; j++) {
        const uint32_t step = weight(k, j);
        if (step == 1)
            t = ir_alu(ir, OP_ALU_ADD, t, bits[j]);
        else if (step == UINT32_MAX)
            t = ir_alu(ir, OP_ALU_SUB, t, bits[j]);
        else
            t = ir_madd(ir, bits[j], walk_const(k->w, step), t);
    }
    return t;
}

struct ir_val walk_address(struct walk *w, struct ir_val a, struct walk_line from, struct walk_line to,
                           const struct ir_val *bits, unsigned n)
{
    struct ir *ir = w->ir;
    const bool root = a.block == IR_NONE;
    const uint32_t c = root ? 0 : (to.scale << n) * inverse(from.scale);
    struct constants k = {w, to.base - c * from.base + to.scale * ((1u << n) - 1), to.scale, n};
    /* How many bits select the constant; the others are added, the newest at least
     * where there is nothing to multiply. */
    const unsigned most = root && n > 1 ? n - 1 : n;
    const unsigned selected =
        most - (most > 1 ? 1 - choices_ask(w->choices, root ? WALK_ASK_FIRST : WALK_ASK_ADDRESS, 2, 0) : 0);
    struct ir_val t = chosen(&k, bits, selected, k.zero);
    if (!root)
        t = ir_madd(ir, a, walk_const(w, c), t);
    return added(&k, t, bits, selected);
}
