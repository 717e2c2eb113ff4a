/* The loop of the fast simulator. Not a header in the usual sense: it defines one
 * function, FAST_LOOP, and is included by each file that compiles an instance of
 * it, after FAST_LOOP (its name) and FAST_TARGET (its attributes) are defined.
 *
 * Direct threading: a handler ends by jumping to the next one's address, so that
 * the host predicts each operation's successor by itself. There is no counter of
 * any kind; where a run stands follows from the address of the micro-operation.
 * Handlers of pure operations are derived from isa.def by their operands' roles. */
#include <string.h>

#include "sim/engine/fast_block.h"
#include "sim/isa/eval.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* labels as values */

#define NEXT goto *labels[(++m)->code]

/* n lanes, one by one. */
#define EACH_LANE(n, value)            \
    for (uint32_t i = 0; i < (n); i++) \
        out[i] = value;                \
    memcpy(s + m->a, out, (n) * sizeof *out);

FAST_TARGET enum fast_exit FAST_LOOP(struct fast_frame *f)
{
    static const void *const labels[MICRO_CODES] = {
#define MICRO_LABEL(code, label) [code] = &&label,
#include "sim/engine/micro_labels.def"
    };
    uint32_t *const s = f->scratch, *const mem = f->mem;
    const uint32_t n = f->vlen;
    const struct micro *m = f->code + f->marks[f->pc].first;
    uint32_t start = (uint32_t)f->pc, target;
    uint32_t out[ISA_MAX_VLEN];
    goto *labels[m->code];

#define ISA_BINARY(ID, name, partial, expression, doc)                    \
    BINARY(ID, partial)                                                   \
    do_wide_##ID : if (partial && any_zero(s + m->c, LANES)) goto oracle; \
    EACH_LANE(LANES, isa_do_##ID(s[m->b + i], s[m->c + i], 0, 0))         \
    NEXT;                                                                 \
    PART_EACH_##partial(ID)
#define ISA_BINARY_LANES(ID, name, partial, expression, doc)              \
    BINARY(ID, partial)                                                   \
    do_wide_##ID : if (partial && any_zero(s + m->c, LANES)) goto oracle; \
    {                                                                     \
        const lanes a = AT(m->b), b = AT(m->c);                           \
        AT(m->a) = (lanes)(expression);                                   \
    }                                                                     \
    NEXT;                                                                 \
    PART_LANES_##partial(ID, expression)
#define BINARY(ID, partial)                                           \
    do_alu_##ID : if (partial && s[m->c] == 0) goto oracle;           \
    s[m->a] = isa_do_##ID(s[m->b], s[m->c], 0, 0);                    \
    NEXT;                                                             \
    do_valu_##ID : if (partial && any_zero(s + m->c, n)) goto oracle; \
    EACH_LANE(n, isa_do_##ID(s[m->b + i], s[m->c + i], 0, 0))         \
    NEXT;
#define PART_EACH_0(ID) do_part_##ID : EACH_LANE(m->d, isa_do_##ID(s[m->b + i], s[m->c + i], 0, 0)) NEXT;
#define PART_LANES_0(ID, expression)                                                          \
    do_part_##ID:                                                                             \
    {                                                                                         \
        const lanes a = AT(m->b), b = AT(m->c);                                               \
        AT(m->a) = ((lanes)(expression)&FIRST_LANES(m->d)) | (AT(m->a) & ~FIRST_LANES(m->d)); \
    }                                                                                         \
    NEXT;
#define PART_EACH_1(ID)
#define PART_LANES_1(ID, expression)
#include "sim/isa/isa.def"

#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) SLOT_##kind(ID, r0, r1, r2, r3)
#define ISA_SLOT_LANES(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) \
    LANES_##kind##_##r0(ID, r1, r2, r3, expression)
#define LANES_PURE_DEST(ID, r1, r2, r3, expression) SLOT_PURE_DEST(ID, r1, r2, r3)
#define LANES_PURE_VDEST(ID, r1, r2, r3, expression)                                \
    SLOT_VECTOR(ID, r1, r2, r3)                                                     \
    do_wide_##ID:                                                                   \
    {                                                                               \
        const lanes a = LANES_OF(MICRO_ROLE_A(r1, r2, r3), m->b),                   \
                    b = LANES_OF(MICRO_ROLE_B(r1, r2, r3), MICRO_B(m, r1, r2, r3)), \
                    c = LANES_OF(MICRO_ROLE_C(r1, r2, r3), m->d);                   \
        const uint32_t k = m->c;                                                    \
        (void)a, (void)b, (void)c, (void)k;                                         \
        AT(m->a) = (lanes)(expression);                                             \
    }                                                                               \
    NEXT;
#define SLOT_PURE(ID, r0, r1, r2, r3) SLOT_PURE_##r0(ID, r1, r2, r3)
#define SLOT_PURE_DEST(ID, r1, r2, r3)            \
    do_##ID : s[m->a] = VALUE(ID, 0, r1, r2, r3); \
    NEXT;
#define SLOT_PURE_VDEST(ID, r1, r2, r3) \
    SLOT_VECTOR(ID, r1, r2, r3)         \
    do_wide_##ID : EACH_LANE(LANES, VALUE(ID, i, r1, r2, r3)) NEXT;
#define SLOT_VECTOR(ID, r1, r2, r3) do_##ID : EACH_LANE(n, VALUE(ID, i, r1, r2, r3)) NEXT;
#define VALUE(ID, i, r1, r2, r3)                                              \
    isa_do_##ID(WORD_OF(MICRO_ROLE_A(r1, r2, r3), m->b, i),                   \
                WORD_OF(MICRO_ROLE_B(r1, r2, r3), MICRO_B(m, r1, r2, r3), i), \
                WORD_OF(MICRO_ROLE_C(r1, r2, r3), m->d, i), m->c)
#define SLOT_LOAD(...)
#define SLOT_VLOAD(...)
#define SLOT_STORE(...)
#define SLOT_VSTORE(...)
#define SLOT_JUMP(...)
#define SLOT_COND_JUMP(...)
#define SLOT_COND_JUMP_REL(...)
#define SLOT_JUMP_INDIRECT(...)
#define SLOT_HALT(...)
#define SLOT_PAUSE(...)
#define SLOT_TRACE(...)
#define SLOT_COREID(...)
#define SLOT_COMPARE(...)
#define SLOT_NOTHING(...)
#include "sim/isa/isa.def"

do_load:
    if (s[m->b] >= m->c)
        goto oracle;
    s[m->a] = mem[s[m->b]];
    NEXT;
do_vload:
    if (s[m->b] >= m->c)
        goto oracle;
    memcpy(s + m->a, mem + s[m->b], n * sizeof *mem);
    NEXT;
do_wide_vload:
    if (s[m->b] >= m->c)
        goto oracle;
    AT(m->a) = *(const lanes *)(mem + s[m->b]);
    NEXT;
do_store:
    if (s[m->a] >= m->c)
        goto oracle;
    mem[s[m->a]] = s[m->b];
    NEXT;
do_vstore:
    if (s[m->a] >= m->c)
        goto oracle;
    memcpy(mem + s[m->a], s + m->b, n * sizeof *mem);
    NEXT;
do_wide_vstore:
    if (s[m->a] >= m->c)
        goto oracle;
    *(lanes *)(mem + s[m->a]) = AT(m->b);
    NEXT;
do_coreid:
    s[m->a] = f->core;
    NEXT;
do_copy:
    s[m->a] = s[m->b];
    NEXT;
do_copy_8:
    AT(m->a) = AT(m->b);
    NEXT;
do_copy_n:
    memcpy(s + m->a, s + m->b, m->c * sizeof *s);
    NEXT;
do_check:
    if (s[m->a] >= m->c)
        goto oracle;
    NEXT;
do_check_2:
    if (s[m->a] >= m->c || s[m->b] >= m->c + m->d)
        goto oracle;
    NEXT;
do_check_apart:
    if (s[m->a] - s[m->b] + m->c < m->d)
        goto oracle;
    NEXT;
do_check_divisor:
    if (any_zero(s + m->a, m->c))
        goto oracle;
    NEXT;
do_block_read:
    if (!block_read(&f->blocks[m->a], s, mem, f->results))
        goto oracle;
    NEXT;
do_block_write:
    block_write(&f->blocks[m->a], s, f->results);
    NEXT;
do_cond_jump:
    if (!s[m->a])
        NEXT;
do_jump:
    target = m->b;
    goto jump;
do_jump_indirect:
    target = s[m->a];
jump:
    fast_account(f, &start, m->c + 1, target);
    if (target <= m->c) {
        f->loop_from = m->c;
        f->loop_to = target;
    }
    if (target >= f->bundles || !fast_fits(f, target)) {
        f->pc = target;
        return FAST_NEXT;
    }
    m = f->code + f->marks[target].first;
    goto *labels[m->code];
do_halt:
    fast_account(f, &start, m->c + 1, 0);
    f->pc = (int64_t)m->c + 1;
    return FAST_HALT;
do_pause:
    fast_account(f, &start, m->c + 1, 0);
    f->pc = (int64_t)m->c + 1;
    return FAST_PAUSE;
do_yield:
    fast_account(f, &start, m->c + 1, 0);
    f->pc = (int64_t)m->c + 1;
    return FAST_NEXT;
do_end:
    fast_account(f, &start, f->bundles, 0);
    f->pc = f->bundles;
    return FAST_NEXT;
oracle:
    f->pc = fast_bundle_of(f, m);
    fast_account(f, &start, (uint32_t)f->pc, 0);
    return FAST_ORACLE;
}

#pragma GCC diagnostic pop
