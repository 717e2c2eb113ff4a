/* Filling in the form that a superinstruction of predecode.h is. Between predecode.c and superinstruction.c.
 */
#ifndef SHEAF_SIM_ENGINE_SUPERINSTRUCTION_H
#define SHEAF_SIM_ENGINE_SUPERINSTRUCTION_H

#include "sim/engine/predecode.h"
#include "sim/engine/simulator.h"

/* The last spare words are for places that are not filled: a vector that they write, and
 * one that they read, which stays zero. (Reading what was written a moment ago in another
 * width would stall the host.) */
enum { BLOCK_BLANK = SIM_SPARE - 16, BLOCK_ZERO = SIM_SPARE - 8 };

/* A block with nothing in it, for a machine of so much scratch. */
struct superinstruction superinstruction_blank(uint32_t scratch);

/* The place for an operation that writes `n` words, or NULL: the dest, then the sources. */
uint32_t *superinstruction_operands(struct superinstruction *k, enum isa_op op, uint32_t n, uint32_t scratch);

#endif
