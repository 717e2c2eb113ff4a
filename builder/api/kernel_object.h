/* What a public kernel is: shared by public.c, where it is written, and public_run.c,
 * where it is built and run. */
#ifndef SHEAF_BUILDER_API_KERNEL_OBJECT_H
#define SHEAF_BUILDER_API_KERNEL_OBJECT_H

#include "builder/api/sheaf_builder.h"
#include "builder/ir/ir.h"
#include "sim/public.h"

enum open_kind { OPEN_FOR, OPEN_DO, OPEN_IF };

/* A loop or a condition that is not closed yet. */
struct open_part {
    enum open_kind kind;
    uint32_t loop;              /* its region */
    uint32_t skip;              /* the ir's skip around it, IR_NONE: none */
    struct ir_val index, again; /* of a for: again != 0 computed from them at its end */
    uint32_t step;
    bool counted; /* `again` is the last index, not the bound */
};

struct sheaf_kernel {
    struct ir *ir;
    VEC(struct open_part) open; /* the innermost is last */
    /* Once built: */
    struct sheaf_program program;
    uint32_t *region_at; /* first bundle of each region, and the end */
    uint32_t *bounds;    /* of each region, in cycles */
};

/* Keeps a failure, unless there was one before. */
void kernel_fail(struct sheaf_kernel *k, enum status status, const struct diag *d);

#endif
