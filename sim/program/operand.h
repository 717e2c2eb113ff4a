/* Operands that are numbers: what each may be, what it is called in messages, and where it goes. */
#ifndef SHEAF_PROGRAM_OPERAND_H
#define SHEAF_PROGRAM_OPERAND_H

#include "sim/isa/isa.h"

struct operand_rule {
    int64_t low, high;
    const char *what;
};

/* Of a role that is neither a text nor keys. A literal may be of any size besides: see operand_fold. */
static inline struct operand_rule operand_rule(enum isa_role role)
{
    switch (role) {
    case ROLE_TARGET: return (struct operand_rule){INT64_MIN, INT64_MAX, "a bundle number"};
    case ROLE_RELATIVE: return (struct operand_rule){INT64_MIN, INT64_MAX, "a distance in bundles"};
    case ROLE_DEST:
    case ROLE_VDEST:
        return (struct operand_rule){INT32_MIN, INT32_MAX, "the destination, a scratch address (32 bit)"};
    case ROLE_SRC:
    case ROLE_VSRC: return (struct operand_rule){INT32_MIN, INT32_MAX, "a scratch address (32 bit)"};
    default: return (struct operand_rule){INT64_MIN, INT64_MAX, "a whole number"};
    }
}

/* A literal beyond 64 bits, given modulo 2^64: what is left of it on the machine. */
static inline int64_t operand_fold(uint64_t modulo)
{
    return (int64_t)(uint32_t)modulo;
}

static inline void operand_put(struct isa_slot *slot, unsigned i, enum isa_role role, int64_t value)
{
    if (isa_role_is_address(role))
        slot->arg[i] = (int32_t)value;
    else
        slot->literal = value;
}

#endif
