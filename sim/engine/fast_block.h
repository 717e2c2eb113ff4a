/* Part of fast_loop.h, and like it compiled once for each FAST_TARGET: operations
 * on eight lanes, and whole blocks of predecode.h. In scope: s, the scratch. */
#include "sim/engine/fast.h"
#include "sim/isa/eval.h"

#define AT(address) (*(lanes *)(s + (address)))

/* The table's expressions on eight lanes at once, for those rows where they hold. */
#define ISA_TRUTH(comparison) ((lanes)(comparison)&1)
#define ISA_IF(comparison, value, other) \
    (((value) & (lanes)(comparison)) | ((other) & (lanes)((comparison) == 0)))

/* A pure operation's source by its role: the word at lane i, and all eight lanes. */
#define WORD_OF(role, address, i) ((role) == ROLE_NONE ? 0 : s[(address) + ((role) == ROLE_VSRC ? (i) : 0)])
#define LANES_OF(role, address) \
    __builtin_choose_expr((role) == ROLE_VSRC, AT(address), (lanes){0} + WORD_OF(role, address, 0))

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
FAST_TARGET static inline bool block_read(const struct superinstruction *k, const uint32_t *s,
                                          const uint32_t *mem, struct fast_results *r)
{
    for (unsigned i = 0; i < BLOCK_LOAD; i++) {
        const uint32_t at = s[k->load[i][1]], vector_at = s[k->vload[i][1]];
        if (at >= k->load[i][2] || vector_at >= k->vload[i][2])
            return false;
        r->load[i] = mem[at];
        r->vload[i] = *(const lanes *)(mem + vector_at);
    }
#define ISA_BINARY(ID, name, partial, expression, doc) READ_EACH_##partial(ID)
#define ISA_BINARY_LANES(ID, name, partial, expression, doc) READ_LANES_##partial(ID, expression)
#define READ_ALU(ID)                         \
    for (unsigned i = 0; i < BLOCK_ALU; i++) \
        r->alu[BLOCK_##ID][i] = isa_do_##ID(s[k->alu[BLOCK_##ID][i][1]], s[k->alu[BLOCK_##ID][i][2]], 0, 0);
#define READ_EACH_0(ID)                       \
    READ_ALU(ID)                              \
    for (unsigned i = 0; i < BLOCK_VALU; i++) \
        for (unsigned l = 0; l < LANES; l++)  \
            r->valu[BLOCK_##ID][i][l] =       \
                isa_do_##ID(s[k->valu[BLOCK_##ID][i][1] + l], s[k->valu[BLOCK_##ID][i][2] + l], 0, 0);
#define READ_LANES_0(ID, expression)                                                      \
    READ_ALU(ID)                                                                          \
    for (unsigned i = 0; i < BLOCK_VALU; i++) {                                           \
        const lanes a = AT(k->valu[BLOCK_##ID][i][1]), b = AT(k->valu[BLOCK_##ID][i][2]); \
        r->valu[BLOCK_##ID][i] = (lanes)(expression);                                     \
    }
#define READ_EACH_1(ID)
#define READ_LANES_1(ID, expression)
#include "sim/isa/isa.def"
    for (unsigned i = 0; i < BLOCK_MADD; i++)
        r->madd[i] = AT(k->madd[i][1]) * AT(k->madd[i][2]) + AT(k->madd[i][3]);
    r->vselect = ISA_IF(AT(k->vselect[0][1]) != 0, AT(k->vselect[0][2]), AT(k->vselect[0][3]));
    return true;
}

FAST_TARGET static inline void block_write(const struct superinstruction *k, uint32_t *s,
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
