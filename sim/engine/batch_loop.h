/* The loop of the batch simulator. Not a header in the usual sense: it defines one
 * function, BATCH_LOOP, and is included by each file that compiles an instance of it,
 * after BATCH_LOOP (its name) and BATCH_TARGET (its attributes) are defined.
 *
 * Direct threading, as in fast_loop.h. A vector of the machine is that many rows, one
 * after the other, hence one long loop. */
#include <string.h>

#include "sim/engine/batch_rows.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* labels as values */

#define NEXT goto *labels[(++m)->code]
#define ROW(x) (s + (size_t)(x)*T)

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

/* Whether two runs of n rows have some in common, but are not the same. */
static inline bool overlap(uint32_t x, uint32_t y, uint32_t n)
{
    return x != y && x - y + n - 1 < 2 * n - 1;
}

/* A vector's n rows, from the sources that follow: at once, or by way of `out` where dest
 * overlaps one of them without being the same, or has a scalar among its words. An
 * operation that only copies its scalar takes no harm: every row is to be as that one is. */
#define VECTOR(ID, n, overlaps, ...)                 \
    if (overlaps) {                                  \
        rows_##ID(out, __VA_ARGS__, n);              \
        memcpy(ROW(m->a), out, (n)*T * sizeof *out); \
    } else {                                         \
        rows_##ID(ROW(m->a), __VA_ARGS__, n);        \
    }
#define OVERLAP(role, copies, x, n) \
    ((role) == ROLE_VSRC ? overlap(m->a, x, n) : (role) == ROLE_SRC && !(copies) && (x)-m->a < (n))
#define COPIES(expression) (sizeof #expression == sizeof "a" && #expression[0] == 'a')

/* Not in its streams. */
#define do_block_read oracle
#define do_block_write oracle
#define do_yield oracle

BATCH_TARGET enum batch_exit BATCH_LOOP(struct batch_frame *f)
{
    static const void *const labels[MICRO_CODES] = {
#define MICRO_LABEL(code, label) [code] = &&label,
#include "sim/engine/micro_labels.def"
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
    BINARY(ID, n);                                            \
    NEXT;                                                     \
    do_wide_##ID : CHECK_DIVISOR_##partial(ROW(m->c), LANES); \
    BINARY(ID, LANES);                                        \
    NEXT;                                                     \
    PART_##partial(ID)
#define BINARY(ID, n) VECTOR(ID, n, overlap(m->a, m->b, n) || overlap(m->a, m->c, n), ROW(m->b), ROW(m->c))
#define PART_0(ID) do_part_##ID : BINARY(ID, (uint32_t)m->d) NEXT;
#define PART_1(ID)
#include "sim/isa/isa.def"

#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) \
    SLOT_##kind(ID, COPIES(expression), r0, r1, r2, r3)
#define SLOT_PURE(ID, copies, r0, r1, r2, r3) SLOT_PURE_##r0(ID, copies, r1, r2, r3)
#define SLOT_PURE_DEST(ID, copies, r1, r2, r3)              \
    do_##ID : rows_##ID(ROW(m->a), SOURCES(r1, r2, r3), 1); \
    NEXT;
#define SLOT_PURE_VDEST(ID, copies, r1, r2, r3)                                         \
    do_##ID : VECTOR(ID, n, OVERLAPS(n, copies, r1, r2, r3), SOURCES(r1, r2, r3)) NEXT; \
    do_wide_##ID : VECTOR(ID, LANES, OVERLAPS(LANES, copies, r1, r2, r3), SOURCES(r1, r2, r3)) NEXT;
#define SOURCES(r1, r2, r3) ROW(m->b), ROW(MICRO_B(m, r1, r2, r3)), ROW(m->d), m->c
#define OVERLAPS(n, copies, r1, r2, r3)                                      \
    (OVERLAP(MICRO_ROLE_A(r1, r2, r3), copies, m->b, n) ||                   \
     OVERLAP(MICRO_ROLE_B(r1, r2, r3), copies, MICRO_B(m, r1, r2, r3), n) || \
     OVERLAP(MICRO_ROLE_C(r1, r2, r3), copies, m->d, n))
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
