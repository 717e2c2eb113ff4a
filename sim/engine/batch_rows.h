/* Part of batch_loop.h, and like it compiled once for each BATCH_TARGET: what is done to
 * rows, each a short loop over the tile's lanes, written so that the compiler turns it
 * into vector code: the expressions of isa.def are scalar. */
#include "sim/engine/batch_frame.h"
#include "sim/isa/eval.h"

/* Iterations do not depend on each other, although the rows may be the same ones. */
#ifdef __clang__
#define APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define APART _Pragma("GCC ivdep")
#endif

enum { T = BATCH_LANES };

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

/* A pure operation's source by its role, at lane t of row i. */
#define WORD_OF(role, rows) ((role) == ROLE_NONE ? 0 : (rows)[(role) == ROLE_VSRC ? i * T + t : t])

/* n rows of each operation's results. No source is partly overwritten. */
#define ISA_BINARY(ID, name, partial, expression, doc)                                                       \
    BATCH_TARGET static inline void rows_##ID(uint32_t *d, const uint32_t *a, const uint32_t *b, uint32_t n) \
    {                                                                                                        \
        APART                                                                                                \
        for (uint32_t t = 0; t < n * T; t++)                                                                 \
            d[t] = isa_do_##ID(a[t], b[t], 0, 0);                                                            \
    }
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc) DEFINE_##kind(ID, r1, r2, r3)
#define DEFINE_PURE(ID, r1, r2, r3)                                                                         \
    BATCH_TARGET static inline void rows_##ID(uint32_t *d, const uint32_t *a, const uint32_t *b,            \
                                              const uint32_t *c, uint32_t k, uint32_t n)                    \
    {                                                                                                       \
        (void)a, (void)b, (void)c, (void)k;                                                                 \
        for (uint32_t i = 0; i < n; i++) {                                                                  \
            uint32_t *const row = d + i * T;                                                                \
            APART                                                                                           \
            for (uint32_t t = 0; t < T; t++)                                                                \
                row[t] =                                                                                    \
                    isa_do_##ID(WORD_OF(MICRO_ROLE_A(r1, r2, r3), a), WORD_OF(MICRO_ROLE_B(r1, r2, r3), b), \
                                WORD_OF(MICRO_ROLE_C(r1, r2, r3), c), k);                                   \
        }                                                                                                   \
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
