/* The first builder: slots appended as written, one bundle at a time. It keeps
 * the books (scratch by name, shared constants, slot limits) and decides nothing. A
 * bundle may use what the one before it wrote: machines with latencies are an error.
 *
 *     struct asmb *a = asmb_create(&machine);
 *     const uint32_t x = asmb_scratch(a, "x", 1), seven = asmb_const(a, 7);
 *     asmb_emit(a, OP_ALU_ADD, x, x, seven);
 *     status = asmb_finish(a, &program, &diag);
 *
 * The first error is kept and makes every later call harmless; asmb_finish
 * reports it. */
#ifndef SHEAF_BUILDER_IR_ASSEMBLE_H
#define SHEAF_BUILDER_IR_ASSEMBLE_H

#include "sim/program/program.h"

struct asmb;

/* NULL when out of memory; every function takes that as the error it is. */
struct asmb *asmb_create(const struct isa_machine *machine);

/* The address of `words` new scratch words (0 after an error), named in the program. */
uint32_t asmb_scratch(struct asmb *a, const char *name, uint32_t words);

/* The address of a scratch word that holds `value` and must not be written. The
 * first use of a value emits a bundle that loads it, before the open bundle. */
uint32_t asmb_const(struct asmb *a, uint32_t value);

/* Closes the open bundle, if any, and opens one that asmb_slot adds to. */
void asmb_begin_bundle(struct asmb *a);

/* Adds a slot to the open bundle: asmb_slot(a, OP_ALU_ADD, dest, x, y), with the
 * operands in the order of the table. */
#define asmb_slot(a, ...)                               \
    asmb_slot_list((a), (const int64_t[]){__VA_ARGS__}, \
                   sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* A bundle of one slot. */
#define asmb_emit(a, ...) (asmb_begin_bundle(a), asmb_slot((a), __VA_ARGS__))

/* list[0] is the operation, the rest its operands. Texts (keys, comments) are not
 * supported. */
void asmb_slot_list(struct asmb *a, const int64_t *list, size_t n);

/* Ends the work: the program in *out, owned by the caller, or the first error with
 * *out NULL. The assembler is freed either way. */
enum status asmb_finish(struct asmb *a, struct prog **out, struct diag *d);

#endif
