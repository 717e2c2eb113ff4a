/* Random kernels for the builder: drawn, evaluated directly, built, run, corrupted. */
#ifndef SHEAF_TESTS_RANDOM_IR_H
#define SHEAF_TESTS_RANDOM_IR_H

#include "builder/passes/emit.h"
#include "sim/base/random.h"

enum { RIR_MEM = 256, RIR_MAX_WORDS = 1536 };

/* The fuzzer stops with status 2 when there is no memory for it. */
void rir_need(bool good);

/* random_ir_draw.c: a machine, and a kernel for it. Its loops end, its addresses are
 * inside the memory of RIR_MEM words and keep what it promises of them; values that
 * come from words nobody has written do not reach memory. */
struct isa_machine rir_draw_machine(struct rng *r);
struct ir *rir_draw(struct rng *r, const struct isa_machine *machine);

/* random_ir_eval.c: the ir's own meaning, op after op, on a memory of RIR_MEM words.
 * False when an address is outside it or the work does not end: the drawn kernel is
 * to blame. */
bool rir_evaluate(const struct ir *ir, uint32_t *mem);

/* The program on the step simulator; false on a fault. *cycles may be NULL. */
bool rir_simulate(const struct prog *p, uint32_t *mem, uint64_t *cycles);

/* random_ir_corrupt.c: changes the program in one of the ways a builder could get it
 * wrong; what was changed, or NULL if there was nothing to change. rir_restore undoes it. */
struct rir_copy {
    VEC(struct isa_slot) slots;
    VEC(struct prog_group) groups;
    VEC(struct prog_bundle) bundles;
    VEC(struct emit_origin) origins;
};
void rir_save(const struct emitted *e, struct rir_copy *copy);
void rir_restore(struct emitted *e, struct rir_copy *copy);
const char *rir_corrupt(struct rng *r, struct emitted *e);

#endif
