/* The evaluators of isa.def as inline functions isa_do_ID(a, b, c, k), for code
 * that knows the operation at compile time. isa_eval() dispatches over the same. */
#ifndef SHEAF_ISA_EVAL_H
#define SHEAF_ISA_EVAL_H

#include <stdint.h>

#define ISA_TRUTH(comparison) ((uint32_t)(comparison))
#define ISA_IF(comparison, value, other) ((comparison) ? (value) : (other))

#define ISA_BINARY(ID, name, partial, expression, doc)                                 \
    static inline uint32_t isa_do_##ID(uint32_t a, uint32_t b, uint32_t c, uint32_t k) \
    {                                                                                  \
        (void)c, (void)k;                                                              \
        return expression;                                                             \
    }
#define ISA_SLOT(ID, engine, name, kind, r0, r1, r2, r3, expression, doc)              \
    static inline uint32_t isa_do_##ID(uint32_t a, uint32_t b, uint32_t c, uint32_t k) \
    {                                                                                  \
        (void)a, (void)b, (void)c, (void)k;                                            \
        return expression;                                                             \
    }
#include "sim/isa/isa.def"

#undef ISA_TRUTH
#undef ISA_IF

#endif
