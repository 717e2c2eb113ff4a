/* The loop of the batch engine. Not a header in the usual sense: it defines one
 * function, BATCH_LOOP, and is included by each file that compiles an instance of it,
 * after BATCH_LOOP (its name) and BATCH_TARGET (its attributes) are defined.
 *
 * Direct threading, as in fast_loop.h; each handler is a loop over the tile's lanes,
 * written so that the compiler turns it into vector code: the expressions of isa.def
 * are scalar. A vector of the machine is eight rows, one after the other, hence one
 * long loop, unless it overlaps a source of its own; then it goes by way of `out`. */
#include <string.h>

#include "sim/batch_frame.h"
#include "sim/isa/eval.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* labels as values */

/* Iterations do not depend on each other, although the rows may be the same ones. */
#ifdef __clang__
#define APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define APART _Pragma("GCC ivdep")
#endif

enum { T = BATCH_LANES };

#define NEXT goto *labels[(++m)->code]
#define ROW(x) (s + (size_t)(x)*T)

/* Whether some lane's word is not below the limit. */
BATCH_TARGET static inline bool any_beyond(const uint32_t *row, uint32_t limit)
{
    uint32_t beyond = 0;
    for (unsigned t = 0; t < T; t++)
        beyond |= row[t] >= limit;
    return beyond;
}

BATCH_TARGET static inline bool any_zero(const uint32_t *rows, uint32_t n)
{
    uint32_t zero = 0;
    for (uint32_t t = 0; t < n * T; t++)
        zero |= rows[t] == 0;
    return zero;
}

/* Whether all lanes have the same word. */
BATCH_TARGET static inline bool is_uniform(const uint32_t *row)
{
    uint32_t differ = 0;
    const uint32_t first = row[0];
    for (unsigned t = 0; t < T; t++)
        differ |= row[t] ^ first;
    return !differ;
}

/* The lanes for which the loop leaves: those it calls odd. */
static uint64_t lanes_beyond(const uint32_t *row, uint32_t limit)
{
    uint64_t odd = 0;
    for (unsigned t = 0; t < T; t++)
        odd |= (uint64_t)(row[t] >= limit) << t;
    return odd;
}

static uint64_t lanes_with_zero(const uint32_t *rows, uint32_t n)
{
    uint64_t odd = 0;
    for (uint32_t t = 0; t < n * T; t++)
        odd |= (uint64_t)(rows[t] == 0) << t % T;
    return odd;
}

static uint64_t lanes_close(const uint32_t *a, const uint32_t *b, uint32_t c, uint32_t d)
{
    uint64_t odd = 0;
    for (unsigned t = 0; t < T; t++)
        odd |= (uint64_t)(a[t] - b[t] + c < d) << t;
    return odd;
}

BATCH_TARGET static inline bool any_close(const uint32_t *a, const uint32_t *b, uint32_t c, uint32_t d)
{
    uint32_t close = 0;
    for (unsigned t = 0; t < T; t++)
        close |= a[t] - b[t] + c < d;
    return close;
}

BATCH_TARGET static inline void copy(uint32_t *to, const uint32_t *from, uint32_t n)
{
    APART
    for (uint32_t t = 0; t < n * T; t++)
        to[t] = from[t];
}

/* n words from each lane's address on, all within memory; the address row may be one of
 * those written. */
BATCH_TARGET static inline void load(uint32_t *to, const uint32_t *mem, const uint32_t *address, uint32_t n)
{
    if (is_uniform(address)) {
        copy(to, mem + (size_t)address[0] * T, n);
        return;
    }
    size_t at[T];
    for (unsigned t = 0; t < T; t++)
        at[t] = (size_t)address[t] * T + t;
    for (uint32_t i = 0; i < n; i++)
        for (unsigned t = 0; t < T; t++)
            to[i * T + t] = mem[at[t] + i * T];
}

BATCH_TARGET static inline void store(uint32_t *mem, const uint32_t *address, const uint32_t *from,
                                      uint32_t n)
{
    if (is_uniform(address)) {
        copy(mem + (size_t)address[0] * T, from, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        for (unsigned t = 0; t < T; t++)
            mem[((size_t)address[t] + i) * T + t] = from[i * T + t];
}

/* Sources by role: what is handed over, and its word t of row i. */
#define ROWS_SRC(x) ROW(x)
#define ROWS_VSRC(x) ROW(x)
#define ROWS_LITERAL(x) NULL
#define ROWS_NONE(x) NULL
#define AT_SRC(x) (x)[t]
#define AT_VSRC(x) (x)[i * T + t]
#define AT_LITERAL(x) 0
#define AT_NONE(x) 0

/* n rows of each operation's results. No source is partly overwritten. */
#define ISA_BINARY(ID, name, partial, expression, doc)                                                       \
    BATCH_TARGET static inline void rows_##ID(uint32_t *d, const uint32_t *a, const uint32_t *b, uint32_t n) \
    {                                                                                                        \
        APART                                                                                                \
        for (uint32_t t = 0; t < n * T; t++)                                                                 \
            d[t] = isa_do_##ID(a[t], b[t], 0, 0);                                                            \
    }
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) DEFINE_##kind(ID, r1, r2, r3)
#define DEFINE_PURE(ID, r1, r2, r3)                                                              \
    BATCH_TARGET static inline void rows_##ID(uint32_t *d, const uint32_t *a, const uint32_t *b, \
                                              const uint32_t *c, uint32_t k, uint32_t n)         \
    {                                                                                            \
        (void)a, (void)b, (void)c, (void)k;                                                      \
        for (uint32_t i = 0; i < n; i++) {                                                       \
            uint32_t *const row = d + i * T;                                                     \
            APART                                                                                \
            for (uint32_t t = 0; t < T; t++)                                                     \
                row[t] = isa_do_##ID(AT_##r1(a), AT_##r2(b), AT_##r3(c), k);                     \
        }                                                                                        \
    }
#define DEFINE_LOAD(...)
#define DEFINE_VLOAD(...)
#define DEFINE_STORE(...)
#define DEFINE_VSTORE(...)
#define DEFINE_JUMP(...)
#define DEFINE_COND_JUMP(...)
#define DEFINE_COND_JUMP_REL(...)
#define DEFINE_JUMP_INDIRECT(...)
#define DEFINE_HALT(...)
#define DEFINE_PAUSE(...)
#define DEFINE_TRACE(...)
#define DEFINE_COREID(...)
#define DEFINE_COMPARE(...)
#define DEFINE_NOTHING(...)
#include "sim/isa/isa.def"

/* Leaves if some lane is odd; the exact set is found only then. */
#define CHECK(any, set)   \
    do {                  \
        if (any) {        \
            f->odd = set; \
            goto leave;   \
        }                 \
    } while (0)
#define CHECK_BELOW(row, limit) CHECK(any_beyond(row, limit), lanes_beyond(row, limit))
#define CHECK_DIVISOR_0(rows, n)
#define CHECK_DIVISOR_1(rows, n) CHECK(any_zero(rows, n), lanes_with_zero(rows, n))

BATCH_TARGET enum batch_exit BATCH_LOOP(struct batch_frame *f)
{
    static const void *const labels[MICRO_CODES] = {
#define ISA_BINARY(ID, name, partial, expression, doc) [OP_ALU_##ID] = &&do_alu_##ID,
#include "sim/isa/isa.def"
#define ISA_BINARY(ID, name, partial, expression, doc) \
    [OP_VALU_##ID] = &&do_valu_##ID, [MICRO_WIDE + OP_VALU_##ID] = &&do_wide_##ID,
#include "sim/isa/isa.def"
        [OP_VBROADCAST] = &&do_VBROADCAST,
        [MICRO_WIDE + OP_VBROADCAST] = &&do_wide_VBROADCAST,
        [OP_MULTIPLY_ADD] = &&do_MULTIPLY_ADD,
        [MICRO_WIDE + OP_MULTIPLY_ADD] = &&do_wide_MULTIPLY_ADD,
        [OP_VSELECT] = &&do_VSELECT,
        [MICRO_WIDE + OP_VSELECT] = &&do_wide_VSELECT,
        [OP_VLOAD] = &&do_vload,
        [MICRO_WIDE + OP_VLOAD] = &&do_wide_vload,
        [OP_VSTORE] = &&do_vstore,
        [MICRO_WIDE + OP_VSTORE] = &&do_wide_vstore,
        [OP_CONST] = &&do_CONST,
        [OP_SELECT] = &&do_SELECT,
        [OP_ADD_IMM] = &&do_ADD_IMM,
        [OP_LOAD] = &&do_load,
        [OP_STORE] = &&do_store,
        [OP_COREID] = &&do_coreid,
        [OP_JUMP] = &&do_jump,
        [OP_COND_JUMP] = &&do_cond_jump,
        [OP_JUMP_INDIRECT] = &&do_jump_indirect,
        [OP_HALT] = &&do_halt,
        [OP_PAUSE] = &&do_pause,
        [MICRO_COPY] = &&do_copy,
        [MICRO_COPY_8] = &&do_copy_8,
        [MICRO_COPY_N] = &&do_copy_n,
        [MICRO_CHECK] = &&do_check,
        [MICRO_CHECK_2] = &&do_check_2,
        [MICRO_CHECK_APART] = &&do_check_apart,
        [MICRO_CHECK_DIVISOR] = &&do_check_divisor,
        [MICRO_BLOCK_READ] = &&oracle,
        [MICRO_BLOCK_WRITE] = &&oracle,
        [MICRO_ORACLE] = &&oracle,
        [MICRO_YIELD] = &&oracle,
        [MICRO_END] = &&do_end,
    };
    struct fast_frame *const one = &f->one;
    uint32_t *const s = one->scratch, *const mem = one->mem;
    const uint32_t n = one->vlen;
    const struct micro *m = one->code + one->marks[one->pc].first;
    uint32_t start = (uint32_t)one->pc, target;
    uint32_t out[ISA_MAX_VLEN * T];
    goto *labels[m->code];

#define ISA_BINARY(ID, name, partial, expression, doc)        \
    do_alu_##ID : CHECK_DIVISOR_##partial(ROW(m->c), 1);      \
    rows_##ID(ROW(m->a), ROW(m->b), ROW(m->c), 1);            \
    NEXT;                                                     \
    do_valu_##ID : CHECK_DIVISOR_##partial(ROW(m->c), n);     \
    rows_##ID(out, ROW(m->b), ROW(m->c), n);                  \
    memcpy(ROW(m->a), out, n *T * sizeof *out);               \
    NEXT;                                                     \
    do_wide_##ID : CHECK_DIVISOR_##partial(ROW(m->c), LANES); \
    rows_##ID(ROW(m->a), ROW(m->b), ROW(m->c), LANES);        \
    NEXT;
#include "sim/isa/isa.def"

#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) SLOT_##kind(ID, r0, r1, r2, r3)
#define SLOT_PURE(ID, r0, r1, r2, r3) PURE_##r0(ID, r1, r2, r3)
#define PURE_DEST(ID, r1, r2, r3)                                                               \
    do_##ID : rows_##ID(ROW(m->a), ROWS_##r1(m->b), ROWS_##r2(m->c), ROWS_##r3(m->d), m->c, 1); \
    NEXT;
#define PURE_VDEST(ID, r1, r2, r3)                                                                    \
    do_##ID : rows_##ID(out, ROWS_##r1(m->b), ROWS_##r2(m->c), ROWS_##r3(m->d), 0, n);                \
    memcpy(ROW(m->a), out, n *T * sizeof *out);                                                       \
    NEXT;                                                                                             \
    do_wide_##ID : rows_##ID(ROW(m->a), ROWS_##r1(m->b), ROWS_##r2(m->c), ROWS_##r3(m->d), 0, LANES); \
    NEXT;
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
    CHECK_BELOW(ROW(m->b), m->c);
    load(ROW(m->a), mem, ROW(m->b), 1);
    NEXT;
do_vload:
    CHECK_BELOW(ROW(m->b), m->c);
    load(ROW(m->a), mem, ROW(m->b), n);
    NEXT;
do_wide_vload:
    CHECK_BELOW(ROW(m->b), m->c);
    load(ROW(m->a), mem, ROW(m->b), LANES);
    NEXT;
do_store:
    CHECK_BELOW(ROW(m->a), m->c);
    store(mem, ROW(m->a), ROW(m->b), 1);
    NEXT;
do_vstore:
    CHECK_BELOW(ROW(m->a), m->c);
    store(mem, ROW(m->a), ROW(m->b), n);
    NEXT;
do_wide_vstore:
    CHECK_BELOW(ROW(m->a), m->c);
    store(mem, ROW(m->a), ROW(m->b), LANES);
    NEXT;
do_coreid:
    for (unsigned t = 0; t < T; t++)
        ROW(m->a)[t] = one->core;
    NEXT;
do_copy:
    copy(ROW(m->a), ROW(m->b), 1);
    NEXT;
do_copy_8:
    copy(ROW(m->a), ROW(m->b), LANES);
    NEXT;
do_copy_n:
    copy(ROW(m->a), ROW(m->b), m->c);
    NEXT;
do_check_2:
    CHECK_BELOW(ROW(m->b), m->c + m->d);
do_check:
    CHECK_BELOW(ROW(m->a), m->c);
    NEXT;
do_check_apart:
    CHECK(any_close(ROW(m->a), ROW(m->b), m->c, m->d), lanes_close(ROW(m->a), ROW(m->b), m->c, m->d));
    NEXT;
do_check_divisor:
    CHECK_DIVISOR_1(ROW(m->a), m->c);
    NEXT;
do_cond_jump:
    if (!any_zero(ROW(m->a), 1))
        goto do_jump;
    if (!any_beyond(ROW(m->a), 1))
        NEXT;
    for (unsigned t = 0; t < T; t++)
        f->next[t] = ROW(m->a)[t] ? m->b : m->c + 1;
    goto part;
do_jump_indirect:
    target = ROW(m->a)[0];
    if (is_uniform(ROW(m->a)))
        goto jump;
    memcpy(f->next, ROW(m->a), sizeof f->next);
part:
    fast_account(one, &start, m->c + 1, 0);
    one->pc = m->c;
    return BATCH_PART;
do_jump:
    target = m->b;
jump:
    fast_account(one, &start, m->c + 1, target);
    if (target <= m->c) {
        one->loop_from = m->c;
        one->loop_to = target;
    }
    if (target >= one->bundles || !fast_fits(one, target)) {
        one->pc = target;
        return BATCH_NEXT;
    }
    m = one->code + one->marks[target].first;
    goto *labels[m->code];
do_halt:
    fast_account(one, &start, m->c + 1, 0);
    one->pc = (int64_t)m->c + 1;
    return BATCH_HALT;
do_pause:
    f->runs++;
    NEXT;
do_end:
    fast_account(one, &start, one->bundles, 0);
    one->pc = one->bundles;
    return BATCH_NEXT;
oracle:
    f->odd = BATCH_ALL;
leave:
    one->pc = fast_bundle_of(one, m);
    fast_account(one, &start, (uint32_t)one->pc, 0);
    return BATCH_LEAVE;
}

#pragma GCC diagnostic pop
