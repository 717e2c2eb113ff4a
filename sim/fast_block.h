/* Part of fast_loop.h, and like it compiled once for each FAST_TARGET: operations
 * on eight lanes, and whole blocks of predecode.h. In scope: s, the scratch. */
#include "sim/fast.h"
#include "sim/isa/eval.h"

#define AT(address) (*(lanes *)(s + (address)))

/* Eight lanes at once. The table's expressions are scalar; where an operator
 * means the same on vectors it is used, elsewhere its lane-wise equal. */
#define WIDE_ADD(x, y) ((x) + (y))
#define WIDE_SUB(x, y) ((x) - (y))
#define WIDE_MUL(x, y) ((x) * (y))
#define WIDE_XOR(x, y) ((x) ^ (y))
#define WIDE_AND(x, y) ((x) & (y))
#define WIDE_OR(x, y) ((x) | (y))
#define WIDE_SHL(x, y) (((x) << ((y)&31)) & (lanes)((y) < 32))
#define WIDE_SHR(x, y) (((x) >> ((y)&31)) & (lanes)((y) < 32))
#define WIDE_LT(x, y) ((lanes)((x) < (y)) & 1)
#define WIDE_EQ(x, y) ((lanes)((x) == (y)) & 1)
#define WIDE_VBROADCAST(x, y, z) ((lanes){0} + (x))
#define WIDE_MULTIPLY_ADD(x, y, z) ((x) * (y) + (z))
#define WIDE_VSELECT(x, y, z) (((y) & (lanes)((x) != 0)) | ((z) & (lanes)((x) == 0)))
#define OPERAND_SRC(x) s[x]
#define OPERAND_VSRC(x) AT(x)
#define OPERAND_NONE(x) 0

/* All bits set in the first n lanes. */
static const uint32_t first_lanes[2 * LANES] = {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u};
#define FIRST_LANES(n) (*(const lanes *)(first_lanes + LANES - (n)))

/* Of the divisors. */
static bool any_zero(const uint32_t *at, uint32_t n)
{
    bool zero = false;
    for (uint32_t i = 0; i < n; i++)
        zero |= at[i] == 0;
    return zero;
}

/* False if a load is out of range. */
FAST_TARGET static inline bool block_read(const struct micro_block *k, const uint32_t *s, const uint32_t *mem,
                                          struct fast_results *r)
{
    for (unsigned i = 0; i < BLOCK_LOAD; i++) {
        const uint32_t at = s[k->load[i][1]], vector_at = s[k->vload[i][1]];
        if (at >= k->load[i][2] || vector_at >= k->vload[i][2])
            return false;
        r->load[i] = mem[at];
        r->vload[i] = *(const lanes *)(mem + vector_at);
    }
#define ISA_BINARY(ID, name, partial, expression, doc) READ_KIND_##partial(ID)
#define READ_KIND_0(ID)                                                                                      \
    for (unsigned i = 0; i < BLOCK_ALU; i++)                                                                 \
        r->alu[BLOCK_##ID][i] = isa_do_##ID(s[k->alu[BLOCK_##ID][i][1]], s[k->alu[BLOCK_##ID][i][2]], 0, 0); \
    for (unsigned i = 0; i < BLOCK_VALU; i++)                                                                \
        r->valu[BLOCK_##ID][i] = WIDE_##ID(AT(k->valu[BLOCK_##ID][i][1]), AT(k->valu[BLOCK_##ID][i][2]));
#define READ_KIND_1(ID)
#include "sim/isa/isa.def"
    for (unsigned i = 0; i < BLOCK_MADD; i++)
        r->madd[i] = WIDE_MULTIPLY_ADD(AT(k->madd[i][1]), AT(k->madd[i][2]), AT(k->madd[i][3]));
    r->vselect = WIDE_VSELECT(AT(k->vselect[0][1]), AT(k->vselect[0][2]), AT(k->vselect[0][3]));
    return true;
}

FAST_TARGET static inline void block_write(const struct micro_block *k, uint32_t *s,
                                           const struct fast_results *r)
{
    for (unsigned kind = 0; kind < BLOCK_KINDS; kind++) {
        for (unsigned i = 0; i < BLOCK_ALU; i++)
            s[k->alu[kind][i][0]] = r->alu[kind][i];
        for (unsigned i = 0; i < BLOCK_VALU; i++)
            AT(k->valu[kind][i][0]) = r->valu[kind][i];
    }
    for (unsigned i = 0; i < BLOCK_MADD; i++)
        AT(k->madd[i][0]) = r->madd[i];
    for (unsigned i = 0; i < BLOCK_LOAD; i++) {
        s[k->load[i][0]] = r->load[i];
        AT(k->vload[i][0]) = r->vload[i];
    }
    AT(k->vselect[0][0]) = r->vselect;
}
