/* The labels a program is written with. */
#ifndef SHEAF_PROGRAM_ASM_LABELS_H
#define SHEAF_PROGRAM_ASM_LABELS_H

#include "sim/program/program.h"

/* Zero-initialise to start. */
struct asm_labels {
    VEC(struct prog_label) list; /* by bundle, those of one bundle as in the program */
    const char **of;             /* by bundle, the end included: its first label or NULL */
    struct arena arena;
};

/* The program's own labels, each spelling once, and one (L0, L1, ...) for every other
 * jump target from the first bundle to the end. False when out of memory. */
bool asm_labels_make(struct asm_labels *l, const struct prog *p);
void asm_labels_free(struct asm_labels *l);

#endif
